#!/usr/bin/env python3
"""What ptxas makes of every kernel, and whether the resource model foresaw it: docs/kernels.md.

    kernel-table.py --write               measure all, write docs/kernels.md
    kernel-table.py --check               measure all, compare with docs/kernels.md
    kernel-table.py --check --only sm_80  the same for some targets only
    kernel-table.py --check --sample      each kernel at each rung for one of the targets, in turn, and close ones
    kernel-table.py --check --foreseen    without ptxas: what the compiler itself says
    kernel-table.py --sweep               all head sizes, values of another size than keys, bf16; writes nothing
    kernel-table.py --sweep --only sm_90a for a target that is not on the page: its kernels at their defaults, too

Fails where ptxas spills, takes a stack frame or warns (C75xx), where the model is further off than this file allows,
and where the page is stale. What ptxas said is cached by the text of the PTX, so a second run only compiles. Where there
is no ptxas, a check is one of what the compiler says.
"""
import argparse
import collections
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

from ptx_manifest import manifest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "kernels.md"
RUNGS = ("scalar", "tensor", "pipelined")
TARGETS = ("sm_80", "sm_86", "sm_89", "sm_90", "sm_120a")
ALSO = ("sm_90a", "sm_100a")  # not on the page: they have code of sm_90 so far; one kernel is compiled for them
HEADS = (32, 80, 96, 128, 256)  # beside 64, the default; of causal alone
OTHERS = ((64, 128), (72, 40), (96, 64), (128, 64), (192, 128), (256, 64))  # of keys and of values, in a sweep
BF16 = ("T=bf16",)
SPLIT = "i=64,j=64,warps=8,split:j=2"
# Off the page, with the sample: close to what a thread may have, by masks that divide or look values up, by plain copies
# beside many scores; ptxas spilled of each.
CLOSE = (("block_diffusion", "pipelined", "sm_80", 192), ("block_diffusion", "pipelined", "sm_80", 256),
         ("block_diffusion", "pipelined", "sm_120a", 192), ("tree", "pipelined", "sm_80", 96),
         ("document", "scalar", "sm_80", 192), ("natten1d", "scalar", "sm_120a", 192), ("softmax1", "tensor", "sm_80", 96))

# Of an SM (CUDA Programming Guide, "Technical Specifications per Compute Capability"): shared memory in KiB, warps, CTAs.
# Written down apart from the compiler's own table, which this checks.
SM = {"sm_80": (164, 64, 32), "sm_86": (100, 48, 16), "sm_89": (100, 48, 24), "sm_90": (228, 64, 32),
      "sm_90a": (228, 64, 32), "sm_100a": (228, 64, 32), "sm_120a": (100, 48, 24)}

# How far the model may be off by rung, in registers: below, and above. ptxas takes what it likes of those that are free,
# so that one kernel for two targets, or aligned and not, differs by up to 30. And in the mean of a full check.
BOUNDS = {"scalar": (-36, 52), "tensor": (-56, 44), "pipelined": (-56, 36)}
MEAN = 15

# A kernel of a file as it is compiled: head size and schedule are the default where they are None.
Case = collections.namedtuple("Case", "file rung target head schedule defines", defaults=(None, None, ()))
# A form of a kernel: what the page says, and what is wrong.
Form = collections.namedtuple("Form", "section name rung form target foreseen measured off problems")


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


def release(ptxas):
    """`13.0`"""
    run = subprocess.run([ptxas, "--version"], capture_output=True, text=True)
    return re.search(r"release ([\d.]+)", run.stdout).group(1)


def ctas(target, warps, registers, shared):
    """CTAs that an SM holds: four schedulers with a quarter of 65536 registers each, given to warps in units of 256;
    1 KiB of each CTA's shared memory is the driver's."""
    kib, most_warps, most_ctas = SM[target]
    lanes = -(-registers // 8) * 8
    by_registers = 16384 // (lanes * 32) * 4 // warps
    by_shared = kib * 1024 // (shared + 1024)
    return min(by_registers, by_shared, most_warps // warps, most_ctas)


def measure(arguments, case):
    """The forms of all kernels of a case; none, where a walk cannot be split."""
    source = ROOT / "kernels_src" / f"{case.file}.fc"
    command = [arguments.fcc, source, f"--strategy={case.rung}", f"--target={case.target}", "--emit=ptx"]
    where = f"{case.file}.fc, {case.rung}, {case.target}"
    for define in (*([f"D={case.head}"] if case.head else []), *case.defines):
        command += ["-D", define]
        where += f", {define}"
    if case.schedule:
        command += [f"--schedule={case.schedule}"]
        where += f", {case.schedule}"
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        if case.schedule and "schedule splits" in run.stderr:
            return []
        sys.exit(f"fcc refused {where}:\n{run.stderr}")
    said = arguments.ptxas and ptxas_says(arguments.ptxas, run.stdout, case.target, arguments.cache)
    forms = []
    for one in manifest(run.stdout)["kernels"]:
        for variant in one["variants"]:
            launch, schedule = variant["launches"][0], variant["schedule"]
            tiles = "x".join(str(n) for axis, n in schedule.items()
                             if axis not in ("warps", "stages", "registers", "shared", "ctas_per_sm", "cycles", "ctas") and
                             not axis.startswith("split"))
            foreseen = (f"{tiles or 1} on {schedule['warps']}", schedule["registers"], f"{launch['shared'] / 1024:.4g}")
            measured, off, problems = None, 0, []
            who = f"{where}, {launch['entry']}"
            if launch["shared"] != schedule["shared"]:
                problems.append(f"{who}: {launch['shared']} bytes of shared memory, and the model said "
                                f"{schedule['shared']}")
            if said:
                entry = said["entries"][launch["entry"]]
                off = entry["registers"] - schedule["registers"]
                fits = ctas(case.target, schedule["warps"], entry["registers"], launch["shared"])
                measured = (entry["registers"], fits)
                problems += [f"{who}: ptxas warns of {warning}" for warning in said["warnings"]]
                problems += [f"{who}: {entry[what]} bytes {what}" for what in ("spilled", "stack") if entry[what]]
                least, most = BOUNDS[case.rung]
                if not least <= off <= most:
                    problems.append(f"{who}: {entry['registers']} registers, and the model said "
                                    f"{schedule['registers']}; {least} to {most} may be between them")
            section = "split" if case.schedule else "all" if not case.head else "heads" if case.file == "causal" else "close"
            name = one["name"] if case.file == one["name"] else f"{case.file}: {one['name']}"
            name += f", D = {case.head}" if case.head else ""
            forms.append(Form(section, name, case.rung, variant["name"], case.target, foreseen, measured, off, problems))
    return forms


def cell(form):
    """What the page says of a form: `128x64 on 8: 185 of 192, 24, 1`."""
    (tiles, registers, shared), measured = form.foreseen, form.measured
    return f"{tiles}: {measured[0]} of {registers}, {shared}, {measured[1]}"


SECTIONS = (("all", "Every kernel, heads of 64"), ("heads", "Causal attention by head size"),
            ("split", f"Walks that are split: `{SPLIT}`"))


def page(forms, ptxas):
    text = ["# Kernels in numbers", "",
            f"Made by `tools/scripts/kernel-table.py --write` with ptxas {ptxas}; `test/kernels/kernel-table.test` keeps it. A cell is",
            "*tile on warps: registers a thread, as `ptxas -v` counts them, of those that the compiler foresaw, KiB of shared memory a",
            "CTA, CTAs an SM*. The tile is rows x keys, or the sizes of the axes that the kernel's schedule has. None of them spills",
            "or has a stack frame, and none is warned of. How a launch takes one of the forms is in [manifest.md](manifest.md), how",
            "registers are foreseen in [schedules.md](decisions/schedules.md)."]
    for section, title in SECTIONS:
        text += ["", f"## {title}", "", "| kernel | rung | form | " + " | ".join(TARGETS) + " |",
                 "|---" * (3 + len(TARGETS)) + "|"]
        rows = {}
        for form in forms:
            if form.section == section and form.target in TARGETS:
                rows.setdefault((form.name, form.rung, form.form), {})[form.target] = cell(form)
        for key, cells in sorted(rows.items(), key=lambda row: order(row[0])):
            text.append("| " + " | ".join(key) + " | " + " | ".join(cells.get(t, "-") for t in TARGETS) + " |")
    return "\n".join(text) + "\n"


def order(key):
    name, rung, form = key
    forms = ("wide", "aligned", "small")
    digits = tuple(int(x) for x in re.findall(r"\d+$", name))
    return name.split(",")[0], digits, RUNGS.index(rung), forms.index(form) if form in forms else len(forms)


def stale(forms, everything, other):
    """What of the page is not what was found. Without a measurement, or where it is of `other` ptxas, what the compiler
    says is compared."""
    said, titles = {}, {f"## {title}": section for section, title in SECTIONS}
    section = None
    for line in PAGE.read_text().splitlines():
        section = titles.get(line, section)
        columns = [c.strip() for c in line.strip("|").split("|")]
        if len(columns) == 3 + len(TARGETS) and columns[0] not in ("kernel", "---"):
            for target, text in zip(TARGETS, columns[3:]):
                if text != "-":
                    said[(section, *columns[:3], target)] = text
    wrong, met = [], set()
    for form in forms:
        if form.target not in TARGETS or form.section == "close":
            continue
        if other:
            form = form._replace(measured=None)
        known = said.pop((form.section, form.name, form.rung, form.form, form.target), "nothing")
        met.add((form.section, form.name, form.rung, form.target))
        tiles, registers, shared = form.foreseen
        same = known == cell(form) if form.measured else \
            re.fullmatch(rf"{re.escape(tiles)}: \d+ of {registers}, {re.escape(shared)}, \d+", known)
        if not same:
            found = cell(form) if form.measured else f"{tiles}: ? of {registers}, {shared}, ?"
            wrong.append(f"{form.name} {form.rung} {form.form} on {form.target} is `{found}`; the page has `{known}`")
    for section, name, rung, form, target in said:
        if everything or (section, name, rung, target) in met:
            wrong.append(f"{name} {rung} {form} on {target} is on the page and nowhere else")
    if wrong:
        wrong.append("docs/kernels.md is stale: run tools/scripts/kernel-table.py --fcc BUILD/bin/fcc --write")
    return wrong


def files():
    return sorted(str(p.relative_to(ROOT / "kernels_src").with_suffix("")) for p in
                  (ROOT / "kernels_src").rglob("*.fc") if p.name != "lib.fc")


def cases(targets, sample):
    groups = [[Case(f, r, t) for t in TARGETS] for f in files() for r in RUNGS]
    groups += [[Case("causal", r, t, d) for t in TARGETS] for d in HEADS for r in RUNGS]
    groups += [[Case(f, "pipelined", t, None, SPLIT) for t in TARGETS] for f in files()]
    if sample:  # another target for the next
        return [group[i % len(TARGETS)] for i, group in enumerate(groups)] + \
               [Case("causal", "pipelined", t) for t in ALSO] + [Case(*close) for close in CLOSE]
    return [case for group in groups for case in group if case.target in targets]


def sweep(targets):
    """All head sizes of one kernel and some of each, one size of queries and keys with another of values, bf16, and what the
    page leaves out of a target."""
    swept = [("causal", d, ()) for d in range(8, 257, 8)]
    swept += [(f, d, ()) for f in files() for d in (96, 192, 256)]
    swept += [("cross", d, (f"E={e}",)) for d, e in OTHERS]
    swept += [("causal", d, BF16) for d in HEADS] + [(f, None, BF16) for f in files()]
    work = [Case(f, r, t, d, defines=defines) for t in targets for f, d, defines in swept for r in RUNGS]
    return work + [Case(f, r, t) for t in targets if t in ALSO for f in files() for r in RUNGS]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fcc", type=pathlib.Path, default=ROOT / "build" / "bin" / "fcc")
    parser.add_argument("--cache", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", choices=TARGETS + ALSO, default=TARGETS, help="targets to compare")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--foreseen", action="store_true")
    parser.add_argument("--sweep", action="store_true")
    arguments = parser.parse_args()
    arguments.cache = arguments.cache or arguments.fcc.parents[1] / "ptxas-cache"
    arguments.ptxas = shutil.which("ptxas") or shutil.which("/usr/local/cuda/bin/ptxas")
    if arguments.foreseen:
        arguments.ptxas = None
    elif not arguments.ptxas:
        if arguments.write or arguments.sweep:
            sys.exit("kernel-table.py: error: there is no ptxas")
        print("there is no ptxas: what the compiler says is compared")
    if arguments.write and (arguments.sample or arguments.foreseen or arguments.only != TARGETS):
        sys.exit("kernel-table.py: error: the page is written as a whole")
    work = sweep(arguments.only) if arguments.sweep else cases(arguments.only, arguments.sample)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        forms = [form for found in pool.map(lambda case: measure(arguments, case), work) for form in found]
    problems = [problem for form in forms for problem in form.problems]
    print(f"{len(forms)} entries")
    for rung in RUNGS if arguments.ptxas else ():
        errors = [form.off for form in forms if form.rung == rung]
        mean = sum(errors) / len(errors)
        print(f"{rung}: registers are {min(errors)} to {max(errors):+} beside those foreseen, in the mean {mean:+.1f}")
        if abs(mean) > MEAN and not arguments.sweep:
            problems.append(f"{rung}: the model is off by {mean:+.1f} registers in the mean; {MEAN} may be")
    if arguments.write:
        PAGE.write_text(page(forms, release(arguments.ptxas)))
    elif arguments.check:
        other = arguments.ptxas and f"with ptxas {release(arguments.ptxas)};" not in PAGE.read_text()
        problems += stale(forms, not arguments.sample and len(arguments.only) == len(TARGETS), other)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
