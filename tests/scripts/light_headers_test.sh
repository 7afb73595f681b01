#!/usr/bin/env bash
# No header that gradus.h reaches includes a standard header that is dear to compile: see docs/decisions/0006.
#
#   light_headers_test.sh SOURCE [BUILD]
set -euo pipefail
source=$(cd "$1" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
heavy='^ *# *include *<(memory|functional|map|unordered_map|set|unordered_set|variant|iterator|ranges|filesystem|regex|[a-z]*stream)>'

dear() {  # TREE: prints what its gradus.h includes, by way of other headers of the tree, and should not
  ln -sfn "$1" "$scratch/gradus"
  "${CXX:-c++}" -std=c++20 -MM -I"$scratch" "$1/gradus.h" | tr -d '\\' | tr -s ' ' '\n' | grep -F "$scratch/gradus/" > "$scratch/reached"
  xargs grep -HnE "$heavy" < "$scratch/reached" | sed "s|^$scratch/gradus/||"
}

if dear "$source"; then
  echo "light_headers_test: programs that include gradus.h would pay for these" >&2
  exit 1
fi
[ "$(wc -l < "$scratch/reached")" -gt 50 ] || { echo "light_headers_test: gradus.h reaches too few headers" >&2; exit 1; }

mkdir -p "$scratch/tree/framework"
echo '#include <gradus/framework/a.h>' > "$scratch/tree/gradus.h"
echo '#include <functional>' > "$scratch/tree/framework/a.h"
[ "$(dear "$scratch/tree")" = "framework/a.h:1:#include <functional>" ] ||
  { echo "light_headers_test: a planted <functional> was not found" >&2; exit 1; }
echo "light_headers_test: passed"
