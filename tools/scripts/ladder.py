#!/usr/bin/env python3
"""What each rung costs: counters of the emulator over the steady loop, beside the bars of fast kernels.

    ladder.py [--build DIR] [--schedule ITEMS] [--heads SIZES] [--mission] [kernel ...]

For each kernel (attention, causal), head size (64, 128) and rung it runs one tile of rows over N keys and over
2 N, and prints the difference: what the loop takes for N keys more, without entry and exit. A causal row sees
all keys, since queries are the last M of N. `scalar` has no mma; its instructions are given by the mma that the
same work would be (2 * 16 * 8 * 16 operations each). The rungs are shown with the same tiles (`--schedule`); `chosen` is the
last one with those that fcc takes by itself for large launches, for heads of 256, too. `--heads` shows others, at every rung, and of
them the sectors of a whole launch, too, that stores results and takes whatever form it likes. Behind each line stands whether it keeps to
what its rung has to; the exit code is 1 if a line misses that (but for seconds of compiling, which are this machine's). `--mission` adds B=1 H=8 S=512 D=64
for sm_89, in the form that a launch takes by itself, and in the one that `fcc --shape` makes for it: the bound that an L4's data
sheet makes of the counters, with its assumptions, and how the CTAs fill its SMs: 56 of 58 or more, in one wave.
"""
import argparse
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from ptx_manifest import manifest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEYS = 4096
MISSION = "B=1,H=8,G=8,M=512,N=512"
RUNGS = ("scalar", "tensor", "pipelined", "chosen")
BARS = {64: 5.5, 128: 4.2}  # warp instructions an mma, of the last rung
HEADS = (64, 128, 256)


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def compiled(tools, kernel, path, *options):
    """Compiles twice; the seconds that passed in the quicker run: a busy machine makes some of them longer."""
    spent = []
    for _ in range(2):
        before = time.monotonic()
        run(tools / "fcc", ROOT / "kernels_src" / f"{kernel}.fc", "-o", path, *options)
        spent.append(time.monotonic() - before)
    return min(spent)


def counters(tools, ptx, shape, *options):
    text = run(tools / "fc-run", ptx, "--shape", shape, "--counters", "--no-races", *options).split("counters\n", 1)[1]
    return {words[0]: int(words[1]) for words in map(str.split, text.splitlines()) if len(words) == 2}


class Line:
    """One kernel, head size and rung: what the loop takes, by mma and by tile."""

    def __init__(self, tools, folder, kernel, head, rung, schedule, whole=False):
        path = f"{folder}/{kernel}.ptx"
        options, form = ["-D", f"D={head}"], []
        if rung == "chosen":
            self.seconds = compiled(tools, kernel, path, *options)
            wide = manifest(pathlib.Path(path).read_text())["kernels"][0]["variants"][0]
            sizes, form = wide["schedule"], [f"--variant={wide['name']}"]
        else:
            sizes = dict(item.split("=") for item in schedule.split(","))
            items = schedule if rung == "pipelined" else ",".join(x for x in schedule.split(",") if "stages" not in x)
            self.seconds = compiled(tools, kernel, path, *options, f"--strategy={rung}", "--schedule", items)
        rows, tile, warps = (int(sizes[name]) for name in ("i", "j", "warps"))
        few, many = (counters(tools, path, f"B=1,H=1,G=1,M={rows},N={keys}", *form) for keys in (KEYS // 2, KEYS))
        self.tiles = f"{rows} x {tile} on {warps}"
        more = {name: many[name] - few[name] for name in many}
        keys = KEYS // 2
        products = 2 * rows * keys * head // (16 * 8 * 16)
        self.name = (kernel, head, rung)
        self.by = {name.split(".")[1]: count / products for name, count in more.items()
                   if name.startswith("warp_instructions.")}
        self.barriers = more["barriers"] / (keys / tile) / warps
        self.wavefronts = more["shared_wavefronts"] / more["shared_wavefronts_ideal"]
        self.read = more["global_bytes_read"] / (2 * keys * head * 2)
        self.sectors = more["global_sectors"] / more["global_sectors_ideal"]
        if whole:
            launch = counters(tools, path, "B=1,H=2,G=1,M=128,N=128")
            self.sectors = max(self.sectors, launch["global_sectors"] / launch["global_sectors_ideal"])
        issued, useful = more["tensor_flops_issued"], more["tensor_flops_useful"]
        self.flops = issued / useful if useful else None

    def misses(self):
        """What the line has to keep to and does not: every rung its barriers, bytes and sectors, those with tensor cores wavefronts
        and FLOPs, too, and the last one instructions."""
        kernel, head, rung = self.name
        wanted = [("barriers", self.barriers <= 2), ("bytes", self.read == 1), ("sectors", self.sectors == 1),
                  ("compile", self.seconds <= 0.5)]
        if rung != "scalar":
            wanted += [("wavefronts", self.wavefronts == 1), ("FLOPs", self.flops == 1)]
        if rung in RUNGS[-2:]:
            wanted += [("instr/mma", self.by["total"] <= BARS.get(head, 1e9))]
        return [name for name, holds in wanted if not holds]

    HEAD = (f"{'kernel':10} {'D':>4} {'rung':10} {'tiles on warps':15} {'instr/mma':>9} {'bar':>4} {'alu':>6} {'fma':>6} {'mufu':>5} "
            f"{'convert':>7} {'shared':>6} {'async':>5} {'shuffle':>7} {'barriers/tile':>13} {'wavefronts/ideal':>16} "
            f"{'bytes/ideal':>11} {'sectors/ideal':>13} {'FLOPs/useful':>12} {'compile':>8}")

    def __str__(self):
        kernel, head, rung = self.name
        by, last = self.by, rung in RUNGS[-2:]
        flops = "" if self.flops is None else f"{self.flops:.2f}"
        misses = self.misses()
        verdict = "  all hold" if not misses else "  MISSES " + ", ".join(misses)
        return (f"{kernel:10} {head:4} {rung:10} {self.tiles:15} {by['total']:9.2f} {BARS.get(head, '') if last else '':>4} {by['alu']:6.2f} "
                f"{by['fma']:6.2f} {by['mufu']:5.2f} {by['convert']:7.2f} {by['shared']:6.2f} {by['async']:5.2f} "
                f"{by['shuffle']:7.2f} {self.barriers:13.2f} {self.wavefronts:16.2f} {self.read:11.2f} {self.sectors:13.2f} {flops:>12} "
                f"{self.seconds:6.2f} s{verdict}")


def mission(tools, path, hint):
    """Prints what an L4 makes of the mission shape; whether that is within the bars."""
    compiled(tools, "attention", path, "--target=sm_89", *hint)
    launch = (tools / "fc-run", path, "--shape", MISSION, "--roofline", "l4", "--no-races")
    bound = json.loads(run(*launch, "--json"))["roofline"]
    print(f"\nB=1 H=8 S=512 D=64 on sm_89{', compiled for it (--shape)' if hint else ''}\n{bound['text']}", end="")
    misses = [name for name, holds in (("us", bound["busiest_sm_microseconds"] <= 12),
                                       ("SMs", bound["launches"][0]["busy_sms"] >= 56),
                                       ("waves", bound["launches"][0]["waves"] == 1)) if not holds]
    print("  MISSES " + ", ".join(misses) if misses else "  all hold: at most 12 us, at least 56 of 58 SMs, one wave")
    return not misses


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", default=["attention", "causal"])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--schedule", default="i=64,j=64,warps=4")
    parser.add_argument("--rungs", default=",".join(RUNGS))
    parser.add_argument("--heads", help="such as 72,80; default: those with bars")
    parser.add_argument("--mission", action="store_true")
    options = parser.parse_args()
    tools = options.build / "bin"
    failed = False
    print(Line.HEAD)
    with tempfile.TemporaryDirectory() as folder:
        for kernel in options.kernels:
            heads = map(int, options.heads.split(",")) if options.heads else HEADS
            for head, rung in itertools.product(heads, options.rungs.split(",")):
                if options.heads or head in BARS or rung == "chosen":
                    line = Line(tools, folder, kernel, head, rung, options.schedule, whole=bool(options.heads))
                    print(line, flush=True)
                    failed |= any(miss != "compile" for miss in line.misses())
        if options.mission:
            for hint in ((), ("--shape", MISSION)):
                failed |= not mission(tools, f"{folder}/mission.ptx", hint)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
