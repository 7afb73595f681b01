#!/usr/bin/env bash
# What compilers say first about programs that a user of PyTorch would write at first: the cure. Each program below is one line, and
# the first error of that line must hold the phrase. The build's own compiler is asked, and g++ and clang++-14 where they are.
#
#   wrong_programs_test.sh SOURCE BUILD      BUILD was configured from SOURCE
set -euo pipefail
source=$1 build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "wrong_programs_test: $*" >&2; exit 1; }
late="initialise it in the constructor's initializer list"

# Every layer, assigned in the body of a constructor and, for comparison, initialised before it.
layers=$(grep -ohE '^class (GRADUS_API )?\w+ : public \w+' "$source"/layers/*.h | sed -E 's/^class (GRADUS_API )?(\w+) : public (\w+)/\2 \3/' |
  awk '{ base[$1] = $2; is_base[$2] } END { for (c in base) if (!(c in is_base) && (base[c] == "Module" || base[c] in base)) print c }' |
  sort | sed -E 's/^(ModuleList|WeightNorm)$/\1<Linear>/' | grep -vx FunctionLayer)
[ "$(wc -l <<<"$layers")" -ge 10 ] || fail "found only the layers $layers"

programs=() phrases=() right=()
add() { programs+=("$1") phrases+=("$2"); }
n=0
for layer in $layers; do
  n=$((n + 1))
  add "struct Late$n : Module { Late$n() { layer = add(\"layer\", some<$layer>()); } $layer layer; };" "$late"
  right+=("struct Right$n : Module { Right$n() : layer(add(\"layer\", some<$layer>())) {} $layer layer; };")
done
add 'struct LateParameter : Module { LateParameter() { p = add_parameter("p", ones({4})); } Parameter p; };' "$late"
right+=('struct RightParameter : Module { RightParameter() : p(add_parameter("p", ones({4}))) {} Parameter p; };')
add 'void to_entry(const Tensor& x, const Tensor& y) { x[0] = y; }' 'x.set_row(0, y)'
add 'void to_number(const Tensor& x) { x[0] = 2.5; }' 'x.set_row(0, y)'
right+=('void to_handle(Tensor& x, const Tensor& y) { x = y; x = ones({2}); }')

first_lines() {  # the lines before the programs
  printf '#include <gradus/gradus.h>\nusing namespace gradus;\ntemplate <class M> M some();\n'
}
{ first_lines; printf '%s\n' "${right[@]}"; } > "$scratch/right.cpp"
{ first_lines; printf '%s\n' "${programs[@]}"; } > "$scratch/wrong.cpp"

check() {  # COMPILER
  local flags=(-std=c++20 -fsyntax-only -I"$build/include") i line first
  ! "$1" --version | grep -q clang || flags+=(-ferror-limit=0)
  "$1" "${flags[@]}" "$scratch/right.cpp" || fail "$1 refuses right programs"
  ! LC_ALL=C "$1" "${flags[@]}" "$scratch/wrong.cpp" 2> "$scratch/errors" || fail "$1 takes wrong programs"
  for i in "${!programs[@]}"; do
    line=$((i + 4))
    first=$(grep -m1 -F "wrong.cpp:$line:" <(grep -F ' error: ' "$scratch/errors") || true)
    [[ $first == *"${phrases[i]}"* ]] || fail "$1 says first of: ${programs[i]}"$'\n'"  ${first:-nothing}"
  done
}

own=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
compilers=$(for compiler in "$own" g++ clang++-14; do readlink -f "$(command -v "$compiler")" || true; done | sort -u)
for compiler in $compilers; do check "$compiler"; done
echo "wrong_programs_test: passed: ${#programs[@]} programs by" $compilers
