#!/usr/bin/env bash
# All code in the right columns of docs/from_pytorch.md compiles and runs: each piece on its own, in the order of the page, with the
# variables that are declared below.
#
#   from_pytorch_test.sh SOURCE BUILD      BUILD is a finished build of SOURCE
set -euo pipefail
page=$1/docs/from_pytorch.md build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "from_pytorch_test: $*" >&2; exit 1; }

awk '/^\| `/ {split($0, cell, / \| /); print cell[2]}' "$page" | grep -oE '`[^`]+`' | tr -d '`' |
  grep -vxE 'std::vector|bool|using namespace gradus|std|\.sparse\(\)' > "$scratch/pieces"
pieces=$(wc -l < "$scratch/pieces")
[ "$pieces" -ge 80 ] || fail "found only $pieces pieces of code"

{
  cat <<'CPP'
#include <gradus/gradus.h>

#include <cstdio>
#include <exception>
#include <vector>
using namespace gradus;
CPP
  awk '$0 == "```" {on = 0} on; $0 == "```cpp" {on = 1}' "$page"
  cat <<'CPP'
struct Piece {
  Generator generator = Generator(1);
  std::vector<float> values{1, 2, 3, 4, 5, 6};
  Tensor x = rand({2, 3}), y = rand({2, 3}), row = rand({3}), rows = rand({2, 3}), w = rand({3, 4});
  Tensor ids = tensor({1, 0}), mask = x > 0.5, total = scalar(0.0f);
  Net model;
  Tensor loss = sum(model(tensor({{1, 2}, {3, 4}}))), logits = rand({2, 5}), labels = tensor({4, 0});
  int step = 3;
};
CPP
  awk '{printf "struct Piece%d : Piece { void run() { %s; } };\n", NR, $0}' "$scratch/pieces"
  cat <<'CPP'
template <class P>
bool runs(int number) {
  try {
    P piece;
    piece.w.set_trainable(true).set_grad(zeros({3, 4}));
    piece.run();
    return true;
  } catch (const std::exception& error) {
    std::printf("piece %d: %s\n", number, error.what());
    return false;
  }
}
int main() {
  bool all_run = true;
CPP
  awk '{printf "  all_run &= runs<Piece%d>(%d);\n", NR, NR}' "$scratch/pieces"
  printf '  return all_run ? 0 : 1;\n}\n'
} > "$scratch/pieces.cpp"
cat > "$scratch/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.22)
project(pieces LANGUAGES CXX)
find_package(gradus REQUIRED)
add_executable(pieces pieces.cpp)
target_link_libraries(pieces PRIVATE gradus::gradus)
CMAKE

compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
cmake --install "$build" --prefix "$scratch/prefix" >/dev/null
cmake -S "$scratch" -B "$scratch/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_CXX_FLAGS="-O0 -Wall -Wextra -Werror -Wno-unused-value" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/build" >"$scratch/log" 2>&1 || { head -n 40 "$scratch/log"; fail "a piece does not compile"; }
(cd "$scratch" && build/pieces) || { cat -n "$scratch/pieces"; fail "a piece does not run"; }
echo "from_pytorch_test: passed: $pieces pieces of code"
