#!/usr/bin/env python3
"""What ptxas makes of every kernel, and whether the resource model foresaw it: docs/kernels.md.

    kernel-table.py --write               measure all, write docs/kernels.md
    kernel-table.py --check               measure all, compare with docs/kernels.md
    kernel-table.py --check --only sm_80  the same for some targets only

Fails where ptxas spills, takes a stack frame or warns (C75xx), where the model is further off than this file allows,
and where the page is stale. What ptxas said is cached by the text of the PTX, so a second run only compiles.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "kernels.md"
RUNGS = ("scalar", "tensor", "pipelined")
TARGETS = ("sm_80", "sm_86", "sm_89", "sm_90", "sm_120a")
HEADS = (32, 80, 96, 128, 256)  # beside 64, the default; of causal alone

# Of an SM (CUDA Programming Guide, "Technical Specifications per Compute Capability"): shared memory in KiB, warps, CTAs.
# Written down apart from the compiler's own table, which this checks.
SM = {"sm_80": (164, 64, 32), "sm_86": (100, 48, 16), "sm_89": (100, 48, 24), "sm_90": (228, 64, 32),
      "sm_120a": (100, 48, 24)}

# How far the model may be off, in registers: it must not promise too few, as kernels would spill, nor ask for many
# more, as CTAs would stay out. A form that may have all 255 takes what it likes, hence the wide margin below.
UNDER, OVER = 40, 32


def manifest(ptx):
    digits = re.search(r"__fc_manifest\[\d+\] = \{([^}]*)\}", ptx).group(1)
    return json.loads(bytes(int(x) for x in digits.split(",") if int(x)).decode())


def ptxas_says(ptxas, ptx, target, cache):
    """By entry: registers, bytes spilled, bytes of stack; and warnings."""
    key = hashlib.sha256(f"{target}\n{ptx}".encode()).hexdigest()
    known = cache / key
    if known.exists():
        return json.loads(known.read_text())
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "k.ptx"
        path.write_text(ptx)
        run = subprocess.run([ptxas, "-v", f"-arch={target}", path, "-o", f"{folder}/k.cubin"],
                             capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"ptxas refused a kernel for {target}:\n{run.stderr}")
    said = {"warnings": sorted(set(re.findall(r"C75\d\d", run.stderr))), "entries": {}}
    for part in run.stderr.split("Compiling entry function ")[1:]:
        said["entries"][part.split("'")[1]] = {
            "registers": int(re.search(r"Used (\d+) registers", part).group(1)),
            "spilled": sum(map(int, re.findall(r"(\d+) bytes spill", part))),
            "stack": int(re.search(r"(\d+) bytes stack frame", part).group(1))}
    cache.mkdir(parents=True, exist_ok=True)
    scratch = cache / f"{key}.{os.getpid()}"
    scratch.write_text(json.dumps(said))
    scratch.rename(known)
    return said


def ctas(target, warps, registers, shared):
    """CTAs that an SM holds: four schedulers with a quarter of 65536 registers each, given to warps in units of 256;
    1 KiB of each CTA's shared memory is the driver's."""
    kib, most_warps, most_ctas = SM[target]
    lanes = -(-registers // 8) * 8
    by_registers = 16384 // (lanes * 32) * 4 // warps
    by_shared = kib * 1024 // (shared + 1024)
    return min(by_registers, by_shared, most_warps // warps, most_ctas)


def measure(arguments, kernel, rung, head, target):
    """The forms of all kernels of a file: name, form, tiles, numbers."""
    source = ROOT / "kernels_src" / f"{kernel}.fc"
    command = [arguments.fcc, source, f"--strategy={rung}", f"--target={target}", "--emit=ptx"]
    if head != 64:
        command += ["-D", f"D={head}"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"fcc refused {kernel}.fc ({rung}, D={head}, {target}):\n{run.stderr}")
    said = ptxas_says(arguments.ptxas, run.stdout, target, arguments.cache)
    problems, rows = [], []
    where = f"{kernel}.fc, {rung}, D={head}, {target}"
    for warning in said["warnings"]:
        problems.append(f"{where}: ptxas warns of {warning}")
    for one in manifest(run.stdout)["kernels"]:
        for variant in one["variants"]:
            launch, schedule = variant["launches"][0], variant["schedule"]
            entry = said["entries"][launch["entry"]]
            for what in ("spilled", "stack"):
                if entry[what]:
                    problems.append(f"{where}, {launch['entry']}: {entry[what]} bytes {what}")
            off = entry["registers"] - schedule["registers"]
            if schedule["ctas_per_sm"] and rung != "scalar" and not -OVER <= off <= UNDER:
                problems.append(f"{where}, {launch['entry']}: {entry['registers']} registers, and the model said "
                                f"{schedule['registers']}; {-OVER} to {UNDER} may be between them")
            fits = ctas(target, schedule["warps"], entry["registers"], launch["shared"])
            if fits < schedule["ctas_per_sm"]:
                problems.append(f"{where}, {launch['entry']}: {fits} CTAs fit an SM, and the model said "
                                f"{schedule['ctas_per_sm']}")
            tiles = "x".join(str(n) for name, n in schedule.items()
                             if name not in ("warps", "stages", "registers", "shared", "ctas_per_sm", "cycles"))
            rows.append(((kernel, one["name"], rung, head, variant["name"]),
                         f"{tiles or 1} on {schedule['warps']}: {entry['registers']}, {launch['shared'] / 1024:.4g}, "
                         f"{fits}", off if rung != "scalar" else None))
    return rows, problems


def page(cells, targets):
    """The page, from {(file, kernel, rung, head, form): {target: cell}}."""
    text = ["# Kernels in numbers", "",
            "Made by `tools/scripts/kernel-table.py --write`; a test keeps it. A cell is *tile on warps: registers a thread (as",
            "`ptxas -v` counts them), KiB of shared memory a CTA, CTAs an SM*. The tile is rows x keys, or the sizes of the axes",
            "that the kernel's schedule has. None of them spills or has a stack frame. How a launch takes one of the forms is in",
            "[manifest.md](manifest.md)."]
    for title, keep in (("Every kernel, heads of 64", lambda head: head == 64),
                        ("Causal attention by head size", lambda head: head != 64)):
        text += ["", f"## {title}", "", "| kernel | rung | form | " + " | ".join(targets) + " |",
                 "|---" * (3 + len(targets)) + "|"]
        for (file, kernel, rung, head, form), by_target in cells.items():
            if keep(head):
                name = kernel if file == kernel else f"{file}: {kernel}"
                name += f", D = {head}" if head != 64 else ""
                text.append(f"| {name} | {rung} | {form} | " + " | ".join(by_target.get(t, "-") for t in targets) + " |")
    return "\n".join(text) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fcc", type=pathlib.Path, default=ROOT / "build" / "bin" / "fcc")
    parser.add_argument("--cache", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", choices=TARGETS, default=TARGETS, help="targets to compare")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    arguments.cache = arguments.cache or arguments.fcc.parents[1] / "ptxas-cache"
    arguments.ptxas = shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
    targets = TARGETS if arguments.write else [t for t in TARGETS if t in arguments.only]
    kernels = sorted(str(p.relative_to(ROOT / "kernels_src").with_suffix("")) for p in
                     (ROOT / "kernels_src").rglob("*.fc") if p.name != "lib.fc")
    work = [(k, r, 64, t) for k in kernels for r in RUNGS for t in targets]
    work += [("causal", r, d, t) for d in HEADS for r in RUNGS for t in targets]
    cells, problems, errors = {}, [], []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (_, _, _, target), (rows, wrong) in zip(work, pool.map(lambda w: measure(arguments, *w), work)):
            problems += wrong
            for key, cell, off in rows:
                cells.setdefault(key, {})[target] = cell
                errors += [off] if off is not None else []
    order = {rung: i for i, rung in enumerate(RUNGS)}
    cells = dict(sorted(cells.items(), key=lambda item: (item[0][0], item[0][1], item[0][3], order[item[0][2]])))
    print(f"{sum(map(len, cells.values()))} entries; registers against the model: "
          f"{min(errors)} to +{max(errors)}, in the mean {sum(errors) / len(errors):+.1f}")
    if arguments.write:
        PAGE.write_text(page(cells, targets))
    elif arguments.check:
        problems += stale(cells, targets)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def stale(cells, targets):
    """Rows of the page that are not what was measured."""
    lines = set(PAGE.read_text().splitlines()) if PAGE.exists() else set()
    said = {}
    for line in lines:
        columns = [c.strip() for c in line.strip("|").split("|")]
        if len(columns) == 3 + len(TARGETS):
            said[tuple(columns[:3])] = dict(zip(TARGETS, columns[3:]))
    wrong = []
    for line in page(cells, targets).splitlines():
        columns = [c.strip() for c in line.strip("|").split("|")]
        if len(columns) != 3 + len(targets) or columns[0] in ("kernel", "---"):
            continue
        known = said.pop(tuple(columns[:3]), {})
        for target, cell in zip(targets, columns[3:]):
            if known.get(target) != cell:
                wrong.append(f"{' '.join(columns[:3])} on {target} is `{cell}`; the page has `{known.get(target)}`")
    wrong += [f"{' '.join(key)} is on the page and nowhere else" for key in said if key[0] not in ("kernel", "---")]
    if wrong:
        wrong.append(f"docs/kernels.md is stale: run tools/scripts/kernel-table.py --fcc BUILD/bin/fcc --write")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
