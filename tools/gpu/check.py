"""Runs the parts of the check one after the other, each in a process and within a time of its own, and keeps the report
up to date after each: a part that fails, hangs or takes the GPU down costs its own result alone."""
import argparse
import gzip
import json
import pathlib
import sys
import tarfile
import time

import report
from common import KIT, run

HERE = pathlib.Path(__file__).resolve().parent

# Each part with the share of the budget that it may take, in the order of what one wants to know first.
PARTS = [("machine", 0.04), ("kernels", 0.25), ("micro", 0.14), ("bench", 0.34), ("fcbench", 0.11), ("ncu", 0.12)]


def unpack():
    """The PTX and fcc, once."""
    fcc = KIT / "bin" / "fcc"
    if not fcc.exists():
        fcc.write_bytes(gzip.decompress(fcc.with_suffix(".gz").read_bytes()))
        fcc.chmod(0o755)
    if not (KIT / "ptx").exists():
        with tarfile.open(KIT / "ptx.tar.gz") as archive:
            members = [m for m in archive.getmembers() if m.isfile() and pathlib.PurePath(m.name).parts[:-1] == ("ptx",)]
            archive.extractall(KIT, members)


def main():
    parser = argparse.ArgumentParser(prog="gpu-check.sh", description=__doc__)
    parser.add_argument("--out", default="results", type=pathlib.Path, help="folder of the report (default: results)")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 or emulator")
    parser.add_argument("--budget", default=570.0, type=float, help="seconds for everything (default: 570)")
    parser.add_argument("--parts", default=",".join(name for name, _ in PARTS), help="which parts (default: all)")
    parser.add_argument("--small", action="store_true", help="little of everything: a rehearsal")
    options = parser.parse_args()
    wanted = options.parts.split(",")
    unknown = [name for name in wanted if name not in dict(PARTS)]
    if unknown:
        parser.error(f"there is no part `{unknown[0]}`; there are {', '.join(dict(PARTS))}")
    options.out.mkdir(parents=True, exist_ok=True)
    unpack()

    begin = time.monotonic()
    results = {"commit": (KIT / "commit").read_text().strip(), "device": options.device, "small": options.small,
               "date": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()), "parts": {}}
    parts = [(name, share) for name, share in PARTS if name in wanted]
    for number, (name, share) in enumerate(parts):
        # What earlier parts left over goes to the later ones.
        left = options.budget - (time.monotonic() - begin)
        seconds = left * share / sum(s for _, s in parts[number:])
        file = options.out.resolve() / f".{name}.json"
        file.unlink(missing_ok=True)
        command = [sys.executable, HERE / f"{name}.py", "--out", file, "--device", options.device, "--seconds", f"{0.9 * seconds:.1f}"]
        print(f"{name}: at most {seconds:.0f} s", flush=True)
        code, out, err = run(command + (["--small"] if options.small else []), seconds, cwd=KIT)
        try:
            part = json.loads(file.read_text())
        except (OSError, ValueError):
            part = {"done": False}
        file.unlink(missing_ok=True)
        if code or not part["done"]:
            part["failed"] = "ran out of its time" if code == 124 else f"ended with {code}"
            part["words"] = (out + err).strip()[-4000:]
        results["parts"][name] = part
        results["seconds"] = round(time.monotonic() - begin, 1)
        report.write(results, options.out)
        print("  " + report.summary(name, part), flush=True)
    print(f"{options.out}/report.md, {options.out}/report.json after {results['seconds']:.0f} s")
    sys.exit(0 if report.right(results) else 1)


if __name__ == "__main__":
    main()
