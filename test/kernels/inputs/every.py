"""every.py: every kernel of a folder in every rung, with small shapes and inputs that make sense of it."""
import functools
import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

RUNGS = ["scalar", "tensor", "pipelined"]
# Several tiles of queries and of keys, with tails, and more tiles than a ring has slots. Kernels of one sequence have M alone,
# as long as the keys of the others.
KEYS = 330
DIMS = {"B": 1, "H": 2, "G": 1, "M": 70, "P": 200, "W": 3}
# What a kernel needs beside that: lengths that are lengths (`%(keys)d` of keys, `%(part)d` of a part of them), and windows that
# end within the shape (`%(near)d`): but not where a long walk is asked for, so that rings come round in wide tiles, too.
INPUTS = {
    "block_diffusion": ["--set", "block=16"],
    "chunked": ["--set", "chunk=%(near)d"],
    "cross": ["--fill", "len=const:%(part)d"],
    "dilated": ["--set", "window=%(near)d"],
    "document": ["--fill", "doc=steps:2"],
    "longformer": ["--set", "window=20", "--set", "global=3"],
    "natten1d": ["--set", "r=9"],
    "natten2d": ["--set", "r=2"],
    "padding": ["--fill", "length=const:%(part)d"],
    "prefix_lm": ["--fill", "prefix=const:100"],
    "sliding_sink": ["--set", "window=%(near)d"],
    "sliding_window": ["--set", "left=%(near)d"],
    "tree": ["--fill", "anc=uniform:-2000000000:2000000000"],
    "varlen": ["--fill", "cuq=cumulative:200", "--fill", "cuk=cumulative:%(keys)d", "--set", "longest=200"],
}
FIXED = {"natten2d": {"M": 320}}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


@functools.cache
def kernels(fc_run, ptx):
    """What --list says of each kernel of a PTX: {name: text}."""
    listed = run(fc_run, ptx, "--list").stdout
    return dict(re.findall(r"^kernel (\w+)((?:.*\n)(?:  .*\n)*)", listed, re.M))


def variants(fc_run, ptx):
    """The launch variants of a PTX: {kernel: [name]}."""
    return {kernel: re.findall(r"^  variant (\w+)", text, re.M) for kernel, text in kernels(fc_run, ptx).items()}


def shape_of(fc_run, ptx, name, keys, kernel=None):
    """--shape for all dimensions that the PTX's kernels have, or one of them."""
    listed = "".join(text for of, text in kernels(fc_run, ptx).items() if kernel in (None, of))
    constants = set(re.findall(r"(\w+) = ", " ".join(re.findall(r"^<(.*)>$", listed, re.M))))
    dims = [dim for shape in re.findall(r"\[([^\]]*)\]", listed) for dim in re.findall(r"\b[A-Z]\w*\b", shape)]
    dims = sorted(set(dims) - constants)
    values = dict(DIMS, N=keys, S=keys, **({} if "N" in dims else {"M": keys}))
    values.update(FIXED.get(name, {}))
    return ",".join("%s=%d" % (dim, values.get(dim, 3)) for dim in dims)


def every(fcc, fc_run, folder, work, rungs=RUNGS, skip=lambda name, rung: False):
    """work(name, rung, source, ptx, options) of all, in order; `refused` where fcc refuses: [(name, rung, result)].
    options(keys, kernel) are those of fc-run for a launch of all kernels, or of one, with so many keys.

    A rung is a strategy, or one with a head size, a schedule or both behind it: `pipelined D=128 split:j=2`."""

    def name_of(path):
        return os.path.splitext(os.path.relpath(path, folder))[0]

    def one(job):
        path, rung, ptx = job
        name = name_of(path)
        strategy, *items = rung.split()
        more = [word for item in items for word in ("-D" if item.startswith("D=") else "--schedule", item)]
        compiled = run(fcc, path, "--strategy=" + strategy, *more, "-o", ptx)
        if compiled.returncode:
            return name, rung, "refused: " + (compiled.stderr.strip().splitlines() or [""])[0]

        def options(keys=KEYS, kernel=None):
            inputs = [text % {"keys": keys, "part": keys - 130, "near": 90 if keys < 500 else keys} for text in INPUTS.get(name, [])]
            return ["--threads=1", "--shape", shape_of(fc_run, ptx, name, keys, kernel), *inputs]

        return name, rung, work(name, rung, path, ptx, options)

    with tempfile.TemporaryDirectory() as temporary:
        files = sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.endswith(".fc"))
        jobs = [(path, rung, os.path.join(temporary, "%d-%d.ptx" % (number, column)))
                for number, path in enumerate(files) for column, rung in enumerate(rungs)
                if re.search(r"^kernel ", open(path).read(), re.M)  # not libraries
                and not skip(name_of(path), rung)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(one, jobs))
