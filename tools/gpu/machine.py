"""What this machine is: GPU, driver, clocks, versions."""
import importlib
import os
import platform
import shutil

from common import Part, load_flashcore, one_line, run

QUERY = ["name", "driver_version", "compute_cap", "memory.total", "clocks.sm", "clocks.mem", "clocks.max.sm", "power.draw", "power.limit",
         "temperature.gpu", "persistence_mode"]


def gpu():
    """What nvidia-smi says, by name; {} without it."""
    if not shutil.which("nvidia-smi"):
        return {}
    code, out, _ = run(["nvidia-smi", f"--query-gpu={','.join(QUERY)}", "--format=csv,noheader,nounits"], 20)
    return dict(zip(QUERY, map(str.strip, out.splitlines()[0].split(",")))) if code == 0 and out.strip() else {}


def main():
    part = Part(__doc__)
    versions = {"python": platform.python_version()}
    for module in ("numpy", "torch", "triton"):
        try:
            versions[module] = importlib.import_module(module).__version__
        except Exception as error:  # whatever an installation throws
            versions[module] = one_line(error)
    part.result.update(gpu=gpu(), versions=versions, cores=os.cpu_count(), system=platform.platform(),
                       tools={tool: shutil.which(tool) for tool in ("nvidia-smi", "ncu", "ptxas", "nvcc")})
    part.save()
    flashcore = load_flashcore()
    part.result["runtime"] = flashcore.runtime_version()
    try:
        part.result["device"] = flashcore.device(part.device).title
        part.finish()
    except flashcore.Error as error:
        part.result["refused"] = str(error)
        part.save()
        raise


if __name__ == "__main__":
    main()
