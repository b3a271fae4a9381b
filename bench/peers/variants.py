"""The variants as data, for every peer: networks, objectives, optimisers, first values, the data set. Needs numpy alone.

A network is a list of layers; a layer is a tuple of its kind and what it takes:

    ("linear", name)  ("view", shape of a sample)  ("batch_norm", name)  ("conv", name, stride, padding)
    ("deconv", name, stride, padding)  ("pool",)  ("relu",)  ("leaky_relu",)  ("tanh",)  ("sigmoid",)

Its tensors are named as in torch.nn.Sequential, generator.0.weight and so on, as in Kantor's checkpoints. Images come and
go flat, [B, pixels]. The numbers are those of the specification's seven variants.
"""

import gzip
import json
import os
import struct
from dataclasses import dataclass

import numpy as np

SIDE = 28
PIXELS = SIDE * SIDE
LATENT = 100
CLASSES = 10
SLOPE = 0.2  # of leaky ReLU
EPSILON = 1e-8  # Adam's and RMSprop's, outside the root
ALPHA = 0.99  # RMSprop's decay
BN_EPSILON = 1e-5
BN_MOMENTUM = 0.1


@dataclass(frozen=True)
class Variant:
    """What is trained. objective: minimax, clipped (Wasserstein, clipped weights), penalised (Wasserstein, penalty)."""

    name: str
    objective: str
    convolutional: bool
    learning_rate: float
    betas: tuple = (0.5, 0.999)
    clip: float = 0.05
    penalty: float = 10.0
    # Of the autoencoder's loss: reconstruction, divergence, adversarial, classification.
    weights: tuple = (1.0, 10.0, 2.0, 20.0)

    @property
    def penalised(self):
        return self.objective == "penalised"

    @property
    def clipped(self):
        return self.objective == "clipped"


VARIANTS = {
    v.name: v
    for v in (
        Variant("gan", "minimax", False, 2e-4),
        Variant("wgan", "clipped", False, 5e-5),
        Variant("wgan-gp", "penalised", False, 1e-4, (0.5, 0.9)),
        Variant("dcgan", "minimax", True, 2e-4),
        Variant("wdcgan", "clipped", True, 5e-5),
        Variant("wdcgan-gp", "penalised", True, 1e-4, (0.5, 0.9)),
        Variant("cvae-gan", "minimax", True, 2e-4),
    )
}


def mlp(network, last=None):
    """Layers 0, 2 and 4 of a generator or a critic, activations between."""
    activation = ("relu",) if network == "generator" else ("leaky_relu",)
    layers = []
    for i in (0, 2, 4):
        layers += [("linear", f"{network}.{i}"), activation]
    return layers[:-1] + ([last] if last else [])


def conv_critic(network):
    """Two convolutions, each with leaky ReLU and max pooling, then two linear layers; a classifier is the same."""
    return [
        ("view", (1, SIDE, SIDE)),
        ("conv", f"{network}.1", 1, 1), ("leaky_relu",), ("pool",),
        ("conv", f"{network}.4", 1, 1), ("leaky_relu",), ("pool",),
        ("view", (64 * PIXELS // 16,)),
        ("linear", f"{network}.8"), ("leaky_relu",),
        ("linear", f"{network}.10"),
    ]  # fmt: skip


CONV_GENERATOR = [
    ("linear", "generator.0"),
    ("view", (1, 2 * SIDE, 2 * SIDE)),
    ("batch_norm", "generator.2"), ("relu",),
    ("conv", "generator.4", 1, 1), ("batch_norm", "generator.5"), ("relu",),
    ("conv", "generator.7", 1, 1), ("batch_norm", "generator.8"), ("relu",),
    ("conv", "generator.10", 2, 1), ("tanh",),
    ("view", (PIXELS,)),
]  # fmt: skip

ENCODER = [
    ("view", (1, SIDE, SIDE)),
    ("conv", "encoder.0", 2, 1), ("batch_norm", "encoder.1"), ("leaky_relu",),
    ("conv", "encoder.3", 2, 1), ("batch_norm", "encoder.4"), ("leaky_relu",),
    ("conv", "encoder.6", 1, 1), ("batch_norm", "encoder.7"), ("leaky_relu",),
    ("view", (32 * PIXELS // 16,)),
]  # fmt: skip

DECODER = [
    ("linear", "decoder.0"),
    ("view", (32, SIDE // 4, SIDE // 4)),
    ("deconv", "decoder.2", 2, 1), ("relu",),
    ("deconv", "decoder.4", 2, 1), ("sigmoid",),
    ("view", (PIXELS,)),
]  # fmt: skip


def networks(variant):
    """Name to layers; the encoder's two heads are layers of their own."""
    if variant.name == "cvae-gan":
        return {
            "encoder": ENCODER,
            "mean": [("linear", "encoder.mean")],
            "log_scale": [("linear", "encoder.log_scale")],
            "decoder": DECODER,
            "critic": conv_critic("critic"),
            "classifier": conv_critic("classifier"),
        }
    if variant.convolutional:
        return {"generator": CONV_GENERATOR, "critic": conv_critic("critic")}
    return {"generator": mlp("generator", ("tanh",)), "critic": mlp("critic")}


def shapes(variant):
    """Tensor name to shape: weights [out, in, ...] (those of transposed convolutions [in, out, ...]), then biases."""
    all_shapes = {}

    def layer(name, *weight, biases=None):
        all_shapes[name + ".weight"] = weight
        all_shapes[name + ".bias"] = (biases or weight[0],)

    def norm(name, channels):
        for part in ("weight", "bias", "running_mean", "running_var"):
            all_shapes[f"{name}.{part}"] = (channels,)

    def critic(name, outputs):
        layer(name + ".1", 32, 1, 3, 3)
        layer(name + ".4", 64, 32, 3, 3)
        layer(name + ".8", 1024, 64 * PIXELS // 16)
        layer(name + ".10", outputs, 1024)

    if variant.name == "cvae-gan":
        flat = 32 * PIXELS // 16
        for i, (out, into) in {0: (16, 1), 3: (32, 16), 6: (32, 32)}.items():
            layer(f"encoder.{i}", out, into, 3, 3)
            norm(f"encoder.{i + 1}", out)
        layer("encoder.mean", LATENT, flat)
        layer("encoder.log_scale", LATENT, flat)
        layer("decoder.0", flat, LATENT + CLASSES)
        layer("decoder.2", 32, 16, 4, 4, biases=16)
        layer("decoder.4", 16, 1, 4, 4, biases=1)
        critic("critic", 1)
        critic("classifier", CLASSES)
    elif variant.convolutional:
        layer("generator.0", 4 * PIXELS, LATENT)
        norm("generator.2", 1)
        for i, (out, into) in {4: (64, 1), 7: (32, 64), 10: (1, 32)}.items():
            layer(f"generator.{i}", out, into, 3, 3)
            if i != 10:
                norm(f"generator.{i + 1}", out)
        critic("critic", 1)
    else:
        for network, sizes in {"generator": (LATENT, 256, 256, PIXELS), "critic": (PIXELS, 256, 256, 1)}.items():
            for i in range(3):
                layer(f"{network}.{2 * i}", sizes[i + 1], sizes[i])
    return all_shapes


def is_buffer(name):
    return ".running_" in name


def initial(variant, seed=1):
    """First values by name, the frameworks' defaults: uniform in +-1/sqrt(fan-in); norms 1 and 0. float32."""
    random = np.random.default_rng(seed)
    values, bound = {}, 0.0
    for name, shape in shapes(variant).items():
        if len(shape) > 1:
            bound = 1 / np.sqrt(np.prod(shape[1:]))  # transposed ones too, as in the frameworks
            values[name] = random.uniform(-bound, bound, shape)
        elif name.rpartition(".")[0] + ".running_mean" in shapes(variant):
            values[name] = np.full(shape, 1.0 if name.endswith(("weight", "running_var")) else 0.0)
        else:  # the bias of the layer above
            values[name] = random.uniform(-bound, bound, shape)
    return {name: np.ascontiguousarray(value, np.float32) for name, value in values.items()}


def images(count=60_000):
    """uint8 [count, 784] and labels int32 [count]: MNIST from a data folder (KANTOR_DATA), else bytes of which a fifth is not 0.

    The times do not depend on which.
    """
    folder = os.path.join(os.environ.get("KANTOR_DATA", ""), "mnist")
    found = []
    for name, header in (("train-images-idx3-ubyte", 16), ("train-labels-idx1-ubyte", 8)):
        for path, opened in ((os.path.join(folder, name), open), (os.path.join(folder, name + ".gz"), gzip.open)):
            if os.path.exists(path):
                with opened(path, "rb") as file:
                    found.append(np.frombuffer(file.read(), np.uint8, offset=header))
                break
    if len(found) == 2:
        return found[0].reshape(-1, PIXELS)[:count].copy(), found[1][:count].astype(np.int32)
    random = np.random.default_rng(1)
    drawn = random.integers(0, 256, (count, PIXELS), dtype=np.uint8)
    drawn[random.integers(0, 5, drawn.shape, dtype=np.uint8) > 0] = 0
    return drawn, random.integers(0, CLASSES, count, dtype=np.int32)


_TYPES = {"F32": np.float32, "F64": np.float64, "I32": np.int32, "I64": np.int64, "U8": np.uint8}


def read_tensors(path):
    """Name to array of a safetensors file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], _TYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
        for name, entry in header.items()
        if name != "__metadata__"
    }


def write_tensors(path, tensors):
    """Writes a safetensors file of float32 or float64 arrays."""
    header, parts, at = {}, [], 0
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array).tobytes()
        kind = {np.float32: "F32", np.float64: "F64"}[array.dtype.type]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + len(raw)]}
        parts.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
