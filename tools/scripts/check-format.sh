#!/usr/bin/env bash
# Fails, naming the files, when a C++ file is not formatted as .clang-format says. `--fix` formats them.
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -t files < <(git ls-files '*.cpp' '*.h' '*.c')
if [ "${1:-}" = --fix ]; then
  exec clang-format-22 -i "${files[@]}"
fi
wrong=$(printf '%s\0' "${files[@]}" |
  xargs -0 -P 2 -n 16 sh -c 'for f; do clang-format-22 --dry-run -Werror "$f" >/dev/null 2>&1 || echo "  $f"; done' sh)
if [ -n "$wrong" ]; then
  printf 'not formatted (tools/scripts/check-format.sh --fix does it):\n%s\n' "$wrong"
  exit 1
fi
