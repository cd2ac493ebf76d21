"""The exceptions of FlashCore, one a status of the C API. Their text is the runtime's or the compiler's own."""
from __future__ import annotations


class Error(RuntimeError):
    """Anything that FlashCore refuses or fails at."""


class ArgumentError(Error, ValueError, TypeError):
    """An argument that no kernel could take: one too many, an unknown option, a dtype that does not exist."""


class NotFoundError(Error, LookupError):
    """No such file, kernel or parameter."""


class ModuleError(Error):
    """The PTX or its manifest is wrong."""


class RefusedError(Error, ValueError):
    """A launch that the kernel's manifest does not allow: a shape, a stride, a type, a fact that does not hold."""


class FaultError(Error):
    """The device stopped. On the emulator the text says what the kernel did wrong, and where; `id` is the short
    name of the fault ("OOB", "DEADLOCK")."""

    id: str = ""


class UnsupportedError(Error):
    """There is no such device here."""


class OutOfMemoryError(Error, MemoryError):
    """No memory left on the device."""


class CompileError(Error):
    """What `fcc` said of a text that it does not take."""


# By fc_status.
BY_STATUS = {
    1: ArgumentError,
    2: NotFoundError,
    3: ModuleError,
    4: RefusedError,
    5: FaultError,
    6: UnsupportedError,
    7: OutOfMemoryError,
}
