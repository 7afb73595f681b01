#!/usr/bin/env bash
# Compares the tokenizers with PyPI's `tokenizers` 0.23.3 on real texts of many languages and on all scripts of Unicode. Needs PyPI
# and Debian's packages, so it is not one of the tests.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/scripts/tokenizers_check.sh BUILD [--wheels FOLDER] [--lines N] [--only NAME]... [--show N] [--kind KIND]

Encodes and decodes lines of the King James Bible, the Greek New Testament, a Turkish treebank, a Spanish Bible, names of 44 locales,
and all characters of Unicode, script by script, with GPT-2's and MiniLM's tokenizers and those of tests/golden/make_tokenizers.py,
trained on these texts: ids, types, mask, offsets, words, parts that overflow, decoded text. Prints a table of what differs, by kind; what
docs/tokenizers.md does not name makes it fail.

  BUILD             a configured build of this tree, as build/release: the program is built there
  --wheels FOLDER   where the wheels are, or come to
  --lines N         of each text, 10,000 if not given
  --only NAME       only the tokenizer or the text of this name
  --show N          how many differences of each tokenizer are printed, 5 if not given
  --kind KIND       of this kind, a column of the table; 'other' if not given

PYTHON is the interpreter, python3 if it is not set: Debian 12's 3.11, whose tables are of Unicode 14, with `tokenizers`,
`sentencepiece` and `protobuf`. Debian's packages: bible-kjv, libsword-utils, sword-text-sparv, perl.
TEXT
}
case ${1:-} in '' | -h | --help) usage; [ $# -gt 0 ]; exit ;; esac

folder=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
cmake --build "$1" --target tokenizers_check >/dev/null
# Where a truncation is impossible the library panics, on standard error.
RUST_BACKTRACE=0 "${PYTHON:-python3}" "$folder/tokenizers_check.py" "$1/tests/tokenizers_check" "${@:2}"
