"""The tables of a folder of results: results.jsonl of race.py, ops.jsonl of ops.py, checks.jsonl, headline.json, as far as they
are there. Prints text, and writes the same as table.md and, for programs, table.json. Needs Python alone.

    python3 table.py FOLDER

Of each engine the rounds together: the median of their medians, the least of their windows. A ratio is the engine's time over
Kantor's. The floor of a configuration is the time of the iteration's arithmetic at the speed of large products, in its precision,
and of as many empty nodes of a graph as Kantor's iteration has; its share is that of the least time.
"""

import json
import os
import statistics
import sys

# What the issue that began this asks for: variant, batch, precision, rivals, ratio of the medians.
GOALS = (
    ("wgan-gp", 64, "tf32", ("eager",), 20),
    ("wgan-gp", 64, "tf32", ("graph",), 3),
    ("wgan-gp", 64, "tf32", ("jax",), 2),
    ("wdcgan-gp", 512, "tf32", ("eager", "graph", "compile", "jax"), 1.5),
)
HEADLINE_SECONDS = 10  # 100 epochs of wgan-gp on MNIST


def lines(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [json.loads(line) for line in file if line.strip()]


def join(rounds, ceilings):
    """Rounds of one engine in one configuration as a row."""
    good = [r for r in rounds if "error" not in r]
    row = {k: rounds[0][k] for k in ("engine", "variant", "batch_size", "precision")}
    if not good:
        return row | {"error": rounds[-1]["error"]}
    row["median_ms"] = statistics.median(statistics.median(r["windows_ms"]) for r in good)
    row["min_ms"] = min(min(r["windows_ms"]) for r in good)
    row["rounds"] = len(good)
    row["iterations_per_second"] = 1e3 / row["median_ms"]
    row["images_per_second"] = row["iterations_per_second"] * row["batch_size"] * good[0].get("critic_steps", 1)
    row["start_s"] = min(r["import_s"] + r["prepare_s"] for r in good)
    row |= {k: good[0][k] for k in ("peak_bytes", "nodes", "flops", "layout", "seen_precision", "compiled") if k in good[0]}
    peak = ceilings.get(row["precision"] + "_flops_per_second")
    if peak and "flops" in row:
        row["floor_ms"] = 1e3 * (row["flops"] / peak + row["nodes"] * ceilings["node_seconds"])
        row["share_of_floor"] = row["floor_ms"] / row["min_ms"]
    return row


def rows(results, ceilings):
    """A row for each engine in each configuration, in the order of the first lines of these; ratios in it."""
    groups = {}
    for line in results:
        key = (line["variant"], line["batch_size"], line["precision"])
        groups.setdefault(key, {}).setdefault(line["engine"], []).append(line)
    found = []
    for engines in groups.values():
        joined = [join(rounds, ceilings) for rounds in engines.values()]
        own = next((row for row in joined if row["engine"] == "kantor" and "error" not in row), None)
        for row in joined:
            if own and "error" not in row and row is not own:
                row["ratio_of_medians"] = row["median_ms"] / own["median_ms"]
                row["ratio_of_minima"] = row["min_ms"] / own["min_ms"]
        found += joined
    return found


def goals(table):
    """Goal, what was measured (the least of the rivals' ratios), and whether that is enough."""
    reached = []
    for variant, batch, precision, engines, least in GOALS:
        ratios = [row["ratio_of_medians"] for row in table
                  if (row["variant"], row["batch_size"], row["precision"]) == (variant, batch, precision)
                  and row["engine"] in engines and "ratio_of_medians" in row]  # fmt: skip
        rivals = engines[0] if len(engines) == 1 else "the fastest of " + ", ".join(engines)
        reached.append({"goal": f"{variant}, batch {batch}, {precision}: {least} times {rivals}",
                        "measured": min(ratios) if ratios else None,
                        "reached": bool(ratios) and min(ratios) >= least})  # fmt: skip
    return reached


def cell(row, key, form, scale=1.0):
    return format(row[key] * scale, form) if row.get(key) is not None else ""


def note(row):
    """What a reader has to know of a row: a precision that was not kept, what was compiled, the layout that won."""
    notes = []
    for what, seen in row.get("seen_precision", {}).items():
        if (seen == "fp32") != (row["precision"] == "fp32"):
            notes.append(f"{what} in {seen}")
    if "compiled" in row:
        notes.append("compiled: " + ", ".join(row["compiled"]))
    if row.get("layout") == "channels last":
        notes.append("channels last")
    return "; ".join(notes)


def markdown(header, body):
    """A table of cells that are text, the columns as wide as their widest."""
    widths = [max(len(line[i]) for line in (header, *body)) for i in range(len(header))]
    rule = ["-" * width for width in widths]
    return ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths)) + " |" for line in (header, rule, *body)]


def report(folder):
    """Text, and what it is made of."""
    ops = lines(folder, "ops.jsonl")
    ceilings = next((line for line in ops if line["op"] == "ceilings"), {})
    table = rows(lines(folder, "results.jsonl"), ceilings)
    checks = lines(folder, "checks.jsonl")
    text, data = [], {"ceilings": ceilings, "iterations": table, "checks": checks, "ops": ops[1:] if ceilings else ops}
    if checks:
        text += ["", "Checks", ""]
        text += markdown(("check", "of", "worst", ""), [
            (c["check"], " ".join(str(c[k]) for k in ("engine", "variant", "device", "precision", "name") if k in c),
             cell(c, "worst", ".2e"), "ok" if c["ok"] else "FAILED " + c.get("error", c.get("slot", "")))
            for c in checks])  # fmt: skip
    if table:
        text += ["", "Iterations" + (f", {ceilings['gpu']}" if ceilings else ""), ""]
        text += markdown(
            ("variant", "batch", "precision", "engine", "it/s", "median ms", "min ms", "ratio of medians", "of minima",
             "images/s", "of floor", "nodes", "start s", "MiB", "note"),
            [(row["variant"], str(row["batch_size"]), row["precision"], row["engine"],
              *(("",) * 10 + (row["error"],) if "error" in row else
                (cell(row, "iterations_per_second", ",.0f"), cell(row, "median_ms", ".4f"), cell(row, "min_ms", ".4f"),
                 cell(row, "ratio_of_medians", ".2f"), cell(row, "ratio_of_minima", ".2f"),
                 cell(row, "images_per_second", ",.0f"), cell(row, "share_of_floor", ".0%"), cell(row, "nodes", ".0f"),
                 cell(row, "start_s", ".2f"), cell(row, "peak_bytes", ",.0f", 2**-20), note(row))))
             for row in table])  # fmt: skip
        data["goals"] = goals(table)
        text += ["", "Goals", ""]
        text += markdown(("goal", "measured", ""), [
            (g["goal"], "not measured" if g["measured"] is None else f"{g['measured']:.2f}",
             "reached" if g["reached"] else "" if g["measured"] is None else "not reached") for g in data["goals"]])  # fmt: skip
    if data["ops"]:
        text += ["", "Ops, the least time of one, and PyTorch's over Kantor's", ""]
        text += markdown(("op", "batch", "precision", "Kantor us", "PyTorch us", "ratio", "GFLOP/s", "difference"), [
            (o["op"], str(o["batch_size"]), o["precision"],
             *((o["error"],) + ("",) * 4 if "error" in o else
               (cell(o, "kantor_us", ".2f"), cell(o, "torch_us", ".2f"), cell(o, "ratio", ".2f"), cell(o, "gflops", ",.0f"),
                cell(o, "difference", ".1e")))) for o in data["ops"]])  # fmt: skip
    path = os.path.join(folder, "headline.json")
    if os.path.exists(path):
        with open(path) as file:
            data["headline"] = json.load(file)
        seconds, wall = data["headline"]["seconds"], data["headline"]["wall_seconds"]
        verdict = "reached" if seconds < HEADLINE_SECONDS else "not reached"
        text += ["", f"100 epochs of wgan-gp on MNIST in {data['headline']['precision']}: {seconds:.1f} s of training, {wall:.1f} s"
                     f" with the start and the end of the command; {HEADLINE_SECONDS} s of training are {verdict}"]  # fmt: skip
    return "\n".join(text).strip() + "\n", data


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        print("usage: table.py FOLDER, one that race.py or gpu.sh wrote to", file=sys.stderr)
        return 2
    folder = sys.argv[1]
    text, data = report(folder)
    with open(os.path.join(folder, "table.md"), "w") as file:
        file.write(text)
    with open(os.path.join(folder, "table.json"), "w") as file:
        json.dump(data, file, indent=1)
        file.write("\n")
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
