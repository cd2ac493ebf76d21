"""The wheel: built by its own back end, and used from a folder that knows nothing of the tree."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

from support import BUILD, ROOT

PYTHON = ROOT / "runtime" / "python"


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sys.path.insert(0, str(PYTHON))
        import backend

        sys.path.remove(str(PYTHON))
        cls.backend = backend
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.path = cls.folder / backend.build_wheel(cls.folder, {"build": str(BUILD)})

    def test_what_is_in_it(self):
        with zipfile.ZipFile(self.path) as wheel:
            names = wheel.namelist()
            record = wheel.read("flashcore-0.1.0.dist-info/RECORD").decode()
            self.assertIsNone(wheel.testzip())
        for name in ("flashcore/__init__.py", "flashcore/py.typed", "flashcore/_lib/libflashcore_runtime.so",
                     "flashcore/_bin/fcc", "flashcore-0.1.0.dist-info/METADATA", "flashcore-0.1.0.dist-info/WHEEL"):
            self.assertIn(name, names)
        self.assertEqual(len(record.splitlines()), len(names))
        self.assertNotIn("__pycache__", " ".join(names))

    def test_the_same_tree_gives_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as other:
            again = pathlib.Path(other, self.backend.build_wheel(other, {"build": str(BUILD)}))
            self.assertEqual(again.read_bytes(), self.path.read_bytes())

    def test_it_compiles_and_runs_away_from_the_tree(self):
        target = self.folder / "site"
        # What an installer does with a wheel of this form, so that the test needs no pip.
        with zipfile.ZipFile(self.path) as wheel:
            for entry in wheel.infolist():
                mode = entry.external_attr >> 16
                place = pathlib.Path(wheel.extract(entry, target))
                place.chmod(mode & 0o777)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("FLASHCORE")}
        environment["PYTHONPATH"] = str(target)
        done = subprocess.run([sys.executable, str(PYTHON / "examples" / "attention.py")], env=environment, cwd=self.folder,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("largest difference from float64", done.stdout)

    def test_nothing_to_put_in(self):
        with self.assertRaisesRegex(SystemExit, "no libflashcore_runtime.so in"):
            self.backend.build_wheel(self.folder, {"build": str(self.folder)})

    def test_source_distribution(self):
        import tarfile

        name = self.backend.build_sdist(self.folder)
        with tarfile.open(self.folder / name) as archive:
            self.assertIn("flashcore-0.1.0/pyproject.toml", archive.getnames())
            self.assertIn("flashcore-0.1.0/flashcore/kernel.py", archive.getnames())


if __name__ == "__main__":
    unittest.main()
