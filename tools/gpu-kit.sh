#!/usr/bin/env bash
# Packs what a machine with a GPU needs to check and to measure FlashCore, into one folder below 60 MB; gpu-check.sh in it
# does both. The machine needs NVIDIA's driver and Python with NumPy; PyTorch and Triton for the peers; no LLVM, no network.
#
#   tools/gpu-kit.sh [--build build] [--out build/gpu-kit] [--small]
#
# --small packs two kernels at one head size: what the rehearsal in the tests takes.
set -euo pipefail
cd "$(dirname "$0")/.."

build=build out="" small=()
while [ $# -gt 0 ]; do
  case "$1" in
    --build) build=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --small) small=(--small); shift ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0 || exit 2 ;;
  esac
done
out=${out:-$build/gpu-kit}
for needed in bin/fcc bin/fc-run lib/libflashcore_runtime.so; do
  [ -e "$build/$needed" ] || { echo "gpu-kit.sh: error: $build/$needed is not there; build it first (tools/scripts/build.sh)" >&2; exit 1; }
done

rm -rf "$out"
mkdir -p "$out"/bin "$out"/lib "$out"/micro "$out"/python
cp -L "$build"/bin/fcc "$build"/bin/fc-run "$out"/bin/
[ -e "$build"/bin/fc-bench ] && cp -L "$build"/bin/fc-bench "$out"/bin/
cp -L "$build"/lib/libflashcore_runtime.so "$out"/lib/
cp -r kernels_src "$out"/kernels
cp -r test/kernels/goldens "$out"/goldens
cp test/runtime/emulator/ptx/*.ptx "$out"/micro/
# Of the faulty kernels' twins that are right; those that never end stay here.
for file in test/runtime/emulator/ptx/checks/*.ptx; do
  [ "$(basename "$file")" = endless.ptx ] || cp "$file" "$out/micro/twins_$(basename "$file")"
done
cp -r runtime/python/flashcore "$out"/python/
find "$out" -name __pycache__ -prune -exec rm -r {} +
cp -r tools/peers tools/gpu "$out"/
find "$out" -name __pycache__ -prune -exec rm -r {} +
cp tools/gpu-check.sh "$out"/
# There, once gpu-check.sh has unpacked fcc: tools/fc-tune kernels/attention.fc --build . --device cuda --out tuned.json
mkdir "$out"/tools && cp tools/fc-tune "$out"/tools/
git rev-parse --short HEAD >"$out"/commit 2>/dev/null || echo unknown >"$out"/commit
python3 tools/gpu/pack.py "$out" ${small[@]+"${small[@]}"}
gzip -nf "$out"/bin/fcc # two thirds of the kit otherwise

size=$(du -sm "$out" | cut -f1)
echo "$out: $size MB"
[ "$size" -lt 60 ] || { echo "gpu-kit.sh: error: the kit is to be below 60 MB" >&2; exit 1; }
