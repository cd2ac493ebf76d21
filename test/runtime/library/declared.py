"""Opens the library as Python's ctypes does and looks for every function of the header."""
import ctypes
import re
import sys

header, path = sys.argv[1:]
library = ctypes.CDLL(path)
names = re.findall(r"^FC_API [^;]*?\b(fc_\w+)\(", open(header).read(), re.MULTILINE)
missing = [name for name in names if not hasattr(library, name)]
library.fc_version.restype = ctypes.c_char_p
assert re.fullmatch(rb"\d+\.\d+\.\d+", library.fc_version())
device = ctypes.c_void_p()
assert library.fc_device_open(b"emulator", ctypes.byref(device)) == 0
library.fc_device_close(device)
print(len(names), "functions,", "missing: " + " ".join(missing) if missing else "none missing")
