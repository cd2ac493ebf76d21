#!/usr/bin/env bash
# Configures the release preset if need be and builds the targets given (none: everything).
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! [ -f build/build.ninja ]; then
  mkdir -p build
  cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log >&2; exit 1; }
fi
if [ -t 1 ]; then
  ninja -C build "$@"
else
  ninja -C build --quiet "$@"
fi
