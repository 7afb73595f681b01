#!/usr/bin/env bash
# usage: peer_run_test.sh PEER_RUN FAKE_SIDE: ratios, void rows, rows of one side and errors of the runner.
set -euo pipefail
run=$1
threads=1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for name in ours slow wrong slow_wrong lost limit more odd machine texts_ours texts_peer texts_bad hello-train; do
  cp "$2" "$folder/$name"
done
cd "$folder"

fail() { echo "FAILED: $*"; cat out rows 2>/dev/null; exit 1; }
measure() {  # STATUS [options]: runs `ours` with them; leaves out and rows
  local status=0 want=$1
  "$run" --inputs . --ours "$folder/ours" --threads $threads --rounds 3 --seconds 0.01 --json rows "${@:2}" >out 2>&1 || status=$?
  [ $status -eq "$want" ] || fail "status $status, not $want, for ${*:2}"
}
expect() {  # STATUS PEER...: runs `ours` against them
  local want=$1 peers=()
  shift
  for peer in "$@"; do peers+=(--peer "$folder/$peer"); done
  measure "$want" "${peers[@]}"
}

# ---- ours against peers
expect 0 slow
[ "$(wc -l <rows)" -eq 3 ] || fail "one line for the machine, one row for W0_sleep and one for the process"
ratio=$(sed -n '/W0_sleep/s/.*"ratio": \([0-9.]*\), "ratio_p25".*/\1/p' rows)
awk -v r="$ratio" 'BEGIN { exit !(r > 2.99 && r < 3.01) }' || fail "ratio $ratio, not 3"
grep -q '"threads": 1, "ours_ms": .*"loss_ours": 1, .*"peer": "slow".*"compared": true, "void": false, "rounds": 3' rows ||
  fail "the fields"
grep -qE 'VOID|NOT COMPARED' out && fail "a good row is void"
grep -q '^2 rows compared$' out || fail "the end does not say that both rows are comparisons"
grep -q '"process_hello_train".*"ours_rss_mb": [0-9.]*, .*"peer_rss_mb"' rows || fail "the process row"

expect 1 wrong
grep -q 'VOID: wrong, plain: loss 1.002, ours 1;' out || fail "a wrong loss is not void"
grep -q '"W0_sleep".*"compared": true, "void": true, "rounds"' rows || fail "void is not in the JSON"
grep -q '^1 rows compared; void: W0_sleep$' out || fail "the end does not name the void row"

expect 1 lost
grep -q 'weights moved 2.01, ours 2' out || fail "weights that moved otherwise are not void"

expect 1 slow wrong
[ "$(grep -c '"peer": "wrong"' rows)" -ge 1 ] || fail "the fastest peer is not named"

measure 0 --peer "$folder/more" --peer "$folder/slow_wrong" W0_sleep hello
grep -q 'differs: slow_wrong, plain: loss 1.002, ours 1;' out || fail "a slower peer that is wrong is not told"
grep -q '^2 rows compared$' out || fail "a slower peer that is wrong makes the row void"

if [ "$(nproc)" -gt 1 ]; then
  threads=2
  measure 0 --peer "$folder/slow" --limit "$folder/limit"
  grep -q '"W0_sleep", "threads": 2, .*"gain_over_one_thread": 1\b' rows || fail "the gain of two threads"
  grep -q 'limit_ms' rows && fail "the limit, which has one thread, in a row of two"
  threads=1
fi

# ---- the machine and the limit
measure 0 --peer "$folder/slow" --machine "$folder/machine"
grep -q '^{"machine": {"cpu": "fake", "fma_gflops": \[1.5\]}, "libraries": \[.*{"library": "slow", "openblas_core": "Fake core"}\]}$' rows ||
  fail "the line of the machine"
grep -q '^{"cpu": "fake"' out || fail "the machine is not printed"
grep -q '^slow: openblas_core Fake core$' out || fail "the core of OpenBLAS is not printed"

measure 0 --peer "$folder/slow" --limit "$folder/limit"
grep -q '"W0_sleep".*"limit_ms": 0.5, "limit_ratio": 0.5, "compared": true' rows || fail "the limit is not in the JSON"
grep -q '"peer": "slow"' rows || fail "the limit is taken for the peer"
grep -q '"peers": \[{"peer": "slow"[^]]*"void": false}\]' rows || fail "the limit is among the peers"
grep -q '| limit  *0.5000 ms' out || fail "the limit is not printed"

cp wrong wrong-limit; mkdir limits; mv wrong-limit limits/wrong
measure 1 --peer "$folder/slow" --limit "$folder/limits/wrong"
grep -q 'VOID: wrong, plain: loss 1.002, ours 1;' out || fail "a limit that does something else is not void"

measure 0 --peer "$folder/slow" --limit "$folder/limit" --products "$folder/limits/wrong"
grep -q '"limit_ratio": 0.5, "products_ms": 1, "products_ratio": 1, "compared": true' rows || fail "the products alone are not in the JSON"
grep -q 'VOID' out && fail "products, which have no result, make a row void"

# ---- rows of one side
expect 0 more
grep -q '^W0_more .* ours  *-  *| more .* NOT COMPARED: gradus has no W0_more$' out || fail "a row of the peer alone"
grep -q '"W0_more", "threads": 1, "ours_ms": null, "peer_ms": 1, .*"compared": false, "void": null' rows || fail "its fields"
grep '"W0_more"' rows | grep -q '"ratio"' && fail "a row of one side has a ratio"
grep -q '^2 rows compared; not compared: W0_more$' out || fail "the end does not name the row of one side"

expect 1 odd
grep -q '^W0_more .*VOID: odd, off: loss 2, plain 1;' out || fail "two variants of a peer that differ are not void"

expect 0
grep -q '"W0_sleep".*"compared": false, "void": null' rows || fail "ours alone is not measured, or passes for a comparison"
grep -q 'NOT COMPARED: no peer has W0_sleep' out || fail "ours alone passes for a comparison"

# ---- real text
mkdir texts
printf '__label__a x\n__label__b y\n__label__b z\n__label__a w\n' >texts/F1_test.txt
printf 'pairs of words\nking queen 9\nKing lord 5\nking sheep 1\nking unknown 7\n' >pairs
touch texts/F1_train.txt
words() { measure "$1" --texts texts --text-peer "$folder/texts_peer" --text-ours "$folder/$2" --word-pairs pairs F1 F2; }
words 0 texts_ours
grep -q 'F2_skip_gram' rows && fail "a row without its text"
grep -q '^F1_supervised .*ours  *- .*1000 words/s accuracy 0.7500 NOT COMPARED: gradus has no F1_supervised$' out || fail "F1"
grep -q '"F1_supervised".*"ours_words_per_second": null, .*"peer_accuracy": 0.75, "peer_options": "-flag 1", .*"void": null' rows ||
  fail "the fields of F1"
touch texts/F2_text.txt
words 0 texts_ours
grep -q '^F2_skip_gram .*2500 words/s similarity 1.0000 .*1000 words/s similarity 1.0000   2.50x' out || fail "F2"
grep -q '"F2_skip_gram".*"ours_similarity": 1, .*"ratio": 2.5, .*"compared": true, "void": false, "seeds": 3' rows ||
  fail "the fields of F2"
words 1 texts_bad
grep -q '^F2_skip_gram .*VOID: similarity 1.5000 lower$' out || fail "vectors that are worse are not void"
measure 0 --texts texts --text-peer "$folder/texts_peer" --text-ours "$folder/texts_ours" F2
grep -q 'NOT COMPARED: no similarity$' out || fail "vectors that nothing judges pass for a comparison"
measure 2 --texts texts --text-peer "$folder/texts_peer" --word-pairs texts/F1_test.txt F2
grep -q 'fewer than three pairs' out || fail "a file that holds no pairs"

# ---- errors
expect 2 missing
grep -q 'missing: No such file' out || fail "the missing program is not named"
"$run" --threads 999 >out 2>&1 && fail "999 threads accepted"
grep -q 'cores to pin to' out || fail "no hint about cores"
echo passed
