#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test; ends with `N passed, N failed`.
# Arguments go to tools/scripts/run-tests.py: a filter such as `lit` or `Emulator` (see --help).
set -euo pipefail
cd "$(dirname "$0")/.."
tools/scripts/install.sh --tests
tools/scripts/build.sh
exec python3 tools/scripts/run-tests.py "$@"
