#!/usr/bin/env bash
# Which checks a change needs. `./dev check` runs those that this prints, in this order.
#   select_checks.sh [TREE]          what changed since the commit that TREE/.ci/checked names, uncommitted files included
#   select_checks.sh --all [TREE]    everything
#   select_checks.sh --files [TREE]  the files named on standard input
# Prints, one a line:
#   why ...            what it went by
#   tidy SOURCE        changed, or includes a changed header, directly or by way of others
#   program PROGRAM    a test program that reaches a changed file, to run under the sanitizers; the nearest first
#   isa                the kernels, or what they are made of, changed
#   fault TITLE        planted into such a source or header, or found by a test that changed
#   drawn TITLE        thirty of the other faults, by the hash of the commit
# Documentation, benchmarks and script tests need nothing of it. A file of a kind that is not known here needs everything.
set -euo pipefail
mode=changed
case ${1:-} in --all | --files) mode=${1#--}; shift ;; esac
cd "${1:-$(dirname "$0")/..}"
folders=()
for folder in framework layers optim gradus.h text.h examples tests; do
  [ ! -e "$folder" ] || folders+=("$folder")
done

# Prints the files that changed since the last full check, one a line; or says in $why that this is not known.
changed_files() {
  local checked
  checked=$(sed -n 's/^commit //p' .ci/checked 2>/dev/null) || true
  if [ -z "$checked" ]; then
    why="there is no .ci/checked"
  elif ! git merge-base --is-ancestor "$checked" HEAD 2>/dev/null; then
    why="the commit of .ci/checked, $checked, is not an ancestor of this one"
  else
    why="what changed since the last full check, at $checked"
    { git diff --name-only --no-renames "$checked"; git ls-files --others --exclude-standard; } | sed 's/^/changed /'
    return
  fi
  why="everything: $why"
  echo everything
}

# What the choice goes by, one a line: file F; include F LINE; suite F NAME (a test suite that F defines); fault LIST LINE.
tree() {
  find "${folders[@]}" \( -name '*.h' -o -name '*.cpp' \) -printf 'file %p\n' | sort
  grep -rHE --include='*.h' --include='*.cpp' '^[[:space:]]*#[[:space:]]*include' "${folders[@]}" | sed 's/^\([^:]*\):/include \1 /'
  grep -rHoE --include='*_test.cpp' '^(TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P)\([A-Za-z0-9_]+' tests |
    sed 's/^\([^:]*\):[A-Z_]*(/suite \1 /' || true
  grep -HE '^(fault|file|in|test): ' tests/faults/*.txt 2>/dev/null | sed 's/^\([^:]*\):/fault \1 /' || true
}

choose() {
  awk '
    function folder_of(file) { sub(/\/[^\/]*$/, "", file); return file }
    function program_of(file) {  # of a file of tests/
      sub(/^tests\//, "", file)
      return file ~ /\// ? "test_" substr(file, 1, index(file, "/") - 1) : "test_gradus"
    }
    # The header that declares what a source defines: of its name, or of that without what follows a "_"; see include_rule.sh.
    function header_of(source,    folder, name) {
      folder = folder_of(source); name = substr(source, length(folder) + 2); sub(/\.cpp$/, "", name)
      for (;;) {
        if (folder "/" name ".h" in files) return folder "/" name ".h"
        if (folder "/detail/" name ".h" in files) return folder "/detail/" name ".h"
        if (name !~ /_/) return ""
        sub(/_[^_]*$/, "", name)
      }
    }
    # Marks in near[] each file that reaches one of the starts: by #include lines, and, where sources count, as a header reaches the
    # source that defines what it declares. The value is the number of steps, from 1 on.
    function reach(starts, near, with_sources,    queue, first, last, file, other, n, i) {
      for (file in starts) { near[file] = 1; queue[++last] = file }
      for (first = 1; first <= last; ++first) {
        file = queue[first]
        n = split(included_by[file], other, " ")
        if (with_sources && file ~ /\.cpp$/ && file !~ /_test\.cpp$/) other[++n] = header_of(file)
        for (i = 1; i <= n; ++i) {
          if (other[i] == "" || other[i] in near) continue
          near[other[i]] = near[file] + 1
          queue[++last] = other[i]
        }
      }
    }
    # Whether a filter of tests may choose a suite. A pattern that starts with "*" may choose any.
    function may_choose(filter, suite,    pattern, n, i) {
      n = split(filter, pattern, ":")
      for (i = 1; i <= n; ++i) {
        if (pattern[i] ~ /^\*/) return 1
        sub(/\..*/, "", pattern[i])
        gsub(/\*/, ".*", pattern[i])
        if (suite ~ "^" pattern[i] "$" || suite "/0" ~ "^" pattern[i] "$" || "All/" suite ~ "^" pattern[i] "$") return 1
      }
      return 0
    }
    function found_by_a_changed_test(i,    part, file, suite, n, j) {
      split(test[i], part, " ")
      for (file in changed_test) {
        if (program_of(file) != part[1]) continue
        n = split(suites[file], suite, " ")
        for (j = 1; j <= n; ++j) if (may_choose(part[2], suite[j])) return 1
      }
      return 0
    }
    function due(file) {
      if (!everything) print "why everything, since " file " changed"
      everything = 1
    }
    function print_all() {
      for (i = 1; i <= sources; ++i) print "tidy " source[i]
      for (i = 1; i <= programs; ++i) print "program " program[i]
      print "isa"
      for (i = 1; i <= faults; ++i) print "fault " title[i]
    }

    $1 == "file" {
      files[$2]
      if ($2 ~ /^(framework|layers|optim|examples)\/.*\.cpp$/) source[++sources] = $2
      if ($2 ~ /^tests\/.*_(test|fuzz)\.cpp$/) {
        name = program_of($2)
        if (!(name in tests_of)) program[++programs] = name
        tests_of[name] = tests_of[name] " " $2
      }
    }
    $1 == "include" {
      name = $0; sub(/^[^<"]*/, "", name); quoted = name ~ /^"/; name = substr(name, 2); sub(/[>"].*/, "", name)
      if (quoted) name = folder_of($2) "/" name
      else if (!sub(/^gradus\//, "", name)) next
      included_by[name] = included_by[name] " " $2
    }
    $1 == "suite" { if (index(suites[$2] " ", " " $3 " ") == 0) suites[$2] = suites[$2] " " $3 }
    $1 == "fault" {
      value = $0; sub(/^fault [^ ]* [a-z]*: /, "", value)
      if ($3 == "fault:") { title[++faults] = value; list[faults] = $2 }
      if ($3 == "file:") target[faults] = value
      if ($3 == "in:") within[faults] = value
      if ($3 == "test:") test[faults] = value
    }
    $1 == "everything" { everything = 1 }
    $1 == "changed" {
      file = substr($0, 9)
      if (file ~ /\.(md|py|svg)$/ || file ~ /^(docs|benchmarks|\.ci)\// || file ~ /^(LICENSE|\.gitignore|\.clang-format)$/) next
      if (file ~ /^tests\/(tree|scripts|install|readme)\// || file ~ /^(tests\/select_checks|examples\/.*)\.sh$/) next
      if (file == ".clang-tidy") tidy_all = 1
      else if (file == "tests/planted_faults.sh") faults_all = 1
      else if (file ~ /^tests\/faults\/.*\.txt$/) changed_list[file]
      else if (file ~ /^(framework|layers|optim|examples|tests)\/.*\.(h|cpp)$/ || file ~ /^(gradus|text)\.h$/) changed[file]
      else if (file ~ /^tests\/[a-z_]+\//) data[program_of(file)] = file
      else due(file)
      if (file ~ /^tests\/.*\.(h|cpp)$/) changed_in_tests[file]
      if (file ~ /^(tests|framework)\/(kernels|base)\//) isa = 1
      if (file ~ /^tests\/(main\.cpp|racy\/)/) due(file)
    }
    END {
      for (name in data) if (!(name in tests_of)) due(data[name])
      if (everything) { print_all(); exit }
      reach(changed, affected, 0)
      reach(changed, reaching, 1)
      reach(changed_in_tests, changed_test, 0)
      for (i = 1; i <= sources; ++i) if (tidy_all || source[i] in affected) print "tidy " source[i]

      for (i = 1; i <= programs; ++i) {
        distance[i] = program[i] in data ? 1 : 0
        n = split(tests_of[program[i]], file_of, " ")
        for (j = 1; j <= n; ++j) {
          if (!(file_of[j] in reaching)) continue
          if (distance[i] == 0 || reaching[file_of[j]] < distance[i]) distance[i] = reaching[file_of[j]]
        }
        if (distance[i] > furthest) furthest = distance[i]
      }
      for (steps = 1; steps <= furthest; ++steps)
        for (i = 1; i <= programs; ++i) if (distance[i] == steps) print "program " program[i]

      if (isa) print "isa"
      for (i = 1; i <= faults; ++i)
        if (faults_all || list[i] in changed_list || target[i] in affected || within[i] in affected || found_by_a_changed_test(i))
          print "fault " title[i]
    }'
}

# Prints thirty of the faults that FILE, a choice, has not.
draw() {  # FILE
  local commit title
  commit=$(git rev-parse HEAD 2>/dev/null || echo none)
  tree | sed -n 's/^fault [^ ]* fault: /fault /p' | { grep -vxFf "$1" || true; } | while IFS= read -r title; do
    printf '%s %s\n' "$(printf '%s %s' "$commit" "$title" | md5sum | cut -c 1-16)" "${title#fault }"
  done | sort | sed -n '1,30s/^[^ ]* /drawn /p'
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
case $mode in
  all) why=everything; echo everything >"$scratch/changed" ;;
  files) why='the files named'; sed 's/^/changed /' >"$scratch/changed" ;;
  changed) changed_files >"$scratch/changed" ;;
esac
echo "why $why"
{ tree; cat "$scratch/changed"; } | choose | tee "$scratch/choice"
draw "$scratch/choice"
