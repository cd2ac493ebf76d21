"""Every PTX micro-kernel of the emulator's tests on the GPU and on the emulator, bit by bit.

A micro-kernel is an entry of KIT/micro/*.ptx with lines `// run: kernel=... in=[...] out=[...]` (the form is told in
test/runtime/emulator/PtxFile.h). Each such line is run on both machines with the same bytes in, and what comes out is compared: GPU
with emulator, and both with the line. Lines that are to fail (`fails=`) are for the emulator alone. A file is a process of its
own, since a fault on the GPU takes everything of its process with it.
"""
import json
import pathlib
import sys
import tempfile

from common import KIT, Part, run

HERE = pathlib.Path(__file__).resolve().parent


def main():
    part = Part(__doc__)
    files = sorted((KIT / "micro").glob("*.ptx"))
    if part.small:
        files = [path for path in files if path.name in ("lanes.ptx", "mma-exact.ptx", "mma-f8.ptx")]
    rows = part.result["files"] = []
    for path in files:
        if part.late():
            break
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder, "out.json")
            code, text, err = run([sys.executable, HERE / "micro_file.py", path, part.device, out], min(60, part.left() + 5))
            row = {"file": path.name, "runs": [], "failed": None}
            if out.exists():
                row.update(json.loads(out.read_text()))
            if code:
                row["failed"] = f"ended with {code}: {(text + err).strip()[-600:]}"
        rows.append(row)
        part.save()
    part.result["counts"] = {
        "runs": sum(len(row["runs"]) for row in rows),
        "agree": sum(run_["agree"] for row in rows for run_ in row["runs"] if "agree" in run_),
        "differ": sum(not run_["agree"] for row in rows for run_ in row["runs"] if "agree" in run_),
        "failed": sum("error" in run_ for row in rows for run_ in row["runs"]) + sum(bool(row["failed"]) for row in rows),
        "refused": sum(bool(row.get("refused")) for row in rows)}
    part.finish()


if __name__ == "__main__":
    main()
