#!/usr/bin/env python3
"""How long the same fused attention takes to compile: fcc, Triton and nvcc, cold, in one run; and what ptxas says of each.

    peers-compile.py [--fcc build/bin/fcc] [--python python-with-triton] [--runs 5] [--out docs/results/compile]

Every measurement is a process of its own with empty caches, the peers take turns, and the table holds medians:

    to PTX     fcc: the whole process. Triton: from the start of Python to the PTX. nvcc -ptx: the whole process.
    in call    Triton alone: from the call of triton.compile to the PTX, without Python and imports.
    ptxas      the same ptxas for all, on the PTX, optimising as by default; registers, spills and stack are what it reports.

The peers are kernels_src/{attention,causal}.fc, tools/peers/flash_triton.py, and test/runtime/emulator/cuda/flash.cu, which is
plainer than the other two (head size 64, no mask, lengths a multiple of 64, no logsumexp). Without Triton (`pip install triton`)
or nvcc the table goes without them. Triton needs no GPU for this: it is given its target.
"""
import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = [("attention", 64), ("attention", 128), ("causal", 64), ("causal", 128)]
TARGETS = ["sm_80", "sm_90"]


def run(command, **options):
    """(seconds, standard output); stops with the command's own words when it fails."""
    start = time.perf_counter()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, errors="replace", **options)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"peers-compile.py: error: {' '.join(map(str, command))}\n{done.stderr or done.stdout}")
    return seconds, done.stdout


def with_fcc(options, kernel, head, target, folder):
    ptx = folder / "fcc.ptx"
    seconds, _ = run([options.fcc, ROOT / "kernels_src" / f"{kernel}.fc", f"-DD={head}", f"--target={target}",
                      f"--strategy={options.strategy}", "-o", ptx])
    return {"to_ptx": seconds}, ptx


TRITON = """
import sys, time
begun = time.time()
sys.path.insert(0, sys.argv[1])
import flash_triton, triton
taken = []
triton.knobs.compilation.listener = lambda times, **_: taken.append(times)
start = time.time()
kernel = flash_triton.compile_for(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "causal")
end = time.time()
stages = dict(taken[0].lowering_stages)
open(sys.argv[5], "w").write(kernel.asm["ptx"])
print(begun, start, end, stages["cubin"] / 1e6)
"""


def with_triton(options, kernel, head, target, folder):
    ptx = folder / "triton.ptx"
    environment = {**os.environ, "TRITON_CACHE_DIR": str(folder / "cache")}
    begun = time.time()
    _, text = run([options.python, "-c", TRITON, ROOT / "tools" / "peers", target[3:], head, kernel, ptx], env=environment)
    _, start, end, cubin = map(float, text.split())
    # Its own ptxas runs last; the process has then done what the others do, and only writes.
    return {"to_ptx": end - cubin - begun, "in_call": end - cubin - start}, ptx


def with_nvcc(options, kernel, head, target, folder):
    if (kernel, head) != ("attention", 64):
        return None, None
    ptx = folder / "nvcc.ptx"
    seconds, _ = run([options.nvcc, "-ptx", f"-arch={target}", "-o", ptx, ROOT / "test/runtime/emulator/cuda/flash.cu"])
    return {"to_ptx": seconds}, ptx


def assemble(options, ptx):
    """What ptxas reports for the target that the PTX names (Triton's for sm_90 is for sm_90a), and its time."""
    target = re.search(r"^\.target (\w+)", ptx.read_text(), re.M).group(1)
    start = time.perf_counter()
    done = subprocess.run([options.ptxas, "-v", f"-arch={target}", ptx, "-o", os.devnull], capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        return {"ptxas": seconds, "ptxas_error": done.stderr.strip().splitlines()[0]}
    text = done.stderr

    def sum_of(pattern):
        return max((int(n) for n in re.findall(pattern, text)), default=0)

    return {"ptxas": seconds, "registers": sum_of(r"Used (\d+) registers"), "stack": sum_of(r"(\d+) bytes stack frame"),
            "spill_stores": sum_of(r"(\d+) bytes spill stores"), "spill_loads": sum_of(r"(\d+) bytes spill loads")}


def version(command, pattern):
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group(1) if found else "?"


def table(result):
    lines = ["| kernel | D | target | compiler | to PTX, s | in call, s | x fcc | x fcc in call | ptxas, s | registers | spills, bytes |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for row in result["rows"]:
        own = next(r for r in result["rows"] if r["compiler"] == "fcc" and all(r[k] == row[k] for k in ("kernel", "head", "target")))
        in_call = row.get("in_call")
        lines.append("| " + " | ".join([
            row["kernel"], str(row["head"]), row["target"], row["compiler"], f"{row['to_ptx']:.3f}",
            f"{in_call:.3f}" if in_call else "", f"{row['to_ptx'] / own['to_ptx']:.1f}",
            f"{in_call / own['to_ptx']:.1f}" if in_call else "", f"{row['ptxas']:.3f}", str(row.get("registers", "refused")),
            str(row.get("spill_stores", 0) + row.get("spill_loads", 0))]) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fcc", default=ROOT / "build/bin/fcc", type=pathlib.Path)
    parser.add_argument("--strategy", default="auto", help="of fcc")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that imports triton (default: this one)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cases", nargs="*", help="only these: attention:64")
    parser.add_argument("--out", help="write OUT.json and OUT.md")
    options = parser.parse_args()
    options.nvcc = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    options.ptxas = shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
    if not options.fcc.exists():
        sys.exit(f"peers-compile.py: error: {options.fcc} is not there; tools/scripts/build.sh fcc makes it")

    peers, versions = {"fcc": with_fcc}, {"fcc": version([options.fcc, "--version"], r"fcc (\S+)")}
    if subprocess.run([options.python, "-c", "import triton"], capture_output=True).returncode == 0:
        peers["triton"] = with_triton
        versions["triton"] = version([options.python, "-c", "import triton; print(triton.__version__)"], r"(\S+)")
    else:
        print(f"without Triton: {options.python} cannot import it", file=sys.stderr)
    if os.path.exists(options.nvcc):
        peers["nvcc"] = with_nvcc
        versions["nvcc"] = version([options.nvcc, "--version"], r"release (\S+),")
    has_ptxas = os.path.exists(options.ptxas)
    if has_ptxas:
        versions["ptxas"] = version([options.ptxas, "--version"], r"release (\S+),")

    cases = [c for c in CASES if not options.cases or f"{c[0]}:{c[1]}" in options.cases]
    rows = []
    for target in TARGETS:
        for kernel, head in cases:
            seen = {name: [] for name in peers}
            for _ in range(options.runs):
                for name, peer in peers.items():
                    with tempfile.TemporaryDirectory() as folder:
                        timed, ptx = peer(options, kernel, head, target, pathlib.Path(folder))
                        if timed:
                            report = assemble(options, ptx) if has_ptxas else {"ptxas": float("nan")}
                            seen[name].append({**timed, **report})
            for name, list_ in seen.items():
                if list_:
                    row = {"kernel": kernel, "head": head, "target": target, "compiler": name, **list_[-1]}
                    for key in ("to_ptx", "in_call", "ptxas"):
                        if key in row:
                            row[key] = statistics.median(entry[key] for entry in list_)
                            row[key + "_all"] = [round(entry[key], 4) for entry in list_]
                    rows.append(row)
                    print(f"{target} {kernel} D={head} {name}: {row['to_ptx']:.3f} s to PTX", file=sys.stderr)
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    result = {"commit": commit, "date": time.strftime("%Y-%m-%d"), "versions": versions, "machine": platform.machine(),
              "cores": os.cpu_count(), "runs": options.runs, "strategy": options.strategy, "rows": rows}
    ratios = {kind: [] for kind in ("to_ptx", "in_call")}
    for row in rows:
        if row["compiler"] == "triton":
            own = next(r for r in rows if r["compiler"] == "fcc" and all(r[k] == row[k] for k in ("kernel", "head", "target")))
            for kind, list_ in ratios.items():
                list_.append(row[kind] / own["to_ptx"])
    text = table(result)
    if ratios["to_ptx"]:
        text += (f"\n\nTriton's cold compile takes {min(ratios['to_ptx']):.1f} to {max(ratios['to_ptx']):.1f} times as long as the "
                 f"whole of `fcc`; without Python's start and imports {min(ratios['in_call']):.1f} to {max(ratios['in_call']):.1f} times.")
    print(text)
    if options.out:
        pathlib.Path(options.out).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(options.out + ".json").write_text(json.dumps(result, indent=1) + "\n")
        said = ", ".join(f"{name} {number}" for name, number in versions.items())
        pathlib.Path(options.out + ".md").write_text(
            "# Compile times\n\nMedians of "
            f"{options.runs} cold runs, commit {commit}, {said}, {os.cpu_count()} cores; `fcc --strategy={options.strategy}`. "
            "`tools/scripts/peers-compile.py` says what each column holds and makes this page.\n\n" + text + "\n")


if __name__ == "__main__":
    main()
