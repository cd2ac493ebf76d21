"""flashcore.compile: parameters, errors, and the cache on disk."""
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import numpy

import flashcore
from flashcore import compiler
from support import KERNELS, attention, inputs, random

TEXT = """kernel twice<F: f32 = 2>(x: f32[N]) -> (y: f32[N])
{
  grid tile i in N
  y[i] = F * x[i]
}
"""


class Fresh(unittest.TestCase):
    """Each test has a cache of its own, and counts how often fcc runs."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        patches = [mock.patch.dict(os.environ, XDG_CACHE_HOME=self.folder.name), mock.patch.dict(compiler._kernels, clear=True),
                   mock.patch.object(compiler.subprocess, "run", side_effect=subprocess.run)]
        self.run_mock = [patch.start() for patch in patches][2]
        for patch in patches:
            self.addCleanup(patch.stop)

    def runs(self):
        return self.run_mock.call_count

    def forget(self):
        """What another process would not know."""
        compiler._kernels.clear()

    def files(self):
        return sorted(path.name for path in pathlib.Path(self.folder.name, "flashcore").glob("*"))


class Cache(Fresh):
    def test_kept_in_memory_and_on_disk(self):
        first = flashcore.compile(TEXT, F=3)
        self.assertIs(flashcore.compile(TEXT, F=3), first)
        self.forget()
        again = flashcore.compile(TEXT, F=3)
        self.assertEqual((self.runs(), again.digest), (1, first.digest))
        self.assertEqual(len(self.files()), 1)

    def test_the_key_is_all_that_fcc_sees(self):
        kinds = [dict(F=3), dict(F=4), dict(F=3, target="sm_90"), dict(F=3, schedule={"i": 32}), dict(F=3, schedule="i=64")]
        digests = {flashcore.compile(TEXT, **kind).digest for kind in kinds}
        self.assertEqual((len(digests), self.runs()), (5, 5))
        flashcore.compile(TEXT.replace("F * x[i]", "x[i] * F"), F=3)
        self.assertEqual(self.runs(), 6)

    def test_another_fcc_compiles_anew(self):
        flashcore.compile(TEXT)
        self.forget()
        with mock.patch.object(compiler, "_digest_of", return_value="another"):
            flashcore.compile(TEXT)
        self.assertEqual(self.runs(), 2)

    def test_lengths_are_no_part_of_it(self):
        for length in (5, 64, 1000):
            x = random(length, dtype=numpy.float32)
            self.forget()
            numpy.testing.assert_allclose(flashcore.compile(TEXT)(x), 2 * x)
        self.assertEqual(self.runs(), 1)

    def test_a_folder_that_cannot_be_written_to(self):
        with mock.patch.object(compiler.tempfile, "mkstemp", side_effect=PermissionError("read-only")):
            x = random(5, dtype=numpy.float32)
            numpy.testing.assert_allclose(flashcore.compile(TEXT)(x), 2 * x)
        self.assertEqual(self.files(), [])

    def test_nothing_is_left_of_a_write_that_failed(self):
        with mock.patch.object(compiler.os, "replace", side_effect=OSError("no space")):
            flashcore.compile(TEXT)
        self.assertEqual(self.files(), [])

    def test_processes_at_the_same_time(self):
        code = ("import flashcore, numpy\n"
                f"k = flashcore.compile({TEXT!r}, F=5)\n"
                "assert (k(numpy.ones(7, numpy.float32)) == 5).all()\n")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        # Not through the mock: these are other processes.
        running = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(4)]
        self.assertEqual([process.wait() for process in running], [0] * 4)
        self.assertEqual([name.endswith(".ptx") for name in self.files()], [True])


class Compiling(Fresh):
    def test_a_file_with_types(self):
        for dtype in ("f16", numpy.float16, numpy.dtype("float16")):
            k = flashcore.compile(KERNELS / "attention.fc", D=16, T=dtype, strategy="tensor")
            self.assertEqual(k.params[0].text, "f16[B, H, M, D]")
        self.assertEqual(self.runs(), 1)
        arrays = inputs()
        numpy.testing.assert_allclose(k(*arrays), attention(*arrays)[0], atol=2e-3)

    def test_what_fcc_refuses(self):
        with self.assertRaisesRegex(flashcore.CompileError, r"^inline.fc:4:14: error: .*`z`"):
            flashcore.compile(TEXT.replace("x[i]", "z[i]"))
        with self.assertRaisesRegex(flashcore.CompileError, "sm_1"):
            flashcore.compile(TEXT, target="sm_1")
        with self.assertRaisesRegex(flashcore.ArgumentError, "compile-time parameter is a number"):
            flashcore.compile(TEXT, F=[1])
        with self.assertRaisesRegex(flashcore.NotFoundError, "cannot read none.fc: No such file"):
            flashcore.compile("none.fc")
        self.assertEqual(self.files(), [])

    def test_no_compiler(self):
        with mock.patch.dict(os.environ, FLASHCORE_FCC="/nowhere/fcc", PATH="/nowhere"):
            with self.assertRaisesRegex(flashcore.NotFoundError, "fcc is not there; build it"):
                flashcore.compile(TEXT)

    def test_the_compiler_of_the_path(self):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder, "fcc")
            place.write_text("#!/bin/sh\necho nonsense >&2\nexit 1\n")
            place.chmod(place.stat().st_mode | stat.S_IXUSR)
            with mock.patch.dict(os.environ, FLASHCORE_FCC="/nowhere/fcc", PATH=folder + os.pathsep + os.environ["PATH"]):
                self.assertEqual(compiler.compiler_path(), place)
                with self.assertRaisesRegex(flashcore.CompileError, "^nonsense$"):
                    flashcore.compile(TEXT)


if __name__ == "__main__":
    unittest.main()
