#pragma once

namespace gradus::detail {

/// f(). If it throws, what `value` points to, if anything, is what it was before.
template <class T, class F>
auto unchanged_on_error(T* value, const F& f) {
  if (!value) return f();
  const T before = *value;
  try {
    return f();
  } catch (...) {
    *value = before;
    throw;
  }
}

}  // namespace gradus::detail
