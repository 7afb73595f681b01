#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/io/detail/safetensors_types.h>

#include <algorithm>
#include <vector>

namespace gradus::detail {
namespace {

struct Known {
  const char* name;
  std::uint64_t bits;
  std::optional<DType> dtype{};
};
// Source: the enumeration Dtype of the reference implementation, 0.8.
constexpr std::array<Known, 22> known_types{{{"F32", 32, DType::float32},
                                             {"F64", 64, DType::float64},
                                             {"I64", 64, DType::int64},
                                             {"BOOL", 8, DType::boolean},
                                             {"F16", 16, DType::float32},
                                             {"BF16", 16, DType::float32},
                                             {"I32", 32, DType::int64},
                                             {"I16", 16, DType::int64},
                                             {"I8", 8, DType::int64},
                                             {"U32", 32, DType::int64},
                                             {"U16", 16, DType::int64},
                                             {"U8", 8, DType::int64},
                                             {"U64", 64},
                                             {"C64", 64},
                                             {"F8_E5M2", 8},
                                             {"F8_E4M3", 8},
                                             {"F8_E5M2FNUZ", 8},
                                             {"F8_E4M3FNUZ", 8},
                                             {"F8_E8M0", 8},
                                             {"F6_E2M3", 6},
                                             {"F6_E3M2", 6},
                                             {"F4", 4}}};

}  // namespace

FileType file_type(std::string_view name) {
  const auto* known = std::find_if(known_types.begin(), known_types.end(),
                                   [&](const Known& type) { return name == type.name; });
  if (known == known_types.end()) return {std::string(name)};
  return {known->name, known->bits, known->dtype};
}

std::string readable_types() {
  std::vector<const char*> names;
  for (const Known& type : known_types) {
    if (type.dtype) names.push_back(type.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

bool is_mappable(const FileType& type) {
  return type.dtype && *type.dtype != DType::boolean &&
         type.bits == 8 * static_cast<std::uint64_t>(item_size(*type.dtype));
}

}  // namespace gradus::detail
