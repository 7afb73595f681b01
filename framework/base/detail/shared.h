#pragma once
#include <gradus/framework/base/detail/ref.h>
#include <gradus/framework/base/export.h>

#include <atomic>
#include <cstdint>
#include <utility>

namespace gradus::detail {

/// Base of objects that handles share (Ref): made with one count, deleted with the last.
class GRADUS_API Counted {
 public:
  Counted() = default;
  virtual ~Counted() = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  void retain() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  std::int64_t use_count() const { return count_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::int64_t> count_{1};
};

/// Throws Error: a handle was used that is empty, as one is that was moved from.
[[noreturn]] GRADUS_API void throw_empty_handle();

/// A T that copies of the handle share; empty by default. T is complete where one is made, and may
/// be incomplete where handles are copied and destroyed.
template <class T>
class Shared {
 public:
  Shared() = default;

  template <class... Arguments>
  static Shared make(Arguments&&... arguments) {
    struct Filled final : Box {
      explicit Filled(Arguments&&... a) : value(std::forward<Arguments>(a)...) {
        this->object = &value;
      }
      T value;
    };
    Shared shared;
    shared.box_ = Ref<Box>::adopt(new Filled(std::forward<Arguments>(arguments)...));
    return shared;
  }

  T* get() const { return box_ ? box_->object : nullptr; }
  T* operator->() const { return &**this; }
  T& operator*() const {
    if (!box_) throw_empty_handle();
    return *box_->object;
  }
  explicit operator bool() const { return static_cast<bool>(box_); }
  std::int64_t use_count() const { return box_ ? box_->use_count() : 0; }

 private:
  struct Box : Counted {
    T* object = nullptr;
  };

  Ref<Box> box_;
};

}  // namespace gradus::detail
