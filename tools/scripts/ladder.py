#!/usr/bin/env python3
"""What each rung costs: counters of the emulator over the steady loop, a multiplication of matrices at a time.

    ladder.py [build/bin] [kernel ...]

For each kernel (attention, causal), head size (64, 128) and rung it runs one tile of rows over N keys and over
2 N, and prints the difference: what the loop takes for N keys more, without entry and exit. A causal row sees
all keys, since queries are the last M of N. `scalar` has no mma; its instructions are given by the mma that the
same work would be (2 * 16 * 8 * 16 operations each).
"""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS, KEYS = 64, 4096


def counters(run, ptx, keys):
    text = subprocess.run([run, ptx, "--shape", f"B=1,H=1,G=1,M={ROWS},N={keys}", "--counters"],
                          check=True, capture_output=True, text=True).stdout
    lines = text.split("counters\n", 1)[1].splitlines()
    return {words[0]: int(words[1]) for words in map(str.split, lines) if len(words) == 2}


def main(arguments):
    tools = pathlib.Path(arguments[0]) if arguments else ROOT / "build" / "bin"
    kernels = arguments[1:] or ["attention", "causal"]
    print(f"{'kernel':10} {'D':>4} {'rung':10} {'instr/mma':>10} {'alu':>6} {'fma':>6} {'mufu':>6} {'shared':>7} "
          f"{'async':>6} {'barriers/tile':>14} {'wavefronts/ideal':>17} {'bytes/ideal':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for kernel in kernels:
            for head in (64, 128):
                for rung in ("scalar", "tensor", "pipelined"):
                    ptx = f"{folder}/{kernel}.ptx"
                    subprocess.run([tools / "fcc", ROOT / "kernels_src" / f"{kernel}.fc", "-D", f"D={head}",
                                    f"--strategy={rung}", "--schedule", "i=64,j=64,warps=4", "-o", ptx], check=True)
                    few, many = (counters(tools / "fc-run", ptx, keys) for keys in (KEYS // 2, KEYS))
                    more = {name: many[name] - few[name] for name in many}
                    keys = KEYS // 2
                    products = 2 * ROWS * keys * head // (16 * 8 * 16)
                    per = lambda name: more[name] / products
                    warps, tiles = ROWS // 16, keys // 64
                    print(f"{kernel:10} {head:4} {rung:10} {per('warp_instructions.total'):10.2f}"
                          f" {per('warp_instructions.alu'):6.2f} {per('warp_instructions.fma'):6.2f}"
                          f" {per('warp_instructions.mufu'):6.2f} {per('warp_instructions.shared'):7.2f}"
                          f" {per('warp_instructions.async'):6.2f} {more['barriers'] / tiles / warps:14.2f}"
                          f" {more['shared_wavefronts'] / more['shared_wavefronts_ideal']:17.2f}"
                          f" {more['global_bytes_read'] / (2 * keys * head * 2):12.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
