#pragma once
#include <gmock/gmock.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/core/sparse_grad.h>
#include <gradus/framework/module/module.h>
#include <gradus/optim/optimizer.h>
#include <gradus/tests/support/message_of.h>
#include <gradus/tests/support/threads_guard.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// Matches three numbers to nine places.
inline auto are(double a, double b, double c) {
  using testing::DoubleNear;
  return testing::ElementsAre(DoubleNear(a, 1e-9), DoubleNear(b, 1e-9), DoubleNear(c, 1e-9));
}

/// A trainable parameter that holds a copy of `values`.
inline NamedParameter named(const std::string& path, const Tensor& values) {
  return {path, Parameter(values.clone().set_trainable(true))};
}

/// Steps with gradients of zeros: a scheduler may step after that.
inline void step_with_zeros(Optimizer& optimizer, const std::vector<NamedParameter>& parameters) {
  for (const NamedParameter& target : parameters) {
    target.parameter.set_grad(zeros_like(target.parameter));
  }
  optimizer.step();
}

template <class T = double>
Tensor random_tensor(const Shape& shape, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<T> values(static_cast<std::size_t>(shape.numel()));
  for (T& value : values) value = static_cast<T>(uniform(engine));
  return tensor(values, shape);
}

/// Rows of random values for a table of that shape.
template <class T = double>
SparseGrad random_rows(const std::vector<std::int64_t>& ids, const Shape& table, unsigned seed) {
  std::vector<std::int64_t> sizes(table.begin(), table.end());
  sizes[0] = static_cast<std::int64_t>(ids.size());
  return {tensor(ids), random_tensor<T>(Shape(sizes), seed), table};
}

template <class T = double>
std::vector<T> values_of(const Tensor& tensor) {
  return {tensor.span<T>().begin(), tensor.span<T>().end()};
}

/// Two tensors hold the same bytes.
inline bool same_bytes(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const auto same = [&]<class T>(T) {
    return std::memcmp(a.data<T>(), b.data<T>(), sizeof(T) * a.span<T>().size()) == 0;
  };
  return a.dtype() == DType::float32 ? same(float{}) : same(double{});
}

/// A hash of the bytes of a tensor.
template <class T = double>
std::uint64_t hash_of(const Tensor& tensor) {
  const std::span<const T> values = tensor.span<T>();
  const auto* bytes = reinterpret_cast<const char*>(values.data());
  return std::hash<std::string_view>()({bytes, values.size_bytes()});
}

/// The values of a scalar that starts at 1, after each of three steps with gradients .5, -1, 2.
template <class Optimizer, class Options>
std::vector<double> three_steps(const Options& options) {
  const NamedParameter w = named("w", tensor({1.0}));
  Optimizer optimizer({w}, options);
  std::vector<double> after;
  for (const double g : {0.5, -1.0, 2.0}) {
    w.parameter.set_grad(tensor({g}));
    optimizer.step();
    after.push_back(w.parameter.item());
  }
  return after;
}

/// What a file of the tree holds.
inline std::string content(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << "run the tests from the root of the tree";
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Calls f() with 1, 2, 3 and 8 threads at a small grain and returns what it gave each time.
template <class F>
auto with_threads(F f) {
  const ThreadsGuard guard;
  set_parallel_grain(64);
  std::vector<decltype(f())> results;
  for (const int n : {1, 2, 3, 8}) {
    set_num_threads(n);
    results.push_back(f());
  }
  return results;
}

/// The parameters of a small model.
inline std::vector<NamedParameter> layers() {
  return {named("embedding.weight", ones({3, 2}, DType::float64)),
          named("encoder.0.weight", ones({2}, DType::float64)),
          named("encoder.1.weight", ones({2}, DType::float64)),
          named("head.bias", ones({2}, DType::float64))};
}

}  // namespace gradus
