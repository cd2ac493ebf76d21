"""Nsight Compute on the main kernels: how busy the tensor pipe is, what warps wait for, what memory does. Where it works.

Sections are asked for and not single metrics, whose names change between versions of ncu. All that it prints is kept; the
report shows the lines of HEADLINES.
"""
import csv
import io
import os
import shutil

from common import KIT, Part, kernels, run

SECTIONS = ["SpeedOfLight", "ComputeWorkloadAnalysis", "WarpStateStats", "SchedulerStats", "MemoryWorkloadAnalysis", "LaunchStats", "Occupancy"]
HEADLINES = ["Duration", "Compute (SM) Throughput", "Memory Throughput", "DRAM Throughput", "L1/TEX Hit Rate", "Executed Ipc Active",
             "Issue Slots Busy", "No Eligible", "Warp Cycles Per Issued Instruction", "Registers Per Thread", "Theoretical Occupancy",
             "Achieved Occupancy"]
# What a section does not hold and is worth a try of its own.
METRICS = ["sm__inst_executed_pipe_tensor.sum", "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active",
           "smsp__average_warp_latency_issue_stalled_barrier.ratio", "smsp__average_warps_issue_stalled_barrier_per_issue_active.ratio",
           "smsp__average_warps_issue_stalled_long_scoreboard_per_issue_active.ratio",
           "smsp__average_warps_issue_stalled_math_pipe_throttle_per_issue_active.ratio",
           "l1tex__data_bank_conflicts_pipe_lsu_mem_shared.sum"]


def parse(text):
    """{metric: "value unit"} of ncu's CSV, details or raw page."""
    lines = [line for line in text.splitlines() if line.startswith('"')]
    rows = list(csv.reader(io.StringIO("\n".join(lines))))
    if not rows:
        return {}
    head = rows[0]
    if "Metric Name" in head:
        name, unit, value = (head.index(word) for word in ("Metric Name", "Metric Unit", "Metric Value"))
        return {row[name]: f"{row[value]} {row[unit]}".strip() for row in rows[1:] if len(row) > value and row[name]}
    # The raw page: a row of names, one of units, one a kernel.
    if len(rows) >= 3:
        return {n: f"{v} {u}".strip() for n, u, v in zip(head, rows[1], rows[2])}
    return {}


def main():
    part = Part(__doc__)
    rows = part.result["kernels"] = []
    tool = shutil.which("ncu")
    if not tool:
        part.result["skipped"] = "ncu is not there"
        part.finish()
        return
    wanted = [entry for entry in kernels() if entry["use"] == "check" and entry["source"] in ("attention.fc", "causal.fc")
              and entry["strategy"] != "scalar" and entry["defines"].get("T") == "f16"]
    wanted.sort(key=lambda entry: (entry["strategy"] == "tensor", entry["defines"]["D"]))
    shape = "B=1,H=2,G=2,M=128,N=128" if part.small else "B=4,H=16,G=16,M=4096,N=4096"
    for entry in wanted[:2] if part.small else wanted:
        if part.late(10):
            break
        launch = [KIT / "bin" / "fc-run", KIT / "ptx" / entry["ptx"], f"--device={part.device}", "--shape", shape]
        common = [tool, "--csv", "--clock-control", "none", "--target-processes", "all"]
        row = {"name": entry["name"], "shape": shape, "metrics": {}}
        rows.append(row)
        sections = [word for section in SECTIONS for word in ("--section", section)]
        for words in (["--page", "details", *sections], ["--page", "raw", "--metrics", ",".join(METRICS)]):
            code, out, err = run(common + words + launch, min(45, part.left()), env=os.environ)
            row["metrics"].update(parse(out))
            if code:
                row["words"] = (err or out).strip()[-400:]
        part.save()
    part.finish()


if __name__ == "__main__":
    main()
