#!/usr/bin/env bash
# Builds and runs the README's training program, by the README's CMake lines, against an installed gradus.
#
#   readme_test.sh SOURCE BUILD SCRATCH      BUILD is a finished build of SOURCE
set -euo pipefail
source=$1 build=$2 scratch=$3
rm -rf "$scratch"
mkdir -p "$scratch/train"
cmake --install "$build" --prefix "$scratch/prefix" >/dev/null

block() {  # LANGUAGE: the first block of it after the marker
  awk -v fence='```'"$1" '/^<!-- The test `readme` /{on = 1} on && $0 == "```" && inside {exit} inside; on && $0 == fence {inside = 1}' \
    "$source/README.md"
}
block cpp > "$scratch/train/train.cpp"
block cmake > "$scratch/train/CMakeLists.txt"
for file in "$scratch"/train/*; do
  [ -s "$file" ] || { echo "readme_test: README.md has no block for $(basename "$file")" >&2; exit 1; }
done
lines=$(grep -c . "$scratch/train/train.cpp")
[ "$lines" -le 25 ] || { echo "readme_test: the program has grown to $lines lines" >&2; exit 1; }

cmake -S "$scratch/train" -B "$scratch/train/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$scratch/prefix"
cmake --build "$scratch/train/build"
cd "$scratch/train"
build/train | tee output

# It has to learn: the last loss it prints is well below the first.
awk '/loss/ {loss = $NF; if (!n++) first = loss} END {exit !(n > 1 && loss < 0.5 * first)}' output ||
  { echo "readme_test: the loss did not fall to half" >&2; exit 1; }
cd /
rm -rf "$scratch"
