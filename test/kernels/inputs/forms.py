"""forms.py FCC FC-RUN KERNELS: every kernel in every launch variant of the rungs with tensor cores, against the reference."""
import sys

from every import every, run, variants

fcc, fc_run, folder = sys.argv[1:]
KEYS = 328  # rows of scores that are multiples of 16 bytes: some forms ask for that


def forms(name, rung, source, ptx, options):
    """Of each form of each kernel what is wrong with it, empty where nothing is: [(form, text)]."""
    found = []
    for kernel, names in variants(fc_run, ptx).items():
        for variant in names:
            result = run(fc_run, ptx, "--kernel", kernel, "--variant", variant, "--check", source, *options(KEYS, kernel))
            said = (result.stderr + result.stdout).strip().splitlines()
            found.append(("%s %s" % (kernel, variant), "" if result.returncode == 0 else "\n    ".join(said[:8]) or "failed"))
    return found


ran = bad = 0
for name, rung, result in every(fcc, fc_run, folder, forms, rungs=["tensor", "pipelined"]):
    if isinstance(result, str) or not result:
        result = [("", result or "has no form")]
    for form, wrong in result:
        ran += 1
        bad += wrong != ""
        if wrong:
            print("%s %s %s: %s" % (name, rung, form, wrong))
print("%d of %d forms agree" % (ran - bad, ran))
sys.exit(bad != 0)
