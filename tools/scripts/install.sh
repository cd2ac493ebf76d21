#!/usr/bin/env bash
# Installs what the build and the tests need on Debian 12, if it is missing. Quick when nothing is.
# With `--tests`, also what only the Python tests need: NumPy, and Debian's PyTorch, which is for the CPU and a tenth of the
# size of PyPI's (150 MB to download with all it needs; those of PyPI bring a CUDA of 2.5 GB with them). Without it, its
# tests are skipped.
set -euo pipefail

packages=(
  cmake ninja-build ccache clang-22 clang-format-22 lld-22 libclang-rt-22-dev
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools
  libzstd-dev zlib1g-dev libfmt-dev nlohmann-json3-dev libcli11-dev
  libgtest-dev libgmock-dev libbenchmark-dev python3
)
[ "${1:-}" = --tests ] && packages+=(python3-numpy)

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

# What of the arguments is not installed.
missing() {
  for package; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || echo "$package"
  done
}

# Installs the arguments that are missing.
ensure() {
  local list
  mapfile -t list < <(missing "$@")
  [ ${#list[@]} -eq 0 ] && return
  if [ ${#as_root[@]} -gt 0 ] && ! command -v sudo >/dev/null; then
    echo "install.sh: error: these Debian packages are missing and neither root nor sudo is at hand:" >&2
    echo "  apt-get install ${list[*]}" >&2
    return 1
  fi
  echo "Installing: ${list[*]}"
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${list[@]}" >/dev/null
}

ensure "${packages[@]}"
if [ "${1:-}" = --tests ]; then
  ensure python3-torch || echo "install.sh: no PyTorch: its tests will be skipped" >&2
fi
