"""The variants' networks, losses and updates in PyTorch, for torch_peer.py."""

import torch
import torch.nn.functional as F

from variants import ALPHA, BN_EPSILON, BN_MOMENTUM, EPSILON, SLOPE, is_buffer, networks


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
        options = {"fused": True, "capturable": self.captured} if cuda else {}
        return torch.optim.Adam(parameters, self.variant.learning_rate, self.variant.betas, EPSILON, **options)

    def compile(self):
        """Compiles the losses, forward and backward; gives the names of those that it can differentiate: not twice."""
        torch._dynamo.reset()  # what it compiled for other configurations counts towards a limit; their graphs do without it
        names = [name for name in self.losses if not (name == "critic_loss" and self.variant.penalised)]
        for name in names:
            self.losses[name] = torch.compile(self.losses[name], fullgraph=True, dynamic=False)
        return names

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
