"""gate.py FCC FC-RUN KERNELS: the mutation gate over every kernel of a folder and every rung.

Leaves out each commit, wait, barrier and fence of each generated kernel in turn (`fc-run --mutate`) and asks for a
report of every one: a survivor is a fault of the compiler's or of the emulator's. A kernel, a rung or a pattern of
synchronisation that is new is gated without a word here; what cannot be run is named. Prints the score of each and of all."""
import re
import sys

from every import RUNGS, every, run

fcc, fc_run, folder = sys.argv[1:]
# Kernels that have to be gated in every rung, whatever becomes of the others.
NEEDED = {"attention", "causal", "gqa", "sinks", "softcap", "alibi", "sliding_window", "sigmoid", "softmax1", "manual", "unfused/attention"}


def gate(name, rung, source, ptx, options):
    result = run(fc_run, ptx, "--mutate", *options)
    score = re.match(r"(\d+) of (\d+) mutants are caught\n", result.stdout)
    if not score:
        return "not gated: " + (result.stdout + result.stderr).strip().split("\n")[0]
    return int(score[1]), int(score[2]), result.stdout.splitlines()[1:]


caught = mutants = bad = 0
gated = set()
for name, rung, result in every(fcc, fc_run, folder, gate):
    if isinstance(result, str):
        print("%-20s %-10s %s" % (name, rung, result))
        continue
    print("%-20s %-10s %d of %d" % (name, rung, *result[:2]))
    gated.add((name, rung))
    caught, mutants = caught + result[0], mutants + result[1]
    for line in result[2]:
        print("    " + line.strip())
        bad += 1
for name in sorted(NEEDED):
    for rung in RUNGS:
        if (name, rung) not in gated:
            bad += 1
            print("%s has to be gated in `%s`" % (name, rung))
print("mutation score: %d of %d, %s %%" % (caught, mutants, 100 * caught // max(mutants, 1)))
sys.exit(bad != 0)
