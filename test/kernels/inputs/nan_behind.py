"""nan_behind.py OUT.npy SHAPE LENGTH: f16 values, NaN from LENGTH on along the axis before the last; without NumPy."""
import math
import random
import struct
import sys

path, shape, length = sys.argv[1], tuple(int(n) for n in sys.argv[2].split(",")), int(sys.argv[3])
rows, columns = shape[-2:]
random.seed(0)
values = [
    random.gauss(0, 1) if at // columns % rows < length else math.nan for at in range(math.prod(shape))
]
header = f"{{'descr': '<f2', 'fortran_order': False, 'shape': {shape}, }}"
header += " " * (63 - (len(header) + 10) % 64) + "\n"
with open(path, "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    file.write(struct.pack(f"<{len(values)}e", *values))
