"""Kernels that can be called: a PTX, its parameters by name, arrays in, arrays out."""
from __future__ import annotations

import collections
import ctypes
import hashlib
import inspect
import json
import os
import pathlib
import sys
import threading
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from . import _arrays, _native, manifest
from .devices import device as open_device
from .errors import ArgumentError, ModuleError, NotFoundError, RefusedError
from .manifest import Param

__all__ = ["Kernel", "load", "loads", "load_all"]


class Kernel:
    """A kernel of a PTX that `fcc` wrote; call it with arrays.

        k = flashcore.load("attn.ptx")
        o = k(q, k, v)                                # positional, in the order of the `.fc`
        o = k(q=q, k=k, v=v, scale=0.125)             # or by name; scalars with a default may be left out
        o, lse = k(q, k, v, outputs=("o", "lse"))     # other outputs than the first
        k(q, k, v, o=mine)                            # into an array of the caller's

    `repr(k)` shows the parameters with their types and shapes. Arrays are PyTorch tensors, on CUDA (launched on the
    current stream of their device; the call returns when the work is enqueued) or on the CPU, or NumPy arrays; what
    lies on the CPU runs on the emulator, which also finds faults of the kernel. Any strides that the manifest admits
    are taken as they are (the last must be 1), and none is copied. 16- and 8-bit floats that NumPy has no type for are
    those of `ml_dtypes`, or their bits in uint16 and uint8. There is no backward: a tensor that requires a gradient
    is refused.
    """

    def __init__(self, code: bytes, name: str, entry: Mapping[str, Any], module: Mapping[str, Any],
                 device: Optional[str] = None) -> None:
        self.name: str = entry["name"]
        self.target: str = module["target"]
        self.manifest: Mapping[str, Any] = entry
        """The kernel's part of the manifest (docs/manifest.md)."""
        self.params: Tuple[Param, ...] = tuple(manifest.params_of(entry))
        self.code: bytes = code
        """The PTX, or the cubin."""
        self._module = name
        self._device = device
        self._inputs = [param for param in self.params if not param.output]
        self._outputs = [param for param in self.params if param.output]
        self._by_name = {param.name: param for param in self.params}
        self._tuples: Dict[Tuple[str, ...], Any] = {}
        self._local = threading.local()
        self._loaded: Dict[str, _native.Handle] = {}
        self._lock = threading.Lock()
        self._op: Any = None
        self.__signature__ = self._python_signature()
        self.__doc__ = self._describe()
        if "torch" in sys.modules:  # so that even the first call may be a traced one
            self._register()

    # -- what it is -------------------------------------------------------------------------------

    def _describe(self) -> str:
        def shown(param: Param) -> str:
            default = "" if param.default is None else f" = {manifest.expression_text(param.default)}"
            return f"{param.name}: {param.text}{default}"

        ins = ", ".join(map(shown, self._inputs))
        outs = ", ".join(map(shown, self._outputs))
        return f"{self.name}({ins}) -> ({outs})"

    def _python_signature(self) -> inspect.Signature:
        kind = inspect.Parameter
        listed, seen_default = [], False
        for param in self._inputs:
            seen_default |= param.optional
            listed.append(kind(param.name, kind.POSITIONAL_OR_KEYWORD, default=None if seen_default else kind.empty))
        listed += [kind(param.name, kind.KEYWORD_ONLY, default=None) for param in self._outputs]
        listed.append(kind("outputs", kind.KEYWORD_ONLY, default=None))
        return inspect.Signature(listed)

    def __repr__(self) -> str:
        return f"<flashcore kernel {self._describe()} for {self.target}>"

    # -- calling it -------------------------------------------------------------------------------

    def __call__(self, *args: Any, outputs: Union[None, str, Sequence[str]] = None, **kwargs: Any) -> Any:
        """Runs the kernel.

        Inputs and scalars go by position or by name. `outputs` names what to compute, in that order; by default the
        first output and those that the kernel always writes. An output given by name is written in place. Returns
        the array, or a named tuple of them where there are several.
        """
        if self._op is not None and _arrays.is_tracing():
            return self._op(args, outputs, kwargs)
        given = self._bind(args, kwargs)
        wanted = self._wanted(outputs, given)
        model = next((value for value in given.values() if _arrays.is_array(value)), None)
        if model is None:
            raise ArgumentError(f"kernel `{self.name}`: no array was given, so there is nothing that says where to run")
        place = self._place(given)
        if _arrays.is_torch(model):
            if self._op is None:
                self._register()
            return self._launch(place, given, wanted, model)
        if place == "emulator":
            return self._launch(place, given, wanted, model)
        return self._staged(place, given, wanted, model)

    def _bind(self, args: Sequence[Any], kwargs: Dict[str, Any]) -> Dict[str, Any]:
        """The arguments by name; those that are left out are not there."""
        if len(args) > len(self._inputs):
            raise ArgumentError(f"kernel `{self.name}` takes {len(self._inputs)} inputs and {len(args)} were given: "
                                + self._describe())
        given = {param.name: value for param, value in zip(self._inputs, args) if value is not None}
        for name, value in kwargs.items():
            if name not in self._by_name:
                raise ArgumentError(f"kernel `{self.name}` has no parameter `{name}`: {self._describe()}")
            if name in given:
                raise ArgumentError(f"kernel `{self.name}`: `{name}` is given twice")
            if value is not None:
                given[name] = value
        for name, value in given.items():
            if self._by_name[name].is_tensor != _arrays.is_array(value):
                raise ArgumentError(
                    f"kernel `{self.name}`: `{name}` is {_kind(value)}, and must be "
                    + ("an array: " if self._by_name[name].is_tensor else "a number: ") + self._by_name[name].text)
        return given

    def _wanted(self, outputs: Union[None, str, Sequence[str]], given: Mapping[str, Any]) -> List[str]:
        """The outputs to compute and to return, in order."""
        if outputs is None:
            here = [p.name for p in self._outputs if p.name in given]
            return [p.name for i, p in enumerate(self._outputs)
                    if p.name in given or not p.nullable or (i == 0 and not here)]
        names = [outputs] if isinstance(outputs, str) else list(outputs)
        for name in names:
            if name not in self._by_name or not self._by_name[name].output:
                raise ArgumentError(f"kernel `{self.name}` has no output `{name}`: {self._describe()}")
        if not names:
            raise ArgumentError(f"kernel `{self.name}`: no output is asked for")
        return names

    def _place(self, given: Mapping[str, Any]) -> str:
        """The device on which the arrays lie; they must agree."""
        found: Dict[str, str] = {}
        for name, value in given.items():
            if _arrays.is_torch(value):
                found.setdefault(_arrays.torch_device(value), name)
                if _arrays.wants_gradient(value):
                    raise RefusedError(f"kernel `{self.name}`: `{name}` requires a gradient, and the kernel has no "
                                       "backward; give `detach()` of it, or call under `torch.no_grad()`")
            elif _arrays.is_numpy(value):
                found.setdefault("numpy", name)
        if len(found) > 1:
            where = " and ".join(f"`{name}` on {'the CPU' if place == 'emulator' else place}"
                                 for place, name in found.items())
            raise RefusedError(f"kernel `{self.name}`: its arrays must lie on one device, and {where} do not")
        place = next(iter(found))
        if place == "numpy":
            return self._device or "emulator"
        if self._device is not None and self._device != place:
            raise RefusedError(f"kernel `{self.name}` was loaded for `{self._device}`, and its arrays are for `{place}`")
        return place

    def _launch(self, place: str, given: Dict[str, Any], wanted: Sequence[str], model: Any) -> Any:
        launch = self._launch_on(place)
        library, handle = launch.library, launch.handle.pointer
        for param in self._inputs:
            launch.set(param, given.get(param.name))
        results: List[Any] = []
        for param in self._outputs:
            value = given.get(param.name)
            if value is None and (param.name in wanted or not param.nullable):
                value = _arrays.empty_like(model, param.elem, launch.shape_of(param))
            if value is not None and not _arrays.writable(value):
                raise RefusedError(f"kernel `{self.name}`: `{param.name}` is read-only, and the kernel writes it")
            launch.set(param, value)
            given[param.name] = value
        library.fc_launch_run(handle, _arrays.current_stream(model))
        results = [given[name] for name in wanted]
        return results[0] if len(results) == 1 else self._tuple(wanted, results)

    def _tuple(self, names: Sequence[str], values: Sequence[Any]) -> Any:
        """A named tuple; its class is made once for the same names."""
        kind = self._tuples.get(tuple(names))
        if kind is None:
            kind = self._tuples[tuple(names)] = _named_tuple(self.name, names)
        return kind(*values)

    def _staged(self, place: str, given: Dict[str, Any], wanted: Sequence[str], model: Any) -> Any:
        """NumPy arrays on a device with memory of its own: copied there and back."""
        from .staging import run_staged

        return run_staged(self, place, given, wanted, model)

    # -- the module and the launch on a device ----------------------------------------------------

    def _module_on(self, place: str) -> _native.Handle:
        with self._lock:
            if place not in self._loaded:
                module = _native.Handle("fc_module_unload")
                _native.library().fc_module_load(open_device(place).handle.pointer, self.code, len(self.code),
                                                 self._module.encode(), module.place())
                self._loaded[place] = module
            return self._loaded[place]

    def _launch_on(self, place: str) -> "_Launch":
        """This thread's launch on that device."""
        launches = self._local.__dict__
        launch = launches.get(place)
        if launch is None:
            launch = launches[place] = _Launch(self._module_on(place), self.name)
        launches["last"] = launch
        return launch

    @property
    def counters(self) -> Dict[str, Any]:
        """What the emulator counted in this thread's last call; {} where the device counts nothing."""
        launch = self._local.__dict__.get("last")
        return json.loads(launch.library.fc_launch_counters(launch.handle.pointer)) if launch else {}

    @property
    def variant(self) -> str:
        """The variant that this thread's last call took."""
        launch = self._local.__dict__.get("last")
        return launch.library.fc_launch_variant(launch.handle.pointer).decode() if launch else ""

    # -- torch.compile ----------------------------------------------------------------------------

    def _register(self) -> None:
        """Makes the kernel known to `torch.library`, once (PyTorch 2.4 or later)."""
        from . import torch_ops

        with self._lock:
            if self._op is None:
                self._op = torch_ops.register(self)

    def torch_op(self) -> Any:
        """The kernel as an operation of `torch.ops.flashcore`: (inputs, scalars, outputs: str) -> Tensor[]. Calling the
        kernel itself under `torch.compile` traces to it. A kernel that was loaded before PyTorch was imported is
        registered by its first call, or by this."""
        from . import torch_ops

        self._register()
        return torch_ops.operation(self)

    @property
    def digest(self) -> str:
        """The SHA-256 of the code."""
        return hashlib.sha256(self.code).hexdigest()


def _named_tuple(name: str, fields: Sequence[str]) -> Any:
    return collections.namedtuple(name, list(fields), rename=True)  # type: ignore[misc]


def _kind(value: Any) -> str:
    return "an array" if _arrays.is_array(value) else f"of type {type(value).__name__}"


class _Room:
    """Where a tensor is described for the C API; filled anew only when the shape, the strides or the type change."""

    __slots__ = ("seen", "name", "extents", "steps", "tensor")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.seen: Any = None
        self.extents: Any = None
        self.steps: Any = None
        self.tensor: Any = None


class _Launch:
    """An fc_launch with room for its arguments. For one thread."""

    def __init__(self, module: _native.Handle, kernel: str) -> None:
        self.library = _native.library()
        self.module = module
        self.handle = _native.Handle("fc_launch_destroy")
        self.library.fc_launch_create(module.pointer, kernel.encode(), self.handle.place())
        self.give = self.library.fc_launch_tensor
        self.rooms: Dict[str, _Room] = {}
        self.given: Dict[str, bool] = {}
        self.version = 0
        """Counts the changes of the inputs' shapes: what was computed from them holds until the next."""
        self.shapes: Dict[str, Tuple[int, Tuple[int, ...]]] = {}

    def set(self, param: Param, value: Any, address: Optional[int] = None) -> None:
        """Gives an argument, or takes it back. `address`: where the data lies, if not in `value`."""
        name = param.name
        if value is None:
            if self.given.get(name):
                self.give(self.handle.pointer, name.encode(), None)
                self.given[name] = False
                self.version += not param.output
            return
        if not self.given.get(name):
            self.given[name] = True
            self.version += not param.output
        pointer = self.handle.pointer
        if param.shape is not None:
            self.set_tensor(param, value, address)
        elif param.elem == "bool":
            self.library.fc_launch_bool(pointer, name.encode(), int(bool(value)))
        elif isinstance(value, float) or param.elem == "f32":
            self.library.fc_launch_float(pointer, name.encode(), float(value))
        else:
            self.library.fc_launch_int(pointer, name.encode(), _integer(param, value))

    def set_tensor(self, param: Param, value: Any, address: Optional[int]) -> None:
        room = self.rooms.get(param.name)
        if room is None:
            room = self.rooms[param.name] = _Room(param.name.encode())
        seen = _arrays.form(value)
        if room.seen != seen:
            shape, strides = _arrays.layout(value, param.name)
            rank = len(shape)
            room.extents, room.steps = (ctypes.c_int64 * rank)(*shape), (ctypes.c_int64 * rank)(*strides)
            code = _arrays.CODES[_arrays.elem_of(value, param.name, param.elem)]
            room.tensor = _native.Tensor(None, code, rank, room.extents, room.steps)
            room.seen = seen
            self.version += not param.output
        room.tensor.data = (_arrays.address(value) if address is None else address) or None
        self.give(self.handle.pointer, room.name, room.tensor)

    def shape_of(self, param: Param) -> Tuple[int, ...]:
        """The shape that an output must have, by what was given so far."""
        known = self.shapes.get(param.name)
        if known is not None and known[0] == self.version:
            return known[1]
        self.set(param, None)  # its shape of the last call says nothing of this one
        assert param.shape is not None
        room = (ctypes.c_int64 * len(param.shape))()
        self.library.fc_launch_shape(self.handle.pointer, param.name.encode(), room, len(param.shape))
        shape = tuple(room)
        self.shapes[param.name] = (self.version, shape)
        return shape


def _integer(param: Param, value: Any) -> int:
    try:
        number = value.__index__()
    except AttributeError:
        raise ArgumentError(f"`{param.name}` is {value!r}, and must be an integer") from None
    if not -(2**63) <= number < 2**63:
        raise ArgumentError(f"`{param.name}` is {number}, and must fit in 64 bits")
    return number


# -- loading ------------------------------------------------------------------------------------------


def loads(code: Union[bytes, str], kernel: Optional[str] = None, name: str = "the PTX",
          device: Optional[str] = None) -> Kernel:
    """A kernel from PTX text or a cubin in memory; else as `load`."""
    raw = code.encode() if isinstance(code, str) else bytes(code)
    module = manifest.text_in(raw, name)
    entries = {entry["name"]: entry for entry in module.get("kernels", [])}
    if not entries:
        raise ModuleError(f"{name} has no kernel")
    if kernel is None:
        if len(entries) > 1:
            raise ArgumentError(f"{name} has the kernels {', '.join(f'`{e}`' for e in entries)}: say which one with "
                                "`kernel=`, or take them all with `load_all`")
        kernel = next(iter(entries))
    if kernel not in entries:
        raise NotFoundError(f"{name} has no kernel `{kernel}`; it has {', '.join(f'`{e}`' for e in entries)}")
    return Kernel(raw, name, entries[kernel], module, device)


def _read(path: Union[str, "os.PathLike[str]"]) -> bytes:
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        raise NotFoundError(f"cannot read {os.fspath(path)}: {error.strerror}") from None


def load(path: Union[str, "os.PathLike[str]"], kernel: Optional[str] = None, device: Optional[str] = None) -> Kernel:
    """The kernel of a `.ptx` or `.cubin` that `fcc` wrote.

    `kernel` names one of several. Where the kernel runs follows from the arrays that it is called with; `device`
    ("cuda", "cuda:1", "emulator") insists on one, and with "cuda" NumPy arrays are copied to the GPU and back.
    """
    return loads(_read(path), kernel, os.fspath(path), device)


def load_all(path: Union[str, "os.PathLike[str]"], device: Optional[str] = None) -> Dict[str, Kernel]:
    """All kernels of a file by name, in the order of the file, which is that of their use."""
    code = _read(path)
    names: Iterable[str] = (entry["name"] for entry in manifest.text_in(code, os.fspath(path)).get("kernels", []))
    return {name: loads(code, name, os.fspath(path), device) for name in names}
