"""embed.py FILE.ptx: the PTX with its manifest in it, on standard output.

The PTX of these tests is written by hand, and so is the manifest: JSON in comment lines that begin with `//!`.
This puts its bytes where fcc would.
"""
import json
import sys

lines = open(sys.argv[1]).read().splitlines()
text = "\n".join(line[3:] for line in lines if line.startswith("//!"))
data = json.dumps(json.loads(text)).encode() + b"\0"
array = ".visible .global .align 1 .b8 __fc_manifest[%d] = {%s};" % (len(data), ", ".join(map(str, data)))
for line in lines:
    if not line.startswith("//!"):
        print(line)
    if line.startswith(".address_size"):
        print(array)
