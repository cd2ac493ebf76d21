"""same_conditions.py EXPLAINED LIST: the conditions of --explain are those of fc-run --list."""
import re
import sys

told = " ".join(open(sys.argv[1]).read().split())
variants = re.findall(r"variant (\w+), (.*)", open(sys.argv[2]).read())
assert len(variants) == 3, variants
for name, where in variants:
    block = re.search(rf"`{name}`: (.*?)(?= `\w+`: |$)", told[told.index("Its forms"):]).group(1)
    for part in re.split(r", (?:and|but) needs ", where):
        part = part.removeprefix("where ")
        assert part == "always" or part in block, (part, block)
