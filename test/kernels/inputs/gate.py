"""gate.py FCC FC-RUN KERNELS: the mutation gate over every kernel of a folder and every rung.

Leaves out each commit, wait, barrier and fence of each generated kernel in turn (`fc-run --mutate`) and asks for a
report of every one. A kernel, a rung or a pattern of synchronisation that is new is gated without a word here; a kernel
that a rung refuses is counted as refused. Prints the score of each and of all."""
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

fcc, fc_run, folder = sys.argv[1:]
RUNGS = ["scalar", "tensor", "pipelined"]
# Several tiles of queries and of keys, with tails, and more tiles than a ring has slots.
DIMS = {"B": 1, "H": 2, "G": 1, "M": 70, "N": 330}
# What kernels take beside their tensors: lengths that are lengths, and windows that end within the shape.
FILL = {"cross": ["len=const:200"], "padding": ["length=const:200"], "prefix_lm": ["prefix=const:100"]}
SET = {"chunked": ["chunk=90"], "dilated": ["window=100"], "sliding_sink": ["window=100"], "sliding_window": ["left=100"]}
# Mutants that survive because the synchronisation is not needed: findings about the compiler, which the score shows.
# (kernel, rung, instruction) -> why it is not needed.
FINDINGS = {
    ("unfused/attention", "pipelined", "cp.async.wait_all"): "two tiles are copied in a row, and the second wait covers both",
}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def gate(job):
    path, rung, ptx = job
    name = os.path.splitext(os.path.relpath(path, folder))[0]
    compiled = run(fcc, path, "--strategy=" + rung, "-o", ptx)
    if compiled.returncode:
        return name, rung, None, compiled.stderr.strip().splitlines()[:1]
    shape = ",".join("%s=%d" % item for item in DIMS.items())
    options = [word for fill in FILL.get(name, []) for word in ("--fill", fill)]
    options += [word for value in SET.get(name, []) for word in ("--set", value)]
    result = run(fc_run, ptx, "--shape", shape, "--mutate", "--threads=1", *options)
    score = re.match(r"(\d+) of (\d+) mutants are caught\n", result.stdout)
    if not score:
        return name, rung, (0, 1), (result.stdout + result.stderr).strip().splitlines()[:12]
    return name, rung, (int(score[1]), int(score[2])), result.stdout.splitlines()[1:]


with tempfile.TemporaryDirectory() as temporary:
    files = sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.endswith(".fc"))
    jobs = [(path, rung, os.path.join(temporary, "%d-%s.ptx" % (number, rung)))
            for number, path in enumerate(files) for rung in RUNGS
            if "kernel " in open(path).read()]  # not libraries
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(gate, jobs))

caught = mutants = bad = 0
for name, rung, score, lines in results:
    if score is None:
        print("%-20s %-10s refused: %s" % (name, rung, lines[0] if lines else ""))
        continue
    print("%-20s %-10s %d of %d" % (name, rung, *score))
    caught, mutants = caught + score[0], mutants + score[1]
    for line in lines:
        instruction = re.search(r"`([^`]*)` is not noticed", line)
        finding = instruction and FINDINGS.get((name, rung, instruction[1]))
        print("    %s%s" % (line.strip(), ": " + finding if finding else ""))
        bad += not finding
for rung in RUNGS:
    gated = [score for _, at, score, _ in results if at == rung and score]
    if not any(score[1] for score in gated):
        bad += 1
        print("no mutant of any kernel in `%s`: the gate saw nothing" % rung)
print("mutation score: %d of %d, %s %%" % (caught, mutants, 100 * caught // max(mutants, 1)))
sys.exit(bad != 0)
