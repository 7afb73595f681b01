#pragma once
// What tests of reductions share.
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/tests/support/op_cases.h>

#include <map>
#include <string>

namespace gradus {

// The elements of x that go into each element of a reduction over the axes in `mask`, in order.
inline std::vector<std::vector<double>> groups(const Tensor& x, unsigned mask) {
  const std::vector<double> values = values_of(x);
  std::map<std::vector<std::int64_t>, std::vector<double>> by_index;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    std::vector<std::int64_t> index;
    std::int64_t rest = i;
    for (int axis = x.dim(); axis-- > 0;) {
      if (!(mask >> axis & 1u)) index.insert(index.begin(), rest % x.size(axis));
      rest /= x.size(axis);
    }
    by_index[index].push_back(values[static_cast<std::size_t>(i)]);
  }
  std::vector<std::vector<double>> result;
  for (const auto& [index, group] : by_index) result.push_back(group);
  return result;
}

inline std::vector<std::int64_t> axes_of(unsigned mask, int rank, bool from_end) {
  std::vector<std::int64_t> axes;
  for (int axis = 0; axis < rank; ++axis) {
    if (mask >> axis & 1u) axes.push_back(from_end ? axis - rank : axis);
  }
  return axes;
}

inline Shape reduced_shape(const Shape& shape, unsigned mask, bool keepdim) {
  std::vector<std::int64_t> sizes;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool reduced = mask >> axis & 1u;
    if (!reduced || keepdim) sizes.push_back(reduced ? 1 : shape[axis]);
  }
  return Shape(std::span<const std::int64_t>(sizes));
}

using Reduce = Tensor (*)(const Tensor&, const Axes&, bool);
using Oracle = double (*)(const std::vector<double>&);

// Every subset of the axes of tensors of rank 1 to 4, kept or not, counted from either end.
inline void check_values(Reduce op, Oracle oracle) {
  for (const Shape& shape : {Shape{5}, Shape{2, 3}, Shape{3, 1, 2}, Shape{2, 3, 2, 4}}) {
    const Tensor x = frozen(random_leaf(shape));
    for (unsigned mask = 1; mask < (1u << shape.rank()); ++mask) {
      std::vector<double> expected;
      for (const auto& group : groups(x, mask)) expected.push_back(oracle(group));
      for (const bool keepdim : {false, true}) {
        SCOPED_TRACE(shape.str() + " mask " + std::to_string(mask));
        const Axes axes(axes_of(mask, shape.rank(), keepdim));
        const Shape result = reduced_shape(shape, mask, keepdim);
        EXPECT_TRUE(is_close(op(x, axes, keepdim), result, expected, 1e-14));
        EXPECT_TRUE(is_close(op(x.to(DType::float32), axes, keepdim), result, expected, 1e-6));
      }
    }
  }
}

inline void check_gradients(Reduce op) {
  for (const Shape& shape : {Shape{5}, Shape{2, 3}, Shape{2, 3, 2, 2}}) {
    for (unsigned mask = 1; mask < (1u << shape.rank()); ++mask) {
      for (const bool keepdim : {false, true}) {
        SCOPED_TRACE(shape.str() + " mask " + std::to_string(mask));
        const auto function = [&](const Inputs& in) {
          return op(in[0], Axes(axes_of(mask, shape.rank(), false)), keepdim);
        };
        EXPECT_TRUE(passes_gradcheck(function, {random_leaf(shape)}));
      }
    }
  }
  EXPECT_TRUE(passes_gradcheck(  // the input is used elsewhere as well
      [&](const Inputs& in) { return op(in[0], 1, true) * in[0]; }, {random_leaf({2, 3})}));
  EXPECT_FALSE(op(frozen(random_leaf({2})), 0, false).requires_grad());
}

inline void check_whole(Tensor (*op)(const Tensor&), Oracle oracle) {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{7}, Shape{2, 3, 4}}) {
    SCOPED_TRACE(shape.str());
    const Tensor x = random_leaf(shape);
    EXPECT_TRUE(is_close(op(x), {}, {oracle(values_of(x))}, 1e-14));
    EXPECT_TRUE(passes_gradcheck([op](const Inputs& in) { return op(in[0]); }, {x}));
  }
}

inline void check_broken_axes(Reduce op, const std::string& name) {
  EXPECT_ERROR(op(ones({2, 3}), 2, false), IndexError, name + ": axis 2 is outside [-2, 2)");
  EXPECT_ERROR(op(ones({2, 3}), {0, -3}, false), IndexError, name + ": axis -3 is outside [-2, 2)");
  EXPECT_ERROR(op(ones({2, 3}), {1, -1}, false), ValueError,
               name + ": axis -1 is given twice for a tensor of shape [2, 3]");
  EXPECT_ERROR(op(ones({2, 3}), {}, false), ValueError,
               name + ": the list of axes is empty: leave it out to reduce all axes");
  EXPECT_ERROR(op(ones({2, 3}), {0, 1, 2, 3, 4, 5, 6, 7, 8}, false), ValueError,
               "axes: 9 axes where a tensor has at most 8");
}

}  // namespace gradus
