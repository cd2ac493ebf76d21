"""NumPy arrays on a device with memory of its own: copied there, computed, copied back."""
from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Dict, List, Sequence

import numpy

from . import _arrays, _native
from .devices import Device
from .devices import device as open_device

if TYPE_CHECKING:
    from .kernel import Kernel


class Buffer:
    """Memory of a device, given back with this object."""

    def __init__(self, device: Device, size: int) -> None:
        self.device, self.size = device, size
        self.address = ctypes.c_void_p()
        _native.library().fc_device_allocate(device.handle.pointer, max(size, 1), ctypes.byref(self.address))

    def upload(self, array: "numpy.ndarray") -> None:
        _native.library().fc_device_upload(self.device.handle.pointer, self.address, array.ctypes.data, array.nbytes, None)

    def download(self, array: "numpy.ndarray") -> None:
        _native.library().fc_device_download(self.device.handle.pointer, array.ctypes.data, self.address, array.nbytes,
                                             None)

    def __del__(self) -> None:
        if self.address:
            _native.library().fc_device_release(self.device.handle.pointer, self.address)


def run_staged(kernel: "Kernel", place: str, given: Dict[str, Any], wanted: Sequence[str], model: Any) -> Any:
    """One call of `kernel` on the device `place`. What it writes in place is copied there first, since a kernel may
    leave elements alone."""
    device = open_device(place)
    launch = kernel._launch_on(place)
    buffers: List[Buffer] = []
    back: Dict[str, Any] = {}

    def stage(param: Any, value: Any, fresh: bool) -> None:
        dense = numpy.ascontiguousarray(value).reshape(value.shape)
        buffer = Buffer(device, dense.nbytes)
        buffers.append(buffer)
        if dense.nbytes and not fresh:
            buffer.upload(dense)
        launch.set(param, dense, buffer.address.value)
        if param.output:
            back[param.name] = (dense, buffer, value)

    for param in kernel._inputs:
        value = given.get(param.name)
        if value is not None and param.is_tensor:
            stage(param, value, fresh=False)
        else:
            launch.set(param, value)
    for param in kernel._outputs:
        value = given.get(param.name)
        fresh = value is None
        if fresh and (param.name in wanted or not param.nullable):
            value = _arrays.empty_like(model, param.elem, launch.shape_of(param))
        if value is None:
            launch.set(param, None)
        else:
            stage(param, value, fresh)
    launch.library.fc_launch_run(launch.handle.pointer, None)
    device.synchronize()
    for name, (dense, buffer, value) in back.items():
        if dense.nbytes:
            buffer.download(dense)
        if value is not dense:
            value[...] = dense
        given[name] = value
    results = [given[name] for name in wanted]
    return results[0] if len(results) == 1 else kernel._tuple(wanted, results)
