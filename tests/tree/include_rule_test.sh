#!/usr/bin/env bash
# The include rule holds in this tree, and include_rule.sh refuses each of the faults planted below.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$here/include_rule.sh" || { echo "include_rule_test: this tree breaks the rule" >&2; exit 1; }

plant() {  # FILE INCLUDE: a tree of one file with one include
  rm -rf "$scratch/tree"
  mkdir -p "$scratch/tree/framework" "$scratch/tree/$(dirname "$1")"
  printf '#include %s\n' "$2" > "$scratch/tree/$1"
  [[ $1 != *.cpp ]] || : > "$scratch/tree/${1%.cpp}.h"
  "$here/include_rule.sh" "$scratch/tree" > "$scratch/output"
}
refused() {
  if plant "$1" "$2" || ! grep -q "^$1:1: " "$scratch/output"; then
    echo "include_rule_test: not refused: $1 with #include $2" >&2
    exit 1
  fi
}
accepted() {
  plant "$1" "$2" || { echo "include_rule_test: refused: $(cat "$scratch/output")" >&2; exit 1; }
}

refused framework/kernels/a.cpp '<gradus/framework/core/tensor.h>'
refused framework/kernels/a.h '<gradus/framework/ops/matmul.h>'
refused framework/kernels/a.cpp '<gradus/framework/kernels/nn/softmax.h>'
refused framework/kernels/a.cpp '<xsimd/xsimd.hpp>'
refused framework/kernels/a.cpp '<immintrin.h>'
refused framework/base/a.cpp '<gradus/framework/core/detail/body.h>'
refused framework/core/a.cpp '<gradus/framework/module/module.h>'
refused framework/core/tensor.h '<gradus/framework/kernels/simd/loop.h>'
refused framework/core/autograd.cpp '<gradus/framework/ops/matmul.h>'
refused framework/core/tensor.h '<gradus/layers/linear.h>'
refused framework/module/a.cpp '<gradus/framework/bridge/visit.h>'
refused framework/ops/author/a.cpp '<gradus/framework/ops/reduce.h>'
refused framework/ops/a.cpp '<gradus/framework/ops/nn/loss.h>'
refused framework/ops/a.cpp '<gradus/layers/linear.h>'
refused framework/ops/detail/a.h '<gradus/framework/data/negative_sampler.h>'
refused framework/io/a.cpp '<gradus/optim/sgd.h>'
refused framework/new_room/a.cpp '<gradus/framework/base/error.h>'
refused layers/a.cpp '<gradus/optim/sgd.h>'
refused optim/a.cpp '<gradus/layers/linear.h>'
refused optim/a.cpp '<gradus/optim/schedule/lr_scheduler.h>'
refused optim/schedule/a.cpp '<gradus/optim/training/clip.h>'
refused layers/a.cpp '<gradus/gradus.h>'
refused layers/a.h '<gradus/tests/support/data.h>'
refused gradus.h '<gradus/examples/kjv/classifier.h>'
refused examples/a.cpp '<gradus/tests/support/data.h>'
refused layers/a.h '"linear.h"'
refused framework/ops/a.cpp '<xtensor/xarray.hpp>'
refused tests/ops/a_test.cpp '<xtensor/xarray.hpp>'
refused framework/bridge/xtensor.h '<xtensor-blas/xlinalg.hpp>'
refused framework/kernels/gemm.cpp '<cblas.h>'
refused framework/text/tokenize.cpp '<pcre2.h>'
refused framework/text/tokenize.cpp '<utf8proc.h>'
refused framework/io/npz.cpp '<zip.h>'
refused framework/io/word_vectors.cpp '<zlib.h>'
refused framework/text/a.cpp '<gradus/framework/metrics/bleu.h>'
refused framework/base/parallel.cpp '<tbb/parallel_for.h>'
refused benchmarks/a_bench.cpp '<oneapi/tbb/parallel_for.h>'
refused framework/base/shape.h '<fmt/format.h>'
refused layers/a.h '<gradus/framework/bridge/xtensor.h>'
refused framework/base/parallel.h '<gradus/framework/base/detail/tbb.h>'
refused layers/a.h '<gradus/framework/kernels/alias.h>'
refused framework/ops/a.h '<gradus/framework/ops/author/map.h>'

accepted framework/kernels/a.cpp '<gradus/framework/kernels/simd/loop.h>'
accepted framework/kernels/nn/a.cpp '<gradus/framework/kernels/reduce.h>'
accepted framework/kernels/a.cpp '<gradus/framework/base/parallel.h>'
accepted framework/base/shape.cpp '<fmt/format.h>'
accepted framework/ops/nn/a.cpp '<gradus/framework/kernels/nn/softmax.h>'
accepted framework/ops/a.cpp '<gradus/framework/ops/author/map.h>'
accepted framework/ops/a.cpp '<gradus/framework/bridge/xtensor.h>'
accepted framework/bridge/xtensor.h '<gradus/framework/bridge/detail/xtensor_shim.h>'
accepted layers/a.cpp '<gradus/framework/ops/matmul.h>'
accepted layers/a.cpp '<gradus/layers/detail/weights.h>'
accepted examples/a.cpp '<gradus/gradus.h>'
accepted tests/layers/a_test.cpp '<gradus/optim/sgd.h>'

plant layers/a_part.cpp '<gradus/framework/base/error.h>'
mv "$scratch/tree/layers/a_part.h" "$scratch/tree/layers/a.h"
"$here/include_rule.sh" "$scratch/tree" || { echo "include_rule_test: a part of a source is refused" >&2; exit 1; }
rm "$scratch/tree/layers/a.h"
! "$here/include_rule.sh" "$scratch/tree" > "$scratch/output" && grep -q '^layers/a_part.cpp:1: there is no header' "$scratch/output" ||
  { echo "include_rule_test: a source without a header is not refused" >&2; exit 1; }
echo "include_rule_test: passed"
