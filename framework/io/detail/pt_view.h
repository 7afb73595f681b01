#pragma once
#include <gradus/framework/base/shape.h>
#include <gradus/framework/io/detail/elements.h>
#include <gradus/framework/io/detail/pt_archive.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace gradus::detail {

/// Elements of a storage: what one tensor is, or several of the same view are.
struct PtView {
  std::string key;  // of the storage
  Element type;
  std::int64_t storage_numel;
  std::int64_t offset;
  Shape shape;
  std::array<std::int64_t, Shape::max_rank> strides;

  /// Whether it is all of its storage, in order.
  bool is_whole() const;
  std::int64_t bytes(std::int64_t numel) const { return numel * item_size(dtype_of_element(type)); }
};

/// Reads the view that a call of the pickle stands for. Fails unless all its elements are in a
/// storage that the archive has. `name` is for errors.
PtView read_pt_view(const PtArchive& archive, PickleId id, std::string_view name);

}  // namespace gradus::detail
