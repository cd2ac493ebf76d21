"""errors.py FC-RUN NAIVE.ptx PAIR.ptx PAIR.fc: wrong command lines, and what must be said to each."""
import subprocess
import sys

tool, naive, pair, source = sys.argv[1:]
shape = ["--shape", "B=1,H=2,G=2,M=3,N=4"]
cases = [
    ([], "input is required"),
    ([naive, "--no-such-option"], "--no-such-option"),
    (["/nowhere/x.ptx"], "cannot open `/nowhere/x.ptx`: No such file or directory"),
    (["/"], "cannot open `/`: Is a directory"),
    (["/nowhere/x.fc", "--shape", "N=1"], "x.fc"),
    ([source], "`N` has no value: give --shape N=..."),
    ([__file__], ""),
    ([naive], "`B`, `H`, `M`, `G`, `N` have no value: give --shape B=...,H=...,M=...,G=...,N=..., or files by --in"),
    ([naive, "--shape", "B=1,H=2,G=2,M=3"], "`N` has no value: give --shape N=..."),
    ([naive, "--shape", "B=1,B=2"], "--shape: `B` is given twice"),
    ([naive, "--shape", "B"], "--shape: `B` is not NAME=NUMBER"),
    ([naive, "--shape", "B=x"], "--shape: `B=x` is not NAME=NUMBER"),
    ([naive, "--shape", "B=-1"], "a number from 0 to 2^31 - 1"),
    ([naive, "--shape", "Q=1"], "--shape: causal has no dimension `Q`"),
    ([naive, "--shape", "D=64"], "`D` is a compile-time parameter, 8 in this PTX; compile with -D D=64"),
    ([naive, "--shape", "B=1,H=3,G=2,M=3,N=4"], "kernel `causal`: `assume H % G == 0` does not hold: H = 3, G = 2"),
    ([naive, "--shape", "B=1,H=70000,G=1,M=1,N=1"], "along y is 70000 (`H`, H = 70000), and must be from 0 to 65535"),
    ([naive, "--shape", "B=2000000,H=2000000,G=1,M=1000,N=1"], "`q` of shape [2000000, 2000000, 1000, 8] has"),
    ([naive, *shape, "--kernel", "other"], "has no kernel `other`; it has `causal`"),
    ([naive, *shape, "--in", "w=w.npy"], "--in: `w` is no input of causal; there are `q`, `k`, `v`"),
    ([naive, *shape, "--in", "q=w.npy", "--in", "q=v.npy"], "--in: `q` is given twice"),
    ([naive, *shape, "--in", "o=w.npy"], "--in: `o` is no input of causal; there are `q`, `k`, `v`"),
    ([naive, *shape, "--in", "q"], "--in: `q` is not NAME=VALUE"),
    ([naive, *shape, "--in", "q=/nowhere/q.npy"], "cannot open `/nowhere/q.npy`"),
    ([naive, *shape, "--out", "q=w.npy"], "--out: `q` is no output of causal; there are `o`, `lse`"),
    ([naive, *shape, "--null", "q"], "--null: `q` is no tensor that may be null of causal"),
    ([naive, *shape, "--null", "o", "--null", "lse"], "every output is null"),
    ([naive, *shape, "--set", "q=1"], "--set: `q` is no scalar of causal; there is `scale`"),
    ([naive, *shape, "--set", "scale=much"], "--set: `scale=much`, and `scale` is a number"),
    ([naive, *shape, "--fill", "q=noise"], "--fill: `q=noise`, expected normal, zeros"),
    ([naive, *shape, "--fill", "q=const"], "expected 1 number after `const`"),
    ([naive, *shape, "--fill", "q=const:X"], "expected a number or a dimension where `X` stands"),
    ([naive, *shape, "--fill", "q=uniform:1:1"], "expected a range that is not empty"),
    ([naive, *shape, "--device", "tpu"], "there is no device `tpu`"),
    ([naive, *shape, "--async", "sometimes"], "expected `lazy`, `eager` or `random`"),
    ([naive, *shape, "--check", "/nowhere/causal.fc"], "/nowhere/causal.fc"),
    ([naive, *shape, "--check", source], "pair.fc"),
    ([naive, *shape, "-D", "D=64"], "is compiled already; this option is for a .fc"),
    ([naive, *shape, "--strategy=scalar"], "--strategy: "),
    ([naive, *shape, "--schedule", "warps=2"], "--schedule: "),
    ([naive, *shape, "--target", "sm_90"], "--target: "),
    ([naive, *shape, "--max-instructions", "many"], "--max-instructions"),
]
bad = 0
for arguments, expected in cases:
    run = subprocess.run([tool, *arguments], capture_output=True, text=True)
    if run.returncode != 2 or expected not in run.stderr or run.stdout or not run.stderr:
        bad += 1
        print("fc-run", *arguments, "\n  exit", run.returncode, "\n  said", run.stderr + run.stdout, "\n  expected", expected)
print("%d wrong" % bad if bad else "all as expected")
