"""The masked kernels of kernels_src with an example launch each: what docs/masks.md draws and mask-table.py measures.

A launch is given as the options that fcc and fc-run share. `small` is the one that is drawn, `S` in it the length;
`long` replaces what a long sequence wants otherwise.
"""

import re

# name: (title, formula, options at small size, options at large size)
VARIANTS = {
    "causal": ("Causal", "`j <= i + (N - M)`", "--shape M=S,N=S", None),
    "sliding_window": ("Sliding window", "`at - left <= j <= at + right`", "--shape M=S,N=S --set left=127",
                       "--shape M=S,N=S --set left=511"),
    "sliding_sink": ("Sliding window with sink tokens", "`j <= at and (j < sink or at - j < window)`",
                     "--shape M=S,N=S --set window=128 --set sink=4", "--shape M=S,N=S --set window=512 --set sink=4"),
    "prefix_lm": ("Prefix LM", "`j < prefix[b] or j <= i + (N - M)`", "--shape M=S,N=S --fill prefix=const:150",
                  "--shape M=S,N=S --fill prefix=const:1S/4"),
    "padding": ("Padding", "`j < length[b]`", "--shape M=S,N=S --fill length=const:300",
                "--shape M=S,N=S --fill length=const:3S/4"),
    "cross": ("Cross attention", "`j < len[b]`", "--shape M=256,N=S --fill len=const:330",
              "--shape M=S,N=S --fill len=const:5S/8"),
    "chunked": ("Chunked", "`at / chunk == j / chunk and j <= at`", "--shape M=S,N=S --set chunk=160",
                "--shape M=S,N=S --set chunk=1024"),
    "dilated": ("Dilated window", "`0 <= back < window and back % step == 0`",
                "--shape M=S,N=S --set window=256 --set step=8", "--shape M=S,N=S --set window=1024 --set step=4"),
    "document": ("Packed documents, causal", "`doc[b, i] == doc[b, j] and j <= i`", "--shape M=S --fill doc=steps:5",
                 "--shape M=S --fill doc=steps:7"),
    "varlen": ("Packed sequences by offsets", "`j - cuk[b + 1] <= i - cuq[b + 1]`",
               "--shape B=2,P=S,S=S --fill cuq=cumulative:S --fill cuk=cumulative:S --set longest=1S/2 --at b=1",
               "--shape B=2,P=S,S=S --fill cuq=cumulative:S --fill cuk=cumulative:S --set longest=1S/2 --at b=1"),
    "longformer": ("Longformer", "`abs(i - j) <= window or i < global or j < global`",
                   "--shape M=S --set window=64 --set global=8", "--shape M=S --set window=256 --set global=4"),
    "natten1d": ("Neighbourhood, 1-D", "`abs(clamp(i, r, M - 1 - r) - j) <= r`", "--shape M=S --set r=63",
                 "--shape M=S --set r=127"),
    "natten2d": ("Neighbourhood, 2-D", "`near(i / X, j / X, ..) and near(i % X, j % X, ..)`",
                 "-D X=32 --shape M=S --set r=3", "-D X=64 --shape M=S --set r=6"),
    "block_diffusion": ("Block diffusion", "`own or past or clean`", "--shape M=S --set block=32",
                        "--shape M=S --set block=16"),
    "tree": ("Tree of drafts", "`t < 0 or bit(anc[b, i, t / 32], t % 32)`",
             "--shape M=128,N=S,W=4 --fill anc=uniform:-2000000000:2000000000 --seed 1",
             "--shape M=128,N=S,W=4 --fill anc=uniform:-2000000000:2000000000 --seed 1"),
}


def options(name, size, long=False):
    """The options of a variant's launch, as a list."""
    small, large = VARIANTS[name][2:]
    words = (large if long and large else small).split()
    result = []
    for word in words:
        # S stands for the length wherever it is a value: M=S, cumulative:S.
        for mark in ("=", ":"):
            word = word.replace(f"{mark}S,", f"{mark}{size},")
            if word.endswith(f"{mark}S"):
                word = word[:-1] + str(size)
        # 3S/4: a share of it.
        word = re.sub(r"(\d+)S/(\d+)", lambda m: str(int(m[1]) * size // int(m[2])), word)
        result.append(word)
    return result
