#!/usr/bin/env bash
# Checks and measures FlashCore on the GPU of this machine, from the folder that gpu-kit.sh packed; within 10 minutes.
#
#   ./gpu-check.sh [--out results] [--device cuda] [--budget 570] [--parts kernels,micro,bench,...] [--small]
#
# Writes results/report.json and results/report.md, after every part anew: a part that fails or runs out of its time leaves
# what it has found, and the others run all the same. Exits with 1 if a kernel was wrong.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ -d "$here/gpu" ] && [ -d "$here/bin" ] || {
  echo "gpu-check.sh: error: run it in a folder that tools/gpu-kit.sh packed" >&2
  exit 2
}
exec python3 "$here/gpu/check.py" "$@"
