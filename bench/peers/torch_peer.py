"""The variants in PyTorch, as somebody would write them who wants them fast.

Engines: eager; graph, a CUDA graph of the whole iteration; compile, the same graph with losses that torch.compile compiled,
all but the penalised critic's: what it compiles cannot be differentiated twice. The data set lies on the device as bytes, an
iteration gathers its batches there and draws its noise there, and reads nothing back. Only the parameters that are updated
get gradients; Adam is the fused one, RMSprop the multi-tensor one. With bf16 the forward passes are autocast.
"""

import time

import torch
import torch.nn.functional as F

from torch_training import Training
from variants import CLASSES, LATENT, VARIANTS, initial

WARM_UP = 5  # iterations before a capture, which lets libraries choose and allocate


def set_precision(precision):
    """fp32, tf32 or bf16 (tf32 in what is not autocast)."""
    allowed = precision != "fp32"
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def seen_precision(device):
    """What a product of matrices and a convolution really round their operands to: fp32 or tf32, each."""
    x = torch.full((512, 512), 1 + 2.0**-12, device=device)  # tf32 makes 1 of it
    product = (x @ torch.eye(512, device=device))[0, 0].item()
    image = torch.full((8, 64, 16, 16), 1 + 2.0**-12, device=device)
    kernel = torch.zeros(64, 64, 3, 3, device=device)
    kernel[:, 0, 1, 1] = 1
    convolved = F.conv2d(image, kernel, padding=1)[0, 0, 8, 8].item()
    return {name: "fp32" if value > 1 + 2.0**-13 else "tf32" for name, value in (("matmul", product), ("conv", convolved))}


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
    try:
        graph = torch.cuda.CUDAGraph(keep_graph=True)
        kept = True
    except TypeError:  # PyTorch before 2.8
        graph = torch.cuda.CUDAGraph()
        kept = False
    with torch.cuda.graph(graph):
        iteration()
    if kept:
        graph.instantiate()
    return graph


def count_nodes(graph):
    """How many nodes a captured graph has; None where nothing here can tell."""
    try:
        from cuda.bindings import runtime
    except ImportError:
        return None
    if not hasattr(graph, "raw_cuda_graph"):  # PyTorch before 2.8
        return None
    error, _, count = runtime.cudaGraphGetNodes(graph.raw_cuda_graph())
    return None if int(error) else int(count)


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

        A convolutional variant's layout, contiguous or channels last, is the one that a short trial found faster. prepare_s
        is what the first of them takes: the one that loads the libraries.
        """
        trials = []
        prepare_s = None
        layouts = (False, True) if VARIANTS[variant].convolutional else (False,)
        for channels_last in layouts:
            start = time.perf_counter()
            run, facts = self._prepare(variant, batch, precision, critic_steps, channels_last)
            run(1)
            self.wait()
            if prepare_s is None:
                prepare_s = time.perf_counter() - start
            run(1)
            self.wait()
            start = time.perf_counter()
            if len(layouts) > 1:
                run(20 if self.device == "cuda" else 1)
                self.wait()
            trials.append((time.perf_counter() - start, run, facts))
        _, run, facts = min(trials, key=lambda trial: trial[0])
        if self.device == "cuda":
            set_precision(precision)
            facts["seen_precision"] = seen_precision(self.device)
        return run, facts | {"prepare_s": prepare_s}

    def _prepare(self, variant, batch, precision, critic_steps, channels_last):
        set_precision(precision)
        facts = {"layout": "channels last" if channels_last else "contiguous"}
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
            already = torch.cuda.memory_allocated()
        training = Training(VARIANTS[variant], initial(VARIANTS[variant]), self.device, torch.float32, critic_steps,
                            precision, channels_last, self.captured)  # fmt: skip
        inputs = Inputs(self.data, self.labels, batch, training.conditional, self.captured)
        if self.compiled:
            facts["compiled"] = training.compile()

        def before():
            inputs.before(training.critic_steps)

        def iteration():
            training.iteration(inputs)

        replay = iteration
        if self.captured:
            graph = capture(iteration, before)
            replay, facts["nodes"] = graph.replay, count_nodes(graph)
        if self.device == "cuda":
            torch.cuda.synchronize()
            iteration_bytes = torch.cuda.max_memory_allocated() - already
            facts["peak_bytes"] = iteration_bytes + self.data.nbytes + inputs.order.nbytes

        def run(n):
            set_precision(precision)  # the process's: another program may have been prepared since
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
