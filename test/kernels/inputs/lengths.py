"""lengths.py OUT.npy N...: writes an i32 vector, without NumPy."""
import struct
import sys

path, values = sys.argv[1], [int(v) for v in sys.argv[2:]]
header = f"{{'descr': '<i4', 'fortran_order': False, 'shape': ({len(values)},), }}"
header += " " * (63 - (len(header) + 10) % 64) + "\n"
with open(path, "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    file.write(struct.pack(f"<{len(values)}i", *values))
