#!/usr/bin/env bash
# select_checks.sh chooses what a change needs: in this tree for files that are named, and in a small repository of its own for
# commits.
#
#   select_checks_test.sh SOURCE [BUILD]
set -euo pipefail
source=$(cd "$1" && pwd)
select=$source/tests/select_checks.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
  printf 'select_checks_test: %s; it chose\n' "$*" >&2
  cat "$choice" >&2
  exit 1
}
choice=$scratch/choice
choose() { printf '%s\n' "$@" | "$select" --files "$source" >"$choice"; }  # FILE...: as if these had changed
has() { for line in "$@"; do grep -qxF -- "$line" "$choice" || fail "not chosen: $line"; done; }
lacks() { for line in "$@"; do ! grep -qxF -- "$line" "$choice" || fail "chosen: $line"; done; }
count() { grep -c "^$1" "$choice" || true; }
only_drawn() { ! grep -vE '^(why|drawn) ' "$choice" >/dev/null || fail "nothing should be chosen for $1"; }
all_of() {  # KIND
  "$select" --all "$source" | grep "^$1" | sort | diff - <(grep "^$1" "$choice" | sort) >/dev/null || fail "not all is chosen of: $1"
}
everything() { for kind in tidy program isa fault; do all_of "$kind"; done; }
has_includers_of() {  # HEADER
  local file
  for file in $(cd "$source" && grep -rlF "#include <gradus/$1>" --include='*.cpp' framework layers optim); do has "tidy $file"; done
}

faults_of() {  # FILE: the titles of the faults planted into it, or found by way of it
  awk -v file="$1" '/^fault: / { title = substr($0, 8) } $0 == "file: " file || $0 == "in: " file { print "fault " title }' \
    "$source"/tests/faults/*.txt | sort -u
}

# A kernel: its faults, its tests and those that reach it through an op, the instruction sets.
kernel=framework/kernels/nn/normalization.cpp
choose "$kernel"
has "tidy $kernel" 'program test_kernels' 'program test_ops' 'program test_golden' isa
lacks 'program test_text' 'program test_data'
[ "$(count tidy)" -eq 1 ] || fail "tidy of more than the kernel"
[ "$(grep '^program ' "$choice" | sed -n 1p)" = 'program test_kernels' ] || fail "the kernel's own tests are not the first"
[ "$(faults_of "$kernel" | wc -l)" -gt 2 ] || fail "$kernel has too few faults to be tried"
faults_of "$kernel" | diff - <(grep '^fault ' "$choice" | sort) >/dev/null || fail "other faults than those of $kernel"
[ "$(count drawn)" -eq 30 ] || fail "thirty faults should be drawn"
grep '^fault ' "$choice" | while read -r _ title; do lacks "drawn $title"; done

# A header: whatever includes it, directly or by way of others.
choose framework/kernels/nn/normalization.h
has "tidy $kernel" 'tidy framework/ops/nn/normalization.cpp' 'program test_kernels' 'program test_ops' isa
choose framework/core/tensor.h
has_includers_of framework/core/tensor.h
has 'program test_core' 'program test_optim' 'program test_training'
lacks isa 'program test_kernels'

# A layer and an optimizer do not reach each other.
choose layers/linear.cpp
has 'tidy layers/linear.cpp' 'program test_layers'
lacks isa 'program test_kernels' 'program test_text'
choose optim/adagrad.cpp
has 'tidy optim/adagrad.cpp' 'program test_optim' 'program test_golden'
lacks isa 'program test_layers' 'program test_io'

# A private source is reached by way of the one that uses it.
choose framework/base/detail/number_text.cpp
has 'program test_io'

# What everything stands on.
choose framework/base/error.h
all_of program
has isa
has_includers_of framework/base/error.h

# A test: its program, and the faults that it has to find.
choose tests/optim/lbfgs_test.cpp
has 'program test_optim'
[ "$(count program)" -eq 1 ] && [ "$(count tidy)" -eq 0 ] || fail "more than the program of a test"
[ "$(count fault)" -ge 3 ] || fail "the faults of LBFGS.* are missing"
lacks isa
choose tests/support/op_testing.cpp
has 'program test_ops' 'program test_golden'

# Data of a test, a list of faults, the checks themselves.
choose tests/golden/values/nn.txt
has 'program test_golden'
[ "$(count program)" -eq 1 ] || fail "more than the program that reads the data"
list=$(cd "$source" && ls tests/faults/*.txt | sed -n 1p)
choose "$list"
[ "$(count fault)" -eq "$(grep -c '^fault: ' "$source/$list")" ] || fail "other faults than those of $list"
choose tests/planted_faults.sh
all_of fault
choose .clang-tidy
all_of tidy
lacks isa
for file in dev CMakeLists.txt cmake/GradusTarget.cmake tests/CMakeLists.txt tests/main.cpp of_no/known_kind; do
  choose docs/conventions.md "$file"
  everything
done

# Each list is named for the room of what its faults are planted into.
awk '
  /^file: / {
    room = $2; sub(/^framework\//, "", room); sub(/\/[^\/]*$/, "", room); sub(/\/detail$/, "", room); gsub(/\//, "_", room)
    list = FILENAME; sub(/.*\//, "", list); sub(/\.txt$/, "", list)
    if (room != list) { print "select_checks_test: a fault of " $2 " is in " list ".txt, not " room ".txt"; wrong = 1 }
  }
  END { exit wrong }' "$source"/tests/faults/*.txt >&2

# Each can be planted.
"$source/tests/planted_faults.sh" --read "$scratch/faults" || fail "a fault cannot be planted"
[ "$(find "$scratch/faults" -name fault | wc -l)" -gt 400 ] || fail "faults are missing"

choose docs/conventions.md CHANGELOG.md README.md benchmarks/CMakeLists.txt tests/scripts/baseline_test.sh .ci/checked
only_drawn documentation

# Commits.
command -v git >/dev/null || { echo "select_checks_test: passed, but for what needs git, which is not here"; exit 0; }
git() { command git -C "$scratch/tree" -c user.name=t -c user.email=t@example.org -c init.defaultBranch=main "$@"; }
commit() { git add -A && git commit -qm "$1"; }
choose_commit() { "$select" "$scratch/tree" >"$choice"; }

mkdir -p "$scratch"/tree/{framework/kernels,layers,tests/kernels,tests/layers,tests/faults,docs,.ci}
cd "$scratch/tree"
echo '#include <gradus/framework/kernels/a.h>' | tee framework/kernels/a.cpp layers/b.h >tests/kernels/a_test.cpp
echo '#include <gradus/layers/b.h>' | tee layers/b.cpp tests/layers/b_test.cpp >docs/b.md
touch framework/kernels/a.h
for number in 1 2 3; do
  printf 'fault: fault %s\nfile: framework/kernels/a.cpp\n- a\n+ b\ntest: test_kernels A.*\n' "$number" >>tests/faults/kernels.txt
done
git init -q .
commit first
choose_commit
grep -q '^why everything: there is no .ci/checked$' "$choice" || fail "it should say that there is no .ci/checked"
has 'tidy framework/kernels/a.cpp' 'tidy layers/b.cpp' 'program test_kernels' 'program test_layers' isa 'fault fault 3'

checked=$(git rev-parse HEAD)
printf 'commit %s\ndate 2026-01-01\n' "$checked" >.ci/checked
commit 'note the check'
echo more >>docs/b.md
commit 'write'
choose_commit
grep -q "$checked" "$choice" || fail "it should name the commit of the last full check"
only_drawn 'a page'
[ "$(count drawn)" -eq 3 ] || fail "all faults should be drawn where there are fewer than thirty"
"$select" "$scratch/tree" | diff - "$choice" >/dev/null || fail "the faults of one commit are drawn otherwise the second time"

echo '// a change' >>layers/b.cpp
commit 'change the layer'
echo '// not the layer' >>docs/b.md
commit 'write more'
choose_commit
has 'tidy layers/b.cpp' 'program test_layers'
lacks 'program test_kernels' isa 'tidy framework/kernels/a.cpp' 'fault fault 1'

echo '// a change' >>framework/kernels/a.h
touch layers/new.cpp
choose_commit
has 'tidy framework/kernels/a.cpp' 'tidy layers/b.cpp' 'tidy layers/new.cpp' isa 'fault fault 1' 'program test_kernels'

git checkout -q -- . && rm layers/new.cpp
git rm -q layers/b.cpp && commit 'remove the source of the layer'
choose_commit
has 'program test_layers'

git commit -q --amend -m 'the same, anew' && printf 'commit %s\n' "$(git rev-parse 'HEAD@{1}')" >.ci/checked
choose_commit
grep -q 'is not an ancestor' "$choice" || fail "it should say that the commit of .ci/checked is not an ancestor"
has isa 'program test_kernels'
echo 'commit 0123456789012345678901234567890123456789' >.ci/checked
choose_commit
grep -q '^why everything: ' "$choice" || fail "a commit that is unknown should have everything chosen"
echo "select_checks_test: passed"
