"""What the tests share: kernels of the tree, random inputs, attention in float64."""
import os
import pathlib

import numpy

import flashcore

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ROOT / "kernels_src"
BUILD = pathlib.Path(os.environ.get("FLASHCORE_TEST_BUILD", ROOT / "build"))
# NVIDIA's driver as the tests have it: it runs launches on the emulator.
FAKE = BUILD / "fakes" / "libfakecuda.so"


def kernel(name="attention", **parameters):
    """A kernel of kernels_src/, by its cheapest rung to run."""
    parameters = {"D": 16, "T": "f16", "strategy": "tensor", **parameters}
    return flashcore.compile(KERNELS / f"{name}.fc", **parameters)


def random(*shape, dtype=numpy.float16, seed=0):
    return numpy.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def inputs(b=1, h=2, m=20, n=33, d=16, dtype=numpy.float16):
    return random(b, h, m, d, dtype=dtype, seed=1), random(b, h, n, d, dtype=dtype, seed=2), random(b, h, n, d, dtype=dtype, seed=3)


def attention(q, k, v, causal=False, scale=None):
    """(o, lse) in float64."""
    q, k, v = (numpy.asarray(x, dtype=numpy.float64) for x in (q, k, v))
    scores = q @ k.swapaxes(-1, -2) * (scale if scale is not None else q.shape[-1] ** -0.5)
    if causal:
        m, n = scores.shape[-2:]
        scores = numpy.where(numpy.arange(n) <= numpy.arange(m)[:, None] + (n - m), scores, -numpy.inf)
    top = scores.max(-1, keepdims=True)
    weights = numpy.exp(scores - top)
    total = weights.sum(-1, keepdims=True)
    return weights / total @ v, (top + numpy.log(total))[..., 0]
