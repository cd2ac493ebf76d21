"""barriers.py FCC KERNELS: how often the CTA meets in a turn of a walk, of every kernel of a folder, in every rung and form.

Counts the barriers in each innermost loop that has products, and the exchanges between warps, which have one of their own. Prints
the most of each kernel, rung and head size, and fails where a turn takes more than two, or one more for each tile that goes from
registers to a product through shared memory."""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

fcc, folder = sys.argv[1:]
MOST = 2
# By rung: the head sizes that differ in what fits into registers and into shared memory.
FORMS = {"scalar": [64], "tensor": [64, 128, 256], "pipelined": [64, 128, 256], "pipelined stages=2": [64]}


def turns(text):
    """(kernel, barriers, tiles stored) of each innermost loop with products."""
    kernel, loops = None, []
    for line in text.splitlines():
        if found := re.match(r" *fc\.kernel @([\w$]+)", line):
            kernel = found[1]
        indent = len(line) - len(line.lstrip())
        if "scf.for" in line:
            for loop in loops:
                loop["inner"] = True
            loops.append({"indent": indent, "inner": False, "products": 0, "barriers": 0, "stores": 0})
        elif loops and line.lstrip().startswith("}") and indent == loops[-1]["indent"]:
            loop = loops.pop()
            if loop["products"] and not loop["inner"]:
                yield kernel, loop["barriers"], loop["stores"]
        elif loops:
            loops[-1]["products"] += "fc.dot" in line
            loops[-1]["barriers"] += "gpu.barrier" in line or "fc.exchange" in line
            loops[-1]["stores"] += "fc.store" in line


def count(job):
    path, rung, head = job
    strategy, *schedule = rung.split()
    command = [fcc, path, "--strategy=" + strategy, "-D", "D=%d" % head, "--stop-after=async"]
    done = subprocess.run(command + [word for item in schedule for word in ("--schedule", item)], capture_output=True, text=True)
    name = os.path.splitext(os.path.relpath(path, folder))[0]
    return name, rung, head, list(turns(done.stdout)), (done.stderr.strip().splitlines() or [""])[-1]


files = sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.endswith(".fc"))
jobs = [(path, rung, head) for path in files if re.search(r"^kernel ", open(path).read(), re.M)  # not libraries
        for rung, heads in FORMS.items() for head in heads]
bad = 0
with ThreadPoolExecutor(os.cpu_count()) as pool:
    for name, rung, head, found, said in pool.map(count, jobs):
        most = max((barriers for _, barriers, _ in found), default="no walk: " + said)
        print("%-20s %-18s %3d %s" % (name, rung, head, most))
        for kernel, barriers, stores in found:
            if barriers > MOST + stores:
                bad += 1
                print("    %d in a turn of `%s`, at most %d" % (barriers, kernel, MOST + stores))
sys.exit(bad != 0)
