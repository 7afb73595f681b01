#!/usr/bin/env bash
# A build for a package, with GRADUS_MARCH empty, holds no instruction that only some machines have: no AVX register appears in the
# code of its kernels, though they do in a build for this machine, if it has AVX.
#   baseline_test.sh SOURCE BUILD
set -euo pipefail
source=$1 build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
objects=(CMakeFiles/gradus.dir/framework/{kernels/nn/softmax,kernels/elementwise,base/parallel,core/tensor}.cpp.o)

wide_registers() {  # FOLDER: how many instructions of its objects use one
  (cd "$1" && objdump -d "${objects[@]}") >"$scratch/code" || return 1
  grep -cE '%[yz]mm' "$scratch/code" || true
}

cmake -S "$source" -B "$scratch" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGRADUS_MARCH= -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
  -DGRADUS_BUILD_TESTS=OFF -DGRADUS_BUILD_EXAMPLES=OFF -DGRADUS_BUILD_BENCHMARKS=OFF >"$scratch/log"
cmake --build "$scratch" -j 2 --target "${objects[@]}" >>"$scratch/log" || { cat "$scratch/log"; exit 1; }
found=$(wide_registers "$scratch")
[ "$found" -eq 0 ] || { echo "baseline_test: $found instructions of a build with GRADUS_MARCH empty use AVX" >&2; exit 1; }
if grep -qw avx2 /proc/cpuinfo && grep -q '^GRADUS_MARCH:.*=native' "$build/CMakeCache.txt"; then
  found=$(wide_registers "$build")
  [ "$found" -gt 0 ] || { echo "baseline_test: finds no AVX in a build for this machine either" >&2; exit 1; }
fi
echo "baseline_test: passed"
