"""Kantor's matrix products and convolutions beside PyTorch's (cuBLAS and cuDNN), on the shapes of the variants.

    python3 ops.py --library libkantor.so [--device cuda:0] [--precision tf32] [--seconds 60]

A JSON line each: microseconds an op, of both the least of a few rounds that take turns, each a CUDA graph of the op many times
over; the share of the operands' difference; and first what the GPU reaches: products of large matrices by precision, a copy,
and a node of a graph that does nothing.
"""

import argparse
import json
import math
import sys
import time

import kantor_ops
import torch

ROUNDS = 3
REPEATS = 32


def gemm(name, m, n, k, transpose_a=False, transpose_b=False):
    a, b = ((k, m) if transpose_a else (m, k)), ((n, k) if transpose_b else (k, n))
    return {
        "name": f"{name}: gemm {m}x{n}x{k}",
        "op": "gemm",
        "shapes": [a, b, (m, n)],
        "attributes": [int(transpose_a), int(transpose_b), m, n, 0, 1, 0],
        "flops": 2 * m * n * k,
        "rival": lambda a, b: torch.matmul(a.t() if transpose_a else a, b.t() if transpose_b else b),
    }


def dense(name, batch, into, out):
    """A linear layer's product and its two gradients."""
    return [
        gemm(name, batch, out, into, transpose_b=True),
        gemm(name + ", of the input", batch, into, out),
        gemm(name + ", of the weight", out, into, batch, transpose_a=True),
    ]


def conv(name, batch, channels, side, out, stride):
    """A 3 x 3 convolution of padding 1 and its two gradients."""
    small = (side - 1) // stride + 1
    x, w, y = (batch, channels, side, side), (out, channels, 3, 3), (batch, out, small, small)
    places = [stride, stride, 1, 1, 1, 1, -1]
    geometry = ([stride, stride], [1, 1], [1, 1], False, [0, 0], 1)

    def gradient(input_, weight):
        def rival(dy, other):
            x_, w_ = (other, torch.empty(w, device=dy.device)) if weight else (torch.empty(x, device=dy.device), other)
            found = torch.ops.aten.convolution_backward(dy, x_, w_, None, *geometry, [input_, weight, False])
            return found[0 if input_ else 1]

        return rival

    def row(suffix, op, shapes, attributes, rival):
        return {
            "name": f"{name}{suffix}: conv {channels}>{out}, {side}x{side}, stride {stride}",
            "op": op,
            "shapes": shapes,
            "attributes": attributes,
            "flops": 2 * math.prod(y) * channels * 9,
            "rival": rival,
        }

    return [
        row("", "conv2d", [x, w, y], [*places, batch * out, small * small, 0, 1, 0],
            lambda x, w: torch.nn.functional.conv2d(x, w, None, stride, 1)),
        row(", of the input", "conv2d_data_grad", [y, w, x], [*places, batch * channels, side * side, 0, 1, 0],
            gradient(True, False)),
        row(", of the weight", "conv2d_weight_grad", [y, x, w], [*places, -1], gradient(False, True)),
    ]  # fmt: skip


def cases(batch):
    return [
        *dense("MLP critic 0", 2 * batch, 784, 256),
        *dense("MLP critic 2", 2 * batch, 256, 256),
        *dense("MLP generator 4", batch, 256, 784),
        *dense("conv critic 8", 2 * batch, 3136, 1024),
        *conv("critic 1", 2 * batch, 1, 28, 32, 1),
        *conv("critic 4", 2 * batch, 32, 14, 64, 1),
        *conv("generator 4", batch, 1, 56, 64, 1),
        *conv("generator 7", batch, 64, 56, 32, 1),
        *conv("generator 10", batch, 32, 56, 1, 2),
    ]


def set_precision(precision):
    torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
    torch.backends.cudnn.allow_tf32 = precision != "fp32"
    torch.backends.cudnn.benchmark = True


class Rival:
    """A function of tensors in a CUDA graph of as many calls, or without a GPU called as often."""

    def __init__(self, function, arguments, repeats):
        self.device = arguments[0].device.type

        def calls():
            for _ in range(repeats):
                self.result = function(*arguments)

        self.replay = calls
        if self.device == "cuda":
            for _ in range(3):
                function(*arguments)
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                calls()
            self.replay = graph.replay

    def run(self, times):
        for _ in range(times):
            self.replay()
        if self.device == "cuda":
            torch.cuda.synchronize()


def fastest(runs, repeats, seconds):
    """Seconds a call of each, the least of rounds that take turns. runs: functions of how many times."""
    times = [1] * len(runs)
    for i, run in enumerate(runs):
        run(1)
        while True:
            start = time.perf_counter()
            run(times[i])
            took = time.perf_counter() - start
            if took > seconds / ROUNDS / 4:
                break
            times[i] *= 2
    best = [math.inf] * len(runs)
    for _ in range(ROUNDS):
        for i, run in enumerate(runs):
            start = time.perf_counter()
            run(times[i])
            best[i] = min(best[i], (time.perf_counter() - start) / times[i] / repeats)
    return best


def ceilings(seconds):
    """What this GPU reaches by PyTorch's means: FLOP/s of large products, bytes a second of a copy, seconds a node."""
    found = {"op": "ceilings", "gpu": torch.cuda.get_device_name()}
    for precision in kantor_ops.PRECISIONS:
        set_precision(precision)
        a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
        (took,) = fastest([Rival(torch.matmul, (a, a), 4).run], 4, seconds)
        found[precision + "_flops_per_second"] = 2 * 8192**3 / took
    big, to = torch.empty(1 << 30, dtype=torch.uint8, device="cuda"), torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
    (took,) = fastest([Rival(to.copy_, (big,), 4).run], 4, seconds)
    found["bytes_per_second"] = 2 * big.nbytes / took
    one = torch.zeros(1, device="cuda")
    (took,) = fastest([Rival(one.add_, (one,), 512).run], 512, seconds)
    found["node_seconds"] = took
    return found


def measure(library, device, case, precision, seconds, on_gpu):
    repeats = REPEATS if on_gpu else 1
    set_precision(precision)
    arguments = [torch.from_numpy(kantor_ops.numbers(dims)) for dims in case["shapes"][:-1]]
    arguments = [a.cuda() if on_gpu else a for a in arguments]
    if precision == "bf16":
        arguments = [a.bfloat16() for a in arguments]
    handle = library.open(device)
    try:
        with kantor_ops.Program(library, handle, case["op"], case["shapes"], case["attributes"], precision, repeats) as ours:
            theirs = Rival(case["rival"], arguments, repeats)
            own, rival = fastest([ours.run, theirs.run], repeats, seconds)
            want = theirs.result.float().cpu().numpy()
            difference = abs(ours.result() - want).max() / abs(want).max()
    finally:
        library.close(handle)
    return {"kantor_us": own * 1e6, "torch_us": rival * 1e6, "ratio": rival / own, "gflops": case["flops"] / own / 1e9,
            "difference": float(difference)}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(prog="ops.py", description="Times single ops; see the top of the file.")
    parser.add_argument("--library", required=True)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--rivals-on", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--precision", choices=kantor_ops.PRECISIONS, default="tf32")
    parser.add_argument("--batch-sizes", default="64,512")
    parser.add_argument("--seconds", type=float, default=60, help="in all")
    args = parser.parse_args()
    on_gpu = args.rivals_on == "cuda"
    if on_gpu:
        print(json.dumps(ceilings(0.3)), flush=True)
    library = kantor_ops.Library(args.library)
    rows = [(batch, case) for batch in map(int, args.batch_sizes.split(",")) for case in cases(batch)]
    begin = time.perf_counter()
    for batch, case in rows:
        line = {"op": case["name"], "batch_size": batch, "precision": args.precision}
        if time.perf_counter() - begin > args.seconds:
            line["error"] = "no time left"
        else:
            try:
                line |= measure(library, args.device, case, args.precision, args.seconds / len(rows) / 4, on_gpu)
            except RuntimeError as e:
                line["error"] = str(e).splitlines()[0]
        print(json.dumps(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
