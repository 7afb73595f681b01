#!/usr/bin/env bash
# The newest xtensor moved its headers into folders (xtensor/containers/xarray.hpp). The shim is built against that layout, and the
# tests of the bridge are run with it: the real one if it is installed, or else a stand-in that forwards to the headers of the old one.
#
#   xtensor_layout_test.sh SOURCE BUILD      BUILD is a finished build of SOURCE
set -euo pipefail
source=$1 build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "xtensor_layout_test: $*" >&2; exit 1; }

cmake --install "$build" --prefix "$scratch/prefix" >/dev/null
shim=$source/framework/bridge/detail/xtensor_shim.h
# The folders that the shim names, between its #if and its #else.
headers=$(awk '/__has_include\(<xtensor\/containers/ {on = 1; next} on && /^#else/ {exit} on && /#include/ {gsub(/.*<|>.*/, ""); print}' "$shim")
[ "$(wc -w <<<"$headers")" -ge 10 ] || fail "the shim names no folders"

stand_in=$scratch/stand_in
for header in $headers; do
  mkdir -p "$stand_in/$(dirname "$header")"
  printf '#pragma once\n#include "stand_in_first.hpp"\n#include <xtensor/%s>\n' "$(basename "$header")" > "$stand_in/$header"
done
# What the newest one does right by itself and the old one by the cure in the shim.
{ echo '#pragma once'
  awk '/^#include <xtensor\/xtensor_config.hpp>/ {on = 1} /^#include <xtensor\/xadapt.hpp>/ {exit} on {print}' "$shim"
} > "$stand_in/stand_in_first.hpp"

mkdir "$scratch/program"
cat > "$scratch/program/CMakeLists.txt" <<'TEXT'
cmake_minimum_required(VERSION 3.22)
project(layout LANGUAGES CXX)
find_package(gradus REQUIRED COMPONENTS xtensor)
find_package(GTest REQUIRED)
include(CheckIncludeFileCXX)
set(CMAKE_REQUIRED_LIBRARIES gradus::xtensor)
check_include_file_cxx(xtensor/containers/xarray.hpp is_new)
add_executable(layout ${TESTS} ${MAIN})
target_link_libraries(layout PRIVATE gradus::xtensor GTest::gtest GTest::gmock)
if(NOT is_new)
  target_include_directories(layout BEFORE PRIVATE ${STAND_IN})
endif()
TEXT
cat > "$scratch/main.cpp" <<'TEXT'
#include <gradus/framework/bridge/xtensor.h>
#include <gtest/gtest.h>
#if !__has_include(<xtensor/containers/xarray.hpp>)
#error "the new layout is not seen"
#endif
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
TEXT
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
cmake -S "$scratch/program" -B "$scratch/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_CXX_FLAGS=-O0 -DSTAND_IN="$stand_in" -DMAIN="$scratch/main.cpp" \
  -DTESTS="$source/tests/bridge/xtensor_shim_test.cpp;$source/tests/bridge/xtensor_test.cpp" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/build" >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log"; exit 1; }
"$scratch/build/layout" --gtest_brief=1
echo "xtensor_layout_test: passed"
