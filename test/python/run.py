#!/usr/bin/env python3
"""Runs the Python tests and ends with `N passed, N failed`.

    run.py [--build build] [-v] [test ...]

The tests need NumPy; those of PyTorch need that too. Of the interpreters at hand the first that has both is taken, else the
first that has NumPy: the one in FLASHCORE_TEST_PYTHON, this one, `python3` and Debian's. Kernels are compiled into a cache
of their own.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def imports(python, *modules):
    return subprocess.run([python, "-c", "import " + ", ".join(modules)], capture_output=True).returncode == 0


def interpreter():
    """The best one, and nothing if none has NumPy."""
    listed = [os.environ.get("FLASHCORE_TEST_PYTHON"), sys.executable, shutil.which("python3"), "/usr/bin/python3"]
    found = [python for python in dict.fromkeys(listed) if python and os.path.exists(python)]
    for wanted in (("numpy", "torch"), ("numpy",)):
        for python in found:
            if imports(python, *wanted):
                return python
    return None


class Result(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.stream.writeln(f"skipped {test.id()}: {reason}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", help="modules, classes or tests: test_numpy.Calls")
    parser.add_argument("--build", default="build", help="the build folder (default: build)")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()

    if "FLASHCORE_TEST_CHOSEN" not in os.environ:
        python = interpreter()
        if python is None:
            sys.exit("run.py: error: no Python with NumPy; `apt-get install python3-numpy` or `pip install numpy`")
        os.environ["FLASHCORE_TEST_CHOSEN"] = python
        if python != sys.executable:
            sys.exit(subprocess.run([python, *sys.argv]).returncode)

    build = pathlib.Path(options.build).resolve()
    os.environ["FLASHCORE_LIBRARY"] = str(build / "lib" / "libflashcore_runtime.so")
    os.environ["FLASHCORE_FCC"] = str(build / "bin" / "fcc")
    os.environ["FLASHCORE_TEST_BUILD"] = str(build)
    sys.path[:0] = [str(HERE), str(ROOT / "runtime" / "python")]
    with tempfile.TemporaryDirectory(prefix="flashcore-test-") as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        loader = unittest.TestLoader()
        suite = loader.loadTestsFromNames(options.tests) if options.tests else loader.discover(str(HERE))
        result = unittest.TextTestRunner(resultclass=Result, verbosity=2 if options.verbose else 0, stream=sys.stdout).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    print(f"{result.passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed or not result.passed else 0)


if __name__ == "__main__":
    main()
