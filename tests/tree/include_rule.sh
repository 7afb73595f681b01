#!/usr/bin/env bash
# Who may include whom: a file includes its own room and lower floors, as floors.txt lists them, and one file alone includes each
# third party. A source stands beside the header that declares what it defines: `reduce_extreme.cpp` beside `reduce.h`, or that in
# `detail/`. Prints everything that breaks a rule.
#
#   include_rule.sh [TREE]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}"
folders=()
for folder in framework layers optim gradus.h text.h examples tests benchmarks; do
  [ ! -e "$folder" ] || folders+=("$folder")
done

broken=0
for source in $(find framework layers optim -name '*.cpp' 2>/dev/null | sort); do
  folder=${source%/*} name=$(basename "$source" .cpp)
  while [ ! -e "$folder/$name.h" ] && [ ! -e "$folder/detail/$name.h" ]; do
    [[ $name == *_* ]] || { echo "$source:1: there is no header of its name"; broken=1; break; }
    name=${name%_*}
  done
done

grep -rHnE --include='*.h' --include='*.cpp' '^[[:space:]]*#[[:space:]]*include' "${folders[@]}" | awk '
  FNR == NR { if ($1 ~ /^[0-9]/) floor[$2] = $1; next }
  function refuse(rule) { print where ": " header ": " rule; broken = 1 }
  function room(file) {
    if (file !~ /\//) return "."
    if (file ~ /^(examples|tests|benchmarks)\//) { sub(/\/.*/, "", file); return file }
    sub(/\/[^\/]*$/, "", file); sub(/\/detail$/, "", file)
    return file
  }
  BEGIN {
    only["xtensor"] = "framework/bridge/detail/xtensor_shim.h"
    only["xtensor-blas"] = "framework/bridge/detail/xtensor_linalg.h"
    only["blas"] = "framework/kernels/blas.h"
    only["pcre2"] = "framework/text/detail/pattern.cpp"
    only["utf8proc"] = "framework/text/detail/unicode.cpp"
    only["libzip"] = "framework/io/detail/zip.cpp"
    only["zlib"] = "framework/io/detail/gzip.cpp"
    only["tbb"] = "framework/base/detail/tbb.h"
    only["xsimd"] = "xtensor"
    only["intrinsics"] = "framework/kernels/simd/batch.h"
    private_rooms = "^framework/(kernels|ops/author)/"
    bridges = "^framework/(bridge/(xtensor|detail/(xtensor_shim|xtensor_linalg))|base/detail/tbb|kernels/blas)\\.h$"
  }
  {
    split($0, part, ":"); file = part[1]; where = file ":" part[2]
    header = $0; sub(/^[^<"]*/, "", header); sub(/[>"][^>"]*$/, "", header)
    quoted = header ~ /^"/; header = substr(header, 2)
    from = room(file)
    library = file ~ /^(framework|layers|optim)\// || from == "."
    public = library && file ~ /\.h$/ && file !~ private_rooms && file !~ /\/detail\//
    if (!(from in floor)) refuse("floors.txt lacks the room " from)
    if (quoted && library) refuse("write #include <gradus/...>")

    if (header ~ /^gradus\//) {
      target = header; sub(/^gradus\//, "", target); to = room(target)
      if (!(to in floor)) refuse("floors.txt lacks the room " to)
      else if (to != from && floor[to] >= floor[from])
        refuse(from ", floor " floor[from] ", does not include " to ", floor " floor[to])
      if (public && target ~ private_rooms) refuse("a public header includes no private room: it is not installed")
      if (public && file !~ bridges && target ~ bridges) refuse("a public header includes no bridge to a third party")
      next
    }

    third = ""
    if (header ~ /^xtensor\//) third = "xtensor"
    else if (header ~ /^xtensor-blas\//) third = "xtensor-blas"
    else if (header ~ /^(cblas|f77blas|openblas_config|lapacke?)\.h$/) third = "blas"
    else if (header ~ /^pcre2/) third = "pcre2"
    else if (header ~ /^utf8proc/) third = "utf8proc"
    else if (header ~ /^zip(conf)?\.h$/) third = "libzip"
    else if (header ~ /^z(conf|lib)\.h$/) third = "zlib"
    else if (header ~ /^(tbb|oneapi)\//) third = "tbb"
    else if (header ~ /^xsimd\//) third = "xsimd"
    else if (library && header ~ /^immintrin\.h$/) third = "intrinsics"
    if (third in only && file != only[third]) refuse(third " is included by " only[third] " alone")
    if (!(third in only) && public && header ~ /^(xtl|fmt|nlohmann|CLI|gtest|gmock|benchmark)\//)
      refuse("a public header includes no third party")
  }
  END { exit broken }' "$here/floors.txt" - || broken=1
exit "$broken"
