"""Fused attention in Triton: the algorithm of kernels_src/attention.fc and causal.fc, as one would write it there.

FlashAttention-2's loop (Dao, 2023, arXiv 2307.08691): a program takes BLOCK_M rows, walks the keys BLOCK_N at a time, keeps the
maximum, the sum and the output of each row, and corrects the last two when the maximum grows. Grouped heads, any lengths,
the logsumexp of each row as a second output; under a causal mask whole tiles are skipped, and only the last ones tested.
"""
import triton
import triton.language as tl


@triton.jit
def _tile(acc, l, m, q, K, V, start, rows, cols, n, offset, k_n, v_n, scale,
          HEAD: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr, TEST: tl.constexpr):
    j = start + tl.arange(0, BLOCK_N)
    d = tl.arange(0, HEAD)
    if TEST:
        k = tl.load(K + j[None, :] * k_n + d[:, None], mask=j[None, :] < n, other=0.0)
    else:
        k = tl.load(K + j[None, :] * k_n + d[:, None])
    s = tl.dot(q, k) * scale
    if TEST:
        seen = (j < n)[None, :]
        if CAUSAL:
            seen = seen & (j[None, :] <= rows[:, None] + offset)
        s = tl.where(seen, s, float("-inf"))
    top = tl.maximum(m, tl.max(s, 1))
    # A row that has seen no key yet keeps -inf; the difference is then taken from 0.
    base = tl.where(top == float("-inf"), 0.0, top) if TEST else top
    p = tl.exp2(s - base[:, None])
    correction = tl.exp2(m - base)
    l = l * correction + tl.sum(p, 1)
    acc = acc * correction[:, None]
    if TEST:
        v = tl.load(V + j[:, None] * v_n + d[None, :], mask=j[:, None] < n, other=0.0)
    else:
        v = tl.load(V + j[:, None] * v_n + d[None, :])
    acc = tl.dot(p.to(v.dtype), v, acc)
    return acc, l, top


@triton.jit
def flash(Q, K, V, O, LSE, scale, heads, group, m, n,
          q_b, q_h, q_m, k_b, k_h, k_n, v_b, v_h, v_n, o_b, o_h, o_m,
          HEAD: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, CAUSAL: tl.constexpr):
    tile = tl.program_id(0)
    b = tl.program_id(1) // heads
    h = tl.program_id(1) % heads
    g = h // group
    rows = tile * BLOCK_M + tl.arange(0, BLOCK_M)
    d = tl.arange(0, HEAD)
    offset = n - m
    q = tl.load(Q + b * q_b + h * q_h + rows[:, None] * q_m + d[None, :], mask=rows[:, None] < m, other=0.0)
    K += b * k_b + g * k_h
    V += b * v_b + g * v_h
    top = tl.full([BLOCK_M], float("-inf"), tl.float32)
    l = tl.zeros([BLOCK_M], tl.float32)
    acc = tl.zeros([BLOCK_M, HEAD], tl.float32)
    scale2 = scale * 1.4426950408889634  # exp2 for exp
    # Keys below `whole` are seen by all rows and exist; those from there to `end` are tested one by one.
    if CAUSAL:
        end = tl.minimum(n, tl.maximum(0, (tile + 1) * BLOCK_M + offset))
        whole = tl.minimum(n, tl.maximum(0, tile * BLOCK_M + offset + 1)) // BLOCK_N * BLOCK_N
    else:
        end = n
        whole = n // BLOCK_N * BLOCK_N
    for start in tl.range(0, whole, BLOCK_N):
        acc, l, top = _tile(acc, l, top, q, K, V, start, rows, d, n, offset, k_n, v_n, scale2, HEAD, BLOCK_N, CAUSAL, False)
    for start in tl.range(whole, end, BLOCK_N):
        acc, l, top = _tile(acc, l, top, q, K, V, start, rows, d, n, offset, k_n, v_n, scale2, HEAD, BLOCK_N, CAUSAL, True)
    o = acc / tl.where(l == 0.0, 1.0, l)[:, None]
    tl.store(O + b * o_b + h * o_h + rows[:, None] * o_m + d[None, :], o.to(O.dtype.element_ty), mask=rows[:, None] < m)
    tl.store(LSE + tl.program_id(1) * m + rows, (top + tl.log2(l)) * 0.6931471805599453, mask=rows < m)


# By head size: rows and keys of a tile, warps, stages. Those that are usual for the chips of the 80 and 90 series.
CONFIGS = {64: (128, 64, 4, 3), 128: (128, 64, 8, 3)}

_POINTERS = {"Q": "*fp16", "K": "*fp16", "V": "*fp16", "O": "*fp16", "LSE": "*fp32"}
_ARGUMENTS = ["Q", "K", "V", "O", "LSE", "scale", "heads", "group", "m", "n", "q_b", "q_h", "q_m", "k_b", "k_h", "k_n", "v_b", "v_h",
              "v_n", "o_b", "o_h", "o_m"]


def compile_for(capability, head, causal):
    """The kernel compiled ahead of time for sm_<capability>; pointers and strides a multiple of 16, as a launch would find them."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    rows, keys, warps, stages = CONFIGS[head]
    signature = {name: _POINTERS.get(name, "fp32" if name == "scale" else "i32") for name in _ARGUMENTS}
    constants = {"HEAD": head, "BLOCK_M": rows, "BLOCK_N": keys, "CAUSAL": causal}
    signature.update({name: "constexpr" for name in constants})
    even = [i for i, name in enumerate(_ARGUMENTS) if name in _POINTERS and name != "LSE" or "_" in name]
    source = ASTSource(flash, signature, {(list(signature).index(name),): value for name, value in constants.items()},
                       {(i,): [["tt.divisibility", 16]] for i in even})
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options={"num_warps": warps, "num_stages": stages})


def attention(q, k, v, causal=False, scale=None):
    """o of [B, H, M, D] on CUDA tensors, heads of k and v a divisor of those of q; also the logsumexp."""
    import torch

    b, heads, m, head = q.shape
    n, groups = k.shape[2], k.shape[1]
    o = torch.empty_like(q)
    lse = torch.empty((b, heads, m), dtype=torch.float32, device=q.device)
    rows, keys, warps, stages = CONFIGS[head]
    flash[(triton.cdiv(m, rows), b * heads)](
        q, k, v, o, lse, head ** -0.5 if scale is None else scale, heads, heads // groups, m, n,
        *q.stride()[:3], *k.stride()[:3], *v.stride()[:3], *o.stride()[:3],
        HEAD=head, BLOCK_M=rows, BLOCK_N=keys, CAUSAL=causal, num_warps=warps, num_stages=stages)
    return o, lse
