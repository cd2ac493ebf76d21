"""modes.py FCC FC-RUN KERNELS: every kernel in every rung, with copies that land late, early and by two seeds.

Each run is compared with the reference, and what copies that land early give has to be, bit for bit, what late ones do."""
import hashlib
import sys

from every import every, run

fcc, fc_run, folder = sys.argv[1:]
MODES = [["--async=lazy"], ["--async=eager"], ["--async=random", "--seed=1"], ["--async=random", "--seed=2"]]
NEEDED = {"attention", "causal", "gqa", "sinks", "softcap", "alibi", "sliding_window", "sigmoid", "softmax1", "manual", "unfused/attention"}


def modes(name, rung, source, ptx, options):
    output = "s" if name.startswith("unfused") else "o"
    digests = []
    for mode in MODES:
        file = "%s-%d.npy" % (ptx, len(digests))
        result = run(fc_run, ptx, "--check", source, "--out", "%s=%s" % (output, file), *options(), *mode)
        if result.returncode:
            return "%s: %s" % (" ".join(mode), "\n    ".join((result.stderr + result.stdout).strip().splitlines()[:8]))
        digests.append(hashlib.sha256(open(file, "rb").read()).hexdigest())
    return "" if digests[0] == digests[1] else "eager copies give other bytes than lazy ones"


good = bad = 0
seen = set()
for name, rung, result in every(fcc, fc_run, folder, modes):
    if result == "":
        good += 1
        seen.add(name)
    else:
        # What a rung refuses, or an input that is missing here, is no fault of the modes.
        harmless = result.startswith("refused") or ": fc-run: " in result
        bad += not harmless
        print("%-20s %-10s %s" % (name, rung, result))
for name in sorted(NEEDED - seen):
    bad += 1
    print("%s has to run" % name)
print("%d kernels agree in %d modes (a kernel counts once for each rung)" % (good, len(MODES)))
sys.exit(bad != 0)
