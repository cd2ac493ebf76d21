"""`compile`: from the text of a `.fc` to a kernel, with `fcc`, kept on disk.

The cache is a folder of PTX, `$XDG_CACHE_HOME/flashcore` (default `~/.cache/flashcore`). The name of a file is the
digest of all that `fcc` sees: the text, the compile-time parameters, target, strategy, schedule, and `fcc` itself.
Lengths are no part of it, since they are arguments of a launch. A file is written beside and renamed, so processes may
share the cache; what one of them writes twice is the same.
"""
from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from . import _native
from .errors import ArgumentError, CompileError, NotFoundError
from .kernel import Kernel, loads

__all__ = ["compile", "cache_folder", "compiler_path"]

Define = Union[int, bool, float, str]

_digests: Dict[Tuple[str, int, int], str] = {}
_kernels: Dict[Tuple[str, str, Optional[str], Optional[str]], Kernel] = {}
_lock = threading.Lock()


def cache_folder() -> pathlib.Path:
    """Where compiled kernels are kept. It can be deleted at any time."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (pathlib.Path(home) if home and os.path.isabs(home) else pathlib.Path.home() / ".cache") / "flashcore"


def compiler_path() -> pathlib.Path:
    """`fcc`: FLASHCORE_FCC, the wheel's own, that of a build of the tree, or that of PATH."""
    places = _native.candidates("_bin/fcc", "FLASHCORE_FCC", "bin/fcc")
    for place in places:
        if place.exists():
            return place
    found = shutil.which("fcc")
    if found:
        return pathlib.Path(found)
    raise NotFoundError("fcc is not there; build it (`ninja -C build fcc`) or name it in FLASHCORE_FCC; looked at "
                        + ", ".join(map(str, places)) + " and PATH")


def _digest_of(path: pathlib.Path) -> str:
    """The SHA-256 of a binary, computed once for what it is now."""
    state = path.stat()
    key = (str(path), state.st_mtime_ns, state.st_size)
    if key not in _digests:
        _digests[key] = hashlib.sha256(path.read_bytes()).hexdigest()
    return _digests[key]


def default_target() -> str:
    """The target of the current GPU where PyTorch sees one, else sm_80, which later GPUs run too."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        major, minor = torch.cuda.get_device_capability()
        # Architecture-specific code is what these are fast with.
        return f"sm_{major}{minor}" + ("a" if major in (9, 10, 12) else "")
    return "sm_80"


def _text_of(value: Define) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, str)):
        return str(value)
    # A dtype of PyTorch or NumPy stands for its element type.
    from . import _arrays

    name = str(value).rsplit(".", 1)[-1] if "torch" in str(value) else getattr(value, "__name__", str(value))
    elem = _arrays.elem_named(name)
    if elem is None:
        raise ArgumentError(f"a compile-time parameter is a number, a bool or the name of a type, not {value!r}")
    return elem


def _items(schedule: Union[None, str, Mapping[str, int], Sequence[str]]) -> List[str]:
    if schedule is None:
        return []
    if isinstance(schedule, str):
        return schedule.split(",")
    if isinstance(schedule, Mapping):
        return [f"{name}={value}" for name, value in schedule.items()]
    return list(schedule)


def compile(source: Union[str, "os.PathLike[str]"], *, target: Optional[str] = None, strategy: str = "auto",
            schedule: Union[None, str, Mapping[str, int], Sequence[str]] = None, kernel: Optional[str] = None,
            device: Optional[str] = None, **parameters: Define) -> Kernel:
    """Compiles a `.fc` to a kernel, or takes it from the cache.

        k = flashcore.compile("attention.fc", D=64, T="f16")
        k = flashcore.compile(text, D=128, T="bf16", target="sm_90a", strategy="pipelined")

    `source` is the path of a `.fc`, or its text where that has more than one line. Compile-time parameters are given
    by name: numbers, bools, names of types ("f16"), or dtypes. Their names begin in upper case, so they meet none of
    these: `target` is by default that of the current GPU, else sm_80; `strategy` and `schedule` ("i=64,j=64,warps=4") are those
    of `fcc`; `kernel` names one of several; `device` is as in `load`. What `fcc` refuses is a CompileError with its text.
    """
    said = os.fspath(source)
    inline = "\n" in said
    try:
        text = said.encode() if inline else pathlib.Path(said).read_bytes()
    except OSError as error:
        raise NotFoundError(f"cannot read {said}: {error.strerror}") from None
    options = [f"--target={target or default_target()}", f"--strategy={strategy}"]
    for name, value in sorted(parameters.items()):
        options.append(f"-D{name}={_text_of(value)}")
    items = _items(schedule)
    if items:
        options.append("--schedule=" + ",".join(items))
    fcc = compiler_path()
    # What fcc is told, in the order in which it is told; the path of the text only as the manifest keeps it.
    seen = ["flashcore 1", _digest_of(fcc), "" if inline else said, hashlib.sha256(text).hexdigest(), *options]
    key = hashlib.sha256(json.dumps(seen).encode()).hexdigest()
    memory_key = (str(cache_folder()), key, kernel, device)
    with _lock:
        if memory_key not in _kernels:
            code = _cached(key, fcc, text, "inline.fc" if inline else said, inline, options)
            _kernels[memory_key] = loads(code, kernel, "the inline text" if inline else said, device)
        return _kernels[memory_key]


def _cached(key: str, fcc: pathlib.Path, text: bytes, name: str, inline: bool, options: List[str]) -> bytes:
    folder = cache_folder()
    place = folder / f"{key}.ptx"
    try:
        return place.read_bytes()
    except OSError:
        pass
    with tempfile.TemporaryDirectory(prefix="flashcore-") as scratch:
        if inline:
            path = os.path.join(scratch, name)
            pathlib.Path(path).write_bytes(text)
        else:
            path = name
        output = os.path.join(scratch, "out.ptx")
        done = subprocess.run([str(fcc), path, "-o", output, *options], capture_output=True, text=True, errors="replace")
        if done.returncode:
            raise CompileError(done.stderr.strip().replace(os.path.join(scratch, ""), ""))
        code = pathlib.Path(output).read_bytes()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(prefix=key[:16] + ".", suffix=".tmp", dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(code)
            os.replace(beside, place)
        except OSError:
            os.unlink(beside)
            raise
    except OSError:
        pass  # a cache that cannot be written to costs time and nothing else
    return code
