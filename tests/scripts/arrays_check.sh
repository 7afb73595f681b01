#!/usr/bin/env bash
# Checks .npy, .npz and .pt against NumPy and PyTorch, which the tests do not need.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/scripts/arrays_check.sh BUILD [--huge]

Has NumPy and PyTorch write arrays of all types, orders and ranks, gradus read and write them, and NumPy and PyTorch read the result.

  BUILD     a configured build of this tree, as build/release: the program is built there
  --huge    also an archive with a member of more than 4 GiB, which takes 15 GB of memory and 10 GB of disk

PYTHON is the interpreter, python3 if it is not set; it needs numpy and torch.
TEXT
}
case ${1:-} in '' | -h | --help) usage; [ $# -gt 0 ]; exit ;; esac

folder=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
cmake --build "$1" --target arrays_check >/dev/null
"${PYTHON:-python3}" "$folder/arrays_check.py" "$1/tests/arrays_check" "${@:2}"
