#pragma once
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/core/tensor.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace gradus {

inline Tensor leaf(std::initializer_list<double> values) {
  return tensor(values).set_trainable(true);
}

inline std::vector<double> values(const Tensor& t) {
  return {t.span<double>().begin(), t.span<double>().end()};
}

inline std::vector<double> grad(const Tensor& t) { return values(t.grad().dense()); }

template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace gradus
