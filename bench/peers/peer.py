"""A rival on a GPU: the same variants in another framework, timed, or run on given inputs.

    python3 peer.py bench --engine graph --variant wgan-gp --batch-size 64 --precision tf32    # one JSON line
    python3 peer.py bench --engine jax --serve                   # a line of JSON for each line of JSON on stdin
    python3 peer.py step --engine jax --variant wgan-gp --dtype float32 --in FILE --out FILE  # as libtorch's step
    python3 peer.py check --engines eager,graph,jax              # whether the engines compute the same

Engines: eager, graph, compile (torch_peer.py) and jax (jax_peer.py). A line of bench has iterations_per_second, the
windows' milliseconds an iteration with their median and min, images_per_second (real images through the critic), import_s
(from the start of the process to the framework and the data on the device), prepare_s (what this program takes to the end of
its first iteration, compilation included, without trials of other layouts) and peak_bytes; or error.
"""

import time

START = time.time()

import argparse  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import os  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import variants  # noqa: E402

ENGINES = ("eager", "graph", "compile", "jax")


def process_age():
    """Seconds since this process was started, the interpreter's own start included."""
    try:
        with open("/proc/self/stat") as stat, open("/proc/uptime") as uptime:
            ticks = int(stat.read().rpartition(")")[2].split()[19])
            return float(uptime.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
    except OSError:
        return time.time() - START


def open_peer(engine, device, limit):
    data, labels = variants.images(count=limit)
    if engine == "jax":
        import jax_peer

        return jax_peer.Peer(device, data, labels)
    import torch_peer

    return torch_peer.Peer(engine, device, data, labels)


class Bench:
    """Times programs, each prepared once."""

    def __init__(self, engine, device, limit):
        self.engine = engine
        self.peer = open_peer(engine, device, limit)
        self.import_s = process_age()
        self.prepared = {}

    def measure(self, variant, batch_size, precision, critic_steps=1, seconds=1.0):
        """Windows of iterations for so many seconds after a warm-up."""
        about = {"engine": self.engine, "variant": variant, "batch_size": batch_size, "precision": precision,
                 "critic_steps": critic_steps}  # fmt: skip
        key = (variant, batch_size, precision, critic_steps)
        try:
            if key not in self.prepared:
                self.prepared[key] = self.peer.prepare(variant, batch_size, precision, critic_steps)
            run, facts = self.prepared[key]
            windows = self.windows(run, seconds)
        except Exception as e:  # a framework's own, of any kind: said, and the others go on
            self.prepared.pop(key, None)
            return about | {"error": first_line(e)}
        median = statistics.median(windows)
        return about | facts | {
            "iterations_per_second": 1e3 / median,
            "images_per_second": 1e3 / median * batch_size * critic_steps,
            "median_ms": median,
            "min_ms": min(windows),
            "windows_ms": windows,
            "import_s": self.import_s,
        }  # fmt: skip

    def windows(self, run, seconds):
        def window(n):
            start = time.perf_counter()
            done = run(n)
            self.peer.wait()
            return (time.perf_counter() - start) * 1e3, done

        # Warm up, and find how many iterations a tenth of a second has.
        n, begin = 1, time.perf_counter()
        while True:
            ms, done = window(n)
            if ms >= 50 or time.perf_counter() - begin > seconds:
                break
            n *= 2
        n = max(1, round(n * 100 / ms))
        times, begin = [], time.perf_counter()
        while not times or time.perf_counter() - begin < seconds:
            ms, done = window(n)
            times.append(ms / done)
        return times


def bench(args):
    timer = Bench(args.engine, args.device, args.limit)
    if not args.serve:
        requests = [{"variant": args.variant, "batch_size": args.batch_size, "precision": args.precision,
                     "critic_steps": args.critic_steps, "seconds": args.seconds}]  # fmt: skip
    else:
        print(json.dumps({"engine": args.engine, "ready": True} | timer.peer.about()), flush=True)
        requests = (json.loads(line) for line in sys.stdin)
    failed = False
    for request in requests:
        result = timer.measure(**request)
        failed = "error" in result
        print(json.dumps(result), flush=True)
    return int(failed and not args.serve)


def step(args):
    given = variants.read_tensors(args.input)
    results = open_peer(args.engine, args.device, 1).step(args.variant, given, args.dtype)
    variants.write_tensors(args.output, results)
    return 0


def check(args):
    """Holds each engine's losses in float32 to those of eager PyTorch in float64 on the CPU; a JSON line each."""
    failed = False
    for name in args.variants.split(","):
        given = given_inputs(variants.VARIANTS[name])
        exact = open_peer("eager", "cpu", 1).step(name, given, "float64")
        for engine in args.engines.split(","):
            result = {"check": "peer", "engine": engine, "variant": name}
            try:
                got = open_peer(engine, args.device, 1).step(name, given, "float32")
                differences = [
                    float(abs(g - w) / max(1.0, abs(w)))
                    for loss, want in exact.items() if "." not in loss
                    for g, w in zip(got[loss], want, strict=True)
                ]  # fmt: skip
                # max() alone would pass over a NaN that is not the first.
                result["worst"] = max(differences) if all(map(math.isfinite, differences)) else math.inf
                result["ok"] = result["worst"] < args.tolerance
            except Exception as e:  # said, and the others go on
                result |= {"ok": False, "error": first_line(e)}
            failed |= not result["ok"]
            print(json.dumps(result), flush=True)
    return int(failed)


def given_inputs(variant, iterations=3, batch=16, critic_steps=2):
    """First values, batches and noise by name, as a file for the command step has them."""
    import numpy as np

    random = np.random.default_rng(7)
    conditional = variant.name == "cvae-gan"
    n = iterations * (1 if conditional else critic_steps)
    pixels, labels = variants.images(count=n * batch)
    pixels = pixels.reshape(n, batch, variants.PIXELS) / (255 if conditional else 127.5)
    given = variants.initial(variant) | {
        "real": pixels if conditional else pixels - 1,
        "z_critic": random.standard_normal((n, batch, variants.LATENT)),
        "z_code" if conditional else "z_generator": random.standard_normal((iterations, batch, variants.LATENT)),
    }
    if conditional:
        given["classes"] = np.eye(variants.CLASSES)[labels].reshape(n, batch, variants.CLASSES)
    if variant.penalised:
        given["alpha"] = random.random((n, batch))
    return given


def first_line(e):
    """An exception of any framework in a line."""
    return f"{type(e).__name__}: " + (str(e).strip().splitlines() or [""])[0]


def main():
    parser = argparse.ArgumentParser(prog="peer.py", description="Times a rival; see the top of the file.")
    commands = parser.add_subparsers(required=True)
    for name, function in (("bench", bench), ("step", step), ("check", check)):
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        command.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
        if name == "check":
            command.add_argument("--engines", default="eager,graph,jax")
            command.add_argument("--variants", default=",".join(variants.VARIANTS))
            command.add_argument("--tolerance", type=float, default=1e-3)
            continue
        command.add_argument("--engine", choices=ENGINES, required=True)
        command.add_argument("--variant", choices=tuple(variants.VARIANTS), default="wgan-gp")
        if name == "step":
            command.add_argument("--dtype", choices=("float32", "float64"), default="float32")
            command.add_argument("--in", dest="input", required=True)
            command.add_argument("--out", dest="output", required=True)
        else:
            command.add_argument("--serve", action="store_true")
            command.add_argument("--batch-size", type=int, default=64)
            command.add_argument("--critic-steps", type=int, default=1)
            command.add_argument("--precision", choices=("fp32", "tf32", "bf16"), default="tf32")
            command.add_argument("--seconds", type=float, default=1.0)
            command.add_argument("--limit", type=int, default=60_000, help="images of the data set")
    args = parser.parse_args()
    return args.function(args)


if __name__ == "__main__":
    sys.exit(main())
