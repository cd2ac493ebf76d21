"""tools/fc-tune: a small search, its table, and going on with it."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from support import BUILD, FAKE, KERNELS, ROOT

TUNE = ROOT / "tools" / "fc-tune"
SHAPES = ["--shape", "B=1,H=2,G=2,M=256,N=256", "--emulate", "B=1,H=1,G=1,M=64,N=64"]


class Tune(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.table = self.folder / "sm_80.json"
        self.state = self.folder / "state.json"

    def tune(self, *arguments, kernel="attention", **environment):
        return subprocess.run([sys.executable, TUNE, KERNELS / f"{kernel}.fc", "-D", "D=16", "--build", BUILD, "--out", self.table,
                               "--state", self.state, *SHAPES, "--population", "6", *arguments],
                              capture_output=True, text=True, env={**os.environ, **environment})

    def entries(self):
        return json.loads(self.table.read_text())["entries"]

    def test_a_search_without_a_gpu(self):
        done = self.tune("--evaluations", "12")
        self.assertEqual(done.returncode, 0, done.stderr)
        (entry,) = self.entries()
        self.assertEqual((entry["kernel"], entry["cparams"], entry["measured"]), ("attention", {"T": "f16", "D": 16}, False))
        self.assertIn("roofline of the emulator's counters on a100", entry["unit"])
        self.assertIn("slowest unit", entry["model"])
        # The best of what was seen.
        seen = json.loads(self.state.read_text())["seen"]
        self.assertEqual(len(seen), 12)
        self.assertAlmostEqual(entry["score"], min(s["score"] for s in seen.values() if "score" in s), places=3)
        # fcc takes it.
        module = subprocess.run([BUILD / "bin" / "fcc", KERNELS / "attention.fc", "-DD=16", f"--tuned={self.table}", "--stop-after=tile"],
                                capture_output=True, text=True)
        self.assertEqual(module.returncode, 0, module.stderr)
        for axis in ("i", "j"):
            self.assertIn(f"{axis} = {entry['schedule'][axis]}", module.stdout)

        # Going on: what was seen is not looked at again, and the entry is replaced.
        times = {key: self.state.stat().st_mtime_ns for key in seen}
        again = self.tune("--evaluations", "16")
        self.assertIn("going on with 12 schedules", again.stderr)
        after = json.loads(self.state.read_text())["seen"]
        self.assertEqual(len(after), 16)
        self.assertTrue(all(after[key] == seen[key] for key in times))
        self.assertEqual(len(self.entries()), 1)
        self.assertLessEqual(self.entries()[0]["score"], entry["score"])

        # Another kernel has an entry beside it, and the state of the first is not its own.
        refused = self.tune("--evaluations", "6", kernel="causal")
        self.assertIn("is of another search", refused.stderr)
        self.state.unlink()
        self.assertEqual(self.tune("--evaluations", "6", kernel="causal").returncode, 0)
        self.assertEqual([e["kernel"] for e in self.entries()], ["attention", "causal"])

    def test_the_same_seed_sees_the_same(self):
        runs = []
        for _ in range(2):
            self.state.unlink(missing_ok=True)
            self.assertEqual(self.tune("--evaluations", "8", "--jobs", "1").returncode, 0)
            runs.append(json.loads(self.state.read_text())["seen"])
        self.assertEqual(runs[0], runs[1])

    @unittest.skipUnless(FAKE.exists(), f"{FAKE} is not built")
    def test_a_search_on_a_gpu(self):
        done = self.tune("--evaluations", "6", "--device", "cuda", FLASHCORE_CUDA_LIBRARY=str(FAKE))
        self.assertEqual(done.returncode, 0, done.stderr)
        (entry,) = self.entries()
        self.assertTrue(entry["measured"])
        self.assertIn("measured on cuda:0 (fake GPU 0", entry["unit"])
        self.assertNotIn("model", entry)

    def test_nothing_fits(self):
        done = self.tune("--evaluations", "4", "--strategies", "warp-drive")
        self.assertEqual(done.returncode, 1)
        self.assertIn("strategy `warp-drive` is unknown", done.stderr)

    def test_the_tables_of_the_tree_compile(self):
        for path in sorted((KERNELS / "tuned").glob("*.json")):
            table = json.loads(path.read_text())
            self.assertEqual(table["target"], path.stem)
            for entry in table["entries"]:
                source = next(p for p in KERNELS.rglob("*.fc") if p.stem == entry["kernel"])
                words = [f"-D{name}={value}" for name, value in entry["cparams"].items()]
                done = subprocess.run([BUILD / "bin" / "fcc", source, *words, f"--target={path.stem}", f"--tuned={path}",
                                       "-o", self.folder / "k.ptx"], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
