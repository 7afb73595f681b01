#!/usr/bin/env bash
# The code blocks of docs/write_your_own_layer.md are one program: it is built by the page's own CMake lines against an installed gradus
# and run. Every op and layer of the page has to be checked by gradcheck, and a wrong derivative has to be found.
#
#   write_your_own_layer_test.sh SOURCE BUILD      BUILD is a finished build of SOURCE
set -euo pipefail
page=$1/docs/write_your_own_layer.md build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "write_your_own_layer_test: $*" >&2; exit 1; }

blocks() {  # LANGUAGE: all blocks of it
  awk -v fence='```'"$1" '$0 == "```" {on = 0} on; $0 == fence {on = 1}' "$page"
}
program=$scratch/program
mkdir "$program"
blocks cpp > "$program/layers.cpp"
blocks cmake > "$program/CMakeLists.txt"
[ -s "$program/layers.cpp" ] && [ -s "$program/CMakeLists.txt" ] || fail "the page has no program"
others=$(grep '^```.' "$page" | grep -vcxE '```(cpp|cmake)' || true)
[ "$others" = 0 ] || fail "$others blocks are neither C++ nor CMake, and not tested"

compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
cmake --install "$build" --prefix "$scratch/prefix" >/dev/null
quiet=''
if ! "$compiler" --version | grep -q clang; then
  quiet='-Wno-maybe-uninitialized -Wno-uninitialized'  # which g++ 12 sees inside its own AVX-512 intrinsics
fi
run() {  # builds and runs the program; its output is in $scratch/output
  cmake --build "$program/build" >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log"; fail "it does not compile"; }
  (cd "$scratch" && "$program/build/layers" >output)
}
cmake -S "$program" -B "$program/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror $quiet" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
grep -q -- '-O3 .*-march=native' "$program/build/compile_commands.json" || fail "the page's build is not optimized"
run || { cat "$scratch/output"; fail "a gradient is wrong"; }

# Each op that is recorded and each layer that is defined has a line that says it is right.
names=$(grep -oE 'record(_joint)?\("[a-z_]+"|struct [A-Za-z]+ : Module' "$program/layers.cpp" | sed -E 's/.*\("|"$|struct | : Module//g' | sort -u)
[ "$(wc -w <<<"$names")" -ge 9 ] || fail "only these were found: $names"
for name in $names; do
  grep -qx "$name: right" "$scratch/output" || fail "$name is not checked"
done
grep -q '^digraph ' "$scratch/output" && grep -q '^ricker  *10 ' "$scratch/output" || fail "the last part shows nothing"
[ -s "$scratch/trace.json" ] || fail "there is no trace"

# A wrong sign in one derivative is found, and named.
cmake -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 "$program/build" >/dev/null  # compiles faster
sed -i 's/gradients\[1\] = along \* \*y + /gradients[1] = along * *y - /' "$program/layers.cpp"
! run || fail "a wrong derivative of polar was not found"
grep -q '^polar: result 1 alone, input 1 of shape \[2, 3\], element .*: through polar: backward gives ' "$scratch/output" ||
  { cat "$scratch/output"; fail "the wrong derivative was not named"; }
echo "write_your_own_layer_test: passed"
