#pragma once
#include <gradus/framework/base/detail/shared.h>
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace gradus {

namespace detail {

template <class R, class... A>
class Callable : public Counted {
 public:
  virtual R call(A&&... arguments) = 0;
};

template <class F, class R, class... A>
class CallableBy final : public Callable<R, A...> {
 public:
  explicit CallableBy(F f) : function_(std::move(f)) {}
  R call(A&&... arguments) override {
    if constexpr (std::is_void_v<R>) {
      function_(std::forward<A>(arguments)...);
    } else {
      return function_(std::forward<A>(arguments)...);
    }
  }

 private:
  F function_;
};

/// Pointers, std::function and the like, which may stand for no function.
template <class F>
concept Nullable = std::is_constructible_v<F, std::nullptr_t> && requires(const F& f) {
  static_cast<bool>(f == nullptr);
};

/// Throws Error: an empty Function was called.
[[noreturn]] GRADUS_API void throw_empty_function();

}  // namespace detail

template <class Signature>
class Function;

/// Anything that can be called as R(A...): a lambda, a function, a std::function, which needs a
/// header of its own that costs each file a tenth of a second. Copies share what is called, so that
/// it may hold what cannot be copied, and what it counts it counts for all copies. Calls are const,
/// as those of std::function; two threads may call one if they may call what it holds.
template <class R, class... A>
class Function<R(A...)> {
 public:
  Function() = default;
  Function(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): as std::function
  /// A pointer or std::function that is empty makes an empty one.
  template <class F>
  requires(!std::is_same_v<F, Function> && !std::is_member_pointer_v<F> &&
           std::is_invocable_r_v<R, F&, A...>)
      Function(F f) {  // NOLINT(google-explicit-constructor): as std::function
    if constexpr (detail::Nullable<F>) {
      if (f == nullptr) return;
    }
    callable_ = Ref::adopt(new detail::CallableBy<F, R, A...>(std::move(f)));
  }

  /// Throws Error if there is nothing to call.
  R operator()(A... arguments) const {
    if (!callable_) detail::throw_empty_function();
    return callable_->call(std::forward<A>(arguments)...);
  }

  explicit operator bool() const { return static_cast<bool>(callable_); }
  friend bool operator==(const Function& function, std::nullptr_t) { return !function; }

 private:
  using Ref = detail::Ref<detail::Callable<R, A...>>;

  Ref callable_;
};

}  // namespace gradus
