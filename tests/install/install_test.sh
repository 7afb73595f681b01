#!/usr/bin/env bash
# Installs gradus, moves the prefix, and from outside the tree: builds and runs a program with find_package(gradus) that links
# something of every installed header, and one that reaches gradus through another installed library. Of the static library it
# includes every header alone as well.
#
#   install_test.sh static|shared SOURCE BUILD SCRATCH      BUILD is a finished build of SOURCE; `shared` makes its own,
#                                                           without precompiled headers, which hide a missing #include
set -euo pipefail
kind=$1 source=$2 build=$3 scratch=$4
rm -rf "$scratch"
mkdir -p "$scratch"
prefix=$scratch/moved
here=$source/tests/install

if [ "$kind" = shared ]; then
  build=$scratch/build
  cmake -S "$source" -B "$build" -G Ninja -DBUILD_SHARED_LIBS=ON -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 \
    -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DGRADUS_BUILD_TESTS=OFF -DGRADUS_BUILD_EXAMPLES=OFF -DGRADUS_BUILD_BENCHMARKS=OFF
  cmake --build "$build" -j 2
fi
cmake --install "$build" --prefix "$scratch/installed"
mv "$scratch/installed" "$prefix"

build_outside() {  # NAME PREFIX_PATH [cmake arguments]
  local name=$1 path=$2
  shift 2
  cp -r "$here/$name" "$scratch/$name"
  cmake -S "$scratch/$name" -B "$scratch/$name/build" -G Ninja -DCMAKE_PREFIX_PATH="$path" "$@"
  cmake --build "$scratch/$name/build" -j 2
}

alone=ON
[ "$kind" = static ] || alone=OFF  # the headers are the same
build_outside consumer "$prefix" -DHEADERS_ALONE=$alone
(cd "$scratch/consumer/build" && ./consumer && ./fused)

build_outside exporter "$prefix"
cmake --install "$scratch/exporter/build" --prefix "$scratch/exporter_installed"
build_outside user "$prefix;$scratch/exporter_installed"
"$scratch/user/build/user"

# Nothing of this machine may be left in the package.
if grep -rIlE "$source|$build" "$prefix"; then
  echo "install_test: the files above hold paths of the build" >&2
  exit 1
fi
if grep -rIlE -- '-march=' "$prefix/lib"*/cmake; then
  echo "install_test: the package passes -march to its users" >&2
  exit 1
fi
echo "install_test $kind: passed"
rm -rf "$scratch"
