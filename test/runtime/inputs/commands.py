"""commands.py PAGE FC-RUN ROOT: the commands of a page do what it prints.

A block ```console has commands behind `$` and, below each, lines of what it says, in order. Seconds may differ."""
import os
import re
import subprocess
import sys

page, tool, root = sys.argv[1:]
binaries = os.path.dirname(os.path.abspath(tool))


def plain(line):
    return re.sub(r"\d+\.\d+ s\b", "T s", line.strip())


bad = tried = 0
for block in re.findall(r"^ *```console\n(.*?)^ *```$", open(page).read(), re.M | re.S):
    expected = output = None
    for line in block.splitlines():
        if line.strip().startswith("$ "):
            command = line.strip()[2:].replace("build/bin/", binaries + "/")
            ran = subprocess.run(command, shell=True, cwd=root, capture_output=True, text=True)
            output = iter([plain(said) for said in (ran.stdout + ran.stderr).splitlines()])
            tried += 1
        elif line.strip() and plain(line) not in output:  # goes on behind the line found
            bad += 1
            print("%s: `%s` is not what `%s` says" % (page, line.strip(), command))
print("%d commands say what the page prints" % tried if not bad else "%d lines differ" % bad)
sys.exit(bad != 0 or not tried)
