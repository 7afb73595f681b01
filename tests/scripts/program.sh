# What tests of a program from the outside share; to be sourced once `program` is set. The script goes on in a scratch folder.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
this_test=$(basename "$0" .sh)
cd "$scratch"

fail() { echo "$this_test: $*" >&2; [ ! -e out ] || tail -5 out >&2; exit 1; }
run() { "$program" "$@" </dev/null >out 2>&1; }
expect() { grep -qF -- "$1" out || fail "the output lacks '$1'"; }
fails() {  # MESSAGE ARGUMENT...: exit code 1 and that message
  local status=0
  run "${@:2}" || status=$?
  [ "$status" = 1 ] || fail "exit code $status, not 1: ${*:2}"
  expect "$1"
}
refuses() {  # MESSAGE ARGUMENT...: a command line that is wrong
  ! run "${@:2}" || fail "accepted: ${*:2}"
  expect "$1"
}
