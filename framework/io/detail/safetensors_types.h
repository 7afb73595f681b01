#pragma once
#include <gradus/framework/base/dtype.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gradus::detail {

/// An element type of the format: its size in the file, and what it becomes; neither if the type is
/// not known, no dtype if it cannot be read.
struct FileType {
  std::string name;
  std::uint64_t bits = 0;
  std::optional<DType> dtype{};
};

/// The type of that name.
FileType file_type(std::string_view name);
/// "F32, F64, ...": those that can be read.
std::string readable_types();

/// True if the file holds the values as a tensor does; bytes of a boolean may be more than 0 and 1.
bool is_mappable(const FileType& type);

}  // namespace gradus::detail
