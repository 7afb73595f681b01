#!/usr/bin/env bash
# Compares FastTextModel with the fastText program on models that it trains. Needs Debian's fasttext and bible-kjv, so it is not
# one of the tests.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/scripts/fasttext_check.sh BUILD

Trains models of each kind and loss on the King James Bible, and compares what fastText 0.9.2 and gradus print for 1,000 words,
for 200 verses, and for the labels of these. Then both predict the labels of all verses, ten times over, with their times.

  BUILD    a configured build of this tree, as build/release: the program is built there
TEXT
}
case ${1:-} in '' | -h | --help) usage; [ $# -gt 0 ]; exit ;; esac

export LC_ALL=C
build=$(cd "$1" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --build "$build" --target fasttext_check >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log" >&2; exit 1; }
check=$build/tests/fasttext_check
cd "$scratch"

bible -f gen1:1-rev22:21 </dev/null | sed -n 's/^\([1-3]\?[A-Za-z]*\)[0-9]*:[0-9]* \(.*\)/__label__\1 \2/p' >labelled
[ "$(wc -l <labelled)" -eq 31102 ] || { echo "fasttext_check: the program 'bible' did not print 31,102 verses" >&2; exit 1; }
sed 's/^[^ ]* //' labelled >plain
awk 'NR % 155 == 1' plain >texts                                     # 201
{ tr ' ' '\n' <plain | awk '!seen[$0]++ && NR % 7 == 0 && n++ < 900'
  for i in $(seq 1 50); do echo "unseen${i}ness"; echo "na$(printf '\303\257')ve$i"; done; } >words

same() {  # WHAT: of files `theirs` and `ours`
  cmp theirs ours || { diff theirs ours | head -n 4 >&2; echo "fasttext_check: $1 differ" >&2; exit 1; }
  echo "the same: $1"
}
compare() {  # NAME KIND OPTIONS...
  local input=plain k
  [ "$2" != supervised ] || input=labelled
  fasttext "$2" -input $input -output "$1" -thread 1 -verbose 0 -epoch 2 -dim 50 "${@:3}" >/dev/null
  fasttext print-word-vectors "$1.bin" <words >theirs
  "$check" print-word-vectors "$1.bin" <words >ours
  same "$1: vectors of $(wc -l <words) words"
  fasttext print-sentence-vectors "$1.bin" <texts >theirs
  "$check" print-sentence-vectors "$1.bin" <texts >ours
  same "$1: vectors of $(wc -l <texts) texts"
  [ "$2" = supervised ] || return 0
  for k in '1 0' '5 0.01' '100 0'; do
    fasttext predict-prob "$1.bin" texts $k >theirs
    "$check" predict-prob "$1.bin" $k <texts >ours
    same "$1: labels of $(wc -l <texts) texts, k and threshold $k"
  done
}

compare skipgram skipgram -bucket 20000
compare cbow cbow -maxn 0 -loss hs
compare softmax supervised -lr 0.5
compare hs supervised -lr 0.5 -loss hs -wordNgrams 2 -bucket 50000
compare ova supervised -lr 0.5 -loss ova -wordNgrams 3 -minn 2 -maxn 4 -bucket 50000
compare ns supervised -lr 0.5 -loss ns -minn 3 -maxn 3 -bucket 20000

for i in $(seq 10); do cat plain; done >all
TIMEFORMAT='%U s of CPU time'
for model in softmax ova; do
  printf '%s, fastText: ' $model
  time fasttext predict-prob $model.bin all 1 0 >theirs
  printf '%s, gradus:   ' $model
  time "$check" predict-prob $model.bin 1 0 <all >ours
  same "$model: labels of $(wc -l <all) texts"
done
