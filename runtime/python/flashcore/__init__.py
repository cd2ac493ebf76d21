"""FlashCore from Python: attention kernels written by `fcc`, on a GPU or on the emulator.

    import flashcore

    k = flashcore.compile("attention.fc", D=64, T="f16")   # or flashcore.load("attn.ptx")
    o = k(q, k_, v)                                        # PyTorch tensors or NumPy arrays

Tensors on CUDA run there, on the current stream; arrays on the CPU run on the emulator, which executes the PTX itself
and checks it. Nothing is built at run time and neither library is needed before an array of it arrives.
"""
from __future__ import annotations

from ._native import library as _library
from .compiler import cache_folder, compile, compiler_path
from .devices import Device, device
from .errors import (
    ArgumentError,
    CompileError,
    Error,
    FaultError,
    ModuleError,
    NotFoundError,
    OutOfMemoryError,
    RefusedError,
    UnsupportedError,
)
from .kernel import Kernel, load, load_all, loads
from .manifest import Param

__version__ = "0.1.0"

__all__ = [
    "ArgumentError", "CompileError", "Device", "Error", "FaultError", "Kernel", "ModuleError", "NotFoundError",
    "OutOfMemoryError", "Param", "RefusedError", "UnsupportedError", "cache_folder", "compile", "compiler_path", "device",
    "load", "load_all", "loads", "runtime_version",
]


def runtime_version() -> str:
    """The version of the runtime library."""
    return _library().fc_version().decode()
