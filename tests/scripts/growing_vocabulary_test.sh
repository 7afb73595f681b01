#!/usr/bin/env bash
# The program of docs/growing_vocabulary.md builds against an installed gradus and does what the page says: words of the second file are
# unknown until they are merged, and what was learnt from the first file is not lost.
#
#   growing_vocabulary_test.sh SOURCE BUILD      BUILD is a finished build of SOURCE
set -euo pipefail
page=$1/docs/growing_vocabulary.md build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "growing_vocabulary_test: $*" >&2; exit 1; }

awk '$0 == "```" {on = 0} on; $0 == "```cpp" {on = 1}' "$page" > "$scratch/grow.cpp"
[ "$(grep -c . "$scratch/grow.cpp")" -ge 40 ] || fail "the page has no program"
sed 's/remap(tensor(row_sources(words, others))/remap(tensor(std::vector<std::int64_t>(row_sources(words, others).size(), -1))/' \
  "$scratch/grow.cpp" | sed 's/\.padding_idx = 0, //' > "$scratch/forget.cpp"
! cmp -s "$scratch/grow.cpp" "$scratch/forget.cpp" || fail "the line that carries rows was not found"
cat > "$scratch/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(grow LANGUAGES CXX)
find_package(gradus REQUIRED COMPONENTS text)
foreach(name grow forget)
  add_executable(${name} ${name}.cpp)
  target_link_libraries(${name} PRIVATE gradus::text)
endforeach()
END
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
cmake --install "$build" --prefix "$scratch/prefix" >/dev/null
(cmake -S "$scratch" -B "$scratch/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" && cmake --build "$scratch/build") >"$scratch/log" 2>&1 ||
  { tail -n 40 "$scratch/log"; fail "it does not compile"; }

# Two classes, each with words of its own: other ones in each file. Of three words, one is common; the last word of a text is rare.
texts() {  # SEED PREFIX
  awk -v seed="$1" -v prefix="$2" 'BEGIN {
    for (i = 0; i < 400; ++i) {
      text = "__label__" (i % 2 ? "even" : "odd")
      for (w = 0; w < 9; ++w) {
        seed = (seed * 1103515245 + 12345) % 2147483648
        n = int(seed / 65536)
        text = text " " (w % 3 ? prefix i % 2 "x" n % 20 : "common" n % 50)
      }
      print text " rare" prefix i
    }
  }'
}
texts 1 old > "$scratch/first.txt"
texts 2 new > "$scratch/second.txt"
cd "$scratch"
build/grow first.txt second.txt > output || { cat output; fail "it failed"; }
check() {  # WHEN AWK-CONDITION over w (words), a and b (accuracies)
  sed -nE "s/^$1: ([0-9]+) words, accuracy ([0-9.]+) ([0-9.]+)\$/\1 \2 \3/p" output |
    awk "{ w = \$1; a = \$2; b = \$3; seen = 1; if (!($2)) exit 1 } END { if (!seen) exit 1 }" || { cat output; fail "$1: not $2"; }
}
check first 'w == 492 && a >= 0.95 && b < 0.7'   # <pad>, <unk>, 50 common ones, 40 of the classes, 400 rare ones
check merged 'w == 932 && a >= 0.95 && b < 0.7'
check second 'w == 932 && a >= 0.95 && b >= 0.95'
check cut 'w == 132 && a >= 0.95 && b >= 0.95'
check end 'w == 132 && a >= 0.95 && b >= 0.95'
build/forget first.txt second.txt > output || { cat output; fail "the program that forgets failed"; }
check cut 'a < 0.7 && b < 0.7'
! build/grow first.txt missing.txt 2>error || fail "a missing file was read"
grep -q 'missing.txt' error || { cat error; fail "the error does not name the file"; }
echo "growing_vocabulary_test: passed"
