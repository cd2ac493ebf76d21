#!/usr/bin/env python3
"""Writes test/kernels/goldens: attention variants computed in float64 from their formulas.

The judge of the reference evaluator, so it shares nothing with it: each variant is written from the
formula in the paper, one row at a time, over the list of keys that the row sees. There is no masking by
-inf, no subtraction of a maximum where it can be avoided, no batched product.

    tools/scripts/make-goldens.py [directory]

Each case is a folder with one .npy a tensor; cases.json lists the program, the compile-time parameters,
the scalars, and the names of inputs and outputs. Inputs are stored in the type that the program takes,
outputs in float64.
"""

import json
import math
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "test/kernels/goldens"


def tensors(rng, b, h, g, m, n, d, e=None, spread=1.0):
    """q, k, v in f16; entries of q are spread times as large."""
    e = e or d
    return {
        "q": (rng.standard_normal((b, h, m, d)) * spread).astype(np.float16),
        "k": rng.standard_normal((b, g, n, d)).astype(np.float16),
        "v": rng.standard_normal((b, g, n, e)).astype(np.float16),
    }


def f32(x):
    """A scalar as a launch hands it over."""
    return float(np.float32(x))


def scores(t, b, h, i, scale):
    """The scaled products of row i with every key."""
    q, k = t["q"].astype(np.float64), t["k"].astype(np.float64)
    g = h // (q.shape[1] // k.shape[1])
    return [scale * math.fsum(q[b, h, i] * key) for key in k[b, g]]


def values(t, b, h):
    q, v = t["q"], t["v"].astype(np.float64)
    return v[b, h // (q.shape[1] // v.shape[1])]


def log_sum_exp(xs):
    if not xs:
        return -math.inf
    top = max(xs)
    return top + math.log(math.fsum(math.exp(x - top) for x in xs))


def weighted(pairs, size):
    """sum of weight * value over (weight, value) pairs."""
    total = np.zeros(size)
    for weight, value in pairs:
        total += weight * value
    return total


def rows(t, row):
    """row(b, h, i) -> (o, lse) for every row, as arrays."""
    q, v = t["q"], t["v"]
    b, h, m, _ = q.shape
    o, lse = np.zeros((b, h, m, v.shape[3])), np.zeros((b, h, m))
    for at in np.ndindex(b, h, m):
        o[at], lse[at] = row(*at)
    return {"o": o, "lse": lse}


def softmax_rows(t, score, sees, extra=None):
    """Softmax attention where row (b, h, i) sees the keys j with sees(b, i, j). `extra(h)` is the score of
    one more column that has no value."""
    n = t["k"].shape[2]

    def row(b, h, i):
        seen = [j for j in range(n) if sees(b, i, j)]
        s = score(b, h, i)
        s = [s[j] for j in seen]
        lse = log_sum_exp(s)
        norm = log_sum_exp(s + [extra(h)]) if extra else lse
        v = values(t, b, h)
        pairs = [(math.exp(x - norm), v[j]) for x, j in zip(s, seen)]
        return weighted(pairs, t["v"].shape[3]), lse

    return rows(t, row)


def everything(b, i, j):
    return True


def causal_of(t):
    shift = t["k"].shape[2] - t["q"].shape[2]
    return lambda b, i, j: j <= i + shift


CASES = []


def case(name, program, inputs, outputs, keep, scalars=None, kernel=None):
    """Writes one case; `keep` are the outputs that the program has."""
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    arrays = dict(inputs, **{k: outputs[k] for k in keep})
    for tensor, array in arrays.items():
        np.save(folder / f"{tensor}.npy", array)
    defines = {"D": inputs["q"].shape[3]}
    if program == "cross.fc":
        defines["E"] = inputs["v"].shape[3]
    CASES.append(
        {
            "name": name,
            "program": program,
            "defines": defines,
            "scalars": scalars or {},
            "inputs": sorted(inputs),
            "outputs": sorted(keep),
        }
    )


def default_scale(t):
    return f32(1 / math.sqrt(t["q"].shape[3]))


def plain(t, scale):
    return lambda b, h, i: scores(t, b, h, i, scale)


def main():
    rng = np.random.default_rng(20)

    t = tensors(rng, 2, 4, 2, 13, 21, 16)
    out = softmax_rows(t, plain(t, default_scale(t)), everything)
    case("attention", "attention.fc", t, out, ["o", "lse"])
    case("unfused", "unfused/attention.fc", t, out, ["o"])

    # Scores of some hundreds: exp of them overflows unless a maximum is taken off.
    t = tensors(rng, 1, 2, 1, 9, 19, 24, spread=100.0)
    out = softmax_rows(t, plain(t, 1.0), everything)
    case("attention-large-scores", "attention.fc", t, out, ["o", "lse"], {"scale": 1.0})

    t = tensors(rng, 1, 4, 2, 17, 17, 16)
    out = softmax_rows(t, plain(t, default_scale(t)), causal_of(t))
    case("causal", "causal.fc", t, out, ["o", "lse"])
    case("manual", "manual.fc", t, out, ["o"])

    # Fewer rows than keys: the last row sees all of them.
    t = tensors(rng, 1, 2, 2, 5, 18, 8)
    out = softmax_rows(t, plain(t, default_scale(t)), causal_of(t))
    case("causal-short", "causal.fc", t, out, ["o", "lse"])

    # More rows than keys: the first nine rows see none.
    t = tensors(rng, 1, 2, 1, 20, 11, 16)
    out = softmax_rows(t, plain(t, default_scale(t)), causal_of(t))
    case("causal-empty-rows", "causal.fc", t, out, ["o", "lse"])
    case("manual-empty-rows", "manual.fc", t, out, ["o"])

    t = tensors(rng, 1, 2, 2, 19, 23, 16)
    shift = 23 - 19
    sees = lambda b, i, j: i + shift - 6 <= j <= i + shift + 2
    out = softmax_rows(t, plain(t, default_scale(t)), sees)
    case("sliding-window", "sliding_window.fc", t, out, ["o"], {"left": 6, "right": 2})

    t = tensors(rng, 1, 4, 4, 15, 15, 16)
    slope = np.array([2.0 ** (-8 * (h + 1) / 4) for h in range(4)], np.float32)

    def with_bias(b, h, i):
        s = scores(t, b, h, i, default_scale(t))
        return [s[j] - float(slope[h]) * (i - j) for j in range(15)]

    out = softmax_rows(t, with_bias, causal_of(t))
    case("alibi", "alibi.fc", dict(t, slope=slope), out, ["o"])

    tc = tensors(rng, 1, 2, 1, 14, 16, 16, spread=4.0)
    cap = 5.0

    def capped(b, h, i):
        return [cap * math.tanh(x / cap) for x in scores(tc, b, h, i, default_scale(tc))]

    out = softmax_rows(tc, capped, causal_of(tc))
    case("softcap", "softcap.fc", tc, out, ["o"], {"cap": cap})

    t = tensors(rng, 1, 4, 2, 12, 18, 16)
    sink = np.array([-3.0, 0.0, 1.5, 12.0], np.float32)
    out = softmax_rows(t, plain(t, default_scale(t)), causal_of(t), lambda h: float(sink[h]))
    case("sinks", "sinks.fc", dict(t, sink=sink), out, ["o"])

    t = tensors(rng, 1, 2, 1, 11, 17, 16, spread=3.0)
    out = softmax_rows(t, plain(t, default_scale(t)), everything, lambda h: 0.0)
    case("softmax1", "softmax1.fc", t, out, ["o"])

    ts = tensors(rng, 1, 2, 2, 16, 16, 16)

    def sigmoid_row(b, h, i):
        s = scores(ts, b, h, i, default_scale(ts))
        v = values(ts, b, h)
        pairs = [(1 / (1 + math.exp(math.log(16) - s[j])), v[j]) for j in range(i + 1)]
        return weighted(pairs, 16), 0.0

    case("sigmoid", "sigmoid.fc", ts, rows(ts, sigmoid_row), ["o"])

    # Three heads of queries to one of keys, and all heads to one.
    t = tensors(rng, 2, 6, 2, 9, 9, 8)
    out = softmax_rows(t, plain(t, default_scale(t)), causal_of(t))
    case("gqa", "gqa.fc", t, out, ["o"])
    t = tensors(rng, 1, 5, 1, 7, 12, 8)
    out = softmax_rows(t, plain(t, default_scale(t)), causal_of(t))
    case("mqa", "gqa.fc", t, out, ["o"])

    # Another head size for v, padded keys (NaN where no row may look), a sequence without keys.
    t = tensors(rng, 3, 2, 1, 10, 22, 16, e=24)
    length = np.array([22, 0, 13], np.int32)
    sees = lambda b, i, j: j < length[b]
    out = softmax_rows(t, plain(t, default_scale(t)), sees)
    for b in range(3):
        t["k"][b, :, length[b] :] = np.nan
        t["v"][b, :, length[b] :] = np.nan
    case("cross", "cross.fc", dict(t, len=length), out, ["o"])

    (OUT / "cases.json").write_text(json.dumps(CASES, indent=1) + "\n")


if __name__ == "__main__":
    main()
