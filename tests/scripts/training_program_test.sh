#!/usr/bin/env bash
# The program of docs/training_program.md has at most 60 lines, builds against an installed gradus, learns, and says what is wrong with a
# file. It does not learn at learning rate 0.
#
#   training_program_test.sh SOURCE BUILD      BUILD is a finished build of SOURCE
set -euo pipefail
page=$1/docs/training_program.md build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "training_program_test: $*" >&2; exit 1; }

awk '$0 == "```" {on = 0} on; $0 == "```cpp" {on = 1}' "$page" > "$scratch/train.cpp"
lines=$(grep -c . "$scratch/train.cpp")
[ "$lines" -ge 40 ] && [ "$lines" -le 60 ] || fail "the program has $lines lines"
sed 's/\.lr = 0\.01/.lr = 0/' "$scratch/train.cpp" > "$scratch/idle.cpp"
! cmp -s "$scratch/train.cpp" "$scratch/idle.cpp" || fail "the learning rate was not found"
cat > "$scratch/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(train LANGUAGES CXX)
find_package(gradus REQUIRED COMPONENTS text)
foreach(name train idle)
  add_executable(${name} ${name}.cpp)
  target_link_libraries(${name} PRIVATE gradus::text)
endforeach()
END
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
cmake --install "$build" --prefix "$scratch/prefix" >/dev/null
(cmake -S "$scratch" -B "$scratch/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" && cmake --build "$scratch/build") >"$scratch/log" 2>&1 ||
  { tail -n 40 "$scratch/log"; fail "it does not compile"; }

# Three classes, whose words differ in part: of the words of a text, a third come from its class.
awk 'BEGIN {
  print "label\ttext"
  for (i = 0; i < 1500; ++i) {
    text = ""
    for (w = 0; w < 12; ++w) {
      seed = (seed * 1103515245 + 12345) % 2147483648
      n = int(seed / 65536)
      text = text " " (w % 3 ? "common" n % 400 : "own" i % 3 "x" n % 50)
    }
    print "class" i % 3 "\t" text
  }
}' > "$scratch/data.tsv"
cd "$scratch"
accuracy() { "build/$1" data.tsv model.safetensors 2>progress | tee output | sed -n 's/^accuracy \([0-9.]*\),.*/\1/p'; }
learnt=$(accuracy train)
awk -v a="$learnt" 'BEGIN { exit !(a >= 0.95) }' || { cat output progress; fail "its accuracy is '$learnt'"; }
grep -qE '^class[012]$' output || fail "it has not said what it takes the new text for"
grep -q 'epoch 5: 100%' progress || { cat progress; fail "it has shown no progress"; }
idle=$(accuracy idle)
awk -v a="$idle" 'BEGIN { exit !(a < 0.6) }' || fail "at learning rate 0 its accuracy is '$idle'"

printf 'label\ttext\na\tb\tc\n' > broken.tsv
! build/train broken.tsv model.safetensors 2>error || fail "a broken file was read"
grep -q 'broken.tsv.*line 2' error || { cat error; fail "the error does not name the line"; }
echo "training_program_test: passed"
