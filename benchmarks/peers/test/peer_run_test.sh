#!/usr/bin/env bash
# usage: peer_run_test.sh PEER_RUN FAKE_SIDE: ratios, void rows and errors of the runner.
set -euo pipefail
run=$1
threads=1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for name in ours slow wrong lost hello-train; do cp "$2" "$folder/$name"; done
cd "$folder"

fail() { echo "FAILED: $*"; cat out rows 2>/dev/null; exit 1; }
expect() {  # STATUS PEER...: runs `ours` against them; leaves out and rows
  local status=0 want=$1 peers=()
  shift
  for peer in "$@"; do peers+=(--peer "$folder/$peer"); done
  "$run" --inputs . --ours "$folder/ours" "${peers[@]}" --threads $threads --rounds 3 --seconds 0.01 --json rows >out 2>&1 ||
    status=$?
  [ $status -eq "$want" ] || fail "status $status, not $want, for $*"
}

expect 0 slow
[ "$(wc -l <rows)" -eq 2 ] || fail "one row for W0_sleep and one for the process"
ratio=$(sed -n '/W0_sleep/s/.*"ratio": \([0-9.]*\), "ratio_p25".*/\1/p' rows)
awk -v r="$ratio" 'BEGIN { exit !(r > 2.99 && r < 3.01) }' || fail "ratio $ratio, not 3"
grep -q '"threads": 1, "ours_ms": .*"loss_ours": 1, .*"peer": "slow".*"void": false, "rounds": 3' rows || fail "the fields"
grep -q 'VOID' out && fail "a good row is void"
grep -q '"process_hello_train".*"ours_rss_mb": [0-9.]*, .*"peer_rss_mb"' rows || fail "the process row"

expect 1 wrong
grep -q 'VOID: loss 1.002, ours 1;' out || fail "a wrong loss is not void"
grep -q '"W0_sleep".*"void": true, "rounds"' rows || fail "void is not in the JSON"

expect 1 lost
grep -q 'weights moved 2.01, ours 2' out || fail "weights that moved otherwise are not void"

expect 1 slow wrong
[ "$(grep -c '"peer": "wrong"' rows)" -ge 1 ] || fail "the fastest peer is not named"

if [ "$(nproc)" -gt 1 ]; then
  threads=2
  expect 0 slow
  grep -q '"W0_sleep", "threads": 2, .*"gain_over_one_thread": 1\b' rows || fail "the gain of two threads"
  threads=1
fi

expect 0
grep -q '"W0_sleep"' rows || fail "ours alone is not measured"

expect 2 missing
grep -q 'missing: No such file' out || fail "the missing program is not named"
"$run" --threads 999 >out 2>&1 && fail "999 threads accepted"
grep -q 'cores to pin to' out || fail "no hint about cores"
echo passed
