"""Devices: opened once a process, by name, and shared."""
from __future__ import annotations

import threading
from typing import Dict, Optional

from ._native import Handle, library


class Device:
    """A machine that runs kernels: "emulator" (this CPU; it runs the PTX itself) or "cuda" ("cuda:1": the second GPU)."""

    def __init__(self, name: str) -> None:
        self.handle = Handle("fc_device_close")
        library().fc_device_open(name.encode(), self.handle.place())

    @property
    def name(self) -> str:
        """What was opened: "emulator" or "cuda", where "auto" was asked for."""
        return library().fc_device_name(self.handle.pointer).decode()

    @property
    def title(self) -> str:
        """Which one: "cuda:0 (NVIDIA H100 80GB HBM3)"."""
        return library().fc_device_title(self.handle.pointer).decode()

    def set_option(self, key: str, value: object) -> None:
        """An option of the emulator, from the next launch on: "seed", "async" ("lazy", "eager", "random"), "threads",
        "races" ("on", "off"), "exact-mma" ("on", "off"), "sms"."""
        text = {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)
        library().fc_device_set_option(self.handle.pointer, key.encode(), text.encode())

    def synchronize(self, stream: Optional[int] = None) -> None:
        """Waits for what was launched on `stream` (default: the default one)."""
        library().fc_device_synchronize(self.handle.pointer, stream)


_open: Dict[str, Device] = {}
_lock = threading.Lock()


def device(name: str = "emulator") -> Device:
    """The device of that name, the same one at every call."""
    with _lock:
        if name not in _open:
            _open[name] = Device(name)
        return _open[name]
