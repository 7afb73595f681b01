#!/usr/bin/env bash
# Old against New Testament: fastText's command line and ours on the same split files, five seeds.
#
#   examples/kjv_vs_fasttext.sh [BUILD]     BUILD: the build folder, build/release
#
# Prints the accuracies with one line for each seed, and the means. Both get the same tokens; both learn from words
# and pairs of neighbouring words, for ten epochs. fastText's own default options (five epochs, words only) are shown too.
# Ends with exit code 1 if our mean is more than 0.4 points below fastText's better one.
set -euo pipefail
cd "$(dirname "$0")/.."
demo=${1:-build/release}/examples/kjv_demo
[ -x "$demo" ] || { echo "$demo is missing: cmake --build build/release --target kjv_demo" >&2; exit 1; }
command -v fasttext >/dev/null || { echo "fasttext is not installed: apt-get install fasttext" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

as_fasttext() {  # label<TAB>text -> __label__label and the tokens that ours are
  awk -F'\t' '{ label = $1; $1 = ""; text = tolower($0)
    gsub(/[^a-z0-9'"'"' -]/, " & ", text); print "__label__" label, text }' "$1"
}

fasttext_accuracy() {  # SEED [options]: accuracy in percent
  fasttext supervised -input "$scratch/train.txt" -output "$scratch/model" -seed "$1" -thread 1 -verbose 0 "${@:2}" 2>"$scratch/log" ||
    { cat "$scratch/log" >&2; return 1; }
  fasttext predict "$scratch/model.bin" "$scratch/test.txt" | paste -d' ' - "$scratch/test.txt" |
    awk '$1 == $2 { right++ } END { printf "%.2f", 100 * right / NR }'
}

echo "seed  ours  fastText, pairs, 10 epochs  fastText's defaults"
for seed in 1 2 3 4 5; do
  "$demo" --labels testaments --seed "$seed" --write-split "$scratch"
  as_fasttext "$scratch/train.tsv" > "$scratch/train.txt"
  as_fasttext "$scratch/test.tsv" > "$scratch/test.txt"
  "$demo" --scratch-only --seed "$seed" --train "$scratch/train.tsv" --test "$scratch/test.tsv" --output "$scratch" \
    </dev/null > "$scratch/ours.log"
  ours=$(awk '/^accuracy: / { print $2 }' "$scratch/ours.log")
  echo "$seed $ours $(fasttext_accuracy "$seed" -wordNgrams 2 -epoch 10) $(fasttext_accuracy "$seed")"
done | tee "$scratch/rows" | awk '{ printf "%4d  %5.2f  %5.2f  %5.2f\n", $1, $2, $3, $4; fflush() }'
awk '{ ours += $2; pairs += $3; plain += $4 }
  END {
    printf "mean  %5.2f  %5.2f  %5.2f\n", ours / NR, pairs / NR, plain / NR
    best = pairs > plain ? pairs : plain
    if (NR != 5 || ours / NR < best / NR - 0.4) { print "ours is more than 0.4 points below fastText"; exit 1 }
  }' "$scratch/rows"
