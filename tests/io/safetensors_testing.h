#pragma once
#include <gradus/tests/io/file_testing.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace gradus {

/// A .safetensors file of that header, with its length before it.
inline std::string with_length(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string head(8, '\0');
  std::memcpy(head.data(), &length, 8);
  return head + header + data;
}

}  // namespace gradus
