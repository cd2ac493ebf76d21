"""Kernels as operations of `torch.library`, so that torch.compile and torch.export trace through them.

The operation of a kernel is `torch.ops.flashcore.<kernel>_<first digits of its code's digest>`:

    (Tensor q, Tensor? bias, float? scale, ..., str outputs) -> Tensor[]

with the inputs and scalars in launch order, None for what is left out, and in `outputs` the names of the outputs to
return, with commas. Its fake implementation computes shapes from the manifest, with symbolic sizes too.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Sequence, Tuple

import torch

from . import _arrays, manifest
from .errors import ArgumentError, UnsupportedError
from .manifest import Param

if TYPE_CHECKING:
    from .kernel import Kernel

_SCALARS = {"f32": "float", "i64": "int", "bool": "bool"}
_operations: Dict[str, Any] = {}


def available() -> bool:
    return hasattr(torch.library, "custom_op")


def _schema(inputs: Sequence[Param]) -> str:
    parts = []
    for param in inputs:
        kind = "Tensor" if param.is_tensor else _SCALARS[param.elem]
        parts.append(f"{kind}{'?' if param.optional else ''} {_name(param)}")
    return f"({', '.join(parts + ['str outputs'])}) -> Tensor[]"


def _name(param: Param) -> str:
    return param.name if param.name not in ("self", "outputs") else param.name + "_"


def _dims(kernel: "Kernel", given: Dict[str, Any]) -> Dict[str, Any]:
    """The names that shapes are made of: compile-time parameters, and dimensions as the tensors at hand bind them."""
    names: Dict[str, Any] = {name: value for name, value in kernel.manifest["cparams"].items()
                             if isinstance(value, int)}
    for dim in kernel.manifest["dims"]:
        tensor = given.get(dim["tensor"])
        if tensor is not None:
            names[dim["name"]] = tensor.shape[dim["index"]] - dim["offset"]
            continue
        for param in kernel.params:  # the binder was left out: another that has the bare dimension
            other = given.get(param.name)
            if other is not None and param.shape is not None and dim["name"] in param.shape:
                names[dim["name"]] = other.shape[list(param.shape).index(dim["name"])]
                break
    return names


def _define(kernel: "Kernel", name: str) -> Any:
    inputs = [param for param in kernel.params if not param.output]

    def split(values: Sequence[Any]) -> Tuple[Dict[str, Any], List[str]]:
        given = {param.name: value for param, value in zip(inputs, values) if value is not None}
        return given, values[-1].split(",")

    def run(*values: Any) -> List[torch.Tensor]:
        given, outputs = split(values)
        model = next(value for value in given.values() if isinstance(value, torch.Tensor))
        with torch.no_grad():
            place = kernel._place(given)
        result = kernel._launch(place, given, outputs, model)
        return [result] if len(outputs) == 1 else list(result)

    def fake(*values: Any) -> List[torch.Tensor]:
        given, outputs = split(values)
        model = next(value for value in given.values() if isinstance(value, torch.Tensor))
        names = _dims(kernel, given)
        return [model.new_empty([manifest.extent(e, names) for e in kernel._by_name[output].shape or ()],
                                dtype=_arrays.torch_dtype(kernel._by_name[output].elem)) for output in outputs]

    operation = torch.library.custom_op(name, run, mutates_args=(), schema=_schema(inputs))
    operation.register_fake(fake)
    return operation


def operation(kernel: "Kernel") -> Any:
    """The registered operation, torch.ops.flashcore.*."""
    if not available():
        raise UnsupportedError(f"PyTorch {torch.__version__} has no torch.library.custom_op; 2.4 or later has")
    return _operations[_qualified(kernel)]


def _qualified(kernel: "Kernel") -> str:
    return f"flashcore::{kernel.name}_{kernel.digest[:12]}"


def register(kernel: "Kernel") -> Callable[[Sequence[Any], Any, Dict[str, Any]], Any]:
    """Defines the operation if it is not yet there. The result is what a traced call of the kernel does."""
    if available():
        name = _qualified(kernel)
        if name not in _operations:
            _operations[name] = _define(kernel, name)
        op = _operations[name]
        inputs = [param.name for param in kernel._inputs]

        def traced(args: Sequence[Any], outputs: Any, kwargs: Dict[str, Any]) -> Any:
            given = dict(zip(inputs, args))
            given.update(kwargs)
            for name in given:
                if name not in inputs:
                    raise ArgumentError(f"kernel `{kernel.name}`: `{name}` cannot be given under torch.compile")
            wanted = kernel._wanted(outputs, {})
            results = op(*[given.get(name) for name in inputs], ",".join(wanted))
            return results[0] if len(wanted) == 1 else tuple(results)

        return traced

    def refuse(args: Sequence[Any], outputs: Any, kwargs: Dict[str, Any]) -> Any:
        raise UnsupportedError(f"PyTorch {torch.__version__} has no torch.library.custom_op; 2.4 or later has")

    return refuse
