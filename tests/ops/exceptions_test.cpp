// A program that traps floating-point exceptions, to find where its NaN come from, is not stopped
// by an op that has none: invalid is raised only if a value or a gradient is NaN, divide-by-zero
// only if one is infinite. Operands that are NaN may raise invalid (docs/conventions.md).
#include <gradus/gradus.h>
#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace gradus {
namespace {

using Unary = std::function<Tensor(const Tensor&)>;
using Binary = std::function<Tensor(const Tensor&, const Tensor&)>;

const std::map<std::string, Unary>& unary_ops() {
  static const std::map<std::string, Unary> ops = {
      {"neg", [](const Tensor& x) { return neg(x); }},
      {"exp", [](const Tensor& x) { return exp(x); }},
      {"log", [](const Tensor& x) { return log(x); }},
      {"sqrt", [](const Tensor& x) { return sqrt(x); }},
      {"tanh", [](const Tensor& x) { return tanh(x); }},
      {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
      {"relu", [](const Tensor& x) { return relu(x); }},
      {"square", [](const Tensor& x) { return square(x); }},
      {"reciprocal", [](const Tensor& x) { return reciprocal(x); }},
      {"rsqrt", [](const Tensor& x) { return rsqrt(x); }},
      {"expm1", [](const Tensor& x) { return expm1(x); }},
      {"log1p", [](const Tensor& x) { return log1p(x); }},
      {"sin", [](const Tensor& x) { return sin(x); }},
      {"cos", [](const Tensor& x) { return cos(x); }},
      {"erf", [](const Tensor& x) { return erf(x); }},
      {"floor", [](const Tensor& x) { return floor(x); }},
      {"ceil", [](const Tensor& x) { return ceil(x); }},
      {"round", [](const Tensor& x) { return round(x); }},
      {"trunc", [](const Tensor& x) { return trunc(x); }},
      {"abs", [](const Tensor& x) { return abs(x); }},
      {"sign", [](const Tensor& x) { return sign(x); }},
      {"clamp", [](const Tensor& x) { return clamp(x, -1, 1); }},
      {"hardtanh", [](const Tensor& x) { return hardtanh(x); }},
      {"gelu", [](const Tensor& x) { return gelu(x); }},
      {"gelu tanh", [](const Tensor& x) { return gelu(x, Approximate::tanh); }},
      {"silu", [](const Tensor& x) { return silu(x); }},
      {"softplus", [](const Tensor& x) { return softplus(x); }},
      {"logsigmoid", [](const Tensor& x) { return logsigmoid(x); }},
      {"elu", [](const Tensor& x) { return elu(x); }},
      {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
      {"celu", [](const Tensor& x) { return celu(x, 2); }},
      {"prelu", [](const Tensor& x) { return prelu(x, full({}, 0.25, x.dtype())); }},
      {"mish", [](const Tensor& x) { return mish(x); }},
      {"softsign", [](const Tensor& x) { return softsign(x); }},
      {"hardsigmoid", [](const Tensor& x) { return hardsigmoid(x); }},
      {"hardswish", [](const Tensor& x) { return hardswish(x); }},
      {"selu", [](const Tensor& x) { return selu(x); }},
      {"relu6", [](const Tensor& x) { return relu6(x); }},
      {"hardshrink", [](const Tensor& x) { return hardshrink(x); }},
      {"isnan", [](const Tensor& x) { return isnan(x); }},
  };
  return ops;
}

const std::map<std::string, Binary>& binary_ops() {
  static const std::map<std::string, Binary> ops = {
      {"add", [](const Tensor& a, const Tensor& b) { return add(a, b); }},
      {"sub", [](const Tensor& a, const Tensor& b) { return sub(a, b); }},
      {"mul", [](const Tensor& a, const Tensor& b) { return mul(a, b); }},
      {"div", [](const Tensor& a, const Tensor& b) { return div(a, b); }},
      {"pow", [](const Tensor& a, const Tensor& b) { return pow(a, b); }},
      {"fmod", [](const Tensor& a, const Tensor& b) { return fmod(a, b); }},
      {"remainder", [](const Tensor& a, const Tensor& b) { return remainder(a, b); }},
      {"maximum", [](const Tensor& a, const Tensor& b) { return maximum(a, b); }},
      {"minimum", [](const Tensor& a, const Tensor& b) { return minimum(a, b); }},
      {"equal", [](const Tensor& a, const Tensor& b) { return equal(a, b); }},
      {"not_equal", [](const Tensor& a, const Tensor& b) { return not_equal(a, b); }},
      {"less", [](const Tensor& a, const Tensor& b) { return less(a, b); }},
      {"less_equal", [](const Tensor& a, const Tensor& b) { return less_equal(a, b); }},
      {"greater", [](const Tensor& a, const Tensor& b) { return greater(a, b); }},
      {"greater_equal", [](const Tensor& a, const Tensor& b) { return greater_equal(a, b); }},
      {"where", [](const Tensor& a, const Tensor& b) { return where(greater(a, 0), a, b); }},
      {"masked_fill",
       [](const Tensor& a, const Tensor& b) { return masked_fill(a, greater(b, 0), 2); }},
      {"masked_select",
       [](const Tensor& a, const Tensor& b) { return masked_select(a, greater(b, 0)); }},
  };
  return ops;
}

template <class T>
std::vector<double> operands() {
  using Limits = std::numeric_limits<T>;
  std::vector<double> values = {0,
                                0.5,
                                1,
                                2,
                                2.5,
                                3,
                                0.1,
                                10,
                                100,
                                1e6,
                                1e9,
                                Limits::denorm_min(),
                                Limits::min(),
                                Limits::max(),
                                Limits::infinity()};
  for (size_t i = 0, n = values.size(); i < n; ++i) values.push_back(-values[i]);
  return values;
}

std::string text(double value) {
  std::ostringstream stream;
  stream << value;
  return stream.str();
}

struct Seen {
  bool nan = false, infinite = false;

  void look_at(const Tensor& x) {
    const Tensor values = x.detach().to(DType::float64);
    for (const double value : values.span<double>()) {
      nan = nan || std::isnan(value);
      infinite = infinite || std::isinf(value);
    }
  }
};

/// Runs an op forward and backward, with a clean slate of exceptions.
void check(const std::string& what, const std::vector<Tensor>& leaves,
           const std::function<Tensor()>& apply) {
  std::feclearexcept(FE_ALL_EXCEPT);
  const Tensor y = apply();
  if (y.requires_grad()) y.backward(ones_like(y));
  const int raised = std::fetestexcept(FE_INVALID | FE_DIVBYZERO);
  Seen seen;
  seen.look_at(y);
  for (const Tensor& leaf : leaves) {
    if (!leaf.grad().empty()) seen.look_at(leaf.grad().dense());
  }
  EXPECT_FALSE((raised & FE_INVALID) != 0 && !seen.nan) << what << " raises invalid";
  EXPECT_FALSE((raised & FE_DIVBYZERO) != 0 && !seen.infinite && !seen.nan)
      << what << " raises divide-by-zero";
}

template <class T>
class FloatingPointExceptions : public ::testing::Test {
 protected:
  static constexpr DType dtype = std::is_same_v<T, float> ? DType::float32 : DType::float64;

#if defined(__clang__) && __clang_major__ > 14
  void SetUp() override {
    GTEST_SKIP() << "clang divides where the quotient is not selected, as it assumes that nobody "
                    "looks at exceptions";
  }
#endif

  /// A short tensor, whose vector register is filled up, and a long one.
  static std::vector<Shape> shapes() { return {{1}, {33}}; }

  static Tensor leaf(const Shape& shape, double value) {
    Tensor x = full(shape, value, dtype);
    x.set_trainable(true);
    return x;
  }
};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(FloatingPointExceptions, FloatTypes);

TYPED_TEST(FloatingPointExceptions, AreRaisedByUnaryOpsOnlyWhereDeserved) {
  for (const auto& [name, op] : unary_ops()) {
    for (const Shape& shape : TestFixture::shapes()) {
      for (const double value : operands<TypeParam>()) {
        const Tensor x = TestFixture::leaf(shape, value);
        check(name + "(" + text(value) + ") of " + shape.str(), {x}, [&, &f = op] { return f(x); });
      }
    }
  }
}

TYPED_TEST(FloatingPointExceptions, AreRaisedByBinaryOpsOnlyWhereDeserved) {
  for (const auto& [name, op] : binary_ops()) {
    for (const Shape& shape : TestFixture::shapes()) {
      for (const double value_a : operands<TypeParam>()) {
        for (const double value_b : operands<TypeParam>()) {
          const Tensor a = TestFixture::leaf(shape, value_a), b = TestFixture::leaf(shape, value_b);
          check(name + "(" + text(value_a) + ", " + text(value_b) + ") of " + shape.str(), {a, b},
                [&, &f = op] { return f(a, b); });
        }
      }
    }
  }
}

TYPED_TEST(FloatingPointExceptions, AreRaisedByLossesOnlyWhereDeserved) {
  const double infinite = std::numeric_limits<double>::infinity();
  const auto leaf = [](const std::vector<double>& values) {
    return tensor(values).to(TestFixture::dtype).set_trainable(true);
  };
  const auto probability = [&] { return leaf({0, 1, 0, 0.5, 0.25}); };
  for (const double x : {-1.0, 0.0, 1e4, -1e4, -infinite}) {
    for (const bool log_target : {false, true}) {
      const Tensor a = leaf({x, x, x, x, x});
      const Tensor t = log_target ? leaf({-infinite, 0, -1e4, -1, -2}) : probability();
      check("kl_div(" + text(x) + ")", {a, t},
            [&] { return kl_div(a, t, {.log_target = log_target, .reduction = Reduction::none}); });
    }
  }
  for (const double x : {-1.0, 0.0, 1e4, -1e4, infinite, -infinite}) {
    for (const double gamma : {0.0, 0.5, 1.0, 2.0}) {
      const Tensor a = leaf({x, x, x, x, x}), t = probability();
      check("sigmoid_focal_loss(" + text(x) + ", gamma " + text(gamma) + ")", {a, t}, [&] {
        return sigmoid_focal_loss(a, t,
                                  {.alpha = -1, .gamma = gamma, .reduction = Reduction::none});
      });
    }
  }
  const Tensor student = leaf({0, -infinite, 1}), teacher = leaf({1, -infinite, 0});
  check("a masked teacher's cross_entropy", {student, teacher},
        [&] { return cross_entropy(student, softmax(teacher, -1)); });
  check("a masked teacher's kl_div", {student, teacher},
        [&] { return kl_div(log_softmax(student, -1), softmax(teacher, -1)); });
}

TEST(FloatingPointExceptionsOfSamplers, AreNotRaisedByAClassThatIsNeverDrawn) {
  std::feclearexcept(FE_ALL_EXCEPT);
  const ClassSampler sampler(std::vector<double>{0, 1});
  sampler(5);
  const Tensor none = zeros({0}, DType::int64);
  sampled_softmax_loss(ones({1, 2}), ones({2, 2}), tensor({1}), none, sampler);
  EXPECT_EQ(std::fetestexcept(FE_INVALID | FE_DIVBYZERO), 0);
}

TEST(FloatingPointExceptionsCoverage, EveryElementwiseOpIsListed) {
  const std::regex declaration(R"(GRADUS_API Tensor ([a-z_0-9]+)\()");
  std::set<std::string> missing;
  size_t found = 0;
  for (const char* family : {"elementwise", "power", "special", "rounding", "clamp",
                             "nn/activation", "compare", "where"}) {
    std::ifstream file(std::filesystem::path("framework/ops") / (std::string(family) + ".h"));
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    ASSERT_FALSE(text.empty()) << family;
    for (std::sregex_iterator match(text.begin(), text.end(), declaration), end; match != end;
         ++match) {
      const std::string name = (*match)[1];
      ++found;
      if (name.starts_with("logical_") || name == "floor_divide") continue;  // not of floats
      if (name == "glu") continue;                                           // not elementwise
      if (!unary_ops().contains(name) && !binary_ops().contains(name)) missing.insert(name);
    }
  }
  EXPECT_GT(found, 60U);
  EXPECT_TRUE(missing.empty()) << "not listed: " << *missing.begin();
}

}  // namespace
}  // namespace gradus
