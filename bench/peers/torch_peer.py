"""The variants in PyTorch, as somebody would write them who wants them fast.

Engines: eager; graph, a CUDA graph of the whole iteration; compile, the same graph of losses that torch.compile compiled
(which cannot differentiate twice, so not of the penalised variants). The data set lies on the device as bytes, an
iteration gathers its batches there and draws its noise there, and reads nothing back. Only the parameters that are updated
get gradients; Adam is the fused one, RMSprop the multi-tensor one. With bf16 the forward passes are autocast.
"""

import time

import torch
import torch.nn.functional as F

from variants import (
    ALPHA, BN_EPSILON, BN_MOMENTUM, CLASSES, EPSILON, LATENT, PIXELS, SLOPE, VARIANTS, initial, is_buffer, networks,
)  # fmt: skip

WARM_UP = 5  # iterations before a capture, which lets libraries choose and allocate


def set_precision(precision):
    """fp32, tf32 or bf16 (tf32 in what is not autocast)."""
    allowed = precision != "fp32"
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def seen_precision(device):
    """What a product of matrices and a convolution really round their operands to: fp32 or tf32, each."""
    x = torch.full((64, 64), 1 + 2.0**-12, device=device)
    product = (x @ torch.eye(64, device=device))[0, 0].item()
    image = torch.full((8, 64, 16, 16), 1 + 2.0**-12, device=device)
    kernel = torch.zeros(64, 64, 3, 3, device=device)
    kernel[:, 0, 1, 1] = 1
    convolved = F.conv2d(image, kernel, padding=1)[0, 0, 8, 8].item()
    return {name: "fp32" if value == 1 + 2.0**-12 else "tf32" for name, value in (("matmul", product), ("conv", convolved))}


class Network:
    """Layers that run on tensors by name."""

    def __init__(self, layers, tensors):
        self.steps = [self._step(layer, tensors) for layer in layers]
        named = [layer[1] for layer in layers if layer[0] in ("linear", "conv", "deconv", "batch_norm")]
        self.parameters = {f"{name}.{part}": tensors[f"{name}.{part}"] for name in named for part in ("weight", "bias")}
        clipped = [layer[1] for layer in layers if layer[0] in ("linear", "conv", "deconv")]
        self.weights = [tensors[name + ".weight"] for name in clipped]

    @staticmethod
    def _step(layer, tensors):
        kind, *rest = layer
        if kind == "view":
            shape = rest[0]
            return lambda x: x.reshape(x.shape[0], *shape)
        if kind in ("pool", "relu", "leaky_relu", "tanh", "sigmoid"):
            return {
                "pool": lambda x: F.max_pool2d(x, 2),
                "relu": F.relu,
                "leaky_relu": lambda x: F.leaky_relu(x, SLOPE),
                "tanh": torch.tanh,
                "sigmoid": torch.sigmoid,
            }[kind]
        w, b = (tensors[f"{rest[0]}.{part}"] for part in ("weight", "bias"))
        if kind == "linear":
            return lambda x: F.linear(x, w, b)
        if kind == "conv":
            return lambda x: F.conv2d(x, w, b, rest[1], rest[2])
        if kind == "deconv":
            return lambda x: F.conv_transpose2d(x, w, b, rest[1], rest[2])
        mean, variance = (tensors[f"{rest[0]}.running_{part}"] for part in ("mean", "var"))
        return lambda x: F.batch_norm(x, mean, variance, w, b, True, BN_MOMENTUM, BN_EPSILON)

    def __call__(self, x):
        for step in self.steps:
            x = step(x)
        return x


class Inputs:
    """An iteration's batches and noise, drawn on the device. Each epoch has an order of its own."""

    def __init__(self, data, labels, batch, conditional, captured):
        self.data, self.labels, self.batch, self.conditional = data, labels, batch, conditional
        self.device = data.device
        self.order = torch.randperm(len(data), device=self.device)
        self.per_epoch = len(data) // batch
        self.drawn = 0
        # In a graph the place in the order is a number on the device.
        self.place = torch.arange(batch, device=self.device) if captured else None

    def before(self, batches):
        """Called outside of a graph before an iteration of so many batches: a new order where this one is used up."""
        if self.drawn + batches > self.per_epoch:
            torch.randperm(len(self.data), out=self.order)
            if self.place is not None:
                self.place.copy_(torch.arange(self.batch, device=self.device))
            self.drawn = 0
        if self.place is not None:
            self.drawn += batches

    def rows(self):
        if self.place is None:
            rows = self.order.narrow(0, self.drawn * self.batch, self.batch)
            self.drawn += 1
            return rows
        rows = self.order.index_select(0, self.place)
        self.place.add_(self.batch)
        return rows

    def real(self):
        rows = self.rows()
        bytes_ = self.data.index_select(0, rows).float()
        if not self.conditional:
            return bytes_.mul_(1 / 127.5).sub_(1), None
        classes = F.one_hot(self.labels.index_select(0, rows), CLASSES).float()
        return bytes_.mul_(1 / 255), classes

    def noise(self, generator=False):  # generator: whether it is for its update
        return torch.randn(self.batch, LATENT, device=self.device)

    def alpha(self):
        return torch.rand(self.batch, device=self.device)


class GivenInputs:
    """Inputs by name, real [n * k, B, pixels] and so on, copied for each of n iterations to where a graph reads them."""

    def __init__(self, given, iterations):
        self.given = {name: value.reshape(iterations, -1, *value.shape[1:]) for name, value in given.items()}
        self.now = {name: value[0].clone() for name, value in self.given.items()}

    def load(self, i):
        for name, value in self.now.items():
            value.copy_(self.given[name][i])

    def begin(self):
        self.taken = dict.fromkeys(self.now, 0)

    def _next(self, name):
        self.taken[name] += 1
        return self.now[name][self.taken[name] - 1]

    def real(self):
        return self._next("real"), self._next("classes") if "classes" in self.now else None

    def noise(self, generator=False):
        return self._next("z_critic" if not generator else "z_code" if "z_code" in self.now else "z_generator")

    def alpha(self):
        return self._next("alpha")


class Training:
    """Networks, optimisers and the updates of an iteration."""

    def __init__(self, variant, values, device, dtype, critic_steps, precision, channels_last, captured):
        self.variant, self.values, self.captured = variant, values, captured
        self.critic_steps = 1 if self.conditional else critic_steps
        self.tensors = {}
        for name, value in values.items():
            tensor = torch.tensor(value, device=device, dtype=dtype)
            if channels_last and tensor.dim() == 4:
                tensor = tensor.contiguous(memory_format=torch.channels_last)
            self.tensors[name] = tensor.requires_grad_(not is_buffer(name))
        self.nets = {name: Network(layers, self.tensors) for name, layers in networks(variant).items()}
        self.device_type = torch.device(device).type
        self.autocast = precision == "bf16"
        self.losses = {name: getattr(self, "_" + name) for name in self.loss_names()}
        groups = {"classifier": ["classifier"], "critic": ["critic"],
                  "generator": ["encoder", "mean", "log_scale", "decoder"] if self.conditional else ["generator"]}  # fmt: skip
        self.parameters = {
            name: [p for net in nets for p in self.nets[net].parameters.values()]
            for name, nets in groups.items()
            if name != "classifier" or self.conditional
        }
        self.optimisers = {name: self._optimiser(parameters) for name, parameters in self.parameters.items()}

    @property
    def conditional(self):
        return self.variant.name == "cvae-gan"

    def loss_names(self):
        return ["classifier_loss", "critic_loss", "vae_loss"] if self.conditional else ["critic_loss", "generator_loss"]

    def _optimiser(self, parameters):
        cuda = self.device_type == "cuda"
        if self.variant.clipped:
            options = {"foreach": True, "capturable": self.captured} if cuda else {}
            return torch.optim.RMSprop(parameters, self.variant.learning_rate, ALPHA, EPSILON, **options)
        options = {"fused": True, "capturable": True} if cuda else {}
        return torch.optim.Adam(parameters, self.variant.learning_rate, self.variant.betas, EPSILON, **options)

    def compile(self):
        """Compiles the losses, forward and backward."""
        for name in self.losses:
            self.losses[name] = torch.compile(self.losses[name], fullgraph=True, dynamic=False)

    def reset(self):
        """Back to the first values."""
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                tensor.copy_(torch.as_tensor(self.values[name]))
                for optimiser in self.optimisers.values():
                    for state in optimiser.state.get(tensor, {}).values():
                        state.zero_()

    def _run(self, network, x):
        if not self.autocast:
            return self.nets[network](x)
        with torch.autocast(self.device_type, torch.bfloat16, cache_enabled=False):  # a cached weight would outlive a graph
            return self.nets[network](x).float()

    # The losses. Rows do not depend on each other, so one pass over real and generated images gives what two give.

    def _critic_loss(self, real, fake_inputs, alpha=None):
        with torch.no_grad():
            fake = self._run("decoder" if self.conditional else "generator", fake_inputs)
        scores = self._run("critic", torch.cat((real, fake)))
        on_real, on_fake = scores.chunk(2)
        if self.variant.objective == "minimax":
            return bce(on_real, 1) + bce(on_fake, 0), None
        loss = on_fake.mean() - on_real.mean()
        if not self.variant.penalised:
            return loss, None
        mixed = torch.lerp(fake, real, alpha.unsqueeze(1)).requires_grad_()
        (slopes,) = torch.autograd.grad(self._run("critic", mixed).sum(), mixed, create_graph=True)
        penalty = (slopes.norm(2, 1) - 1).square().mean()
        return loss + self.variant.penalty * penalty, penalty

    def _generator_loss(self, z):
        scores = self._run("critic", self._run("generator", z))
        return bce(scores, 1) if self.variant.objective == "minimax" else -scores.mean()

    def _classifier_loss(self, real, classes):
        return F.cross_entropy(self._run("classifier", real), classes)

    def _vae_loss(self, real, classes, noise):
        features = self._run("encoder", real)
        mean, log_scale = self._run("mean", features), self._run("log_scale", features)
        code = torch.addcmul(mean, noise, log_scale.exp())
        made = self._run("decoder", torch.cat((code, classes), 1))
        batch = len(real)
        terms = {
            "reconstruction_loss": F.binary_cross_entropy(made, real, reduction="sum") / batch,
            "divergence": (1 + 2 * log_scale - mean.square() - (2 * log_scale).exp()).sum() * (-0.5 / batch),
            "generator_loss": bce(self._run("critic", made), 1),
            "class_loss": F.cross_entropy(self._run("classifier", made), classes),
        }
        return sum(weight * term for weight, term in zip(self.variant.weights, terms.values())), terms

    # The updates.

    def _update(self, name, loss):
        for parameter in self.parameters[name]:
            parameter.grad = None
        loss.backward(inputs=self.parameters[name])
        self.optimisers[name].step()
        if name == "critic" and self.variant.clipped:
            with torch.no_grad():
                for weight in self.nets["critic"].weights:
                    weight.clamp_(-self.variant.clip, self.variant.clip)

    def iteration(self, inputs, found=None):
        """The updates of an iteration. found: called with the name and the tensor of everything worth looking at."""
        found = found or (lambda name, value: None)
        for _ in range(self.critic_steps):
            real, classes = inputs.real()
            if self.conditional:
                loss = self.losses["classifier_loss"](real, classes)
                self._update("classifier", loss)
                found("classifier_loss", loss)
            z = inputs.noise()
            loss, penalty = self.losses["critic_loss"](
                real,
                torch.cat((z, classes), 1) if self.conditional else z,
                inputs.alpha() if self.variant.penalised else None,
            )
            self._update("critic", loss)
            found("critic_loss", loss)
            if penalty is not None:
                found("critic_penalty", penalty)
        if self.conditional:
            loss, terms = self.losses["vae_loss"](real, classes, inputs.noise(generator=True))
            self._update("generator", loss)
            for name, term in terms.items():
                found(name, term)
        else:
            loss = self.losses["generator_loss"](inputs.noise(generator=True))
            self._update("generator", loss)
            found("generator_loss", loss)


def bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def capture(iteration, before=lambda: None):
    """A CUDA graph of one call, after some that warm up; before() is called ahead of each, outside of the graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            before()
            iteration()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        iteration()
    return graph


class Peer:
    """An engine with the data set on its device."""

    def __init__(self, engine, device, data, labels):
        if engine != "eager" and device != "cuda":
            raise ValueError(f"the engine {engine} needs a GPU; with --device {device} take eager or jax")
        self.captured, self.compiled = engine != "eager", engine == "compile"
        self.device = device
        torch.backends.cudnn.benchmark = True
        torch.manual_seed(1)
        self.data, self.labels = torch.as_tensor(data, device=device), torch.as_tensor(labels, device=device).long()
        self.wait()

    def wait(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    def about(self):
        about = {"framework": "torch " + torch.__version__}
        if self.device == "cuda":
            about |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(),
                      "gpu": torch.cuda.get_device_name()}  # fmt: skip
        return about

    def prepare(self, variant, batch, precision, critic_steps):
        """A function that runs about n iterations and gives how many, not waiting for them; and facts about it.

        A convolutional variant's layout, contiguous or channels last, is the one that a short trial found faster.
        """
        set_precision(precision)
        trials = []
        layouts = (False, True) if VARIANTS[variant].convolutional else (False,)
        for channels_last in layouts:
            run, facts = self._prepare(variant, batch, precision, critic_steps, channels_last)
            run(2)
            self.wait()
            start = time.perf_counter()
            if len(layouts) > 1:
                run(20 if self.device == "cuda" else 1)
                self.wait()
            trials.append((time.perf_counter() - start, run, facts))
        _, run, facts = min(trials, key=lambda trial: trial[0])
        if self.device == "cuda":
            facts["seen_precision"] = seen_precision(self.device)
        return run, facts

    def _prepare(self, variant, batch, precision, critic_steps, channels_last):
        facts = {"layout": "channels last" if channels_last else "contiguous"}
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
            already = torch.cuda.memory_allocated()
        training = Training(VARIANTS[variant], initial(VARIANTS[variant]), self.device, torch.float32, critic_steps,
                            precision, channels_last, self.captured)  # fmt: skip
        inputs = Inputs(self.data, self.labels, batch, training.conditional, self.captured)
        if self.compiled:
            training.compile()

        def before():
            inputs.before(training.critic_steps)

        def iteration():
            training.iteration(inputs)

        replay = capture(iteration, before).replay if self.captured else iteration
        if self.device == "cuda":
            torch.cuda.synchronize()
            iteration_bytes = torch.cuda.max_memory_allocated() - already
            facts["peak_bytes"] = iteration_bytes + self.data.nbytes + inputs.order.nbytes

        def run(n):
            for _ in range(n):
                before()
                replay()
            return n

        return run, facts

    def step(self, variant, given, dtype):
        """Trains on inputs and first values by name, those of the file that libtorch's command step takes; gives the
        losses of each update and the tensors after the last, as that does."""
        set_precision("fp32")
        dtype = getattr(torch, dtype)
        conditional = variant == "cvae-gan"
        iterations = len(given["z_code" if conditional else "z_generator"])
        values = {name: value for name, value in given.items() if "." in name}
        training = Training(VARIANTS[variant], values, self.device, dtype, len(given["real"]) // iterations, "fp32",
                            False, self.captured)  # fmt: skip
        given = {name: torch.as_tensor(value).to(self.device, dtype) for name, value in given.items() if "." not in name}
        inputs = GivenInputs(given, iterations)
        seen = {}

        def iteration():
            inputs.begin()
            seen.clear()
            training.iteration(inputs, lambda name, value: seen.setdefault(name, []).append(value.detach()))

        if self.captured:
            iteration = capture(iteration).replay
            training.reset()
        results = {}
        for i in range(iterations):
            inputs.load(i)
            iteration()
            for name, found in seen.items():
                results.setdefault(name, []).extend(value.item() for value in found)
        return {name: torch.tensor(found, dtype=dtype).numpy() for name, found in results.items()} | {
            name: tensor.detach().cpu().numpy() for name, tensor in training.tensors.items()
        }
