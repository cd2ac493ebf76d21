"""What the parts of the check share: their arguments, their clock, and results that are on disk after every step."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

KIT = pathlib.Path(__file__).resolve().parents[1]


class Part:
    """One part of the check: `python3 PART.py --out FILE --device cuda --seconds N [--small]`."""

    def __init__(self, description):
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--out", required=True, type=pathlib.Path, help="the JSON to write")
        parser.add_argument("--device", default="cuda", help="cuda, cuda:1 or emulator")
        parser.add_argument("--seconds", type=float, default=120, help="begin nothing after this time")
        parser.add_argument("--small", action="store_true", help="little of everything: a rehearsal")
        self.options = parser.parse_args()
        self.device, self.small = self.options.device, self.options.small
        self.start = time.monotonic()
        self.result = {"done": False}
        self.save()

    def left(self):
        return self.options.seconds - (time.monotonic() - self.start)

    def late(self, need=0.0):
        """Whether the time is over for a step of `need` seconds; then the result says so."""
        if self.left() > need:
            return False
        self.result["cut_short"] = f"after {time.monotonic() - self.start:.0f} s"
        return True

    def save(self):
        """Written beside and renamed: whoever reads it, whenever, reads a whole JSON."""
        self.result["seconds"] = round(time.monotonic() - self.start, 2)
        beside = self.options.out.with_suffix(".tmp")
        beside.write_text(json.dumps(self.result, indent=1, default=str))
        os.replace(beside, self.options.out)

    def finish(self):
        self.result["done"] = True
        self.save()


def run(command, seconds, **options):
    """(exit code, output, errors). 124: it took longer, and its whole process group was ended."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               errors="replace", start_new_session=True, **options)
    try:
        out, err = process.communicate(timeout=max(1.0, seconds))
        return process.returncode, out, err
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        out, err = process.communicate()
        return 124, out, f"{err}\ntook longer than {seconds:.0f} s"


def load_flashcore():
    """The Python module of the kit, over the kit's library."""
    os.environ.setdefault("FLASHCORE_LIBRARY", str(KIT / "lib" / "libflashcore_runtime.so"))
    os.environ.setdefault("FLASHCORE_FCC", str(KIT / "bin" / "fcc"))
    sys.path.insert(0, str(KIT / "python"))
    import flashcore

    return flashcore


def kernels():
    """The entries of kernels.json whose PTX is there."""
    return [entry for entry in json.loads((KIT / "kernels.json").read_text()) if "refused" not in entry]


def one_line(error):
    """An exception as one line of a report."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
