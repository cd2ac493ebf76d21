"""The C API of the runtime (runtime/include/fc/runtime.h) through ctypes: signatures, handles, errors."""
from __future__ import annotations

import ctypes
import os
import pathlib
import threading
from ctypes import POINTER, Structure, byref, c_char_p, c_double, c_int, c_int32, c_int64, c_size_t, c_void_p
from typing import List, Optional

from . import errors

_NAME = "libflashcore_runtime.so"


class Tensor(Structure):
    """fc_tensor."""

    _fields_ = [
        ("data", c_void_p),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
    ]


def _here() -> pathlib.Path:
    return pathlib.Path(__file__).resolve().parent


def tree() -> Optional[pathlib.Path]:
    """The checkout that this package lies in, where it does."""
    root = _here().parents[2]
    return root if (root / "runtime" / "include" / "fc" / "runtime.h").exists() else None


def candidates(inside: str, variable: str, built: str) -> List[pathlib.Path]:
    """Where a binary of ours may be: where the environment says, in the wheel, in the builds of the tree."""
    said = os.environ.get(variable)
    if said:
        return [pathlib.Path(said)]
    places = [_here() / inside]
    root = tree()
    if root:
        places += [root / build / built for build in ("build", "build-dev")]
    return places


def library_path() -> pathlib.Path:
    """The runtime library: FLASHCORE_LIBRARY, the wheel's own, or that of a build of the tree."""
    places = candidates(f"_lib/{_NAME}", "FLASHCORE_LIBRARY", f"lib/{_NAME}")
    for place in places:
        if place.exists():
            return place
    raise errors.NotFoundError(
        f"{_NAME} is not there; build it (`ninja -C build flashcore_runtime`) or name it in FLASHCORE_LIBRARY; looked at "
        + ", ".join(map(str, places))
    )


_SIGNATURES = {
    # name: (result, arguments); a result of None is a status, which `check` turns into an exception
    "fc_version": (c_char_p, []),
    "fc_last_error": (c_char_p, []),
    "fc_last_error_id": (c_char_p, []),
    "fc_device_open": (None, [c_char_p, POINTER(c_void_p)]),
    "fc_device_name": (c_char_p, [c_void_p]),
    "fc_device_title": (c_char_p, [c_void_p]),
    "fc_device_set_option": (None, [c_void_p, c_char_p, c_char_p]),
    "fc_device_allocate": (None, [c_void_p, c_size_t, POINTER(c_void_p)]),
    "fc_device_upload": (None, [c_void_p, c_void_p, c_void_p, c_size_t, c_void_p]),
    "fc_device_download": (None, [c_void_p, c_void_p, c_void_p, c_size_t, c_void_p]),
    "fc_device_synchronize": (None, [c_void_p, c_void_p]),
    "fc_module_load": (None, [c_void_p, c_char_p, c_size_t, c_char_p, POINTER(c_void_p)]),
    "fc_launch_create": (None, [c_void_p, c_char_p, POINTER(c_void_p)]),
    "fc_launch_tensor": (None, [c_void_p, c_char_p, POINTER(Tensor)]),
    "fc_launch_int": (None, [c_void_p, c_char_p, c_int64]),
    "fc_launch_float": (None, [c_void_p, c_char_p, c_double]),
    "fc_launch_bool": (None, [c_void_p, c_char_p, c_int]),
    "fc_launch_shape": (None, [c_void_p, c_char_p, POINTER(c_int64), c_size_t]),
    "fc_launch_run": (None, [c_void_p, c_void_p]),
    "fc_launch_counters": (c_char_p, [c_void_p]),
    "fc_launch_seconds": (c_double, [c_void_p]),
    "fc_launch_variant": (c_char_p, [c_void_p]),
}
_RELEASES = ["fc_device_close", "fc_module_unload", "fc_launch_destroy"]  # one handle each

_lock = threading.Lock()
_library: Optional[ctypes.CDLL] = None


def _raise(status: int) -> None:
    assert _library is not None
    error = errors.BY_STATUS.get(status, errors.Error)(_library.fc_last_error().decode(errors="replace"))
    if isinstance(error, errors.FaultError):
        error.id = _library.fc_last_error_id().decode()
    raise error


def _check(status, function, arguments):
    if status:
        _raise(status)


def library() -> ctypes.CDLL:
    """The runtime, opened at the first call. A call releases the interpreter's lock while it runs."""
    global _library
    with _lock:
        if _library is None:
            opened = ctypes.CDLL(str(library_path()))
            for name, (result, arguments) in _SIGNATURES.items():
                function = getattr(opened, name)
                function.argtypes = arguments
                function.restype = c_int if result is None else result
                if result is None:
                    function.errcheck = _check
            for name in _RELEASES:
                function = getattr(opened, name)
                function.argtypes, function.restype = [c_void_p], None
            opened.fc_device_release.argtypes, opened.fc_device_release.restype = [c_void_p, c_void_p], None
            _library = opened
        return _library


class Handle:
    """Owns a handle of the C API and gives it back."""

    def __init__(self, release: str) -> None:
        self.pointer = c_void_p()
        self._release = getattr(library(), release)

    def place(self):
        return byref(self.pointer)

    def __del__(self) -> None:
        if getattr(self, "pointer", None):
            self._release(self.pointer)
