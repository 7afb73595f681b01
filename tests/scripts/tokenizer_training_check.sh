#!/usr/bin/env bash
# Checks trained tokenizers against Hugging Face's and SentencePiece's trainers. Needs network for them (20 MB), so it is not one of the tests.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/scripts/tokenizer_training_check.sh BUILD [PYTHON [LINES]]

Trains on nine of ten lines of the King James Bible (Debian's bible-kjv). Byte-pair encodings of several sizes must be those of
Hugging Face's trainer, token by token; WordPiece's may differ where pairs are equally frequent, which has no fixed order there.
Pieces of Unigram are compared by the number of tokens of the other lines, and by how likely they make them. Prints the seconds
that training takes, the least of several.

  BUILD    a configured build of this tree, as build/release: a program is built there
  PYTHON   one that has tokenizers 0.23.3 and sentencepiece; without it, pip installs them
  LINES    a file of your own, with a text on each line
TEXT
}
case ${1:-} in '' | -h | --help) usage; [ $# -gt 0 ]; exit ;; esac

build=$1 python=${2:-} lines=${3:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --build "$build" --target tokenizer_training_check >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log" >&2; exit 1; }
if [ -z "$python" ]; then
  python3 -m venv "$scratch/venv"
  "$scratch/venv/bin/pip" install --quiet tokenizers==0.23.3 sentencepiece
  python=$scratch/venv/bin/python
fi
if [ -z "$lines" ]; then
  lines=$scratch/kjv.txt
  bible -f gen1:1-rev22:21 </dev/null | sed 's/^[^ ]* //' >"$lines"
fi
exec "$python" "$(dirname "$0")/tokenizer_training_check.py" "$build/tests/tokenizer_training_check" "$scratch" "$lines"
