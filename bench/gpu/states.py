"""Whether a few iterations on a GPU train what they train on the CPU: every slot of the checkpoints, tensor by tensor.

    python3 states.py --kantor KANTOR --out FOLDER [--device cuda:0] [--precision fp32] [--iterations 3] [--small]
    python3 states.py --kantor KANTOR --out FOLDER --same-bits --iterations 200

A JSON line a variant: the slot that differs most, by how much, and whether that is within the tolerance. With --same-bits instead
whether the GPU's executors, one of them twice, train the same bits: what begins too early, or reads what is not there yet, does not.
"""

import argparse
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))

import numpy as np  # noqa: E402
import variants  # noqa: E402

# A gradient that is 0 but for rounding, that of a bias before batch norm, must not become a step of the learning rate.
SETTINGS = ("epsilon=1e-3",)
DENSE = ("gan", "wgan", "wgan-gp")  # what the persistent executor takes
# Of the emulated device, which is slow.
SMALL_MLP = ("latent=10", "batch-size=6", "critic-hidden=33,20", "generator-hidden=24,40")
SMALL_CONV = ("latent=10", "batch-size=6", "critic-channels=5,6", "critic-dense=33", "generator-channels=6,5")
SMALL_CVAE = (*SMALL_CONV[:-1], "encoder-channels=4,6,5", "decoder-channels=5,4")
# Of the largest element of a slot. Kinks of activations decide more than the order of sums does, and with tf32 and bf16 the
# rounding of products more than both.
TOLERANCES = {"fp32": 1e-3, "tf32": 2e-2, "bf16": 1e-1}
# Of the largest element of the slots of its kind: a slot whose elements are smaller is compared with that. What differences of
# rounded products leave of a gradient that is nearly 0 is as large as they are.
FLOORS = {"fp32": 1e-2, "tf32": 1, "bf16": 1}


def train(args, variant, device, precision, which=""):
    """The floating-point slots of the last checkpoint, by name. which: of several such runs."""
    out = os.path.join(args.out, f"{variant}-{device.replace(':', '-')}-{precision}{which}")
    command = [args.kantor, "train", variant, "--data", "glyphs", "--limit", "512", "--iterations", str(args.iterations),
               "--seed", "5", "--device", device, "--out", out]  # fmt: skip
    if precision != "fp32":
        command += ["--precision", precision]
    v = variants.VARIANTS[variant]
    small = SMALL_CVAE if variant == "cvae-gan" else SMALL_CONV if v.convolutional else SMALL_MLP
    for setting in (*SETTINGS, *(small if args.small else ())):
        command += ["--set", setting]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=args.timeout)
    except subprocess.TimeoutExpired as e:
        raise RuntimeError(f"{variant} on {device} has no end in {args.timeout:.0f} s") from e
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stdout.strip().splitlines() or ['failed'])[-1]}")
    checkpoints = os.path.join(out, "checkpoints")
    last = sorted(name for name in os.listdir(checkpoints) if name.endswith(".safetensors"))[-1]
    tensors = variants.read_tensors(os.path.join(checkpoints, last))
    return {name: t.astype(np.float64) for name, t in tensors.items() if t.dtype.kind == "f" and t.size}


def compare(want, got, floor):
    """The slot that differs most and by how much of its largest element."""
    if want.keys() != got.keys():
        raise RuntimeError(f"only one has the slots {sorted(want.keys() ^ got.keys())}")
    largest = {}
    for name, tensor in want.items():
        kind = name.rpartition(".")[2]
        largest[kind] = max(largest.get(kind, 0.0), abs(tensor).max())
    worst = ("", 0.0)
    for name, tensor in want.items():
        scale = max(abs(tensor).max(), floor * largest[name.rpartition(".")[2]], 1e-30)
        difference = float(abs(tensor - got[name]).max() / scale)
        if not np.isfinite(difference):
            return name, float("inf")
        if difference > worst[1]:
            worst = (name, difference)
    return worst


def same_bits(args, variant):
    """The executor that differs first and in which slot; none if all train the same bits."""
    want = train(args, variant, args.device + "+serial", args.precision)
    others = [("+serial", "-again"), ("", "")] + ([("+persistent", "")] if variant in DENSE else [])
    for executor, which in others:
        got = train(args, variant, args.device + executor, args.precision, which)
        for name, tensor in want.items():
            if not np.array_equal(tensor, got[name]):
                return f"{args.device}{executor}: {name}"
    return ""


def main():
    parser = argparse.ArgumentParser(prog="states.py", description="Holds a GPU to the CPU; see the top of the file.")
    parser.add_argument("--kantor", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--precision", choices=tuple(TOLERANCES), default="fp32")
    parser.add_argument("--variants", default=",".join(variants.VARIANTS))
    parser.add_argument("--iterations", type=int, default=3)
    parser.add_argument("--same-bits", action="store_true", help="compare the GPU's executors, not the GPU with the CPU")
    parser.add_argument("--small", action="store_true", help="networks for the emulated device")
    parser.add_argument("--timeout", type=float, default=120, help="seconds a run")
    args = parser.parse_args()
    failed = False
    for variant in args.variants.split(","):
        result = {"check": "state", "variant": variant, "device": args.device, "precision": args.precision}
        try:
            if args.same_bits:
                slot = same_bits(args, variant)
                result |= {"check": "same bits", "slot": slot, "ok": not slot}
                failed |= not result["ok"]
                print(json.dumps(result), flush=True)
                continue
            own = train(args, variant, args.device, args.precision)
            slot, worst = compare(train(args, variant, "cpu", "fp32"), own, FLOORS[args.precision])
            result |= {"slots": len(own), "slot": slot, "worst": worst, "ok": worst <= TOLERANCES[args.precision]}
        except (RuntimeError, OSError) as e:
            result |= {"ok": False, "error": str(e)}
        failed |= not result["ok"]
        print(json.dumps(result), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
