"""What a PTX says of its kernels (docs/manifest.md): parameters, shapes, defaults; and the expressions in it."""
from __future__ import annotations

import dataclasses
import json
import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from .errors import ModuleError

_IN_PTX = re.compile(rb"__fc_manifest\[\d+\]\s*=\s*\{([^}]*)\}")
_IN_CUBIN = re.compile(rb'\{"format":[^\0]*\0')


def text_in(code: bytes, name: str) -> Dict[str, Any]:
    """The manifest of a PTX or a cubin. `name` is for messages."""
    found = _IN_PTX.search(code)
    if found:
        raw = bytes(int(number) for number in found.group(1).split(b",")).rstrip(b"\0")
    else:
        stored = _IN_CUBIN.search(code) if code[:4] == b"\x7fELF" else None
        if not stored:
            raise ModuleError(f"{name} has no manifest: fcc did not write it")
        raw = stored.group(0)[:-1]
    try:
        return json.loads(raw)
    except ValueError as error:
        raise ModuleError(f"the manifest of {name} is no JSON: {error}") from None


_INFIX = {"+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or"}


def expression_text(expr: Any) -> str:
    """As a `.fc` would write it: `M + 1`."""
    if not isinstance(expr, list):
        return str(expr).lower() if isinstance(expr, bool) else str(expr)
    op, operands = expr[0], [expression_text(e) if not isinstance(e, list) or e[0] not in _INFIX
                             else f"({expression_text(e)})" for e in expr[1:]]
    if op in _INFIX and len(operands) > 1:
        return f" {op} ".join(operands)
    return f"{op}{operands[0]}" if op == "-" else f"{op}({', '.join(operands)})"


_FOLDS: Dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "*": lambda a, b: a * b,
    "-": lambda a, b: a - b,
    "/": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "min": lambda a, b: min(a, b),
    "max": lambda a, b: max(a, b),
}


def extent(expr: Any, names: Mapping[str, Any]) -> Any:
    """The value of an expression of a shape, over integers or symbolic sizes. Only what a shape may hold is known
    here; launches are computed by the runtime."""
    if isinstance(expr, str):
        return names[expr]
    if not isinstance(expr, list):
        return expr
    values = [extent(operand, names) for operand in expr[1:]]
    if expr[0] == "-" and len(values) == 1:
        return -values[0]
    if expr[0] not in _FOLDS:
        raise ModuleError(f"`{expression_text(expr)}` is no extent that can be traced")
    result = values[0]
    for value in values[1:]:
        result = _FOLDS[expr[0]](result, value)
    return result


@dataclasses.dataclass(frozen=True)
class Param:
    """A parameter of a kernel: a tensor, with its element type and shape as the `.fc` spells it, or a scalar."""

    name: str
    elem: str
    """f32 f16 bf16 f8e4m3 f8e5m2 i8 u8 i16 i32 u32 i64 bool"""
    shape: Optional[Sequence[Any]] = None
    """expressions of the manifest; None: a scalar"""
    output: bool = False
    nullable: bool = False
    """a tensor that need not be given; an output that need not be written"""
    default: Any = None
    """of a scalar: the expression of its default; None: it must be given"""

    @property
    def is_tensor(self) -> bool:
        return self.shape is not None

    @property
    def optional(self) -> bool:
        """Whether a call may leave it out."""
        return self.nullable if self.is_tensor else self.default is not None

    @property
    def text(self) -> str:
        """As the `.fc` says: "f16[B, H, M, D]", "f32"."""
        if self.shape is None:
            return self.elem
        return f"{self.elem}[{', '.join(map(expression_text, self.shape))}]"


def params_of(kernel: Mapping[str, Any]) -> List[Param]:
    """The parameters of a kernel of the manifest, in launch order: inputs and scalars as written, then outputs."""
    params = []
    for param in kernel["params"]:
        if param["kind"] == "scalar":
            params.append(Param(param["name"], param["elem"], default=param.get("default")))
        else:
            params.append(Param(param["name"], param["elem"], tuple(param["shape"]), param["output"], param["nullable"]))
    return params
