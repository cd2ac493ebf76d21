#!/usr/bin/env python3
"""What is computed of each mask, by the emulator's counters: the operations that the tensor cores are given over those
of the tiles of 128 x 64 that hold at least one key (1.00: none is wasted), and the bytes of K and V read over those of
these tiles.

    mask-tiles.py [--size S] [build/bin] [mask ...]

Each mask is written as its predicate alone, compiled (`pipelined`), and run over S rows and S keys (default 4096) in
the emulator; the predicate, evaluated at every point by NumPy, is the truth. The last line is what a mask costs in full
tiles: warp instructions an `mma` of `causal` over those of `attention`, for keys that all rows see.

Exit 1 if a mask is not at 1.00, if the window reads other tiles than its own, or if full tiles cost more than 1.05.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS, KEYS, HEAD = 128, 64, 64

KERNEL = """
kernel mask<T: type = f16, D: int = 64, X: int = 64>(
    q: T[B, H, M, D], k: T[B, H, M, D], v: T[B, H, M, D], doc: i32[B, M], length: i32[B],
    left: int, right: int, every: int, chunk: int, sink: int, scale: f32 = 1 / sqrt(D)
) -> (o: T[B, H, M, D])
{
  assume 1 <= every <= 1024 and 1 <= chunk
  grid b in B, h in H, tile i in M
  axis j in M, d in D
  let half = M / 2
  let cleani = i >= half
  let cleanj = j >= half
  let blocki = where(cleani, i - half, i) / chunk
  let blockj = where(cleanj, j - half, j) / chunk
  let s = scale * dot[d](q[b, h, i, d], k[b, h, j, d])
  o[b, h, i, d] = dot[j](softmax[j](where(PREDICATE, s, -inf)) as T, v[b, h, j, d])
}
"""


def near(x, y, r, n):
    return abs(np.clip(x, r, n - 1 - r) - y) <= r


class Launch:
    """Values at launch, for S keys; `i`, `j` the points."""
    def __init__(self, size):
        self.S, self.i, self.j = size, np.arange(size)[:, None], np.arange(size)[None, :]
        self.left, self.right, self.every, self.chunk, self.sink = 511, 100, 4, 512, 4
        self.length = size * 3 // 4
        self.doc = np.arange(size) * 7 // size
        self.half = size // 2

    def block(self, x):
        return np.where(x >= self.half, x - self.half, x) // self.chunk


NEAR = "abs(clamp({x}, 6, {n} - 7) - {y}) <= 6"
# Name: the predicate in the language, the same in NumPy, values at launch.
MASKS = {
    "full": ("true", lambda l: l.i + l.j >= 0, {}),
    "causal": ("j <= i", lambda l: l.j <= l.i, {}),
    "window": ("i - left <= j <= i", lambda l: (l.i - l.left <= l.j) & (l.j <= l.i), {}),
    "window, both sides": ("i - left <= j <= i + right",
                           lambda l: (l.i - l.left <= l.j) & (l.j <= l.i + l.right), {}),
    "window by distance": ("abs(i - j) <= right", lambda l: abs(l.i - l.j) <= l.right, {}),
    "prefix": ("j < length[b] or j <= i", lambda l: (l.j < l.length) | (l.j <= l.i), {"length": 1000}),
    "chunked": ("i / chunk == j / chunk and j <= i", lambda l: (l.i // l.chunk == l.j // l.chunk) & (l.j <= l.i), {}),
    "block causal": ("j / chunk <= i / chunk", lambda l: l.j // l.chunk <= l.i // l.chunk, {"chunk": 192}),
    "padding": ("j < length[b]", lambda l: (l.j < l.length) & (l.i >= 0), {}),
    "padding, causal": ("j < length[b] and j <= i", lambda l: (l.j < l.length) & (l.j <= l.i), {}),
    "documents": ("doc[b, i] == doc[b, j]", lambda l: l.doc[:, None] == l.doc[None, :], {}),
    "documents, causal": ("doc[b, i] == doc[b, j] and j <= i",
                          lambda l: (l.doc[:, None] == l.doc[None, :]) & (l.j <= l.i), {}),
    "dilated": ("0 <= i - j <= left and (i - j) % every == 0",
                lambda l: (l.j <= l.i) & (l.i - l.j <= l.left) & ((l.i - l.j) % l.every == 0), {}),
    "strided and window": ("j % every == 0 or abs(i - j) <= right",
                           lambda l: (l.j % l.every == 0) | (abs(l.i - l.j) <= l.right), {"every": 256}),
    "sinks and window": ("j <= i and (j < sink or i - j <= left)",
                         lambda l: (l.j <= l.i) & ((l.j < l.sink) | (l.i - l.j <= l.left)), {}),
    "longformer": ("abs(i - j) <= left or i < sink or j < sink",
                   lambda l: (abs(l.i - l.j) <= l.left) | (l.i < l.sink) | (l.j < l.sink), {"left": 200}),
    "neighbourhood": (NEAR.format(x="i", y="j", n="M"), lambda l: near(l.i, l.j, 6, l.S), {}),
    "neighbourhood, 2-D": (f"{NEAR.format(x='i / X', y='j / X', n='M / X')} and "
                           f"{NEAR.format(x='i % X', y='j % X', n='X')}",
                           lambda l: near(l.i // 64, l.j // 64, 6, l.S // 64) & near(l.i % 64, l.j % 64, 6, 64), {}),
    "block diffusion": ("(cleani == cleanj and blocki == blockj) or (cleanj and not cleani and blockj < blocki) or "
                        "(cleanj and cleani and blockj <= blocki)",
                        lambda l: (((l.i >= l.half) == (l.j >= l.half)) & (l.block(l.i) == l.block(l.j)))
                        | ((l.j >= l.half) & (l.i < l.half) & (l.block(l.j) < l.block(l.i)))
                        | ((l.j >= l.half) & (l.i >= l.half) & (l.block(l.j) <= l.block(l.i))), {"chunk": 16}),
    "dilated by 256": ("0 <= i - j <= left and (i - j) % every == 0",
                       lambda l: (l.j <= l.i) & (l.i - l.j <= l.left) & ((l.i - l.j) % l.every == 0),
                       {"left": 1500, "every": 256}),
}


def counters(text):
    lines = text.split("counters\n", 1)[1].splitlines()
    return {words[0]: int(words[1]) for words in map(str.split, lines) if len(words) == 2}


def full_tile_cost(tools, folder):
    """Instructions an mma of the loop over full tiles, causal over attention."""
    cost = {}
    for kernel in ("attention", "causal"):
        ptx, counts = f"{folder}/{kernel}.ptx", []
        subprocess.run([tools / "fcc", ROOT / "kernels_src" / f"{kernel}.fc", "--strategy=pipelined", "--schedule",
                        "i=64,j=64,warps=4", "-o", ptx], check=True)
        for keys in (1024, 2048):
            run = [tools / "fc-run", ptx, "--shape", f"B=1,H=1,G=1,M=64,N={keys}", "--no-races", "--counters"]
            counts.append(counters(subprocess.run(run, check=True, capture_output=True, text=True).stdout))
        few, many = counts
        name = "warp_instructions.total"
        cost[kernel] = (many[name] - few[name]) / (many["mma"] - few["mma"])
    ratio = cost["causal"] / cost["attention"]
    print(f"full tiles: {cost['causal']:.2f} instructions/mma of causal, {cost['attention']:.2f} of attention: "
          f"{ratio:.3f}")
    return ratio


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("tools", nargs="?", default=str(ROOT / "build" / "bin"))
    parser.add_argument("masks", nargs="*")
    options = parser.parse_args()
    tools, size = pathlib.Path(options.tools), options.size
    print(f"{'mask':20} {'tiles':>6} {'with a key':>10} {'operations/ideal':>17} {'K, V bytes/ideal':>17} "
          f"{'instructions/mma':>17}")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, (predicate, truth, values) in MASKS.items():
            if options.masks and name not in options.masks:
                continue
            launch = Launch(size)
            for key, value in values.items():
                setattr(launch, key, value)
            text, ptx = f"{folder}/mask.fc", f"{folder}/mask.ptx"
            pathlib.Path(text).write_text(KERNEL.replace("PREDICATE", predicate))
            np.save(f"{folder}/doc.npy", launch.doc.astype(np.int32)[None, :])
            subprocess.run([tools / "fcc", text, "--strategy=pipelined", "--schedule",
                            f"i={ROWS},j={KEYS},warps=8", "-o", ptx], check=True)
            sets = [f"--set={key}={getattr(launch, key)}" for key in ("left", "right", "every", "chunk", "sink")]
            output = subprocess.run(
                [tools / "fc-run", ptx, "--shape", f"B=1,H=1,M={size}", "--in", f"doc={folder}/doc.npy",
                 "--fill", f"length=const:{launch.length}", *sets, "--no-races", "--counters"],
                check=True, capture_output=True, text=True).stdout
            count = counters(output)
            holds = np.broadcast_to(truth(launch), (size, size))
            tiles = holds.reshape(size // ROWS, ROWS, size // KEYS, KEYS).any(axis=(1, 3))
            live = int(tiles.sum())
            operations = count["tensor_flops_issued"] / (live * 4 * ROWS * KEYS * HEAD)
            # Q once; ids are few.
            bytes_read = (count["global_bytes_read"] - size * HEAD * 2) / (live * 2 * KEYS * HEAD * 2)
            per_mma = count["warp_instructions.total"] / count["mma"]
            print(f"{name:20} {tiles.size:6} {live:10} {operations:17.3f} {bytes_read:17.3f} {per_mma:17.2f}",
                  flush=True)
            failed |= operations > 1 or (name == "window" and bytes_read > 1)
        if not options.masks:
            failed |= full_tile_cost(tools, folder) > 1.05
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
