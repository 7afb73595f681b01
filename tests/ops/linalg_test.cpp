#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/linalg.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>

namespace gradus {
namespace {

Tensor transposed(const Tensor& x) { return transpose(x, -1, -2); }

// Matrices far from singular, symmetric and positive definite ones, of any x.
Tensor regular(const Tensor& x) { return x + eye(x.size(-1), x.dtype()) * 6; }
Tensor definite(const Tensor& x) {
  return matmul(x, x, {.trans_b = true}) + eye(x.size(-2), x.dtype());
}
Tensor of_both(const QR& f) { return matmul(f.q * f.q, f.r * f.r); }

const OpCases cases{
    OpCase{"solve", "a matrix", leaves({{3, 3}, {3, 2}}),
           [](const Inputs& in) { return solve(regular(in[0]), in[1]); }},
    OpCase{"solve", "a vector", leaves({{3, 3}, {3}}),
           [](const Inputs& in) { return solve(regular(in[0]), in[1]); }},
    OpCase{"solve", "batches", leaves({{2, 1, 2, 2}, {3, 2, 4}}),
           [](const Inputs& in) { return solve(regular(in[0]), in[1]); }},
    OpCase{"solve", "the inverse", leaves({{2, 3, 3}}),
           [](const Inputs& in) { return inv(regular(in[0])); }},
    OpCase{"cholesky", "of a product", leaves({{3, 4}}),
           [](const Inputs& in) { return cholesky(definite(in[0])); }},
    OpCase{"cholesky", "of the symmetric part, batches", leaves({{2, 3, 3}}),
           [](const Inputs& in) { return cholesky(regular(in[0] + transposed(in[0]))); }},
    OpCase{"qr", "q and r of a tall matrix", leaves({{4, 3}}),
           [](const Inputs& in) { return of_both(qr(in[0])); }},
    OpCase{"qr", "q of batches", leaves({{2, 3, 3}}),
           [](const Inputs& in) { return qr(regular(in[0])).q; }},
    OpCase{"qr", "r of batches", leaves({{2, 4, 2}}), [](const Inputs& in) { return qr(in[0]).r; }},
};

// Elements of `lower` above the diagonal are 0, those of `upper` below it.
void expect_triangular(const Tensor& x, bool lower) {
  const std::vector<double> values = values_of(x);
  const std::int64_t m = x.size(-2), n = x.size(-1);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const std::int64_t row = i / n % m, column = i % n;
    if (lower ? column > row : column < row) {
      EXPECT_EQ(values[static_cast<std::size_t>(i)], 0.0);
    }
  }
}

std::vector<double> identities(std::int64_t batch, std::int64_t n) {
  std::vector<double> values(static_cast<std::size_t>(batch * n * n));
  for (std::int64_t i = 0; i < batch * n; ++i) values[static_cast<std::size_t>(i * n + i % n)] = 1;
  return values;
}

TEST(OpSolve, KnownValues) {
  const Tensor a = tensor({3.0, 1.0, 1.0, 2.0}, {2, 2});
  EXPECT_TRUE(is_close(solve(a, tensor({9.0, 8.0})), {2}, {2, 3}, 1e-14));
  EXPECT_TRUE(
      is_close(solve(a, tensor({9.0, 3.0, 8.0, 1.0}, {2, 2})), {2, 2}, {2, 1, 3, 0}, 1e-14));
  EXPECT_TRUE(is_close(solve(a.to(DType::float32), tensor({9.F, 8.F})), {2}, {2, 3}, 1e-6));
  const Tensor skew = tensor({0.0, 2.0, 4.0, 0.0}, {2, 2});  // not symmetric, pivots
  EXPECT_TRUE(is_close(solve(skew, tensor({2.0, 8.0})), {2}, {2, 1}, 1e-15));
  EXPECT_TRUE(is_close(solve(tensor({4.0}, {1, 1}), tensor({2.0}, {1, 1})), {1, 1}, {0.5}, 1e-15));
}
TEST(OpSolve, KnownValuesSatisfyTheSystemForAnySize) {
  for (const std::int64_t n : {1, 2, 5, 40}) {
    const Tensor a = frozen(random_leaf({2, n, n}, 1)), b = frozen(random_leaf({3, 1, n, 4}, 2));
    const Tensor x = solve(a, b);
    const std::vector<double> expected = values_of(b + zeros({3, 2, n, 4}, DType::float64));
    EXPECT_TRUE(is_close(matmul(a, x), {3, 2, n, 4}, expected, 1e-10)) << n;
  }
}
TEST(OpSolve, KnownValuesOfBatchesOfVectors) {
  const Tensor a = frozen(regular(random_leaf({2, 3, 3}, 1))), b = frozen(random_leaf({2, 3}, 2));
  const Tensor x = solve(a, b);  // b has the shape of a without its last axis
  EXPECT_TRUE(is_close(squeeze(matmul(a, unsqueeze(x, -1)), -1), {2, 3}, values_of(b), 1e-13));
}
TEST(OpSolve, KnownValuesOfNothing) {
  EXPECT_TRUE(has_values(solve(zeros({0, 0}), zeros({0, 3})), {0, 3}, {}));
  EXPECT_TRUE(has_values(solve(zeros({0, 2, 2}), zeros({2, 1})), {0, 2, 1}, {}));
  EXPECT_TRUE(has_values(solve(eye(2), zeros({2, 0})), {2, 0}, {}));
  EXPECT_TRUE(has_values(inv(zeros({0, 0})), {0, 0}, {}));
}
TEST(OpSolve, KnownValuesOfNaNStayInTheirMatrix) {
  const Tensor b = tensor({not_a_number, 1.0, 2.0, 3.0}, {2, 2, 1});
  EXPECT_TRUE(has_values(solve(eye(2, DType::float64) * ones({2, 1, 1}, DType::float64), b),
                         {2, 2, 1}, {not_a_number, not_a_number, 2, 3}));
}
TEST(OpSolve, KnownValuesOfTheInverse) {
  const Tensor a = tensor({3.0, 1.0, 4.0, 2.0}, {2, 2});
  EXPECT_TRUE(is_close(inv(a), {2, 2}, {1, -0.5, -2, 1.5}, 1e-14));
  EXPECT_TRUE(is_close(inv(ones({2, 1, 1})), {2, 1, 1}, {1, 1}, 0));
}
TEST(OpSolve, KnownValuesAreTheSameForAnyNumberOfThreads) {
  const Tensor a = rand({40, 20, 20}), b = rand({40, 20, 3});
  const int before = num_threads();
  set_num_threads(1);
  const Tensor x = solve(a, b);
  set_num_threads(3);
  EXPECT_TRUE(has_values(solve(a, b), x.shape(), values_of(x)));
  set_num_threads(before);
}

TEST(OpSolve, Gradient) {
  for (const std::int64_t n : {1, 2, 4}) {
    EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return solve(regular(in[0]), in[1]); },
                                 {random_leaf({n, n}, 1), random_leaf({n, 3}, 2)}));
  }
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return solve(regular(in[0]), in[0]); },
                               {random_leaf({3, 3})}));
}
TEST(OpSolve, GradientForAZeroCotangentIsZero) {
  const Tensor a = leaf({not_a_number, 0, 0, 1, 1, 0, 0, 1}, {2, 2, 2}), b = leaf({1, 2}, {2, 1});
  solve(a, b).backward(tensor({0.0, 0.0, 1.0, 1.0}, {2, 2, 1}));
  EXPECT_EQ(gradient_of(a), (std::vector<double>{0, 0, 0, 0, -1, -2, -1, -2}));
  EXPECT_EQ(gradient_of(b), (std::vector<double>{1, 1}));
}

TEST(OpSolve, BrokenInput) {
  EXPECT_ERROR(solve(ones({2, 3}), ones({2})), ShapeError,
               "solve: a is [2, 3]: it must be [..., n, n]");
  EXPECT_ERROR(solve(ones({2, 2}), ones({3, 1})), ShapeError,
               "solve: a is [2, 2], b is [3, 1]: b must be [..., n, k] or [..., n]");
  EXPECT_ERROR(solve(ones({2, 2}), ones({})), ShapeError,
               "solve: a is [2, 2], b is []: b must be [..., n, k] or [..., n]");
  EXPECT_ERROR(solve(ones({2, 2, 2}), ones({3, 2, 1})), ShapeError,
               "solve: leading axes do not broadcast: a is [2, 2, 2], b is [3, 2, 1]");
  EXPECT_ERROR(solve(ones({2, 2}), ones({2})), ValueError, "solve: a is singular");
  const Tensor some = tensor({1.F, 0.F, 0.F, 1.F, 1.F, 2.F, 2.F, 4.F}, {2, 1, 2, 2});
  EXPECT_ERROR(solve(some, ones({2, 1})), ValueError, "solve: matrix [1, 0] of a is singular");
  EXPECT_ERROR(inv(zeros({2, 2})), ValueError, "solve: a is singular");
  EXPECT_ERROR(inv(zeros({2})), ShapeError, "inv: a is [2]: it must be [..., n, n]");
  EXPECT_ERROR(solve(tensor({1}, {1, 1}), tensor({1})), DTypeError,
               "solve: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_THROW(solve(ones({1, 1}), ones({1}, DType::float64)), DTypeError);
}

TEST(OpCholesky, KnownValues) {
  const Tensor a = tensor({4.0, 2.0, 2.0, 10.0}, {2, 2});
  EXPECT_TRUE(is_close(cholesky(a), {2, 2}, {2, 0, 1, 3}, 1e-15));
  EXPECT_TRUE(is_close(cholesky(a.to(DType::float32)), {2, 2}, {2, 0, 1, 3}, 1e-6));
  const Tensor lower = tensor({4.0, not_a_number, 2.0, 10.0}, {2, 2});  // the rest is not read
  EXPECT_TRUE(is_close(cholesky(lower), {2, 2}, {2, 0, 1, 3}, 1e-15));
  EXPECT_TRUE(is_close(cholesky(tensor({9.0}, {1, 1})), {1, 1}, {3}, 1e-15));
}
TEST(OpCholesky, KnownValuesMultiplyToTheMatrix) {
  for (const std::int64_t n : {1, 3, 50}) {
    const Tensor a = frozen(definite(random_leaf({2, n, n})));
    const Tensor l = cholesky(a);
    expect_triangular(l, true);
    EXPECT_TRUE(is_close(matmul(l, l, {.trans_b = true}), {2, n, n}, values_of(a), 1e-12)) << n;
  }
}
TEST(OpCholesky, KnownValuesOfNothing) {
  EXPECT_TRUE(has_values(cholesky(zeros({0, 0})), {0, 0}, {}));
  EXPECT_TRUE(has_values(cholesky(zeros({0, 2, 2})), {0, 2, 2}, {}));
  const Tensor x = leaf({}, {2, 0, 0});
  cholesky(x).backward(zeros({2, 0, 0}, DType::float64));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 0, 0}, {}));
}

TEST(OpCholesky, Gradient) {
  for (const std::int64_t n : {1, 2, 5}) {
    EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return cholesky(definite(in[0])); },
                                 {random_leaf({n, n + 1})}));
  }
}
TEST(OpCholesky, GradientIsSymmetricAndThatOfTheDefinition) {
  // L = sqrt(a); and for [[a, b], [b, c]]: l21 = b / sqrt(a), b standing for two elements.
  const Tensor one = leaf({9}, {1, 1});
  cholesky(one).backward(ones({1, 1}, DType::float64));
  EXPECT_TRUE(is_close(one.grad().dense(), {1, 1}, {1.0 / 6}, 1e-15));
  const Tensor two = leaf({4, 2, 2, 10}, {2, 2});
  cholesky(two).backward(tensor({0.0, 7.0, 1.0, 0.0}, {2, 2}));  // 7: of an element that is 0
  EXPECT_TRUE(is_close(two.grad().dense(), {2, 2}, {-0.125, 0.25, 0.25, 0}, 1e-15));
}
TEST(OpCholesky, GradientForAZeroCotangentIsZero) {
  const Tensor a = leaf({4, 2, 2, 10}, {2, 2});
  cholesky(a).backward(zeros({2, 2}, DType::float64));
  EXPECT_EQ(gradient_of(a), std::vector<double>(4, 0.0));
}

TEST(OpCholesky, BrokenInput) {
  EXPECT_ERROR(cholesky(ones({2, 3})), ShapeError, "cholesky: a is [2, 3]: it must be [..., n, n]");
  EXPECT_ERROR(cholesky(ones({2})), ShapeError, "cholesky: a is [2]: it must be [..., n, n]");
  EXPECT_ERROR(cholesky(ones({2, 2})), ValueError, "cholesky: a is not positive definite");
  const Tensor some = tensor({1.F, 0.F, 0.F, 1.F, -1.F, 0.F, 0.F, 4.F}, {2, 2, 2});
  EXPECT_ERROR(cholesky(some), ValueError, "cholesky: matrix [1] of a is not positive definite");
  EXPECT_ERROR(cholesky(tensor({not_a_number}, {1, 1})), ValueError,
               "cholesky: a is not positive definite");
  EXPECT_ERROR(cholesky(tensor({1}, {1, 1})), DTypeError,
               "cholesky: a tensor of dtype int64 where float32 or float64 is needed");
}

TEST(OpQr, KnownValues) {
  const auto [q, r] = qr(tensor({3.0, 1.0, 4.0, 2.0}, {2, 2}));
  // The first column of q is that of a, of length 1, up to its sign.
  EXPECT_TRUE(is_close(q * q, {2, 2}, {0.36, 0.64, 0.64, 0.36}, 1e-14));
  EXPECT_TRUE(is_close(r * r, {2, 2}, {25, 4.84, 0, 0.16}, 1e-14));
  EXPECT_EQ(qr(ones({3, 2})).q.dtype(), DType::float32);
}
TEST(OpQr, KnownValuesOfAnyShape) {
  for (const auto& [m, n] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {5, 3}, {3, 5}, {40, 40}, {1, 4}, {4, 1}}) {
    SCOPED_TRACE(testing::Message() << m << " x " << n);
    const std::int64_t k = std::min(m, n);
    const Tensor a = frozen(random_leaf({2, m, n}));
    const auto [q, r] = qr(a);
    expect_triangular(r, false);
    EXPECT_TRUE(is_close(matmul(q, q, {.trans_a = true}), {2, k, k}, identities(2, k), 1e-13));
    EXPECT_TRUE(is_close(matmul(q, r), {2, m, n}, values_of(a), 1e-13));
  }
}
TEST(OpQr, KnownValuesOfNothing) {
  EXPECT_TRUE(has_values(qr(zeros({0, 3})).q, {0, 0}, {}));
  EXPECT_TRUE(has_values(qr(zeros({0, 3})).r, {0, 3}, {}));
  EXPECT_TRUE(has_values(qr(zeros({3, 0})).q, {3, 0}, {}));
  EXPECT_TRUE(has_values(qr(zeros({0, 3, 2})).q, {0, 3, 2}, {}));
}

TEST(OpQr, Gradient) {
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return of_both(qr(in[0])); },
                               {random_leaf({3, 2, 2})}));
  EXPECT_TRUE(
      passes_gradcheck([](const Inputs& in) { return qr(in[0]).q; }, {random_leaf({5, 3})}));
}
TEST(OpQr, GradientForAZeroCotangentIsZero) {
  const Tensor a = leaf({not_a_number, 0, 0, 1}, {2, 2});
  qr(a).q.backward(zeros({2, 2}, DType::float64));
  EXPECT_EQ(gradient_of(a), std::vector<double>(4, 0.0));
}
TEST(OpQr, GradientThatDoesNotExistIsAnError) {
  const Tensor wide = random_leaf({2, 3}), flat = leaf({0, 1, 0, 1}, {2, 2});
  EXPECT_ERROR(sum(qr(wide).r).backward(), AutogradError,
               "qr: no derivative if there are more columns than rows: a is [2, 3]");
  EXPECT_ERROR(sum(qr(flat).q).backward(), AutogradError,
               "qr: a does not have full rank: no derivative");
}

TEST(OpQr, BrokenInput) {
  EXPECT_ERROR(qr(ones({2})), ShapeError, "qr: a is [2]: it must be [..., m, n]");
  EXPECT_ERROR(qr(tensor({1}, {1, 1})), DTypeError,
               "qr: a tensor of dtype int64 where float32 or float64 is needed");
}

TEST(Svd, GivesKnownSingularValues) {
  // [[3, 0], [4, 5]]: the eigenvalues of A^T A = [[25, 20], [20, 25]] are 45 and 5
  const SVD f = svd(tensor({3.0, 0.0, 4.0, 5.0}, {2, 2}));
  EXPECT_TRUE(is_close(f.s, {2}, {std::sqrt(45.0), std::sqrt(5.0)}, 1e-14));
  EXPECT_TRUE(is_close(svd(tensor({-3.F}, {1, 1})).s, {1}, {3}, 1e-6));
}
TEST(Svd, MultipliesToTheMatrixForAnyShape) {
  for (const auto& [m, n] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {5, 3}, {3, 5}, {40, 40}, {1, 4}, {4, 1}}) {
    SCOPED_TRACE(testing::Message() << m << " x " << n);
    const std::int64_t k = std::min(m, n);
    const Tensor a = frozen(random_leaf({2, m, n}));
    const auto [u, s, vh] = svd(a);
    EXPECT_TRUE(is_close(matmul(u, u, {.trans_a = true}), {2, k, k}, identities(2, k), 1e-13));
    EXPECT_TRUE(is_close(matmul(vh, vh, {.trans_b = true}), {2, k, k}, identities(2, k), 1e-13));
    EXPECT_TRUE(is_close(matmul(u * unsqueeze(s, -2), vh), {2, m, n}, values_of(a), 1e-12));
    const std::vector<double> values = values_of(s);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_GE(values[i], 0);
      if (i % static_cast<std::size_t>(k) != 0) {
        EXPECT_LE(values[i], values[i - 1]);
      }
    }
  }
}
TEST(Svd, OfNothingAndNaN) {
  EXPECT_TRUE(has_values(svd(zeros({0, 3})).vh, {0, 3}, {}));
  EXPECT_TRUE(has_values(svd(zeros({2, 3, 0})).s, {2, 0}, {}));
  const Tensor a = tensor({not_a_number, infinity, 4.0}, {3, 1, 1});
  EXPECT_TRUE(has_values(svd(a).s, {3, 1}, {not_a_number, not_a_number, 4}));
}
TEST(Svd, RefusesGradientsAndBrokenInput) {
  const Tensor x = random_leaf({2, 2});
  EXPECT_ERROR(svd(x), AutogradError,
               "svd: no derivative, and a requires a gradient: detach() it or use a NoGradGuard");
  {
    const NoGradGuard no_grad;
    EXPECT_FALSE(svd(x).s.requires_grad());
  }
  EXPECT_ERROR(svd(ones({2})), ShapeError, "svd: a is [2]: it must be [..., m, n]");
  EXPECT_THROW(svd(tensor({1}, {1, 1})), DTypeError);
}

}  // namespace
}  // namespace gradus
