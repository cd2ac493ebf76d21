"""fc-bench on the main kernels and rungs: without Python or PyTorch between, warm and cold L2, by the share of the roof."""
import json
import tempfile

from common import KIT, Part, kernels, run

SHAPES = {64: "B=4,H=16,G=16,M=4096,N=4096", 128: "B=2,H=16,G=16,M=4096,N=4096"}


def main():
    part = Part(__doc__)
    rows = part.result["rows"] = []
    tool = KIT / "bin" / "fc-bench"
    if not tool.exists():
        part.result["skipped"] = "fc-bench is not in the kit"
        part.finish()
        return
    wanted = [entry for entry in kernels() if entry["use"] == "check" and entry["source"] in ("attention.fc", "causal.fc")
              and entry["defines"].get("T") == "f16"]
    wanted.sort(key=lambda entry: entry["strategy"] == "scalar")  # the slowest last
    for entry in wanted[:2] if part.small else wanted:
        if part.late(5):
            break
        shape = "B=1,H=1,G=1,M=64,N=64" if part.small else SHAPES[entry["defines"]["D"]]
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            code, out, err = run([tool, KIT / "ptx" / entry["ptx"], f"--device={part.device}", "--shape", shape,
                                  "--check", KIT / "kernels" / entry["source"], "--runs", 3 if part.small else 100,
                                  "--json", file.name], min(40, part.left() + 5))
            row = {"name": entry["name"], "shape": shape, "table": out.strip()[-3000:]}
            try:
                row["result"] = json.load(open(file.name))
            except ValueError:
                pass
        if code:
            row["words"] = f"ended with {code}: {err.strip()[-500:]}"
        rows.append(row)
        part.save()
    part.finish()


if __name__ == "__main__":
    main()
