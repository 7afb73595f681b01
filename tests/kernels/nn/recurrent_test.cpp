// The kernels of recurrent layers against their definition, element by element in double, and their
// derivatives against central differences: for sizes about that of a register.
#include <gradus/framework/kernels/nn/recurrent.h>
#include <gradus/framework/kernels/nn/recurrent_steps.h>
#include <gradus/tests/kernels/kernel_testing.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace gradus::kernels {
namespace {

template <class T>
using Values = std::vector<T>;
using Doubles = std::vector<double>;

enum class Cell { lstm, projected_lstm, gru, tanh_rnn, relu_rnn };
constexpr Cell all_cells[] = {Cell::lstm, Cell::projected_lstm, Cell::gru, Cell::tanh_rnn,
                              Cell::relu_rnn};

struct Sizes {
  Cell cell;
  int64_t B, T, H;
  bool reverse;
  Ids lengths;

  int64_t gates() const {
    return cell == Cell::gru ? 3 : cell == Cell::tanh_rnn || cell == Cell::relu_rnn ? 1 : 4;
  }
  bool has_projection() const { return cell == Cell::projected_lstm; }
  bool has_cell() const { return cell == Cell::lstm || has_projection(); }
  int64_t R() const { return has_projection() ? (H + 1) / 2 : H; }
  PackedSequences pack() const { return {lengths.data(), B, T, reverse, 3}; }
};

/// Numbers that are exact in float.
template <class T>
Values<T> numbers(int64_t n, unsigned seed) {
  const auto drawn = random_values<float>(n, -0.6F, 0.6F, seed);
  return {drawn.begin(), drawn.end()};
}

/// The arguments; products of the inputs are given by place, [B, T, gates H].
template <class T>
struct Arguments {
  explicit Arguments(const Sizes& s)
      : products(numbers<T>(s.B * s.T * s.gates() * s.H, 1)),
        weight_hh(numbers<T>(s.gates() * s.H * s.R(), 2)),
        weight_hr(numbers<T>(s.R() * s.H, 3)),
        bias(numbers<T>(s.gates() * s.H, 4)),
        bias_hn(numbers<T>(s.H, 5)),
        h0(numbers<T>(s.B * s.R(), 6)),
        c0(numbers<T>(s.B * s.H, 7)) {}
  Values<T> products, weight_hh, weight_hr, bias, bias_hn, h0, c0;
};

template <class T>
struct Results {
  Values<T> output, h, c;
};

/// What the kernels work on.
template <class T>
struct Buffers {
  Buffers(const Sizes& s, const PackedSequences& sequences, const Arguments<T>& in)
      : gates(at(sequences.rows() * s.gates() * s.H)),
        before(at(sequences.rows() * s.R())),
        other(at(sequences.rows() * s.H)),
        results{Values<T>(at(s.B * s.T * s.R()), nan_value<T>), Values<T>(at(s.B * s.R())),
                Values<T>(at(s.B * s.H))} {
    sequences.pack(in.products.data(), s.gates() * s.H, gates.data());
  }
  Values<T> gates, before, other;  // other: c before a step, or q
  Results<T> results;
};

template <class T>
void run(const Sizes& s, const PackedSequences& sequences, const Arguments<T>& in, Buffers<T>& to) {
  const States<T> h{in.h0.data(), to.before.data(), to.results.h.data()};
  const States<T> c{in.c0.data(), to.other.data(), to.results.c.data()};
  T* const output = to.results.output.data();
  if (s.has_cell()) {
    lstm<T>(sequences,
            {s.H, s.R(), in.weight_hh.data(), s.has_projection() ? in.weight_hr.data() : nullptr,
             in.bias.data(), to.gates.data(), h, c, output});
  } else if (s.cell == Cell::gru) {
    gru<T>(sequences, {s.H, in.weight_hh.data(), in.bias.data(), in.bias_hn.data(), to.gates.data(),
                       to.other.data(), h, output});
  } else {
    rnn<T>(sequences, {s.H, s.cell == Cell::relu_rnn, in.weight_hh.data(), in.bias.data(),
                       to.gates.data(), h, output});
  }
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// One step of one sequence, by the definition.
void step(const Sizes& s, const Arguments<double>& in, const double* products, Doubles& h,
          Doubles& c) {
  const auto H = at(s.H), R = at(s.R()), G = at(s.gates());
  Doubles x(G * H), hidden(G * H), next(H);
  for (size_t j = 0; j < G * H; ++j) {
    x[j] = products[j] + in.bias[j];
    for (size_t k = 0; k < R; ++k) hidden[j] += in.weight_hh[j * R + k] * h[k];
  }
  for (size_t j = 0; j < H; ++j) {
    const auto sum = [&](size_t gate) { return x[gate * H + j] + hidden[gate * H + j]; };
    if (s.has_cell()) {
      c[j] = logistic(sum(1)) * c[j] + logistic(sum(0)) * std::tanh(sum(2));
      next[j] = logistic(sum(3)) * std::tanh(c[j]);
    } else if (s.cell == Cell::gru) {
      const double r = logistic(sum(0)), z = logistic(sum(1));
      const double n = std::tanh(x[2 * H + j] + r * (hidden[2 * H + j] + in.bias_hn[j]));
      next[j] = (1 - z) * n + z * h[j];
    } else {
      next[j] = s.cell == Cell::relu_rnn ? std::max(0.0, sum(0)) : std::tanh(sum(0));
    }
  }
  if (!s.has_projection()) {
    h = next;
    return;
  }
  for (size_t r = 0; r < R; ++r) {
    h[r] = 0;
    for (size_t j = 0; j < H; ++j) h[r] += in.weight_hr[r * H + j] * next[j];
  }
}

Results<double> expected(const Sizes& s) {
  const Arguments<double> in(s);
  const int64_t R = s.R(), width = s.gates() * s.H;
  Results<double> y{Doubles(at(s.B * s.T * R)), {}, {}};
  for (int64_t b = 0; b < s.B; ++b) {
    Doubles h(in.h0.begin() + b * R, in.h0.begin() + (b + 1) * R);
    Doubles c(in.c0.begin() + b * s.H, in.c0.begin() + (b + 1) * s.H);
    const int64_t length = s.lengths[at(b)];
    for (int64_t i = 0; i < length; ++i) {
      const int64_t place = b * s.T + (s.reverse ? length - 1 - i : i);
      step(s, in, in.products.data() + place * width, h, c);
      std::copy(h.begin(), h.end(), y.output.begin() + place * R);
    }
    y.h.insert(y.h.end(), h.begin(), h.end());
    y.c.insert(y.c.end(), c.begin(), c.end());
  }
  return y;
}

template <class T>
void expect_near(const Values<T>& actual, const Doubles& right, double tolerance) {
  ASSERT_EQ(actual.size(), right.size());
  for (size_t i = 0; i < right.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(actual[i]), right[i], tolerance) << i;
  }
}

void for_each_size(const std::function<void(const Sizes&)>& f) {
  for (const Cell cell : all_cells) {
    for (const int64_t H : {1, 3, 4, 7, 8, 9, 15, 16, 17, 33}) {
      for (const bool reverse : {false, true}) {
        SCOPED_TRACE(testing::Message()
                     << "cell " << static_cast<int>(cell) << ", H " << H << ", " << reverse);
        f({cell, 5, 4, H, reverse, {2, 0, 4, 1, 4}});
        f({cell, 2, 1, H, reverse, {1, 1}});
        f({cell, 8, 1, H, reverse, {1, 1, 0, 1, 1, 1, 1, 1}});  // one step of several blocks
      }
    }
  }
}

template <class T>
class Recurrent : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(Recurrent, Floats);

TYPED_TEST(Recurrent, AgreesWithTheDefinition) {
  const double tolerance = 50 * static_cast<double>(std::numeric_limits<TypeParam>::epsilon());
  for_each_size([&](const Sizes& s) {
    const PackedSequences sequences = s.pack();
    const Arguments<TypeParam> in(s);
    Buffers<TypeParam> buffers(s, sequences, in);
    run(s, sequences, in, buffers);
    const Results<double> right = expected(s);
    expect_near(buffers.results.output, right.output, tolerance);
    expect_near(buffers.results.h, right.h, tolerance);
    if (s.has_cell()) expect_near(buffers.results.c, right.c, tolerance);
  });
}

// Of one step of many sequences, each block has a product with it.
TEST(StepMatrix, IsPackedUnlessThereIsOneProduct) {
  const std::vector<float> w(16, 1);
  const auto is_packed = [&](int64_t B, int64_t T) {
    return StepMatrix<float>(PackedSequences(nullptr, B, T, false, 3), true, 4, 4, w.data())
        .is_packed();
  };
  EXPECT_FALSE(is_packed(0, 5));
  EXPECT_FALSE(is_packed(3, 0));
  EXPECT_FALSE(is_packed(3, 1));
  EXPECT_TRUE(is_packed(3, 2));
  EXPECT_TRUE(is_packed(4, 1));
}

TEST(Rnn, OfReluKeepsNan) {
  const PackedSequences sequences(nullptr, 1, 1, false, 1);
  for (const int64_t H : {1, 5, 16, 33}) {
    std::vector<float> hidden(at(H), nan_value<float>), before(at(H)), last(at(H)), output(at(H));
    const std::vector<float> w(at(H * H)), bias(at(H));
    rnn<float>(sequences, {.H = H,
                           .relu = true,
                           .weight_hh = w.data(),
                           .bias = bias.data(),
                           .hidden = hidden.data(),
                           .h = {nullptr, before.data(), last.data()},
                           .output = output.data()});
    for (int64_t i = 0; i < H; ++i) {
      EXPECT_TRUE(std::isnan(output[at(i)]) && std::isnan(last[at(i)])) << i << " of " << H;
    }
  }
}

/// The gradients of the products [rows, gates H] (for a GRU also of its products of h), and of the
/// initial states.
template <class T>
struct Gradients {
  Values<T> products, hidden, h0, c0;
};

template <class T>
Gradients<T> gradients(const Sizes& s, const Results<T>& cotangents) {
  const PackedSequences sequences = s.pack();
  const Arguments<T> in(s);
  Buffers<T> b(s, sequences, in);
  run(s, sequences, in, b);
  const size_t size = b.gates.size();
  Gradients<T> g{Values<T>(size), Values<T>(size), Values<T>(in.h0.size()),
                 Values<T>(in.c0.size())};
  const StateGradients<T> h{cotangents.h.data(), g.h0.data()}, c{cotangents.c.data(), g.c0.data()};
  const T* const output = cotangents.output.data();
  if (s.has_cell()) {
    Values<T> hidden(b.other.size()), projected(b.before.size());
    lstm_vjp<T>(sequences,
                {s.H, s.R(), in.weight_hh.data(),
                 s.has_projection() ? in.weight_hr.data() : nullptr, b.gates.data(), b.other.data(),
                 output, h, c, g.products.data(), hidden.data(), projected.data()});
  } else if (s.cell == Cell::gru) {
    gru_vjp<T>(sequences, {s.H, in.weight_hh.data(), b.gates.data(), b.other.data(),
                           b.before.data(), output, h, g.products.data(), g.hidden.data()});
  } else {
    rnn_vjp<T>(sequences, {s.H, s.cell == Cell::relu_rnn, in.weight_hh.data(), b.gates.data(),
                           output, h, g.products.data()});
  }
  return g;
}

template <class T>
Results<T> cotangents_of(const Sizes& s) {
  return {numbers<T>(s.B * s.T * s.R(), 11), numbers<T>(s.B * s.R(), 12),
          numbers<T>(s.B * s.H, 13)};
}

TEST(RecurrentVjp, AgreesWithCentralDifferences) {
  for_each_size([](const Sizes& s) {
    const PackedSequences sequences = s.pack();
    const Results<double> g = cotangents_of<double>(s);
    const Gradients<double> found = gradients(s, g);
    Arguments<double> in(s);
    const auto loss = [&] {
      Buffers<double> b(s, sequences, in);
      run(s, sequences, in, b);
      double sum = 0;
      for (int64_t row = 0; row < sequences.rows(); ++row) {
        for (int64_t r = 0; r < s.R(); ++r) {
          const size_t place = at(sequences.places()[row] * s.R() + r);
          sum += b.results.output[place] * g.output[place];
        }
      }
      for (size_t i = 0; i < g.h.size(); ++i) sum += b.results.h[i] * g.h[i];
      for (size_t i = 0; s.has_cell() && i < g.c.size(); ++i) sum += b.results.c[i] * g.c[i];
      return sum;
    };
    const auto slope = [&](double& x) {
      const double middle = x, width = 1e-5;
      x = middle + width;
      const double above = loss();
      x = middle - width;
      const double below = loss();
      x = middle;
      return (above - below) / (2 * width);
    };
    const int64_t width = s.gates() * s.H;
    for (int64_t row = 0; row < sequences.rows(); ++row) {
      for (int64_t j = row % 3; j < width; j += 5) {
        ASSERT_NEAR(found.products[at(row * width + j)],
                    slope(in.products[at(sequences.places()[row] * width + j)]), 1e-8)
            << row << ", " << j;
      }
    }
    for (size_t i = 0; i < in.h0.size(); i += 3) ASSERT_NEAR(found.h0[i], slope(in.h0[i]), 1e-8);
    for (size_t i = 0; s.has_cell() && i < in.c0.size(); i += 3) {
      ASSERT_NEAR(found.c0[i], slope(in.c0[i]), 1e-8);
    }
  });
}

TEST(RecurrentVjp, OfFloatAgreesWithThatOfDouble) {
  for_each_size([](const Sizes& s) {
    const Gradients<float> narrow = gradients(s, cotangents_of<float>(s));
    const Gradients<double> wide = gradients(s, cotangents_of<double>(s));
    expect_near(narrow.products, wide.products, 1e-5);
    expect_near(narrow.hidden, wide.hidden, 1e-5);
    expect_near(narrow.h0, wide.h0, 1e-5);
    expect_near(narrow.c0, wide.c0, 1e-5);
  });
}

}  // namespace
}  // namespace gradus::kernels
