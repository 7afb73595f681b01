#pragma once

// What a side tells of the libraries in its process: which of their kernels they have chosen here.

#include <dlfcn.h>

#include <string>
#include <utility>
#include <vector>

namespace peers {

/// Names and values, as OpenBLAS's core.
using Facts = std::vector<std::pair<std::string, std::string>>;

/// The names of oneDNN's instruction sets, by the bits of dnnl_cpu_isa_t.
inline std::string onednn_set(unsigned bits) {
  static const std::vector<std::pair<unsigned, const char*>> names{
      {0x1, "SSE4.1"},
      {0x3, "AVX"},
      {0x7, "AVX2"},
      {0xf, "AVX2-VNNI"},
      {0x1f, "AVX2-VNNI-2"},
      {0x27, "AVX-512"},
      {0x67, "AVX-512-VNNI"},
      {0xe7, "AVX-512-BF16"},
      {0x1ef, "AVX-512-FP16"},
      {0xfef, "AVX-512-FP16, AMX"},
      {0x1fef, "AVX-512-FP16, AMX-FP16"},
      {0x201ff, "AVX10.2"},
      {0x22fff, "AVX10.2, AMX-2"}};
  for (const auto& [value, name] : names) {
    if (value == bits) return name;
  }
  return "bits " + std::to_string(bits);
}

/// OpenBLAS's core and oneDNN's instruction set, of those that are linked and can be asked.
inline Facts library_facts() {
  Facts facts;
  if (void* const core = dlsym(RTLD_DEFAULT, "openblas_get_corename")) {
    facts.emplace_back("openblas_core", reinterpret_cast<const char* (*)()>(core)());
  }
  if (void* const isa = dlsym(RTLD_DEFAULT, "dnnl_get_effective_cpu_isa")) {
    facts.emplace_back("onednn_set", onednn_set(reinterpret_cast<unsigned (*)()>(isa)()));
  }
  return facts;
}

}  // namespace peers
