#!/usr/bin/env python3
"""Runs every test of the build, as many suites at a time as there are cores, and ends with `N passed, N failed`.

A suite is a GoogleTest binary of build/unittests, the lit tests below test/, the Python tests (test/python/run.py), or a
check script. The output of a
suite is shown when it fails; --verbose shows it always.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import time


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    return done.returncode, done.stdout + done.stderr


def google_test(path, folder):
    """(passed, failed, skipped, output) of one binary; a crash counts as a failure."""
    report = os.path.join(folder, os.path.basename(path) + ".json")
    status, output = run([path, "--gtest_brief=1", "--gtest_output=json:" + report])
    name = os.path.basename(path)
    try:
        with open(report) as file:
            data = json.load(file)
    except (OSError, ValueError):
        return 0, 1, 0, output + f"\n{name} ended with status {status} and left no report"
    passed = failed = skipped = 0
    for suite in data["testsuites"]:
        for case in suite["testsuite"]:
            if case.get("failures"):
                failed += 1
            elif case.get("result") == "SKIPPED":
                skipped += 1
                output += f"skipped {suite['name']}.{case['name']}\n"
            else:
                passed += 1
    if status and not failed:
        failed += 1
        output += f"\n{name} ended with status {status}"
    return passed, failed, skipped, output


def lit(program, tests):
    status, output = run([program, "-s", "-v", "-j2", tests])

    def count(*names):
        return sum(int(n) for name in names for n in re.findall(rf"^\s*{name}\s*:\s*(\d+)", output, re.M))

    passed = count("Passed", "Expectedly Failed")
    failed = count("Failed", "Unresolved", "Timed Out", "Unexpectedly Passed")
    if status and not failed:
        failed = 1
    return passed, failed, count("Unsupported", "Skipped"), output


def check(path):
    """A program that passes when it exits with 0."""
    status, output = run([path])
    return int(status == 0), int(status != 0), 0, output


def python_tests(program, build):
    """Their runner ends with `N passed, N failed`, and says of each skipped one why."""
    status, output = run([sys.executable, program, "--build", build])
    counts = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", output, re.M)
    if not counts:
        return 0, 1, 0, output + f"\n{program} ended with status {status} and no count"
    passed, failed, skipped = (int(count or 0) for count in counts[-1])
    return passed, failed or int(status != 0), skipped, output


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filter", nargs="*", help="run only suites whose name contains one of these")
    parser.add_argument("--build", default="build", help="the build folder (default: build)")
    parser.add_argument("--verbose", action="store_true", help="show the output of every suite")
    options = parser.parse_args()

    listing = os.path.join(options.build, "test", "suites.json")
    if not os.path.exists(listing):
        sys.exit(f"run-tests.py: error: {listing} is missing; build first (./tools/test.sh does)")
    with open(listing) as file:
        suites = json.load(file)
    folder = tempfile.TemporaryDirectory()
    jobs = {}
    if suites["lit"]:
        jobs["lit"] = lambda: lit(suites["lit"], os.path.join(options.build, "test"))
    for binary in suites["unittests"]:
        jobs[os.path.basename(binary)] = lambda binary=binary: google_test(binary, folder.name)
    if suites.get("python"):
        jobs["python"] = lambda: python_tests(suites["python"], options.build)
    for program in suites["checks"]:
        jobs[os.path.basename(program)] = lambda program=program: check(program)
    if options.filter:
        jobs = {name: job for name, job in jobs.items() if any(f in name for f in options.filter)}
    if not jobs:
        sys.exit("run-tests.py: error: no suite matches")

    total = [0, 0, 0]
    start = time.time()
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        running = {pool.submit(job): name for name, job in jobs.items()}
        for future in concurrent.futures.as_completed(running):
            passed, failed, skipped, output = future.result()
            total = [total[0] + passed, total[1] + failed, total[2] + skipped]
            print(f"{'FAIL' if failed else 'ok':4} {running[future]:32} {passed:5} passed, {failed} failed"
                  + (f", {skipped} skipped" if skipped else ""), flush=True)
            if failed or options.verbose:
                print(output, flush=True)
            elif skipped:
                print("\n".join(line for line in output.splitlines() if line.startswith("skipped ")), flush=True)
    print(f"{time.time() - start:.0f} s")
    print(f"{total[0]} passed, {total[1]} failed" + (f", {total[2]} skipped" if total[2] else ""))
    sys.exit(1 if total[1] else 0)


if __name__ == "__main__":
    main()
