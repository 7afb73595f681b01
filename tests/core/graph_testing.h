#pragma once
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/tests/support/message_of.h>

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

}  // namespace gradus
