"""Compiles every kernel by every rung for the kit, and lists them: KIT/kernels.json and KIT/ptx.tar.gz.

An entry of kernels.json: name, file of the PTX, source, defines, target, strategy, and how to check it: the arguments of fc-run (shapes,
fills, scalars) that test/kernels/ has for this kernel, so that they are said once. What `fcc`
refuses (a rung that a kernel does not have) is listed with its words, and not packed.
"""
import concurrent.futures
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATEGIES = {"sm_80": ["scalar", "tensor", "pipelined"], "sm_90a": ["auto", "specialized"]}


def checks_of(source, count):
    """The first arguments of fc-run, without the seed, with which the tests check a kernel."""
    stem = source[:-3].split("/")[0] if "/" in source else source[:-3]
    text = (ROOT / "test" / "kernels" / f"{stem}.test").read_text()
    found = re.findall(rf"%fc-run \S+ (.*?) --check %kernels/{re.escape(source)}", text)
    # A file that the test makes, of lengths, is as good as any other lengths.
    found = [re.sub(r"--in (\w+)=%t\S+", r"--fill \1=uniform:0:N", arguments) for arguments in found]
    distinct = list(dict.fromkeys(re.sub(r" ?--seed \d+", "", arguments) for arguments in found if "%" not in arguments))
    if not distinct:
        sys.exit(f"pack.py: error: test/kernels/{stem}.test has no `fc-run ... --check` of {source}")
    return distinct[:count]


def compile_one(kit, entry):
    words = [kit / "bin" / "fcc", kit / "kernels" / entry["source"], f"--target={entry['target']}",
             f"--strategy={entry['strategy']}", "-o", kit / "ptx" / entry["ptx"]]
    words += [f"-D{name}={value}" for name, value in entry["defines"].items()]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        return {**entry, "refused": done.stderr.strip().splitlines()[0]}
    return entry


def entries(kit, small):
    sources = sorted(path.relative_to(kit / "kernels").as_posix() for path in (kit / "kernels").rglob("*.fc"))
    heads, types = ([64], ["f16"]) if small else ([64, 128], ["f16", "bf16"])
    if small:
        sources = ["attention.fc", "causal.fc"]
    for source in sources:
        for target, strategies in STRATEGIES.items():
            for strategy in strategies:
                for head in heads:
                    for elem in types:
                        if elem == "bf16" and head != 64:
                            continue
                        stem = source[:-3].replace("/", "-")
                        name = f"{stem}-{elem}-{head}-{target}-{strategy}"
                        yield {"name": name, "ptx": f"{name}.ptx", "source": source, "target": target, "strategy": strategy,
                               "defines": {"D": head, "T": elem}, "checks": checks_of(source, 1 if small else 2), "use": "check"}


def golden_entries(kit, small):
    cases = json.loads((kit / "goldens" / "cases.json").read_text())
    for case in cases[:2] if small else cases:
        for strategy in ["auto"]:
            name = f"golden-{case['name']}-{strategy}"
            yield {"name": name, "ptx": f"{name}.ptx", "source": case["program"], "target": "sm_80", "strategy": strategy,
                   "defines": case["defines"], "case": case, "use": "golden"}


def main():
    kit, small = pathlib.Path(sys.argv[1]).resolve(), "--small" in sys.argv
    (kit / "ptx").mkdir()
    listed = [*entries(kit, small), *golden_entries(kit, small)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(lambda entry: compile_one(kit, entry), listed))
    (kit / "kernels.json").write_text(json.dumps(done, indent=1))
    # PTX packs to a tenth; its texts travel as one file.
    with tarfile.open(kit / "ptx.tar.gz", "w:gz") as archive:
        for entry in done:
            path = kit / "ptx" / entry["ptx"]
            if path.exists():
                content = path.read_bytes()
                info = tarfile.TarInfo(f"ptx/{entry['ptx']}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
                path.unlink()
    (kit / "ptx").rmdir()
    refused = [entry for entry in done if "refused" in entry]
    print(f"{len(done) - len(refused)} kernels packed, {len(refused)} refused by fcc")


if __name__ == "__main__":
    main()
