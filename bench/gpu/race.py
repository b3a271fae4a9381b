"""Times Kantor and its rivals on a GPU in one run: rounds of all of them take turns, so that all meet the same machine.

    python3 race.py --kantor KANTOR --out FOLDER [--engines persistent,eager,...] [--budget 480] [--device cuda:0]

Each rival is a process that stays (peer.py bench --serve) and prepares a program once; Kantor is started anew for each round, and
its other executors and engines, which are there for comparison, take part in the first one.
results.jsonl in the folder gets a line a round as it is measured, table.py makes the table of it. The configurations come in the
order of their weight, those that the budget does not reach are left out and named; compile, which takes longest to prepare,
comes after all others.
"""

import argparse
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PEER = os.path.join(HERE, "..", "peers", "peer.py")

CONFIGURATIONS = (
    "wgan-gp:64:tf32 wdcgan-gp:512:tf32 wgan-gp:512:tf32 wdcgan-gp:64:tf32 gan:64:tf32 dcgan:64:tf32 wgan:64:tf32"
    " wdcgan:64:tf32 cvae-gan:64:tf32 wgan-gp:64:fp32 wdcgan-gp:512:fp32 wgan-gp:512:bf16 wdcgan-gp:512:bf16"
    " gan:512:tf32 dcgan:512:tf32 wgan:512:tf32 wdcgan:512:tf32 cvae-gan:512:tf32"
)


# Kantor's own, by what is added to the device's name: the one that users get; one kernel that replays whole iterations of dense
# networks; graphs whose kernels do not begin early; cuDNN and cuBLAS for products and convolutions.
OWN = {"kantor": "", "persistent": "+persistent", "serial": "+serial", "cudnn": "+cudnn"}
DENSE = ("gan", "wgan", "wgan-gp")


class Gone(Exception):
    """A rival that answers no more."""


class Rival:
    """A rival's process, started when it is first asked."""

    def __init__(self, engine, device, out, limit):
        self.engine, self.device, self.out, self.limit = engine, device, out, limit
        self.process = None
        self.gone = None

    def start(self):
        log = open(os.path.join(self.out, f"{self.engine}.log"), "w")
        command = [sys.executable, PEER, "bench", "--engine", self.engine, "--device", self.device, "--serve"]
        if self.limit:
            command += ["--limit", str(self.limit)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.buffer = b""

    def ask(self, request, timeout):
        """The answer to a request; Gone after a time-out, which ends the process."""
        if self.gone:
            raise Gone(self.gone)
        end = time.monotonic() + timeout
        try:
            if self.process is None:
                self.start()
                self.about = self._line(end)
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            return self._line(end)
        except (Gone, OSError) as e:
            self.gone = f"{self.engine}: {e}; see {self.engine}.log"
            self.close()
            raise Gone(self.gone) from e

    def _line(self, end):
        while b"\n" not in self.buffer:
            if not self.selector.select(max(0, end - time.monotonic())):
                raise Gone("no answer in time")
            read = os.read(self.process.stdout.fileno(), 1 << 16)
            if not read:
                raise Gone("it has ended")
            self.buffer += read
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def kantor(engine, command, device, request, timeout):
    """A round of Kantor, as a rival's answer."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "bench.json")
        arguments = [command, "bench", "--device", device, "--variants", request["variant"],
                     "--batch-sizes", str(request["batch_size"]), "--rounds", "1",
                     "--seconds", str(request["seconds"]), "--json", file]  # fmt: skip
        if request["precision"] != "fp32":
            arguments += ["--precision", request["precision"]]
        about = {"engine": engine} | {k: request[k] for k in ("variant", "batch_size", "precision")}
        try:
            done = subprocess.run(arguments, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return about | {"error": "no answer in time"}
        if done.returncode:
            return about | {"error": (done.stderr.strip().splitlines() or ["failed"])[-1]}
        with open(file) as text:
            found = json.load(text)["iterations"][0]
    return about | {
        "critic_steps": found["criticSteps"],
        "windows_ms": found["windowsMs"],
        "import_s": found["startSeconds"],
        "prepare_s": found["prepareSeconds"],
        "peak_bytes": found["deviceBytes"],
        "nodes": found["nodes"],
        "flops": found["flops"],
    }


def main():
    parser = argparse.ArgumentParser(prog="race.py", description="Times ours and theirs; see the top of the file.")
    parser.add_argument("--kantor", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--engines", default="persistent,serial,cudnn,eager,graph,jax,compile",
                        help="besides Kantor with its defaults: " + ", ".join(list(OWN)[1:]) + ", and peer.py's")
    parser.add_argument("--configurations", default=CONFIGURATIONS, help="VARIANT:BATCH:PRECISION ...")
    parser.add_argument("--budget", type=float, default=480, help="seconds in all")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round")
    parser.add_argument("--device", default="cuda:0", help="Kantor's")
    parser.add_argument("--rivals-on", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--limit", type=int, help="images of the rivals' data set, to try this without a GPU")
    args = parser.parse_args()
    end = time.monotonic() + args.budget
    engines = args.engines.split(",")
    absent = set()  # Kantor's executors that failed: said once
    rivals = {e: Rival(e, args.rivals_on, args.out, args.limit) for e in engines if e not in OWN}
    with open(os.path.join(args.out, "results.jsonl"), "a") as results:

        def note(answer):
            results.write(json.dumps(answer) + "\n")
            results.flush()
            said = answer.get("error") or f"{min(answer['windows_ms']):.4f} ms"
            print(f"{answer['engine']:8} {answer['variant']:10} {answer['batch_size']:5} {answer['precision']}: {said}",
                  file=sys.stderr)  # fmt: skip

        def race(configuration, engines):
            variant, batch, precision = configuration.split(":")
            request = {"variant": variant, "batch_size": int(batch), "precision": precision, "seconds": args.seconds}
            for turn in range(args.rounds):
                for engine in ("kantor", *engines):
                    if engine in absent or engine == "persistent" and variant not in DENSE:
                        continue
                    if turn > 0 and engine in OWN and engine != "kantor":
                        continue
                    left = end - time.monotonic()
                    if left < 3:
                        print(f"no time left for {configuration}", file=sys.stderr)
                        return
                    try:
                        if engine in OWN:
                            answer = kantor(engine, args.kantor, args.device + OWN[engine], request, left)
                        else:
                            answer = rivals[engine].ask(request, left)
                    except Gone as e:
                        answer = request | {"engine": engine, "error": str(e)}
                    note(answer)
                    if engine in OWN and engine != "kantor" and "error" in answer:
                        absent.add(engine)

        late = [engine for engine in engines if engine == "compile"]
        early = [engine for engine in engines if engine != "compile"]
        try:
            for some in (early, late) if late else (early,):
                for configuration in args.configurations.split():
                    race(configuration, some)
        finally:
            for rival in rivals.values():
                rival.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
