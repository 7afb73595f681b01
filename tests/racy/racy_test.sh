#!/usr/bin/env bash
# ThreadSanitizer has to report a race inside parallel_for, and nothing in the same loop without it.
set -u
racy=$1
export TSAN_OPTIONS="halt_on_error=1 exitcode=66"
"$racy" clean || { echo "racy_test: clean code was reported or failed" >&2; exit 1; }
output=$("$racy" race 2>&1)
status=$?
if [ "$status" -ne 66 ] || ! grep -q 'ThreadSanitizer: data race' <<<"$output"; then
  echo "racy_test: the race was not reported (exit $status): $output" >&2
  exit 1
fi
echo "racy_test: the race was reported, the clean loop was not"
