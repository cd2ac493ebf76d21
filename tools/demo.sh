#!/usr/bin/env bash
# From nothing to a checked attention kernel: installs what is missing, builds, compiles kernels_src/attention.fc,
# runs it on the GPU or else on the CPU emulator, and compares it with the float64 reference.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/scripts/install.sh
echo "Building (a few minutes the first time) ..."
tools/scripts/build.sh fcc fc-run

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
echo
echo "\$ fcc kernels_src/attention.fc -o attn.ptx --target=sm_80"
time build/bin/fcc kernels_src/attention.fc -o "$out/attn.ptx" --target=sm_80
echo
shape=B=1,H=8,G=8,M=512,N=512
echo "\$ fc-run attn.ptx --shape $shape --seed 0 --check kernels_src/attention.fc"
build/bin/fc-run "$out/attn.ptx" --shape $shape --seed 0 --check kernels_src/attention.fc
