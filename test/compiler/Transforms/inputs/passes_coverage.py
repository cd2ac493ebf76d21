"""passes_coverage.py SOURCE: each `def` of Passes.td must be named in a .mlir test that runs it."""
import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1])
flags = re.findall(r'Pass<"([a-z0-9-]+)"', (source / "compiler/Transforms/Passes.td").read_text())
tests = "\n".join(path.read_text() for path in (source / "test").rglob("*.mlir") if "inputs" not in path.parts)
runs = "\n".join(line for line in tests.splitlines() if "RUN:" in line)
missing = [flag for flag in flags if not re.search(rf"{flag}\b", runs)]
for flag in missing:
    print(f"no test runs the pass {flag}")
if not flags:
    print("Passes.td defines no pass")
elif not missing:
    print("every pass is in a test")
