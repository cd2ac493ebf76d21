"""The micro-kernels of one file on a device and on the emulator: micro_file.py FILE.ptx DEVICE OUT.json (see micro.py).

The runtime launches what has a manifest, so one is made here, with a kernel for each run line.
"""
import json
import pathlib
import re
import struct
import sys

import numpy

from common import load_flashcore, one_line

flashcore = load_flashcore()
from flashcore.kernel import _Launch  # noqa: E402
from flashcore.staging import Buffer  # noqa: E402

ELEMS = {8: ("u8", numpy.uint8), 16: ("i16", numpy.int16), 32: ("i32", numpy.int32), 64: ("i64", numpy.int64)}


def bits_of(text, width):
    """The bits of one value: an integer, a float `1.5f`, a double `1.5d`."""
    if len(text) > 1 and not text.startswith("0x"):
        if text.endswith("f"):
            return struct.unpack("<I", struct.pack("<f", numpy.float32(float(text[:-1]))))[0]
        if text.endswith("d"):
            return struct.unpack("<Q", struct.pack("<d", float(text[:-1])))[0]
    # As C reads it: 0x..., 0..., or decimal.
    digits = text.lstrip("-")
    base = 16 if digits.startswith("0x") else 8 if len(digits) > 1 and digits.startswith("0") else 10
    return int(text, base) & ((1 << width) - 1)


def values_of(text, width):
    """`[1 2*3 0..7 _]`: bits, or None for "whatever"."""
    values = []
    for item in text.strip("[]").replace(",", " ").split():
        times = 1
        if "*" in item:
            item, count = item.split("*")
            times = int(count)
        if ".." in item:
            low, high = item.split("..")
            values += [v & ((1 << width) - 1) for v in range(int(low), int(high) + 1)] * times
        else:
            values += [None if item == "_" else bits_of(item, width)] * times
    return values


def words_of(line):
    """Split at blanks outside of brackets."""
    return re.findall(r"(?:\[[^\]]*\]|[^\s\[])+", line)


class Run:
    """A run line: how to launch, and the arguments in order."""

    def __init__(self, line, number):
        self.line, self.kernel, self.fails = number, None, None
        self.grid, self.block, self.shared = [1, 1, 1], [32, 1, 1], 0
        self.options = {"async": "lazy", "seed": "0", "races": "on", "exact-mma": "off"}
        self.arguments = []  # (kind, width, values given, values expected)
        for word in words_of(line):
            key, value = word.split("=", 1)
            key, _, subject = key.partition(":")
            if key in ("in", "out", "inout"):
                width = int(subject or 32)
                given, _, wanted = value.partition("->")
                wanted = wanted or given
                self.arguments.append((key, width, values_of(given, width) if key != "out" else None,
                                       values_of(wanted, width) if key != "in" else None))
            elif key in ("u32", "u64", "f32"):
                width = 64 if key == "u64" else 32
                self.arguments.append(("scalar", width, [bits_of(value, width)], None))
            elif key in ("grid", "block"):
                numbers = [int(n) for n in value.split(",")]
                setattr(self, key, numbers + [1] * (3 - len(numbers)))
            elif key == "shared":
                self.shared = int(value)
            elif key == "mma":
                self.options["exact-mma"] = "on" if value == "exact" else "off"
            elif key in ("async", "seed", "races"):
                self.options[key] = value
            elif key in ("kernel", "fails"):
                setattr(self, key, value)

    def spec(self):
        """The kernel of the manifest that this line is. What is read must not be an output, which begins undefined."""
        params, args = [], []
        for i, (kind, width, given, wanted) in enumerate(self.arguments):
            if kind == "scalar":
                params.append({"kind": "scalar", "name": f"p{i}", "elem": "f32" if width == 32 else "i64", "default": None})
                args.append({"scalar": f"p{i}"})
            else:
                params.append({"kind": "tensor", "name": f"p{i}", "elem": ELEMS[width][0], "shape": [len(given or wanted)],
                               "output": kind == "out", "nullable": False, "align": width // 8})
                args.append({"tensor": f"p{i}"})
        if not any(param.get("output") for param in params):  # without an output nothing is launched
            params.append({"kind": "tensor", "name": "none", "elem": "u8", "shape": [1], "output": True, "nullable": False,
                           "align": 1})
        # Inputs come first in a manifest; the launch's arguments keep the order of the entry.
        params.sort(key=lambda param: bool(param.get("output")))
        return {"name": f"run{self.line}", "cparams": {}, "dims": [], "params": params, "variants": [{
            "name": "micro", "condition": None, "launches": [{"entry": self.kernel, "grid": self.grid, "block": self.block,
                                                             "shared": self.shared, "args": args}]}]}

    def arrays(self):
        for _, width, given, wanted in self.arguments:
            if given is not None:
                yield numpy.array(given, dtype=numpy.uint64).astype(f"u{width // 8}")
            else:
                yield numpy.frombuffer(b"\xcd" * (len(wanted) * width // 8), dtype=f"u{width // 8}").copy()

    def launch(self, kernel, place):
        """What is in each argument afterwards; scalars as None."""
        device = flashcore.device(place)
        if place == "emulator":
            for key, value in self.options.items():
                device.set_option(key, value)
        launch = kernel._launch_on(place)
        by_name = {param.name: param for param in kernel.params}
        staged = []
        for i, ((kind, width, _, _), array) in enumerate(zip(self.arguments, self.arrays())):
            param = by_name[f"p{i}"]
            if kind == "scalar":
                bits = int(array[0])
                launch.set(param, bits - (bits >> 63 << 64) if width == 64 else struct.unpack("<f", struct.pack("<I", bits))[0])
                staged.append(None)
                continue
            buffer = Buffer(device, array.nbytes)
            buffer.upload(array)
            launch.set(param, array.view(ELEMS[width][1]), buffer.address.value)
            staged.append((array, buffer))
        if "none" in by_name:
            nothing = Buffer(device, 1)
            launch.set(by_name["none"], numpy.zeros(1, numpy.uint8), nothing.address.value)
        launch.library.fc_launch_run(launch.handle.pointer, None)
        device.synchronize()
        for entry in staged:
            if entry:
                entry[1].download(entry[0])
        return [entry[0] if entry else None for entry in staged]


def runs_of(text):
    """The run lines, with the lines that go on with them."""
    runs, pending, first = [], None, 0
    for number, line in enumerate(text.splitlines(), 1):
        if pending is not None and line.startswith("//   "):
            pending += line[2:]
            continue
        if pending is not None:
            runs.append(Run(pending, first))
            pending = None
        if line.startswith("// run: "):
            pending, first = line[8:], number
    if pending is not None:
        runs.append(Run(pending, first))
    entries = re.findall(r"\.entry\s+(\w+)", text)
    for run in runs:
        run.kernel = run.kernel or entries[0]
    return runs


def first_difference(run, seen, other):
    """None, or where two sets of results differ."""
    for i, (kind, width, _, _) in enumerate(run.arguments):
        if seen[i] is None:
            continue
        places = numpy.nonzero(seen[i] != other[i])[0]
        if len(places):
            at = int(places[0])
            return {"argument": i, "at": at, "elements": len(places), "of": len(seen[i]), "device": hex(int(seen[i][at])),
                    "emulator": hex(int(other[i][at]))}
    return None


def as_expected(run, seen):
    return all(value is None or int(seen[i][k]) == value
               for i, (_, _, _, wanted) in enumerate(run.arguments) if wanted is not None for k, value in enumerate(wanted))


def main():
    path, place, out = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    text = path.read_text()
    runs = [run for run in runs_of(text) if run.fails is None]
    result = {"target": re.search(r"^\.target (\w+)", text, re.M).group(1), "runs": []}
    if not runs:
        out.write_text(json.dumps(result))
        return
    manifest = {"format": 1, "target": result["target"], "source": {"path": path.name, "sha256": ""},
                "kernels": [run.spec() for run in runs]}
    raw = json.dumps(manifest).encode() + b"\0"
    code = f"{text}\n.visible .global .align 1 .b8 __fc_manifest[{len(raw)}] = {{{', '.join(map(str, raw))}}};\n".encode()
    for run in runs:
        row = {"kernel": run.kernel, "line": run.line}
        result["runs"].append(row)
        try:
            kernel = flashcore.loads(code, f"run{run.line}", path.name)
            emulator = run.launch(kernel, "emulator")
            seen = emulator if place == "emulator" else run.launch(kernel, place)
            difference = first_difference(run, seen, emulator)
            row.update(agree=difference is None, expected=as_expected(run, seen), emulator_expected=as_expected(run, emulator))
            if difference:
                row["difference"] = difference
                row["exact_mma"] = run.options["exact-mma"] == "on"
        except flashcore.ModuleError as error:  # nothing of the file can be run here
            result["runs"].pop()
            result["refused"] = one_line(error)
            break
        except flashcore.Error as error:
            row["error"] = one_line(error)
        out.write_text(json.dumps(result))
    out.write_text(json.dumps(result))


if __name__ == "__main__":
    main()
