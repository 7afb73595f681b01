#!/usr/bin/env bash
# Who may include whom: kernels <- framework <- ops <- {layers | optim} <- examples, tests, benchmarks, and which one file may include
# which third party. Prints every include that breaks a rule.
#
#   include_rule.sh [TREE]
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
folders=()
for folder in framework layers optim gradus.h examples tests benchmarks; do
  [ ! -e "$folder" ] || folders+=("$folder")
done

grep -rHnE --include='*.h' --include='*.cpp' '^[[:space:]]*#[[:space:]]*include' "${folders[@]}" | awk '
  function refuse(rule) { print where ": " header ": " rule; broken = 1 }
  function below(file) {  # the layer a file of the tree belongs to
    if (file ~ /^framework\/kernels\//) return "kernels"
    if (file ~ /^framework\/ops\//) return "ops"
    if (file ~ /^framework\/(io|text)\//) return "io"
    if (file ~ /^framework\//) return "framework"
    if (file ~ /^(layers|optim|examples|tests|benchmarks)\//) { sub(/\/.*/, "", file); return file }
    return "gradus.h"
  }
  BEGIN {
    above["kernels"] = "ops io layers optim gradus.h examples tests benchmarks"
    above["framework"] = above["kernels"]
    above["ops"] = "io layers optim gradus.h examples tests benchmarks"
    above["io"] = "layers optim gradus.h examples tests benchmarks"
    above["layers"] = "optim gradus.h examples tests benchmarks"
    above["optim"] = "layers gradus.h examples tests benchmarks"
    above["gradus.h"] = "examples tests benchmarks"
    above["examples"] = "tests benchmarks"
    only["xtensor"] = "framework/detail/xtensor_shim.h"
    only["xtensor-blas"] = "framework/detail/xtensor_linalg.h"
    only["blas"] = "framework/detail/blas.h"
    only["tbb"] = "framework/detail/tbb.h"
    only["xsimd"] = "xtensor"
    only["intrinsics"] = "framework/detail/simd_batch.h"
    bridges = "^framework/(xtensor|detail/(xtensor_shim|xtensor_linalg|blas|tbb)|(detail|kernels)/simd[a-z_]*)\\.h$"
    kernels_know = "^framework/(kernels/.*|parallel|memory|error|export|dtype|detail/(blas|tbb|blocks|simd[a-z_]*))\\.h$"
  }
  {
    split($0, part, ":"); file = part[1]; where = file ":" part[2]
    header = $0; sub(/^[^<"]*/, "", header); sub(/[>"][^>"]*$/, "", header)
    quoted = header ~ /^"/; header = substr(header, 2)
    layer = below(file)
    library = file ~ /^(framework|layers|optim|gradus\.h)/
    if (quoted && library) refuse("write #include <gradus/...>")

    if (header ~ /^gradus\//) {
      target = header; sub(/^gradus\//, "", target)
      if (target != file && index(" " above[layer] " ", " " below(target) " "))
        refuse(layer " does not include " below(target))
      if (layer == "kernels" && target !~ kernels_know)
        refuse("kernels know nothing of the framework but parallel.h, memory.h, error.h, export.h and dtype.h")
      if (library && file ~ /\.h$/ && file !~ bridges && target ~ bridges)
        refuse("a public header includes no bridge to a third party")
      if (library && file ~ /\.h$/ && file != "framework/ops/map.h" && layer != "kernels" && target ~ /^framework\/kernels\//)
        refuse("a public header includes no kernel: kernels are not installed")
      next
    }

    third = ""
    if (header ~ /^xtensor\//) third = "xtensor"
    else if (header ~ /^xtensor-blas\//) third = "xtensor-blas"
    else if (header ~ /^(cblas|f77blas|openblas_config|lapacke?)\.h$/) third = "blas"
    else if (header ~ /^(tbb|oneapi)\//) third = "tbb"
    else if (header ~ /^xsimd\//) third = "xsimd"
    else if (library && header ~ /^immintrin\.h$/) third = "intrinsics"
    if (third in only && file != only[third]) refuse(third " is included by " only[third] " alone")
    if (!(third in only) && library && file ~ /\.h$/ && file !~ bridges && header ~ /^(xtl|fmt|nlohmann|CLI|gtest|gmock|benchmark)\//)
      refuse("a public header includes no third party")
  }
  END { exit broken }'
