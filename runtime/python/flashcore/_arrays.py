"""Arrays of NumPy and PyTorch as the runtime sees them: address, element type, shape, strides; and new ones like them.

Neither library is imported before an array of it arrives.
"""
from __future__ import annotations

import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .errors import ArgumentError, RefusedError

# fc_dtype, in its order, by the manifest's names.
ELEMS = ["f32", "f16", "bf16", "f8e4m3", "f8e5m2", "i8", "u8", "i16", "i32", "u32", "i64", "bool"]
CODES = {name: code for code, name in enumerate(ELEMS)}

# What NumPy has no type of its own for is taken as its bits.
_NUMPY = {
    "f32": "float32", "f16": "float16", "bf16": "bfloat16", "f8e4m3": "float8_e4m3fn", "f8e5m2": "float8_e5m2",
    "i8": "int8", "u8": "uint8", "i16": "int16", "i32": "int32", "u32": "uint32", "i64": "int64", "bool": "bool",
}
_NUMPY_BITS = {"bf16": "uint16", "f8e4m3": "uint8", "f8e5m2": "uint8"}
_FROM_NUMPY = {numpy: elem for elem, numpy in _NUMPY.items()}

_from_torch: Dict[Any, str] = {}
_to_torch: Dict[str, Any] = {}


def is_numpy(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def is_torch(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_array(value: Any) -> bool:
    return is_torch(value) or is_numpy(value)


def _torch_types() -> Dict[Any, str]:
    if not _from_torch:
        torch = sys.modules["torch"]
        for elem, name in _NUMPY.items():
            dtype = getattr(torch, name, None)  # older ones have no u32, no 8-bit floats
            if dtype is not None:
                _from_torch[dtype] = elem
                _to_torch[elem] = dtype
    return _from_torch


def torch_dtype(elem: str) -> Any:
    """The torch.dtype of an element type."""
    _torch_types()
    if elem not in _to_torch:
        raise ArgumentError(f"this PyTorch has no dtype for `{elem}`")
    return _to_torch[elem]


def elem_of(value: Any, name: str, expected: str) -> str:
    """The element type of an array; bits stand for `expected` where NumPy has no such type."""
    if is_torch(value):
        elem = _torch_types().get(value.dtype)
    else:
        elem = _FROM_NUMPY.get(value.dtype.name)
        if value.dtype.name == _NUMPY_BITS.get(expected):
            elem = expected
    if elem is None:
        raise ArgumentError(f"`{name}` has dtype {value.dtype}, which no kernel takes; `{name}` is to be {expected}")
    return elem


def form(value: Any) -> Any:
    """All of an array but its data, to be compared with another's."""
    if is_torch(value):
        return value.shape, value.stride() if value.layout is sys.modules["torch"].strided else None, value.dtype
    return value.shape, value.strides, value.dtype


def address(value: Any) -> int:
    return value.data_ptr() if is_torch(value) else value.ctypes.data


def layout(value: Any, name: str) -> Tuple[Tuple[int, ...], Tuple[int, ...]]:
    """Shape and strides in elements."""
    if is_torch(value):
        if value.layout is not sys.modules["torch"].strided:
            raise RefusedError(f"`{name}` has layout {value.layout}, and must be strided")
        return tuple(value.shape), value.stride()
    size = value.itemsize
    strides: List[int] = []
    if value.size == 0:  # NumPy's strides of nothing are 0
        step = 1
        for extent in reversed(value.shape):
            strides.insert(0, step)
            step *= max(extent, 1)
        return value.shape, tuple(strides)
    for stride in value.strides:
        if stride % size:
            raise RefusedError(f"`{name}` has a stride of {stride} bytes, which is no multiple of its {size}-byte elements")
        strides.append(stride // size)
    return value.shape, tuple(strides)


def torch_device(value: Any) -> str:
    """The device of our runtime on which a tensor lies."""
    kind = value.device.type
    if kind == "cuda":
        return f"cuda:{value.device.index}" if value.device.index else "cuda"
    if kind == "cpu":
        return "emulator"
    raise RefusedError(f"tensors on `{kind}` cannot be used; a tensor is to be on the CPU (for the emulator) or on CUDA")


def empty_like(model: Any, elem: str, shape: Sequence[int]) -> Any:
    """A new array where `model` lies, of another type and shape, without gaps."""
    if is_torch(model):
        torch = sys.modules["torch"]
        return torch.empty(tuple(shape), dtype=torch_dtype(elem), device=model.device)
    numpy = sys.modules["numpy"]
    if elem not in _NUMPY_BITS:
        return numpy.empty(tuple(shape), dtype=_NUMPY[elem])
    # As the caller's own arrays are: of ml_dtypes, or bits.
    if model.dtype.name in (_NUMPY[name] for name in _NUMPY_BITS):
        import ml_dtypes

        return numpy.empty(tuple(shape), dtype=getattr(ml_dtypes, _NUMPY[elem]))
    return numpy.empty(tuple(shape), dtype=_NUMPY_BITS[elem])


def writable(value: Any) -> bool:
    return is_torch(value) or value.flags.writeable


def wants_gradient(value: Any) -> bool:
    return value.requires_grad and sys.modules["torch"].is_grad_enabled()


def current_stream(model: Any) -> Any:
    """The stream on which PyTorch puts work for the device of `model`; None for the default one."""
    if is_torch(model) and model.device.type == "cuda":
        return sys.modules["torch"].cuda.current_stream(model.device).cuda_stream or None
    return None


def is_tracing() -> bool:
    """Whether torch.compile reads this call rather than running it."""
    torch = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "compiler") and torch.compiler.is_compiling()


def elem_named(name: str) -> Optional[str]:
    """The element type that a dtype of this name has: "float16" is f16."""
    return _FROM_NUMPY.get(name)
