#!/usr/bin/env bash
# Checks round trips of .safetensors files with PyTorch, in both directions. Needs the Python packages torch and safetensors, so it is
# not one of the tests.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/scripts/safetensors_check.sh BUILD [PYTHON]

PyTorch reads what gradus saved (all dtypes, 16 bits, ties, a checkpoint), and gradus what PyTorch saved (all dtypes, those that it
leaves out among them, and shards with an index).

  BUILD     a configured build of this tree, as build/release: the program is built there
  PYTHON    a Python that has torch and safetensors; python3 by default
TEXT
}
case ${1:-} in '' | -h | --help) usage; [ $# -gt 0 ]; exit ;; esac

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$1 python=${2:-python3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --build "$build" --target safetensors_check >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log" >&2; exit 1; }
"$build/tests/safetensors_check" write "$scratch"
"$python" "$source/tests/io/safetensors_check.py" read "$scratch"
"$python" "$source/tests/io/safetensors_check.py" write "$scratch"
"$build/tests/safetensors_check" read "$scratch"
echo "safetensors_check: passed"
