#!/usr/bin/env bash
# kjv_demo from the outside: it learns (and says so if it does not), stops cleanly, and names what is wrong.
set -euo pipefail
demo=$2/examples/kjv_demo
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() { echo "kjv_demo_test: $*" >&2; [ ! -e out ] || tail -5 out >&2; exit 1; }
run() { "$demo" --output o "$@" </dev/null >out 2>&1; }
expect() { grep -qF -- "$1" out || fail "the output lacks '$1'"; }
fails() {  # MESSAGE ARGUMENT...: exit code 1 and that message
  local status=0
  run "${@:2}" || status=$?
  [ "$status" = 1 ] || fail "exit code $status, not 1: ${*:2}"
  expect "$1"
}

# Two kinds of sentences that differ in half of their words.
awk 'BEGIN {
  srand(5)
  for (i = 0; i < 1200; i++) {
    text = ""
    for (k = 0; k < 12; k++) text = text " " (rand() < 0.5 ? "common" : i % 2 ? "sea" : "land") int(20 * rand())
    print (i % 2 ? "wet" : "dry") "\t" text
  }
}' > corpus.tsv

# A small corpus is learnt, and its saved model is used by a new process.
run --corpus corpus.tsv --quick --vector-epochs 20 || fail "the small corpus was not learnt"
expect "no byte changed"
[ -s o/vectors.txt ] && [ -s o/model.safetensors ] || fail "the files were not saved"
run --model o/model.safetensors --classify "sea1 sea2 sea3" --classify "land4 land5" --classify "???" || fail "--model"
[ "$(grep -c -- '-> wet' out)" = 1 ] && [ "$(grep -c -- '-> dry' out)" = 1 ] || fail "wrong labels"
expect "no word of it is known"
if "$demo" --model o/model.safetensors --classify "sea1" </dev/null >/dev/full 2>out; then fail "answers > /dev/full ended well"; fi
expect "No space left"
printf 'land1 land2\nsea1 sea2\n' | "$demo" --model o/model.safetensors >out || fail "piped lines"
[ "$(grep -c -- '-> ' out)" = 2 ] || fail "piped lines were not all classified"

# A pipe to which nobody writes does not hold the program up.
mkfifo silent
sleep 600 >silent &
sleeper=$!
timeout 300 "$demo" --output o --corpus corpus.tsv --scratch-only --no-pairs <silent >out 2>&1 || fail "waits for a silent pipe"
kill "$sleeper"

# Nothing is learnt with a learning rate of 0, and --quick says so.
fails "quick: the classifiers have not learnt" --corpus corpus.tsv --quick --vector-epochs 20 --lr 0
fails "quick: the word vectors have not learnt" --corpus corpus.tsv --quick --vector-lr 0
if command -v bible >/dev/null; then
  run --quick || fail "--quick on the Bible"
  fails "quick: the classifiers have not learnt" --quick --lr 0
  fails "quick: the word vectors have not learnt" --quick --vector-lr 0
else
  echo "kjv_demo_test: bible-kjv is not installed: its part was left out"
fi
! PATH=/nowhere "$demo" --output o </dev/null >out 2>&1 || fail "found a Bible in /nowhere"
expect "apt-get install bible-kjv"

# The same seed gives the same bits, on any number of threads.
for threads in 1 3; do
  run --corpus corpus.tsv --threads $threads --vector-epochs 2 || fail "--threads $threads"
  cat o/vectors.txt o/model.safetensors | cksum > sum$threads
done
cmp -s sum1 sum3 || fail "the number of threads changes the result"

# The run above trained four classifiers: each progress bar has its own name, which the table has too.
bars=$(sed -n 's/: *100%.*//p' out)
[ "$(wc -l <<<"$bars")" = 5 ] && [ -z "$(sort <<<"$bars" | uniq -d)" ] || fail "names of progress bars: $bars"
while read -r name; do
  [ "$name" = "word vectors" ] || grep -qE "^  $name  +[0-9.]+ %  +[0-9.]+ %$" out || fail "the table lacks '$name'"
done <<<"$bars"
expect "972 texts to train on, 108 to choose the best classifier by, 120 to test; 2 labels"

# The best one is chosen on texts of its own: only pairs of words tell these labels apart, which the test texts have the other way round.
ordered() {  # TEXTS LABEL LABEL
  awk -v n="$1" -v one="$2" -v other="$3" 'BEGIN {
    srand(7)
    for (i = 0; i < n; i++) print (i % 2 ? one : other) "\tx" int(5 * rand()) (i % 2 ? " sea land" : " land sea") " x" int(5 * rand())
  }'
}
ordered 1000 wet dry > ordered.tsv
ordered 100 dry wet > reversed.tsv
run --train ordered.tsv --test reversed.tsv --vector-epochs 2 --dim 16 || fail "the order of words"
expect "results of 'from scratch, with pairs' on the test texts"
expect "accuracy: 0.00 % on the test texts"

# --words are shown, and looked for before anything is trained.
run --corpus corpus.tsv --quick --vector-epochs 20 --words Sea1,land2 || fail "--words"
[ "$(grep -cE '^  (sea1|land2)  +(common|sea|land)[0-9]+ ' out)" = 2 ] || fail "not both words were shown"
fails "--words: the training texts lack 'zebra', or" --corpus corpus.tsv --words "sea1,Zebra"
! grep -q 'word vectors' out || fail "an unknown word was found after the training"

# Ctrl-C keeps what there is. Without job control, a process in the background would be told to ignore it.
set -m
stop_after() {  # PATTERN ARGUMENT...
  "$demo" --output o --corpus corpus.tsv "${@:2}" </dev/null >out 2>&1 &
  local process=$! status=0
  for _ in $(seq 3000); do ! grep -q "$1" out || break; sleep 0.1; done
  kill -INT "$process"
  wait "$process" || status=$?
  [ "$status" = 130 ] || fail "exit code $status, not 130, after Ctrl-C"
}
rm -r o
stop_after '^word vectors' --vector-epochs 2000
expect "stopped: the vectors as they are now are saved in o/vectors.txt"
[ "$(head -1 o/vectors.txt)" = "60 100" ] && [ "$(wc -l < o/vectors.txt)" = 61 ] || fail "the vectors are not whole"
[ ! -e o/model.safetensors ] || fail "there is a model that was not trained"
stop_after '^from scratch' --scratch-only --epochs 5000
expect "stopped: the best classifier so far"
run --model o/model.safetensors --classify "sea1 sea2" || fail "the model that Ctrl-C left cannot be used"

# What is wrong is named.
fails "read_tsv: cannot read 'missing.tsv': No such file or directory" --corpus missing.tsv
fails "read_tsv: cannot read '.': Is a directory" --corpus .
: > empty.tsv
fails "read_tsv: 'empty.tsv': it is empty" --corpus empty.tsv
printf 'a\tone\nno tab here\n' > bad.tsv
fails "'bad.tsv' has 1 bad line: wrong number of fields (line 2: 1 instead of 2)" --corpus bad.tsv
printf 'no tab here\n' > bad.tsv
fails "corpus: 'bad.tsv' has lines of 1 fields: they should be label<TAB>text" --corpus bad.tsv
printf 'a\tone\na\ttwo\na\tthree\n' > single.tsv
fails "all training texts have the label 'a'" --corpus single.tsv
fails "--min-count: no word occurs 100000 times in the training texts" --corpus corpus.tsv --min-count 100000
printf 'a\tone two\nb\ttwo one\n' > train.tsv
printf 'c\tthree\n' > test.tsv
fails "'c' is not among the 2 labels" --train train.tsv --test test.tsv
! "$demo" --corpus corpus.tsv --output empty.tsv/o </dev/null >out 2>&1 || fail "wrote below a file"
expect "--output: cannot create a file next to 'empty.tsv/o/model.safetensors': Not a directory"
fails "--write-split: cannot create a file next to 'empty.tsv/train.tsv': Not a directory" --corpus corpus.tsv --write-split empty.tsv
if [ "$(id -u)" != 0 ]; then  # root may write everywhere
  mkdir locked
  chmod 555 locked
  ! "$demo" --corpus corpus.tsv --output locked </dev/null >out 2>&1 || fail "wrote into a locked folder"
  expect "--output: cannot create a file next to 'locked/model.safetensors': Permission denied"
fi
fails "o/vectors.txt" --model o/vectors.txt --classify x
for wrong in "--dim 0" "--lr -1" "--lr nan" "--vector-lr 1e30" "--scratch-only --words sea1" "--labels books" "--train train.tsv" "--nonsense"; do
  # shellcheck disable=SC2086
  ! run $wrong || fail "accepted: $wrong"
  expect "Run with --help"
done
run --help || fail "--help"
expect "--corpus"
echo "kjv_demo_test: passed"
