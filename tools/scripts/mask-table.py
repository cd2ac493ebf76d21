#!/usr/bin/env python3
"""What is planned and what is run of each mask in kernels_src, at length 4096, tiles of 128 x 64, D = 64.

    mask-table.py [--size S] [build/bin] [kernel ...]

empty, full, partial: tiles found and true, the truth by the reference evaluator, point by point (`fcc --explain=json`).
FLOPs: what the tensor cores are given, by the emulator's counters, over the tiles that hold a key. K, V: bytes read from
global memory, less those of q, over those of these tiles; ids that the mask reads are among them. tests: selects of the mask that a full tile runs. causal/plain: warp instructions an mma of
causal over those of attention without a mask, where all tiles are full but those of the diagonal.

Exit 1 if a bar is missed.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from variants import VARIANTS, options  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS, KEYS, HEAD = 128, 64, 64
SCHEDULE = f"i={ROWS},j={KEYS},warps=8"
# Masks whose plan may lose something: no bar of 1.00.
LOOSE = {"tree"}


class Tools:
    def __init__(self, folder):
        self.fcc, self.run = folder / "fcc", folder / "fc-run"

    def explain(self, name, words, ptx):
        text = subprocess.run([self.fcc, ROOT / "kernels_src" / f"{name}.fc", "--schedule", SCHEDULE, *words,
                               "--explain=json", "-o", ptx], check=True, capture_output=True, text=True).stdout
        return json.loads(text)["kernels"][0]

    def counters(self, ptx, words):
        """Of one run; --at and -D are for fcc alone, all else is the same."""
        kept, skip = [], False
        for word in words:
            if skip or word in ("--at", "-D"):
                skip = not skip
                continue
            kept.append(word)
        text = subprocess.run([self.run, ptx, *kept, "--json", "--counters", "--no-races"], check=True,
                              capture_output=True, text=True).stdout
        return json.loads(text)["counters"]


def ones(words, dims):
    """--shape with B, H and G at 1 where nothing is said: fc-run asks for every dimension."""
    result = list(words)
    at = result.index("--shape") + 1
    given = {part.split("=")[0] for part in result[at].split(",")}
    result[at] += "".join(f",{dim}=1" for dim in dims if dim not in given)
    return result


def measure(tools, name, size, folder):
    words = options(name, size, long=True)
    ptx = folder / f"{name}.ptx"
    kernel = tools.explain(name, words, ptx)
    counts, mask = kernel["counts"][0], kernel["masks"][0]
    row = {"name": name, "tests": mask["tests"] - mask["tests_that_full_tiles_skip"], "counts": counts}
    if counts["truly_empty"] is None:
        return row
    counters = tools.counters(ptx, ones(words, "BHG"))
    needed = counts["row_tiles"] * counts["key_tiles"] - counts["truly_empty"]
    slices = counts["slices"]
    if counts["same_for_all_slices"] or slices == 1:
        flops = needed * slices * 2 * 2 * ROWS * KEYS * HEAD
        row["flops"] = counters["tensor_flops_issued"] / flops if flops else 1.0
        loads = needed * slices * 2 * KEYS * HEAD * 2
        queries = counts["row_tiles"] * ROWS * HEAD * 2 * slices
        row["bytes"] = (counters["global_bytes_read"] - queries) / loads if loads else 1.0
    row["per_mma"] = counters["warp_instructions"]["total"] / max(counters["mma"], 1)
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("bin", nargs="?", default=ROOT / "build" / "bin", type=pathlib.Path)
    parser.add_argument("kernels", nargs="*")
    arguments = parser.parse_args()
    tools = Tools(arguments.bin)
    names = arguments.kernels or [name for name in VARIANTS if (ROOT / "kernels_src" / f"{name}.fc").exists()]
    missed = []
    print(f"{'mask':16} {'empty':>13} {'full':>13} {'partial':>13} {'FLOPs':>7} {'K, V':>7} {'tests':>6}")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        per_mma = {}
        for name in names:
            row = measure(tools, name, arguments.size, folder)
            counts = row["counts"]
            total = counts["row_tiles"] * counts["key_tiles"]
            if counts["truly_empty"] is None:
                print(f"{name:16} {counts['skipped']:6} {'?':>6} {counts['full']:6} {'?':>6} {counts['partial']:6} {'?':>6}")
                continue
            empty, full = counts["truly_empty"], counts["truly_full"]
            show = lambda value: f"{value:7.2f}" if value is not None else f"{'-':>7}"
            flops = row.get("flops")
            print(f"{name:16} {counts['skipped']:6} {empty:6} {counts['full']:6} {full:6}"
                  f" {counts['partial']:6} {total - empty - full:6} {show(flops)} {show(row.get('bytes'))} {row['tests']:6}")
            per_mma[name] = row.get("per_mma")
            if counts["skipped"] > empty or counts["full"] > full:
                missed.append(f"{name} is UNSOUND")
            if name not in LOOSE and (counts["skipped"] != empty or counts["full"] != full):
                missed.append(f"{name}: not every tile is told")
            if name not in LOOSE and flops is not None and flops > 1.005:
                missed.append(f"{name}: FLOPs {flops:.3f}")
            if row["tests"]:
                missed.append(f"{name}: {row['tests']} tests in a full tile")
        if not arguments.kernels or "causal" in names:
            ptx = folder / "attention.ptx"
            words = ["--shape", f"B=1,H=1,G=1,M={ROWS},N={arguments.size}"]
            per = {}
            for name in ("attention", "causal"):
                tools.explain(name, [], ptx)
                many = tools.counters(ptx, words)
                few = tools.counters(ptx, ["--shape", f"B=1,H=1,G=1,M={ROWS},N={arguments.size // 2}"])
                total = many["warp_instructions"]["total"] - few["warp_instructions"]["total"]
                per[name] = total / (many["mma"] - few["mma"])
            ratio = per["causal"] / per["attention"]
            print(f"\nwarp instructions an mma, full tiles: attention {per['attention']:.2f}, causal {per['causal']:.2f},"
                  f" ratio {ratio:.3f} (bar 1.05)")
            if ratio > 1.05:
                missed.append(f"causal: {ratio:.3f} of attention's instructions an mma")
    print("\n" + ("\n".join(f"MISSED  {each}" for each in missed) if missed else "all bars are met"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
