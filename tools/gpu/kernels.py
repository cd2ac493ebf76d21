"""Every kernel and rung against its reference: the `.fc` in float64 beside the PTX (fc-run --check), and the goldens."""
import concurrent.futures
import json
import os
import shlex

import numpy

from common import KIT, Part, kernels, load_flashcore, one_line, run

TOLERANCE = 1e-3  # relative, in L2; as fc-run's for f16 and f32


def check(part, entry, arguments):
    source = KIT / "kernels" / entry["source"]
    code, out, err = run([KIT / "bin" / "fc-run", KIT / "ptx" / entry["ptx"], f"--device={part.device}",
                          *shlex.split(arguments), "--check", source, "--json"], min(60, part.left() + 5))
    row = {"name": entry["name"], "arguments": arguments, "pass": code == 0}
    try:
        # One object, or one a kernel of the file.
        reports = json.loads(out if out.lstrip().startswith("[") else "[" + out.replace("}\n{", "},\n{") + "]")
        outputs = {key: value for said in reports for key, value in said.get("outputs", {}).items()}
        row["rel_l2"] = max((value["rel_l2"] for value in outputs.values()), default=None)
        row["max_abs"] = max((value["max_abs"] for value in outputs.values()), default=None)
        row["variants"] = [variant for said in reports for variant in said.get("variants", [])]
    except (ValueError, KeyError, TypeError):
        pass
    if code:
        row["words"] = (err or out).strip()[-500:]
        # For another architecture: no verdict on the kernel.
        row["not_for_this"] = "it is made for sm_" in row["words"]
    return row


def golden(flashcore, part, entry):
    """The same numbers that independent NumPy code wrote down."""
    row = {"name": entry["name"], "pass": False}
    try:
        case = entry["case"]
        folder = KIT / "goldens" / case["name"]
        loaded = flashcore.load_all(KIT / "ptx" / entry["ptx"], device=part.device)
        values = {name: numpy.load(folder / f"{name}.npy") for name in case["inputs"]}
        wanted = {name: numpy.load(folder / f"{name}.npy") for name in case["outputs"]}
        given = {**values, **case["scalars"]}
        seen = {}
        for kernel in loaded.values():  # the outputs of one are the inputs of the next
            names = [p.name for p in kernel.params if not p.output and p.name in given]
            outputs = [p.name for p in kernel.params if p.output]
            got = kernel(**{name: fit(kernel, name, given[name]) for name in names}, outputs=outputs)
            got = dict(zip(outputs, got if len(outputs) > 1 else [got]))
            given.update(got)
            seen.update(got)
        errors = {name: relative(seen[name], value) for name, value in wanted.items()}
        row.update(rel_l2=max(errors.values()), **{"pass": max(errors.values()) <= TOLERANCE * 2})
    except Exception as error:  # one kernel's trouble is a line of the report
        row["words"] = one_line(error)
    return row


def fit(kernel, name, value):
    """An input in the type that the kernel takes."""
    param = next(p for p in kernel.params if p.name == name)
    kinds = {"f16": numpy.float16, "f32": numpy.float32, "i32": numpy.int32, "i64": numpy.int64, "bool": numpy.bool_}
    return value.astype(kinds[param.elem]) if isinstance(value, numpy.ndarray) else value


def relative(seen, wanted):
    seen, wanted = seen.astype(numpy.float64), wanted.astype(numpy.float64)
    finite = numpy.isfinite(wanted)
    if not numpy.array_equal(seen[~finite], wanted[~finite], equal_nan=True) or not numpy.isfinite(seen[finite]).all():
        return float("inf")
    return float(numpy.linalg.norm(seen[finite] - wanted[finite]) / max(numpy.linalg.norm(wanted[finite]), 1e-30))


def main():
    part = Part(__doc__)
    listed = kernels()
    rows = part.result["rows"] = []
    jobs = [(entry, arguments) for entry in listed if entry["use"] == "check" for arguments in entry["checks"]]
    # The first check of every kernel, then the second of every kernel: if time runs out, all have been seen.
    jobs.sort(key=lambda job: job[0]["checks"].index(job[1]))
    part.result["wanted"] = len(jobs)
    with concurrent.futures.ThreadPoolExecutor(min(8, os.cpu_count() or 2)) as pool:
        running = [pool.submit(lambda job: None if part.left() <= 0 else check(part, *job), job) for job in jobs]
        for future in concurrent.futures.as_completed(running):
            row = future.result()
            if row:
                rows.append(row)
                part.save()
    part.late()
    flashcore = load_flashcore()
    goldens = part.result["goldens"] = []
    for entry in listed:
        if entry["use"] == "golden" and not part.late():
            goldens.append(golden(flashcore, part, entry))
            part.save()
    part.finish()


if __name__ == "__main__":
    main()
