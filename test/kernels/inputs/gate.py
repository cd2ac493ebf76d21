"""gate.py FCC FC-RUN KERNELS: the mutation gate over every kernel of a folder in every rung and launch variant, and with the
schedules that synchronise in ways of their own.

Leaves out each commit, wait, barrier and fence of each generated kernel in turn (`fc-run --mutate`) and asks for a
report of every one: a survivor is a fault of the compiler's or of the emulator's. A kernel, a rung or a pattern of
synchronisation that is new is gated without a word here; what cannot be run is named. Prints the score of each and of all."""
import re
import sys

from every import RUNGS, every, run, variants

fcc, fc_run, folder = sys.argv[1:]
# Rungs, and the schedules that bring other synchronisation: parts of the warps that merge their states, and rings of
# several slots, whose waits count groups.
SCHEDULES = ["pipelined split:j=2", "pipelined stages=3"]
# Large heads keep Q in shared memory, and other bytes are shared. For some kernels: the others differ in what is between the products.
HEADS = ["tensor D=128", "pipelined D=128", "pipelined D=128 stages=3", "pipelined D=256"]
LARGE = {"attention", "causal", "document"}
# In which slot a walk ends depends on its length: what one length does not need another does.
LENGTHS = [330, 270, 400, 900, 1300]
# Kernels that have to be gated in every rung, whatever becomes of the others.
NEEDED = {"attention", "causal", "gqa", "sinks", "softcap", "alibi", "sliding_window", "sigmoid", "softmax1", "manual", "unfused/attention"}
# Kernels of which a schedule has nothing to say: the walk by hand is not split, and what is not fused has no walk over `j` alone.
WHOLE = {"manual", "unfused/attention"}


def gate(name, rung, source, ptx, options):
    """(caught, mutants, lines about the survivors) of the mutants that some length needs, in every variant."""
    caught = mutants = 0
    survivors = []
    for kernel, names in variants(fc_run, ptx).items():
        for variant in names[:1] if rung in SCHEDULES else names:
            left, score = None, None
            for keys in LENGTHS:
                result = run(fc_run, ptx, "--mutate", "--kernel", kernel, "--variant", variant, *options(keys, kernel))
                if "no variant is made for this launch" in result.stderr:
                    continue  # of tensors that these lengths do not align
                score = re.match(r"(\d+) of (\d+) mutants are caught\n", result.stdout)
                if not score:
                    return "not gated: " + (result.stdout + result.stderr).strip().split("\n")[0]
                lines = result.stdout.splitlines()[1:]
                left = [line for line in lines if left is None or line in left]
                if not left:
                    break
            if not score:
                return "not gated: no length suits variant `%s` of `%s`" % (variant, kernel)
            caught, mutants = caught + int(score[2]) - len(left), mutants + int(score[2])
            survivors += left
    return caught, mutants, survivors


caught = mutants = bad = 0
gated = set()
for name, rung, result in every(fcc, fc_run, folder, gate, RUNGS + SCHEDULES + HEADS,
                                lambda name, rung: rung in HEADS and name not in LARGE):
    if isinstance(result, str):
        print("%-20s %-20s %s" % (name, rung, result))
        continue
    print("%-20s %-20s %d of %d" % (name, rung, *result[:2]))
    gated.add((name, rung))
    caught, mutants = caught + result[0], mutants + result[1]
    for line in result[2]:
        print("    " + line.strip())
        bad += 1
for name in sorted(NEEDED | LARGE):
    for rung in (RUNGS + SCHEDULES if name in NEEDED else []) + (HEADS if name in LARGE else []):
        if (name, rung) not in gated and not ("split" in rung and name in WHOLE):
            bad += 1
            print("%s has to be gated in `%s`" % (name, rung))
print("mutation score: %d of %d, %s %%" % (caught, mutants, 100 * caught // max(mutants, 1)))
sys.exit(bad != 0)
