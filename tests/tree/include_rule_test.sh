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

refused framework/kernels/a.cpp '<gradus/framework/tensor.h>'
refused framework/kernels/a.h '<gradus/framework/ops/matmul.h>'
refused framework/kernels/a.cpp '<xsimd/xsimd.hpp>'
refused framework/kernels/a.cpp '<immintrin.h>'
refused framework/tensor.h '<gradus/framework/detail/simd.h>'
refused framework/autograd.cpp '<gradus/framework/ops/matmul.h>'
refused framework/tensor.h '<gradus/layers/linear.h>'
refused framework/ops/a.cpp '<gradus/layers/linear.h>'
refused framework/ops/a.cpp '<gradus/framework/io/safetensors.h>'
refused framework/io/a.cpp '<gradus/optim/sgd.h>'
refused layers/a.cpp '<gradus/optim/sgd.h>'
refused optim/a.cpp '<gradus/layers/linear.h>'
refused layers/a.cpp '<gradus/gradus.h>'
refused layers/a.h '<gradus/tests/support/data.h>'
refused gradus.h '<gradus/examples/common/corpus.h>'
refused examples/a.cpp '<gradus/tests/support/data.h>'
refused layers/a.h '"linear.h"'
refused framework/ops/a.cpp '<xtensor/xarray.hpp>'
refused tests/ops/a_test.cpp '<xtensor/xarray.hpp>'
refused framework/xtensor.h '<xtensor-blas/xlinalg.hpp>'
refused framework/kernels/gemm.cpp '<cblas.h>'
refused framework/parallel.cpp '<tbb/parallel_for.h>'
refused benchmarks/a_bench.cpp '<oneapi/tbb/parallel_for.h>'
refused framework/shape.h '<fmt/format.h>'
refused layers/a.h '<gradus/framework/xtensor.h>'
refused framework/parallel.h '<gradus/framework/detail/tbb.h>'
refused layers/a.h '<gradus/framework/kernels/alias.h>'
refused framework/ops/a.h '<gradus/framework/kernels/alias.h>'

accepted framework/kernels/a.cpp '<gradus/framework/detail/simd.h>'
accepted framework/kernels/a.cpp '<gradus/framework/parallel.h>'
accepted framework/kernels/a.cpp '<gradus/framework/memory.h>'
accepted framework/shape.cpp '<fmt/format.h>'
accepted framework/ops/a.cpp '<gradus/framework/kernels/softmax.h>'
accepted framework/ops/a.cpp '<gradus/framework/xtensor.h>'
accepted framework/xtensor.h '<gradus/framework/detail/xtensor_shim.h>'
accepted layers/a.cpp '<gradus/framework/ops/matmul.h>'
accepted examples/a.cpp '<gradus/gradus.h>'
accepted tests/layers/a_test.cpp '<gradus/optim/sgd.h>'
echo "include_rule_test: passed"
