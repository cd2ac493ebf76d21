"""The GPU kit, rehearsed whole: packed small, run with the fake driver in the place of NVIDIA's."""
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from xml.etree import ElementTree

from support import BUILD, FAKE, ROOT

# As ncu prints them: a page of details, and a raw page.
NCU = r"""#!/bin/sh
case "$*" in
*details*) printf '==PROF== Connected\n"ID","Kernel Name","Section Name","Metric Name","Metric Unit","Metric Value"\n"0","causal","GPU Speed Of Light Throughput","Duration","us","12.5"\n' ;;
*) printf '"ID","Kernel Name","sm__inst_executed_pipe_tensor.sum"\n"","","inst"\n"0","causal","4096"\n' ;;
esac
"""


@unittest.skipUnless(FAKE.exists(), f"{FAKE} is not built")
class Rehearsal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.kit = cls.folder / "kit"
        done = subprocess.run([ROOT / "tools" / "gpu-kit.sh", "--build", BUILD, "--out", cls.kit, "--small"],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        programs = cls.folder / "programs"
        programs.mkdir()
        ncu = programs / "ncu"
        ncu.write_text(NCU)
        ncu.chmod(ncu.stat().st_mode | stat.S_IXUSR)
        # This interpreter is the `python3` of the check; a link would lose a virtual environment.
        python = programs / "python3"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        cls.environment = {key: value for key, value in os.environ.items() if not key.startswith("FLASHCORE")}
        cls.environment.update(FLASHCORE_CUDA_LIBRARY=str(FAKE), FLASHCORE_FAKE_CUDA="capability=90",
                               PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")

    def check(self, *arguments, **environment):
        """(exit code, report, page, output) of one run of the check."""
        out = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        done = subprocess.run([self.kit / "gpu-check.sh", "--small", "--out", out, *arguments], capture_output=True, text=True,
                              env={**self.environment, **environment})
        report = json.loads((out / "report.json").read_text())
        self.assertLessEqual({path.name for path in out.iterdir()}, {"report.json", "report.md", "bench.svg"})
        if (out / "bench.svg").exists():
            ElementTree.parse(out / "bench.svg")
        return done.returncode, report, (out / "report.md").read_text(), done.stdout + done.stderr

    def test_everything(self):
        code, report, page, said = self.check("--budget", "900")
        self.assertEqual(code, 0, said)
        parts = report["parts"]
        self.assertEqual(list(parts), ["machine", "kernels", "micro", "bench", "fcbench", "ncu"])
        self.assertTrue(all(part["done"] for part in parts.values()))
        self.assertIn("fake GPU 0", parts["machine"]["device"])
        self.assertGreaterEqual(len(parts["kernels"]["rows"]), 6)
        self.assertTrue(all(row["pass"] for row in parts["kernels"]["rows"] + parts["kernels"]["goldens"]))
        self.assertEqual(len(parts["kernels"]["goldens"]), 2)
        self.assertEqual(parts["ncu"]["kernels"][0]["metrics"]["Duration"], "12.5 us")
        self.assertEqual(parts["ncu"]["kernels"][0]["metrics"]["sm__inst_executed_pipe_tensor.sum"], "4096 inst")
        self.assertIn("12.5 us", page)
        if (BUILD / "bin" / "fc-bench").exists():
            self.assertEqual([row["result"]["tool"].split()[0] for row in parts["fcbench"]["rows"]], ["fc-bench"] * 2)
            self.assertIn("fake GPU 0 of the tests", parts["fcbench"]["rows"][0]["table"])
        if "skipped" not in parts["bench"]:
            for row in parts["bench"]["shapes"]:
                self.assertGreater(row["times"]["flashcore-sm_80-pipelined"]["median_us"], 0)
                self.assertIn("(bench.svg)", page)
                self.assertIn("Triton needs a GPU", row["times"]["triton"]["skipped"])

    def test_differences_are_listed(self):
        # The fake GPU rounds products plainly; the exact ones of the file must show.
        code, report, page, said = self.check("--parts", "micro")
        self.assertEqual(code, 0, said)
        counts = report["parts"]["micro"]["counts"]
        self.assertGreater(counts["agree"], 30)
        self.assertGreater(counts["differ"], 0)
        self.assertIn("| mma-exact.ptx |", page)
        files = {row["file"]: row for row in report["parts"]["micro"]["files"]}
        self.assertTrue(all(run["agree"] and run["expected"] for run in files["lanes.ptx"]["runs"]))

    def test_what_an_older_gpu_does_not_run(self):
        _, report, page, _ = self.check("--parts", "micro", FLASHCORE_FAKE_CUDA="capability=80")
        self.assertEqual(report["parts"]["micro"]["counts"]["refused"], 1)
        self.assertIn("made for sm_89", page)

    def test_kernels_for_another_architecture_are_no_failures(self):
        code, report, page, said = self.check("--parts", "kernels", FLASHCORE_FAKE_CUDA="capability=80")
        self.assertEqual(code, 0, said)
        self.assertIn("2 for another architecture", page)

    def test_a_gpu_that_dies(self):
        code, report, page, _ = self.check("--parts", "machine,kernels,micro",
                                           FLASHCORE_FAKE_CUDA="capability=90 fail=cuLaunchKernelEx:719")
        self.assertEqual(code, 1)
        self.assertFalse(any(row["pass"] for row in report["parts"]["kernels"]["rows"]))
        self.assertIn("CUDA_ERROR_LAUNCH_FAILED", page)
        self.assertGreater(report["parts"]["micro"]["counts"]["failed"], 30)

    def test_no_gpu(self):
        code, report, page, _ = self.check("--parts", "machine,kernels", FLASHCORE_CUDA_LIBRARY="none")
        self.assertEqual(code, 1)
        self.assertIn("no GPU is used", report["parts"]["machine"]["refused"])
        self.assertIn("no GPU is used", page)

    def test_a_part_that_hangs_keeps_what_it_found(self):
        here = self.kit / "gpu" / "micro.py"
        text = here.read_text()
        self.addCleanup(here.write_text, text)
        here.write_text("import time\nfrom common import Part\npart = Part('')\n"
                        "part.result['counts'] = {'agree': 7}\npart.save()\ntime.sleep(1000)\n")
        code, report, page, _ = self.check("--parts", "micro", "--budget", "8")
        self.assertEqual(code, 1)
        self.assertEqual(report["parts"]["micro"]["counts"], {"agree": 7})
        self.assertIn("This part ran out of its time", page)

    def test_on_the_emulator(self):
        code, report, _, said = self.check("--device", "emulator", "--parts", "machine,kernels,micro", FLASHCORE_CUDA_LIBRARY="none")
        self.assertEqual(code, 0, said)
        self.assertEqual(report["parts"]["micro"]["counts"]["differ"], 0)

    def test_outside_of_a_kit(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(ROOT / "tools" / "gpu-check.sh", folder)
            done = subprocess.run([f"{folder}/gpu-check.sh"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("run it in a folder that tools/gpu-kit.sh packed", done.stderr)


if __name__ == "__main__":
    unittest.main()
