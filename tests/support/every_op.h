#pragma once
// Tests that every sample of op_cases.h must pass; a test program includes this once.
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <set>
#include <string>

namespace gradus {
namespace every_op {

/// Calls f(case) for each sample, in a trace that names it.
template <class F>
void for_each_case(F f) {
  ASSERT_FALSE(op_cases().empty());
  for (const OpCase& op_case : op_cases()) {
    SCOPED_TRACE(op_case.op + ", " + op_case.form);
    f(op_case);
  }
}

inline Tensor random_cotangent(const Tensor& like, std::uint64_t seed) {
  Generator generator(seed);
  return randn(like.shape(), 0.0, 1.0, like.dtype(), generator);
}

/// The gradients of the trainable inputs, dense, zeros where there is none.
inline std::vector<Tensor> dense_gradients(const Inputs& inputs) {
  std::vector<Tensor> gradients;
  for (const Tensor& input : inputs) {
    if (!input.trainable()) continue;
    gradients.push_back(input.grad().empty() ? zeros_like(input) : input.grad().to_dense());
  }
  return gradients;
}

inline void clear(const Inputs& inputs) {
  for (const Tensor& input : inputs) input.clear_grad();
}

/// The gradients for one use with the cotangent of that seed; `inputs` end without gradients.
inline std::vector<Tensor> gradients_of(const OpCase& op_case, const Inputs& inputs,
                                        std::uint64_t seed) {
  const Tensor y = op_case.apply(inputs);
  y.backward(random_cotangent(y, seed));
  const std::vector<Tensor> gradients = dense_gradients(inputs);
  clear(inputs);
  return gradients;
}

inline void expect_close(const std::vector<Tensor>& actual, const std::vector<Tensor>& expected,
                         double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_TRUE(is_close(actual[i], expected[i].shape(), values_of(expected[i]), tolerance))
        << "gradient " << i;
  }
}

inline std::vector<std::uint64_t> bits_of(const Tensor& x) {
  std::vector<std::uint64_t> bits;
  for (const double value : values_of(x)) bits.push_back(std::bit_cast<std::uint64_t>(value));
  return bits;
}

/// Inputs of the same values at an offset into a larger storage: what a slice is.
inline Inputs sliced(const Inputs& inputs, Inputs& bases) {
  Inputs result;
  for (const Tensor& input : inputs) {
    std::vector<std::int64_t> sizes{3};
    for (int axis = 0; axis < input.dim(); ++axis) sizes.push_back(input.size(axis));
    const Tensor base = zeros(Shape(sizes), input.dtype());
    base.set_row(1, input.detach());
    if (input.trainable()) base.set_trainable(true);
    bases.push_back(base);
    result.push_back(select(base, 0, 1));
  }
  return result;
}

TEST(EveryOp, GradientsAgreeWithCentralDifferences) {
  for_each_case([](const OpCase& op_case) {
    EXPECT_TRUE(passes_gradcheck(op_case.apply, op_case.inputs()));
  });
}

TEST(EveryOp, FrozenInputsGetNothingAndChangeNoOtherGradient) {
  for_each_case([](const OpCase& op_case) {
    const Inputs inputs = op_case.inputs();
    const Tensor value = op_case.apply(inputs);
    value.backward(random_cotangent(value, 1));
    std::vector<Tensor> all;
    for (const Tensor& input : inputs) {
      all.push_back(input.trainable() && !input.grad().empty() ? input.grad().to_dense()
                                                               : Tensor());
    }
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      if (!inputs[k].trainable()) continue;
      clear(inputs);
      inputs[k].set_trainable(false);
      const Tensor y = op_case.apply(inputs);
      EXPECT_EQ(bits_of(y), bits_of(value));
      if (y.requires_grad()) y.backward(random_cotangent(y, 1));
      EXPECT_TRUE(inputs[k].grad().empty());
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (i == k || !all[i].defined()) continue;
        EXPECT_TRUE(is_close(inputs[i].grad().to_dense(), all[i].shape(), values_of(all[i]), 1e-13))
            << "input " << i << " with input " << k << " frozen";
      }
      inputs[k].set_trainable(true);
    }
  });
}

TEST(EveryOp, GradientsOfManyUsesAddUp) {
  std::vector<int> counts{100};
  for (int n = 1; n <= 16; ++n) counts.push_back(n);
  for_each_case([&](const OpCase& op_case) {
    const Inputs inputs = op_case.inputs();
    const std::vector<Tensor> once = gradients_of(op_case, inputs, 1);
    const std::vector<Tensor> again = gradients_of(op_case, inputs, 2);
    const Tensor value = op_case.apply(inputs);
    const Tensor cotangents[] = {random_cotangent(value, 1), random_cotangent(value, 2)};
    for (const int n : counts) {
      // n uses of the inputs by the op; the inputs are also used elsewhere, with gradient 1.
      Tensor loss = zeros({}, DType::float64);
      for (const Tensor& input : inputs) {
        if (input.trainable()) loss = loss + sum(input);
      }
      for (int use = 0; use < n; ++use) {
        loss = loss + sum(op_case.apply(inputs) * cotangents[use % 2]);
      }
      loss.backward();
      const std::vector<Tensor> many = dense_gradients(inputs);
      clear(inputs);
      // n uses of one result.
      const Tensor y = op_case.apply(inputs);
      Tensor shared = zeros({}, DType::float64);
      for (int use = 0; use < n; ++use) {
        shared = shared + sum(y * cotangents[use % 2]);
      }
      shared.backward();
      const std::vector<Tensor> fanned = dense_gradients(inputs);
      clear(inputs);
      std::vector<Tensor> expected;
      std::vector<Tensor> expected_elsewhere;
      for (std::size_t i = 0; i < once.size(); ++i) {
        expected.push_back(once[i] * ((n + 1) / 2) + again[i] * (n / 2));
        expected_elsewhere.push_back(expected[i] + 1);
      }
      expect_close(many, expected_elsewhere, 1e-11);
      expect_close(fanned, expected, 1e-11);
    }
  });
}

TEST(EveryOp, Float32AgreesWithFloat64) {
  for_each_case([](const OpCase& op_case) {
    Inputs wide;
    Inputs narrow;
    for (const Tensor& input : op_case.inputs()) {
      const bool trainable = input.trainable();
      const bool floating = input.dtype() == DType::float64;
      narrow.push_back(floating ? input.detach().to(DType::float32) : input);
      wide.push_back(floating ? narrow.back().to(DType::float64) : input);
      if (trainable) {
        narrow.back().set_trainable(true);
        wide.back().set_trainable(true);
      }
    }
    const Tensor expected = op_case.apply(wide);
    const Tensor y = op_case.apply(narrow);
    EXPECT_EQ(y.dtype(), DType::float32);
    EXPECT_TRUE(is_close(y, expected.shape(), values_of(expected), op_case.float32_tolerance));
    const Tensor cotangent = random_cotangent(expected, 1).to(DType::float32);
    y.backward(cotangent);
    expected.backward(cotangent.to(DType::float64));
    expect_close(dense_gradients(narrow), dense_gradients(wide), 10 * op_case.float32_tolerance);
  });
}

TEST(EveryOp, InputsAtAnOffsetGiveTheSameBits) {
  for_each_case([](const OpCase& op_case) {
    const Inputs inputs = op_case.inputs();
    Inputs bases;
    const Inputs slices = sliced(inputs, bases);
    const Tensor y = op_case.apply(slices);
    EXPECT_EQ(bits_of(y), bits_of(op_case.apply(inputs)));
    y.backward(random_cotangent(y, 1));
    const std::vector<Tensor> expected = gradients_of(op_case, inputs, 1);
    std::vector<Tensor> gradients;
    for (const Tensor& base : bases) {
      if (!base.trainable()) continue;
      gradients.push_back(
          select(base.grad().empty() ? zeros_like(base) : base.grad().to_dense(), 0, 1));
    }
    expect_close(gradients, expected, 1e-13);
  });
}

TEST(EveryOp, TheSameBitsForAnyNumberOfThreads) {
  const int threads_before = num_threads();
  const std::int64_t grain_before = detail::parallel_grain.load();
  for_each_case([](const OpCase& op_case) {
    const Inputs inputs = op_case.inputs();
    for (const std::int64_t grain : {1, 7}) {
      set_parallel_grain(grain);
      std::vector<std::vector<std::uint64_t>> first;
      for (const int threads : {1, 2, 3, 8}) {
        set_num_threads(threads);
        std::vector<std::vector<std::uint64_t>> bits{bits_of(op_case.apply(inputs))};
        for (const Tensor& g : gradients_of(op_case, inputs, 1)) bits.push_back(bits_of(g));
        if (threads == 1) first = bits;
        EXPECT_EQ(bits, first) << threads << " threads, grain " << grain;
      }
    }
  });
  set_num_threads(threads_before);
  set_parallel_grain(grain_before);
}

TEST(EveryOp, ASecondBackwardThrowsUnlessTheGraphWasRetained) {
  for_each_case([](const OpCase& op_case) {
    const Inputs inputs = op_case.inputs();
    const std::vector<Tensor> once = gradients_of(op_case, inputs, 1);
    const Tensor y = op_case.apply(inputs);
    y.backward(random_cotangent(y, 1), {.retain_graph = true});
    y.backward(random_cotangent(y, 1));
    std::vector<Tensor> twice;
    for (const Tensor& g : once) twice.push_back(g * 2);
    expect_close(dense_gradients(inputs), twice, 1e-12);
    EXPECT_THROW(y.backward(random_cotangent(y, 1)), AutogradError);
    expect_close(dense_gradients(inputs), twice, 1e-12);
  });
}

TEST(EveryOp, AnInputChangedInPlaceIsNoticedOrNotNeeded) {
  for_each_case([](const OpCase& op_case) {
    const Inputs inputs = op_case.inputs();
    const std::vector<Tensor> expected = gradients_of(op_case, inputs, 1);
    const Tensor y = op_case.apply(inputs);
    const Tensor cotangent = random_cotangent(y, 1);
    {
      const NoGradGuard no_grad;
      for (const Tensor& input : inputs) {
        if (input.trainable()) input.fill_(0.7);
      }
    }
    bool threw = false;
    try {
      y.backward(cotangent);
    } catch (const AutogradError&) {
      threw = true;
    }
    if (!threw) expect_close(dense_gradients(inputs), expected, 0);
  });
}

/// Ops whose gradients are matrix products: 0 times NaN or infinity is NaN there.
inline bool multiplies_matrices(const std::string& op) {
  static const std::set<std::string> ops{
      "matmul", "linear", "addmm", "cholesky", "qr",
      "rnn",    "gru",    "lstm",  "conv1d",   "conv_transpose1d"};
  return ops.contains(op);
}

TEST(EveryOp, AZeroCotangentGivesZeroGradientsWhateverTheInputsHold) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  for_each_case([](const OpCase& op_case) {
    if (multiplies_matrices(op_case.op)) return;
    for (const double special : {inf, -inf, std::numeric_limits<double>::quiet_NaN(), 0.0}) {
      const Inputs inputs = op_case.inputs();
      {
        const NoGradGuard no_grad;
        for (const Tensor& input : inputs) {
          if (input.trainable() && input.numel() > 0) input.mutable_data<double>()[0] = special;
        }
      }
      Tensor y;
      try {
        y = op_case.apply(inputs);
      } catch (const Error&) {
        continue;  // refused
      }
      y.backward(zeros_like(y));
      for (const Tensor& gradient : dense_gradients(inputs)) {
        for (const double value : values_of(gradient)) {
          ASSERT_EQ(value, 0) << "with " << special << " in each input";
        }
      }
    }
  });
}

TEST(EveryOp, NothingIsRecordedUnderNoGrad) {
  for_each_case([](const OpCase& op_case) {
    const Inputs inputs = op_case.inputs();
    const Tensor recorded = op_case.apply(inputs);
    EXPECT_TRUE(recorded.requires_grad());
    const NoGradGuard no_grad;
    const Tensor y = op_case.apply(inputs);
    EXPECT_FALSE(y.requires_grad());
    EXPECT_EQ(bits_of(y), bits_of(recorded));
  });
}

}  // namespace every_op
}  // namespace gradus
