#!/usr/bin/env python3
"""Attention of your own from its formula: written here, compiled, run, and compared with NumPy.

    python3 attention.py            NumPy, on the emulator
    python3 attention.py --torch    PyTorch: on the GPU where there is one

The variant: a sliding window of `window` keys, scores bent by a tanh, as one would write it on paper.
"""
import sys
import time

import numpy

import flashcore

TEXT = """
kernel bent<T: type = f16, D: int = 64>(q: T[B, H, M, D], k: T[B, H, N, D], v: T[B, H, N, D], window: int, cap: f32 = 30)
    -> (o: T[B, H, M, D], lse: f32[B, H, M])
{
  grid b in B, h in H, tile i in M
  axis j in N, d in D
  let s = dot[d](q[b, h, i, d], k[b, h, j, d]) / sqrt(D)
  let seen = where(i - window < j <= i, cap * tanh(s / cap), -inf)
  o[b, h, i, d] = dot[j](softmax[j](seen) as T, v[b, h, j, d])
  lse[b, h, i] = logsumexp[j](seen)
}
"""


def expected(q, k, v, window, cap):
    """The formula in float64, as directly as it can be said."""
    q, k, v = (x.astype(numpy.float64) for x in (q, k, v))
    s = q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5
    i, j = numpy.ogrid[: q.shape[2], : k.shape[2]]
    s = numpy.where((i - window < j) & (j <= i), cap * numpy.tanh(s / cap), -numpy.inf)
    p = numpy.exp(s - s.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True) @ v


def main():
    bent = flashcore.compile(TEXT, T="f16", D=32)
    print(bent)
    generator = numpy.random.default_rng(0)
    arrays = [generator.standard_normal((1, 2, 100, 32)).astype(numpy.float16) for _ in range(3)]
    given = arrays
    if "--torch" in sys.argv:
        import torch

        given = [torch.from_numpy(x).to("cuda" if torch.cuda.is_available() else "cpu") for x in arrays]
    start = time.perf_counter()
    o, lse = bent(*given, window=16, outputs=("o", "lse"))
    if "--torch" in sys.argv:
        o = o.cpu().numpy()
    print(f"{tuple(o.shape)} in {time.perf_counter() - start:.3f} s, by variant `{bent.variant}`")
    error = numpy.abs(o - expected(*arrays, window=16, cap=30.0)).max()
    print(f"largest difference from float64: {error:.2e}")
    if error > 2e-3:
        sys.exit("that is too much")


if __name__ == "__main__":
    main()
