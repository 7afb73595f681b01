#pragma once
#include <gradus/framework/base/memory.h>

#include <cstddef>
#include <cstdint>

namespace gradus::kernels {

/// `elements` uninitialized values of T from the memory pool, returned at the end of the scope.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t elements)
      : bytes_(static_cast<size_t>(elements) * sizeof(T)),
        data_(static_cast<T*>(gradus::detail::allocate(bytes_))) {}
  ~Scratch() { gradus::detail::deallocate(data_, bytes_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return data_; }
  T& operator[](int64_t i) const { return data_[i]; }

 private:
  size_t bytes_;
  T* data_;
};

}  // namespace gradus::kernels
