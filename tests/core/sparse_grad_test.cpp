#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/core/sparse_grad.h>
#include <gradus/framework/ops/elementwise.h>
#include <gtest/gtest.h>

#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Records y = sum of the given rows of x (one each), with a SparseGrad for backward.
Tensor lookup(const Tensor& x, const std::vector<std::int64_t>& ids) {
  const std::int64_t columns = x.shape()[1];
  const auto n = static_cast<std::int64_t>(ids.size());
  Tensor y = zeros({n, columns}, x.dtype());
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t d = 0; d < columns; ++d) {
      y.mutable_data<double>()[i * columns + d] =
          x.data<double>()[ids[static_cast<std::size_t>(i)] * columns + d];
    }
  }
  return record("lookup", y, vjp(x, [ids, shape = x.shape()](const Tensor& g) {
                  return SparseGrad(tensor(ids), g, shape);
                }));
}

Tensor table() {
  return tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0}, {4, 2}).set_trainable(true);
}

std::vector<double> values(const Tensor& t) {
  return {t.span<double>().begin(), t.span<double>().end()};
}

TEST(SparseGrad, ChecksWhatItIsMadeOf) {
  EXPECT_THROW(SparseGrad(tensor({1.0}), ones({1, 2}), {4, 2}), DTypeError);
  EXPECT_THROW(SparseGrad(tensor({1}), ones({1, 3}), {4, 2}), ShapeError);
  EXPECT_THROW(SparseGrad(tensor({1, 2}), ones({1, 2}), {4, 2}), ShapeError);
  try {
    SparseGrad(tensor({1, 4}), ones({2, 2}), {4, 2});
    FAIL();
  } catch (const IndexError& error) {
    EXPECT_THAT(error.what(), HasSubstr("SparseGrad: index 4 at position 1 is outside [0, 4)"));
  }
}

TEST(SparseGrad, CoalescesToRisingIds) {
  const SparseGrad gradient(tensor({3, 0, 3}), tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {3, 2}),
                            {4, 2});
  EXPECT_FALSE(gradient.is_coalesced());
  const SparseGrad sum = gradient.coalesce();
  EXPECT_TRUE(sum.is_coalesced());
  EXPECT_THAT(sum.ids().span<std::int64_t>(), ElementsAre(0, 3));
  EXPECT_THAT(values(sum.values()), ElementsAre(3, 4, 6, 8));
  EXPECT_THAT(values(gradient.to_dense()), ElementsAre(3, 4, 0, 0, 0, 0, 6, 8));
  EXPECT_THAT(values(sum.to_dense()), ElementsAre(3, 4, 0, 0, 0, 0, 6, 8));
}

TEST(SparseGrad, MayBeEmpty) {
  const SparseGrad gradient(empty({0}, DType::int64), empty({0, 2}, DType::float64), {4, 2});
  EXPECT_EQ(gradient.coalesce().nnz(), 0);
  EXPECT_THAT(values(gradient.to_dense()), testing::Each(0));
}

TEST(SparseAccumulation, SparseAfterNothingStaysUncoalesced) {
  const Tensor x = table();
  const Tensor y = lookup(x, {2, 2, 0});
  y.backward(ones_like(y));
  ASSERT_TRUE(x.grad().is_sparse());
  EXPECT_EQ(x.grad().sparse().nnz(), 3);
  EXPECT_FALSE(x.grad().sparse().is_coalesced());
}

TEST(SparseAccumulation, SparseAndSparseConcatenate) {
  const Tensor x = table();
  for (const std::int64_t row : {1, 3}) {
    const Tensor y = lookup(x, {row});
    y.backward(full_like(y, static_cast<double>(row)));
  }
  EXPECT_THAT(x.grad().sparse().ids().span<std::int64_t>(), ElementsAre(1, 3));
  EXPECT_THAT(values(x.grad().sparse().values()), ElementsAre(1, 1, 3, 3));
}

TEST(SparseAccumulation, CoalescesAboveTheNumberOfRows) {
  const Tensor x = table();
  for (int i = 0; i < 10; ++i) {
    const Tensor y = lookup(x, {1, 2});
    y.backward(ones_like(y));
    EXPECT_LE(x.grad().sparse().nnz(), 4);
  }
  EXPECT_THAT(values(x.grad().to_dense()), ElementsAre(0, 0, 10, 10, 10, 10, 0, 0));
}

TEST(SparseAccumulation, WithADenseGradientIsDenseInBothOrders) {
  for (const bool sparse_first : {true, false}) {
    const Tensor x = table();
    for (const bool sparse : {sparse_first, !sparse_first}) {
      const Tensor y = sparse ? lookup(x, {3}) : x * 2.0;
      y.backward(ones_like(y));
    }
    ASSERT_TRUE(x.grad().is_dense());
    EXPECT_THAT(values(x.grad().dense()), ElementsAre(2, 2, 2, 2, 2, 2, 3, 3));
  }
}

TEST(SparseAccumulation, InOneGraphWithADenseUseIsDense) {
  const Tensor x = table();
  const Tensor a = lookup(x, {0});  // [1, 2]
  const Tensor y = a + x * 1.0;     // [4, 2]: a is broadcast
  y.backward(ones_like(y));
  EXPECT_THAT(values(x.grad().dense()), ElementsAre(5, 5, 1, 1, 1, 1, 1, 1));
}

TEST(SparseAccumulation, IntoANonLeafIsScattered) {
  const Tensor x = table();
  const Tensor scaled = x * 10.0;
  const Tensor y = lookup(scaled, {1, 1, 2}) + lookup(scaled, {0, 1, 2});
  y.backward(ones_like(y));
  EXPECT_THAT(values(x.grad().dense()), ElementsAre(10, 10, 30, 30, 20, 20, 0, 0));
}

TEST(SparseAccumulation, SharesNothingWithTheCotangent) {
  const Tensor x = table();
  const Tensor cotangent = ones({1, 2}, DType::float64);
  lookup(x, {0}).backward(cotangent);
  cotangent.fill_(50);
  EXPECT_THAT(values(x.grad().sparse().values()), ElementsAre(1, 1));
}

}  // namespace
}  // namespace gradus
