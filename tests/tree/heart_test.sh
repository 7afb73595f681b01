#!/usr/bin/env bash
# The files that tell what gradus is read in a sitting: together they have at most 1,600 lines of code (no blank lines, no comments),
# and each of the ten concepts is declared in one of them. docs/how_it_works.md says in which order to read them.
set -euo pipefail
cd "$(dirname "$0")/../.."
limit=1600
heart=(framework/base/dtype.h framework/core/{tensor,autograd,grad_mode}.{h,cpp} framework/core/backward.cpp
  framework/core/{gradient,sparse_grad,random,thread_state}.h framework/module/module.{h,cpp} optim/optimizer.{h,cpp})
fail() { echo "heart_test: $*" >&2; exit 1; }

lines=0
for file in "${heart[@]}"; do
  code=$(sed 's|//.*||' "$file" | grep -c '[^[:space:]]')
  printf '%5d  %s\n' "$code" "$file"
  lines=$((lines + code))
done
printf '%5d  in all\n' "$lines"
[ "$lines" -le "$limit" ] || fail "$lines lines of code: what is not the idea belongs in another file"

concepts=('class (GRADUS_API )?Tensor ' 'enum class DType ' 'class (GRADUS_API )?SparseGrad ' 'class (GRADUS_API )?Gradient '
  'Tensor record\(' 'class (GRADUS_API )?Parameter ' 'class (GRADUS_API )?Module ' 'class (GRADUS_API )?Optimizer '
  'class (GRADUS_API )?Generator ' 'class (GRADUS_API )?NoGradGuard ')
for concept in "${concepts[@]}"; do
  grep -qE "^$concept" "${heart[@]}" || fail "no file declares $concept"
done
for file in "${heart[@]}"; do
  grep -qE "\b$(basename "$file")\b" docs/how_it_works.md || fail "docs/how_it_works.md does not name $file"
done
echo "heart_test: passed"
