"""The results of the check as one JSON and one page."""
import json
import os

import ncu
import plot


def right(results):
    """Whether every kernel that was run was right, and every part there."""
    parts = results["parts"]
    rows = ran(parts.get("kernels", {})) + parts.get("kernels", {}).get("goldens", [])
    return all(row["pass"] for row in rows) and not any("failed" in part for part in parts.values())


def summary(name, part):
    """One line of what a part found."""
    said = {"machine": lambda: part.get("device", part.get("refused", "")),
            "kernels": lambda: kernel_counts(part),
            "micro": lambda: ", ".join(f"{count} {what}" for what, count in part.get("counts", {}).items()),
            "bench": lambda: part.get("skipped") or f"{len(part.get('shapes', []))} shapes on {part.get('on', '?')}",
            "fcbench": lambda: part.get("skipped", f"{len(part.get('rows', []))} kernels"),
            "ncu": lambda: part.get("skipped", f"{len(part.get('kernels', []))} kernels")}[name]()
    notes = [part[key] if key == "failed" else f"cut short {part[key]}" for key in ("failed", "cut_short") if key in part]
    return f"{name}: {said}" + (f" ({'; '.join(notes)})" if notes else "") + f", {part.get('seconds', 0)} s"


def ran(part):
    """The checks of kernels that this GPU runs."""
    return [row for row in part.get("rows", []) if not row.get("not_for_this")]


def kernel_counts(part):
    rows, goldens = ran(part), part.get("goldens", [])
    others = len(part.get("rows", [])) - len(rows)
    return (f"{sum(row['pass'] for row in rows)} of {len(rows)} checks right ({part.get('wanted', 0)} wanted"
            + (f", {others} for another architecture" if others else "")
            + f"), {sum(row['pass'] for row in goldens)} of {len(goldens)} goldens")


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] + ["| " + " | ".join(map(str, row)) + " |" for row in rows] + [""]


def machine_page(part):
    gpu = part.get("gpu", {})
    rows = [(key, value) for key, value in {**gpu, **part.get("versions", {})}.items()]
    return table(["", ""], rows)


def kernels_page(part):
    rows = ran(part)
    wrong = [row for row in rows + part.get("goldens", []) if not row["pass"]]
    lines = [kernel_counts(part) + ".", ""]
    worst = {}
    for row in rows:
        if row["pass"]:
            kernel = row["name"]
            worst[kernel] = max(worst.get(kernel, 0), row.get("rel_l2") or 0)
    if wrong:
        lines += ["**Wrong:**", ""] + table(["kernel", "arguments", "rel. L2", "words"], [
            (row["name"], row.get("arguments", "golden"), row.get("rel_l2", ""), " ".join(row.get("words", "").split())[:200]) for row in wrong])
    return lines + table(["kernel", "worst rel. L2"], [(name, f"{error:.1e}") for name, error in sorted(worst.items())])


def micro_page(part):
    lines = [summary("micro", part) + ".", ""]
    differing = [(row["file"], run["kernel"], run["line"], run["difference"]) for row in part.get("files", []) for run in row["runs"]
                 if run.get("difference")]
    if differing:
        lines += ["**Where the GPU and the emulator differ:**", ""] + table(
            ["file", "kernel", "line", "argument, element", "elements", "GPU", "emulator"],
            [(file, kernel, line, f"{d['argument']}, {d['at']}", f"{d['elements']} of {d['of']}", d["device"], d["emulator"])
             for file, kernel, line, d in differing])
    failed = [(row["file"], row.get("refused") or row["failed"]) for row in part.get("files", []) if row.get("refused") or row["failed"]]
    failed += [(row["file"], f"{run['kernel']}: {run['error']}") for row in part.get("files", []) for run in row["runs"] if "error" in run]
    if failed:
        lines += table(["not run", "why"], [(file, " ".join(why.split())[:300]) for file, why in failed])
    return lines


def bench_page(part):
    if "skipped" in part:
        return [part["skipped"] + ".", ""]
    lines = [f"On {part.get('on', '?')}, PyTorch {part.get('torch', '?')}. Medians in microseconds (p10 to p90), cold L2; TFLOP/s by the "
             "usual convention, causal halved.", ""]
    if "python_call_us" in part:
        lines += [f"A call from Python on tiny tensors takes {part['python_call_us']:.0f} us of the host.", ""]
    if plot.svg(part.get("shapes", [])):
        lines += ["![TFLOP/s by shape and implementation](bench.svg)", ""]
    for row in part.get("shapes", []):
        lines += [f"### {plot.title_of(row['shape'])}", ""]
        timed = sorted((entry["median_us"], name, entry) for name, entry in row["times"].items() if "median_us" in entry)
        lines += table(["implementation", "us", "p10 to p90", "TFLOP/s", "runs", "rel. L2"], [
            (name, f"{median:.1f}", f"{entry['p10_us']:.1f} to {entry['p90_us']:.1f}", f"{entry.get('tflops', 0):.1f}", entry["runs"],
             f"{entry['rel_l2']:.1e}") for median, name, entry in timed])
        skipped = [f"{name}: {entry['skipped']}" for name, entry in row["times"].items() if "skipped" in entry]
        lines += [f"Not timed: {'; '.join(skipped)}.", ""] if skipped else []
    return lines


def fcbench_page(part):
    if "skipped" in part:
        return [part["skipped"] + ".", ""]
    lines = []
    for row in part.get("rows", []):
        lines += [f"### {row['name']}, {row['shape']}", "", "```", row["table"] or row.get("words", ""), "```", ""]
    return lines


def ncu_page(part):
    if "skipped" in part:
        return [part["skipped"] + ".", ""]
    lines = []
    for row in part.get("kernels", []):
        shown = [(name, row["metrics"][name]) for name in ncu.HEADLINES + ncu.METRICS if name in row["metrics"]]
        lines += [f"### {row['name']}, {row['shape']}", ""]
        lines += table(["metric", "value"], shown) if shown else [f"Nothing: {row.get('words', '')}", ""]
    return lines


PAGES = {"machine": ("Machine", machine_page), "kernels": ("Kernels against their references", kernels_page),
         "micro": ("Micro-kernels: GPU against emulator", micro_page), "bench": ("Beside the peers", bench_page),
         "fcbench": ("fc-bench", fcbench_page), "ncu": ("Nsight Compute", ncu_page)}


def write(results, folder):
    lines = ["# FlashCore on a GPU", "", f"Commit {results['commit']}, {results['date']} UTC, device `{results['device']}`, "
             f"{results.get('seconds', 0)} s" + (", a rehearsal." if results["small"] else "."), ""]
    lines += [f"- {summary(name, part)}" for name, part in results["parts"].items()] + [""]
    for name, part in results["parts"].items():
        title, page = PAGES[name]
        lines += [f"## {title}", ""]
        if "failed" in part:
            lines += [f"**This part {part['failed']}.** What it had found by then follows.", "", "```", part.get("words", ""), "```", ""]
        lines += page(part)
    files = {"report.md": "\n".join(lines), "report.json": json.dumps(results, indent=1),
             "bench.svg": plot.svg(results["parts"].get("bench", {}).get("shapes", []))}
    for name, text in files.items():
        if not text:
            continue
        beside = folder / f".{name}"
        beside.write_text(text + "\n")
        os.replace(beside, folder / name)
