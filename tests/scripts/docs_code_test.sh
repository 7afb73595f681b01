#!/usr/bin/env bash
# Every block of C++ in the guide pages compiles, each on its own, with what tests/docs/setting.h declares. A block that defines a
# struct stands outside of functions. write_your_own_layer.md, from_pytorch.md,
# training_program.md, growing_vocabulary.md and README.md have tests of their own, which run their code.
#
#   docs_code_test.sh SOURCE BUILD      BUILD was configured from SOURCE
set -euo pipefail
source=$(cd "$1" && pwd) build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "docs_code_test: $*" >&2; exit 1; }

program() {  # PAGE: its blocks as a program; lines keep their numbers for the compiler's messages
  echo '#include <gradus/tests/docs/setting.h>'
  awk -v page="$1" '
    on && $0 == "```" { on = 0; print in_function ? "} };" : ""; next }
    on && first { first = 0; in_function = $0 !~ /^(struct|class|template|Tensor [a-z_]+\(.*\{$)/
                    if (in_function) printf "struct Block%d : Setting { void run() {\n", ++n
                    printf "#line %d \"%s\"\n", FNR, page }
    on { print }
    $0 == "```cpp" { on = 1; first = 1 }' "$1"
}

compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
check() {  # PAGE
  program "$1" > "$scratch/blocks.cpp"
  "$compiler" -std=c++20 -fsyntax-only -Wall -Werror -Wno-unused-variable -Wno-unused-but-set-variable -Wno-unused-value \
    -I"$build/include" "$scratch/blocks.cpp" 2> "$scratch/errors"
}

blocks=0
for page in "$source"/docs/*.md; do
  case $(basename "$page") in write_your_own_layer.md | from_pytorch.md | training_program.md | growing_vocabulary.md) continue ;; esac
  in_page=$(grep -cx '```cpp' "$page" || true)
  [ "$in_page" -gt 0 ] || continue
  check "$page" || { head -n 40 "$scratch/errors"; fail "$(basename "$page") does not compile"; }
  blocks=$((blocks + in_page))
done
longest=$(awk '$0 == "```cpp" { n = 0 } NF { ++n } $0 == "```" && n > most { most = n } END { print most - 2 }' "$source/docs/published_models.md")
[ "$longest" -le 60 ] || fail "a model of published_models.md has $longest lines: they are to have at most 60"
[ "$blocks" -ge 14 ] || fail "found only $blocks blocks"

printf '```cpp\nTensor x = words(ids);\n```\n' > "$scratch/wrong.md"
! check "$scratch/wrong.md" && grep -q "wrong.md:2:.*words" "$scratch/errors" || fail "a planted block that is wrong was not found"
echo "docs_code_test: passed: $blocks blocks"
