#pragma once
#include <gradus/framework/base/export.h>

#include <utility>

namespace gradus::detail {

/// Throws Error.
[[noreturn]] GRADUS_API void throw_moved_from(const char* name);

/// What a member points to. Throws Error, naming the class, if its object was moved from.
template <class Pointer>
const auto& held(const Pointer& pointer, const char* name) {
  if (!pointer) throw_moved_from(name);
  return *pointer;
}

/// A member that knows whether its object was moved from, for classes that are unusable then.
class MovedFrom {
 public:
  MovedFrom() = default;
  MovedFrom(const MovedFrom&) = default;
  MovedFrom(MovedFrom&& other) noexcept : moved_(std::exchange(other.moved_, true)) {}
  MovedFrom& operator=(const MovedFrom&) = default;
  MovedFrom& operator=(MovedFrom&& other) noexcept {
    moved_ = std::exchange(other.moved_, true);
    return *this;
  }
  ~MovedFrom() = default;

  /// Throws Error, naming the class, if its object was moved from.
  void check(const char* name) const {
    if (moved_) throw_moved_from(name);
  }

 private:
  bool moved_ = false;
};

}  // namespace gradus::detail
