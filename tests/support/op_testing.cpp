#include <gradus/framework/core/random.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {

std::vector<double> values_of(const Tensor& x) {
  const auto copy = [](const auto& values) {
    std::vector<double> result;
    for (const auto value : values) result.push_back(static_cast<double>(value));
    return result;
  };
  switch (x.dtype()) {
    case DType::float32:
      return copy(x.span<float>());
    case DType::float64:
      return copy(x.span<double>());
    case DType::int64:
      return copy(x.span<std::int64_t>());
    case DType::boolean:
      break;
  }
  return copy(x.span<bool>());
}

std::vector<double> gradient_of(const Tensor& leaf) { return values_of(leaf.grad().dense()); }

Tensor random_leaf(const Shape& shape, std::uint64_t seed, double low, double high) {
  Generator generator(seed);
  Tensor leaf = rand(shape, low, high, DType::float64, generator);
  leaf.set_trainable(true);
  return leaf;
}

Tensor leaf(std::initializer_list<double> values) {
  return leaf(std::vector<double>(values), Shape{static_cast<std::int64_t>(values.size())});
}

Tensor leaf(std::initializer_list<double> values, const Shape& shape) {
  return leaf(std::vector<double>(values), shape);
}

void for_each_broadcast_pair(
    const std::function<void(const Shape&, const Shape&, const Shape&)>& f) {
  const std::vector<std::int64_t> sizes{2, 3, 2, 3};
  std::vector<Shape> shapes;  // of operands
  for (std::size_t rank = 0; rank <= sizes.size(); ++rank) {
    for (unsigned mask = 0; mask < (1u << rank); ++mask) {
      std::vector<std::int64_t> shape(sizes.end() - static_cast<std::ptrdiff_t>(rank), sizes.end());
      for (std::size_t axis = 0; axis < rank; ++axis) {
        if (mask >> axis & 1u) shape[axis] = 1;
      }
      shapes.emplace_back(std::span<const std::int64_t>(shape));
    }
  }
  for (const Shape& a : shapes) {
    for (const Shape& b : shapes) f(a, b, broadcast_shapes(a, b, "test"));
  }
}

std::int64_t broadcast_offset(const Shape& from, const Shape& to, std::int64_t i) {
  std::int64_t offset = 0;
  std::int64_t stride = 1;
  for (int k = 1; k <= from.rank(); ++k) {
    const std::int64_t size = from[from.rank() - k];
    const std::int64_t index = i % to[to.rank() - k];
    i /= to[to.rank() - k];
    if (size != 1) offset += index * stride;
    stride *= size;
  }
  return offset;
}

testing::AssertionResult is_close(const Tensor& actual, const Shape& shape,
                                  const std::vector<double>& expected, double tolerance) {
  if (actual.shape() != shape) {
    return testing::AssertionFailure()
           << "shape " << actual.shape().str() << ", expected " << shape.str();
  }
  const std::vector<double> values = values_of(actual);
  if (values.size() != expected.size()) {
    return testing::AssertionFailure() << values.size() << " values, expected " << expected.size();
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double a = values[i];
    const double b = expected[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (std::abs(a - b) <= tolerance * (1 + std::abs(b))) continue;
    return testing::AssertionFailure()
           << "element " << i << " is " << testing::PrintToString(a) << ", expected "
           << testing::PrintToString(b) << "; all: " << testing::PrintToString(values);
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult has_values(const Tensor& actual, const Shape& shape,
                                    const std::vector<double>& expected) {
  return is_close(actual, shape, expected, 0);
}

testing::AssertionResult passes_gradcheck(
    const std::function<Tensor(const std::vector<Tensor>&)>& function,
    const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  const GradcheckResult result = gradcheck(function, inputs, options);
  if (result.ok) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.message;
}

}  // namespace gradus
