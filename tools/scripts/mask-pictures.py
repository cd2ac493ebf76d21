#!/usr/bin/env python3
"""Draws the masks of docs/masks.md, and writes the page.

    mask-pictures.py [--check] [--fcc build/bin/fcc]

`--check` draws into a temporary folder and compares: exit 1, with a word, if the page or a picture is stale.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from variants import VARIANTS, options  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZE = 512
SCHEDULE = "i=64,j=32,warps=4"

PAGE = """# Masks

<!-- Written by tools/scripts/mask-pictures.py. -->

A mask is written as its predicate and nothing else. From it the compiler derives which tiles are skipped, which need no
test, and which are tested: as bounds of the loop where the predicate solves for the keys, and by a uniform condition
once a tile where it does not. Nothing is tabulated, and lengths, windows and ids are values of the launch.

Gray tiles are skipped, orange ones tested, blue ones full; darker are the keys that count, as the reference evaluator
has them. Each picture is `fcc kernels_src/NAME.fc --picture=NAME.svg` with the options beneath it; `--explain` tells the
same in words ([explain.md](explain.md)). Tiles are 64 x 32 here, so that they show; a kernel's own are larger.
`tools/scripts/mask-table.py` counts at length 4096.
"""


def draw(fcc, folder):
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    page = PAGE
    for name, (title, formula, *_) in VARIANTS.items():
        source = ROOT / "kernels_src" / f"{name}.fc"
        if not source.exists():
            continue
        words = options(name, SIZE)
        picture = folder / "pictures" / f"{name}.svg"
        subprocess.run([fcc, source, "--schedule", SCHEDULE, *words, f"--picture={picture}"], check=True)
        page += (f"\n## {title}\n\n{formula} ([{name}.fc](../kernels_src/{name}.fc))\n\n"
                 f"![{title}](pictures/{name}.svg)\n\n    {' '.join(words)}\n")
    (folder / "masks.md").write_text(page)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--fcc", default=ROOT / "build" / "bin" / "fcc", type=pathlib.Path)
    arguments = parser.parse_args()
    fcc = arguments.fcc
    if not arguments.check:
        return draw(fcc, ROOT / "docs")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        draw(fcc, folder)
        stale = 0
        for fresh in sorted(folder.rglob("*.*")):
            path = ROOT / "docs" / fresh.relative_to(folder)
            if not path.exists() or path.read_bytes() != fresh.read_bytes():
                print(f"{path.relative_to(ROOT)} is stale: run tools/scripts/mask-pictures.py")
                stale = 1
        return stale


if __name__ == "__main__":
    sys.exit(main())
