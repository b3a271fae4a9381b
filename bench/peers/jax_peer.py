"""The variants in JAX: an epoch of iterations is one jitted lax.scan, its state donated.

Everything is in the scan: the data set's bytes are gathered on the device in an order drawn anew for each epoch, noise is
drawn by the device's own generator (rbg, which is faster there than the default), optimisers are written out below. bf16
casts the operands of products and convolutions as autocast does; parameters stay float32.
"""

import functools
import math
import os
import time

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # memory is measured, and others use the device too

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax import lax  # noqa: E402

from variants import (  # noqa: E402
    ALPHA, BN_EPSILON, BN_MOMENTUM, CLASSES, EPSILON, LATENT, SLOPE, VARIANTS, initial, is_buffer, networks,
)  # fmt: skip

# What products and convolutions of float32 operands may round these to.
PRECISIONS = {"fp32": "float32", "tf32": "tensorfloat32", "bf16": "tensorfloat32"}


def max_pool(x):
    """Of 2 x 2; where some are equal the first one counts, as in PyTorch."""
    a, b, c, d = x[:, :, ::2, ::2], x[:, :, ::2, 1::2], x[:, :, 1::2, ::2], x[:, :, 1::2, 1::2]
    above, below = jnp.where(a >= b, a, b), jnp.where(c >= d, c, d)
    return jnp.where(above >= below, above, below)


def batch_norm(x, tensors, name):
    """y, and the running statistics that follow the batch's."""
    axes, per_channel = ((0, 2, 3), (1, -1, 1, 1)) if x.ndim == 4 else ((0,), (1, -1))
    mean, variance = jnp.mean(x, axes), jnp.var(x, axes)
    count = math.prod(x.shape) // x.shape[1]
    scale = tensors[name + ".weight"] / jnp.sqrt(variance + BN_EPSILON)
    shift = tensors[name + ".bias"] - mean * scale
    running = {
        f"{name}.running_{part}": (1 - BN_MOMENTUM) * tensors[f"{name}.running_{part}"] + BN_MOMENTUM * seen
        for part, seen in (("mean", mean), ("var", variance * (count / (count - 1))))
    }
    return x * scale.reshape(per_channel) + shift.reshape(per_channel), lax.stop_gradient(running)


class Networks:
    """A variant's networks as functions of tensors by name. compute: what products and convolutions take."""

    def __init__(self, variant, compute):
        self.layers = networks(variant)
        self.compute = compute

    def __call__(self, network, tensors, x):
        """The last layer's output, and the buffers that changed."""
        buffers = {}
        for kind, *rest in self.layers[network]:
            if kind == "view":
                x = x.reshape(x.shape[0], *rest[0])
            elif kind == "pool":
                x = max_pool(x)
            elif kind == "relu":
                x = jnp.maximum(x, 0)
            elif kind == "leaky_relu":
                x = jnp.where(x > 0, x, SLOPE * x)
            elif kind == "tanh":
                x = jnp.tanh(x)
            elif kind == "sigmoid":
                x = jax.nn.sigmoid(x)
            elif kind == "batch_norm":
                x, running = batch_norm(x, tensors, rest[0])
                buffers |= running
            else:
                x = self._weighted(kind, tensors[rest[0] + ".weight"], tensors[rest[0] + ".bias"], rest[1:], x)
        return x, buffers

    def _weighted(self, kind, weight, bias, places, x):
        out = bias.dtype
        w, x = (weight, x) if self.compute is None else (weight.astype(self.compute), x.astype(self.compute))
        if kind == "linear":
            return (x @ w.T).astype(out) + bias
        stride, padding = places
        if kind == "conv":
            y = lax.conv_general_dilated(x, w, (stride, stride), [(padding, padding)] * 2,
                                         dimension_numbers=("NCHW", "OIHW", "NCHW"))  # fmt: skip
        else:  # the transpose: a convolution of the dilated input with the kernel turned round
            edge = w.shape[2] - 1 - padding
            y = lax.conv_general_dilated(x, jnp.flip(w, (2, 3)), (1, 1), [(edge, edge)] * 2, lhs_dilation=(stride, stride),
                                         dimension_numbers=("NCHW", "IOHW", "NCHW"))  # fmt: skip
        return y.astype(out) + bias.reshape(1, -1, 1, 1)


def bce(logits, target):
    return jnp.mean(jax.nn.softplus(logits) - target * logits)


def cross_entropy(logits, classes):
    return -jnp.mean(jnp.sum(classes * jax.nn.log_softmax(logits), 1))


def norms(slopes):
    """Of the rows; where one is 0 its derivative is 0."""
    squares = jnp.sum(slopes * slopes, 1)
    zero = squares == 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, squares)))


class Training:
    """The updates of an iteration, as functions of a state: {"tensors", and by optimiser the moments and the count}."""

    def __init__(self, variant, critic_steps, compute=None):
        self.variant = variant
        self.conditional = variant.name == "cvae-gan"
        self.critic_steps = 1 if self.conditional else critic_steps
        self.run = Networks(variant, compute)
        self.owners = ("classifier", "critic", "generator") if self.conditional else ("critic", "generator")

    def _owner(self, name):
        network = name.partition(".")[0]
        return network if network in self.owners else "generator"  # the encoder and the decoder

    def state(self, values):
        tensors = {name: jnp.asarray(value) for name, value in values.items()}
        state = {"tensors": tensors}
        for owner in self.owners:
            zeros = {n: jnp.zeros_like(t) for n, t in tensors.items() if not is_buffer(n) and self._owner(n) == owner}
            state[owner] = {"squares": zeros, "count": jnp.zeros((), jnp.int32)}
            if not self.variant.clipped:
                state[owner]["means"] = {name: jnp.zeros_like(zero) for name, zero in zeros.items()}
        return state

    # The losses: of the trained parameters, everything else, inputs; each with what it found.

    def _critic_loss(self, trained, tensors, real, fake, alpha):
        tensors = tensors | trained
        scores, _ = self.run("critic", tensors, jnp.concatenate((real, fake)))
        on_real, on_fake = jnp.split(scores, 2)
        if self.variant.objective == "minimax":
            loss = bce(on_real, 1) + bce(on_fake, 0)
            return loss, {"critic_loss": loss}
        loss = on_fake.mean() - on_real.mean()
        if not self.variant.penalised:
            return loss, {"critic_loss": loss}
        mixed = fake + alpha[:, None] * (real - fake)
        slopes = jax.grad(lambda x: self.run("critic", tensors, x)[0].sum())(mixed)
        penalty = jnp.mean((norms(slopes) - 1) ** 2)
        loss = loss + self.variant.penalty * penalty
        return loss, {"critic_loss": loss, "critic_penalty": penalty}

    def _generator_loss(self, trained, tensors, z):
        tensors = tensors | trained
        fake, buffers = self.run("generator", tensors, z)
        scores, _ = self.run("critic", tensors, fake)
        loss = bce(scores, 1) if self.variant.objective == "minimax" else -scores.mean()
        return loss, ({"generator_loss": loss}, buffers)

    def _classifier_loss(self, trained, tensors, real, classes):
        loss = cross_entropy(self.run("classifier", tensors | trained, real)[0], classes)
        return loss, {"classifier_loss": loss}

    def _vae_loss(self, trained, tensors, real, classes, noise):
        tensors = tensors | trained
        features, buffers = self.run("encoder", tensors, real)
        mean, log_scale = (self.run(head, tensors, features)[0] for head in ("mean", "log_scale"))
        code = mean + noise * jnp.exp(log_scale)
        made, _ = self.run("decoder", tensors, jnp.concatenate((code, classes), 1))
        batch = real.shape[0]
        likely = real * jnp.maximum(jnp.log(made), -100) + (1 - real) * jnp.maximum(jnp.log1p(-made), -100)
        terms = {
            "reconstruction_loss": -likely.sum() / batch,
            "divergence": (1 + 2 * log_scale - mean**2 - jnp.exp(2 * log_scale)).sum() * (-0.5 / batch),
            "generator_loss": bce(self.run("critic", tensors, made)[0], 1),
            "class_loss": cross_entropy(self.run("classifier", tensors, made)[0], classes),
        }
        return sum(w * term for w, term in zip(self.variant.weights, terms.values())), (terms, buffers)

    # The updates.

    def _update(self, state, owner, loss, *inputs):
        """The state after an update of an owner's parameters, and what the loss found."""
        trained = {name: state["tensors"][name] for name in state[owner]["squares"]}
        slopes, found = jax.grad(loss, has_aux=True)(trained, state["tensors"], *inputs)
        moved, moments = self._descend(trained, slopes, state[owner])
        if owner == "critic" and self.variant.clipped:
            clip = self.variant.clip
            moved = {n: jnp.clip(t, -clip, clip) if n.endswith(".weight") else t for n, t in moved.items()}
        return state | {"tensors": state["tensors"] | moved, owner: moments}, found

    def _descend(self, trained, slopes, moments):
        """Adam (Kingma and Ba 2015), or where the critic is clipped RMSprop (Tieleman and Hinton 2012)."""
        v, rate = self.variant, self.variant.learning_rate
        count = moments["count"] + 1
        if v.clipped:
            squares = {n: ALPHA * s + (1 - ALPHA) * slopes[n] ** 2 for n, s in moments["squares"].items()}
            moved = {n: t - rate * slopes[n] / (jnp.sqrt(squares[n]) + EPSILON) for n, t in trained.items()}
            return moved, {"squares": squares, "count": count}
        b1, b2 = v.betas
        means = {n: b1 * m + (1 - b1) * slopes[n] for n, m in moments["means"].items()}
        squares = {n: b2 * s + (1 - b2) * slopes[n] ** 2 for n, s in moments["squares"].items()}
        some = next(iter(trained.values())).dtype
        correction1, correction2 = (1 - jnp.power(jnp.asarray(b, some), count.astype(some)) for b in (b1, b2))
        moved = {
            n: t - rate / correction1 * means[n] / (jnp.sqrt(squares[n]) / jnp.sqrt(correction2) + EPSILON)
            for n, t in trained.items()
        }
        return moved, {"squares": squares, "means": means, "count": count}

    def iteration(self, state, inputs):
        """The state after an iteration, and what it found; inputs: lists real, classes, z_critic, alpha, and z_generator."""
        found = []
        for real, classes, z, alpha in zip(*(inputs[n] for n in ("real", "classes", "z_critic", "alpha"))):
            if self.conditional:
                state, f = self._update(state, "classifier", self._classifier_loss, real, classes)
                found.append(f)
                fake, _ = self.run("decoder", state["tensors"], jnp.concatenate((z, classes), 1))
            else:
                fake, buffers = self.run("generator", state["tensors"], z)
                state = state | {"tensors": state["tensors"] | buffers}
            state, f = self._update(state, "critic", self._critic_loss, real, fake, alpha)
            found.append(f)
        last = (self._vae_loss, real, classes) if self.conditional else (self._generator_loss,)
        state, (f, buffers) = self._update(state, "generator", *last, inputs["z_generator"])
        found.append(f)
        return state | {"tensors": state["tensors"] | buffers}, found


class Peer:
    """JAX with the data set on its device."""

    def __init__(self, device, data, labels):
        jax.config.update("jax_platforms", device)
        self.device = jax.devices()[0]
        if device == "cuda":
            jax.config.update("jax_default_prng_impl", "rbg")
        self.data, self.labels = jnp.asarray(data), jnp.asarray(labels)
        self.state = None
        self.wait()

    def wait(self):
        jax.block_until_ready((self.data, self.state))

    def about(self):
        return {"framework": "jax " + jax.__version__, "gpu": self.device.device_kind}

    def prepare(self, variant, batch, precision, critic_steps):
        """A function that runs about n iterations, whole epochs, and gives how many; and facts about it."""
        begin = time.perf_counter()
        v = VARIANTS[variant]
        already = self._bytes("bytes_in_use")
        training = Training(v, critic_steps, jnp.bfloat16 if precision == "bf16" else None)
        state = training.state(initial(v))
        k = training.critic_steps
        iterations = len(self.data) // (batch * k)

        def draw(key, rows, data, labels):
            noise, weights, last = jax.random.split(key, 3)
            x = data[rows].astype(jnp.float32)  # [k, batch, pixels]
            classes = jax.nn.one_hot(labels[rows], CLASSES) if training.conditional else jnp.zeros((k, 0))
            return {
                "real": x * (1 / 255) if training.conditional else x * (1 / 127.5) - 1,
                "classes": classes,
                "z_critic": jax.random.normal(noise, (k, batch, LATENT)),
                "alpha": jax.random.uniform(weights, (k, batch)) if v.penalised else jnp.zeros((k, 0)),
                "z_generator": jax.random.normal(last, (batch, LATENT)),
            }

        @functools.partial(jax.jit, donate_argnums=0)
        def epoch(state, key, data, labels):
            shuffle, noise = jax.random.split(key)
            order = jax.random.permutation(shuffle, len(data))[: iterations * k * batch]
            xs = (order.reshape(iterations, k, batch), jax.random.split(noise, iterations))

            def body(state, x):
                rows, key = x
                return training.iteration(state, draw(key, rows, data, labels))[0], None

            return lax.scan(body, state, xs)[0]

        with jax.default_matmul_precision(PRECISIONS[precision]):
            compiled = epoch.lower(state, jax.random.key(0), self.data, self.labels).compile()
        held = [state]
        keys = iter(range(1, 1 << 62))

        def run(n):
            epochs = -(-n // iterations)
            for _ in range(epochs):
                held[0] = compiled(held[0], jax.random.key(next(keys)), self.data, self.labels)
            self.state = held[0]
            return epochs * iterations

        compiled_s = time.perf_counter() - begin
        run(1)
        self.wait()
        epoch_s = time.perf_counter() - begin - compiled_s
        facts = {"layout": "XLA's", "iterations_per_call": iterations, "prepare_s": compiled_s + epoch_s / iterations}
        peak = self._bytes("peak_bytes_in_use")
        if peak is not None:  # the peak is the process's: right for its first program, at least that for others
            facts["peak_bytes"] = peak - already + self.data.nbytes
            facts["seen_precision"] = self._seen_precision(precision)
        return run, facts

    def _bytes(self, name):
        return (self.device.memory_stats() or {}).get(name)

    @staticmethod
    def _seen_precision(precision):
        """What a product of matrices and a convolution really round their operands to: fp32 or tf32, each."""
        with jax.default_matmul_precision(PRECISIONS[precision]):
            x = jnp.full((512, 512), 1 + 2.0**-12)  # tf32 makes 1 of it
            product = jax.jit(jnp.matmul)(x, jnp.eye(512))[0, 0]
            kernel = jnp.zeros((64, 64, 3, 3)).at[:, 0, 1, 1].set(1)
            convolved = jax.jit(lambda x, w: lax.conv(x, w, (1, 1), "SAME"))(jnp.full((8, 64, 16, 16), 1 + 2.0**-12), kernel)
        values = (("matmul", product), ("conv", convolved[0, 0, 8, 8]))
        return {name: "fp32" if float(value) > 1 + 2.0**-13 else "tf32" for name, value in values}

    def step(self, variant, given, dtype):
        """Trains on inputs and first values by name, those of the file that libtorch's command step takes; gives the
        losses of each update and the tensors after the last, as that does."""
        jax.config.update("jax_enable_x64", dtype == "float64")
        given = {name: np.asarray(value, dtype) for name, value in given.items()}
        conditional = variant == "cvae-gan"
        last = given["z_code" if conditional else "z_generator"]
        k = len(given["real"]) // len(last)
        training = Training(VARIANTS[variant], k)
        results = {}
        with jax.default_matmul_precision("float32"):
            iteration = jax.jit(training.iteration)
            state = training.state({name: value for name, value in given.items() if "." in name})
            for i in range(len(last)):
                rows = slice(i * k, (i + 1) * k)
                nothing = np.zeros((k, 0), dtype)
                inputs = {n: jnp.asarray(given[n][rows]) if n in given else jnp.asarray(nothing)
                          for n in ("real", "classes", "z_critic", "alpha")}  # fmt: skip
                state, found = iteration(state, inputs | {"z_generator": jnp.asarray(last[i])})
                for one in found:
                    for name, value in one.items():
                        results.setdefault(name, []).append(float(value))
        return {name: np.array(values, dtype) for name, values in results.items()} | {
            name: np.asarray(tensor) for name, tensor in state["tensors"].items()
        }
