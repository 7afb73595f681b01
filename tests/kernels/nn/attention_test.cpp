#include <gradus/framework/kernels/nn/attention.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace gradus::kernels {
namespace {

/// A problem of one sequence with heads side by side, and its solution by plain loops in double.
template <class T>
struct Problem {
  Problem(int64_t queries, int64_t keys, int64_t size, bool is_causal)
      : Q(queries), K(keys), d(size), causal(is_causal) {
    std::mt19937 random(static_cast<unsigned>(Q * 100 + K));
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (std::vector<T>* x : {&q, &g, &k, &v}) {
      x->resize(static_cast<size_t>((x == &q || x == &g ? Q : K) * H * d));
      for (T& value : *x) value = static_cast<T>(uniform(random));
    }
    out = out_alone = dq = q;
    dk = dv = k;
    greatest.resize(static_cast<size_t>(H * Q));
    factor = greatest;
  }

  template <class U>
  Heads<U> heads(U* data) const {
    return {data, 0, d, H * d};
  }
  void run() {
    Attention<T> call{};
    call.B = 1;
    call.H = call.kv_heads = H;
    call.Q = Q;
    call.K = K;
    call.d = call.dv = d;
    call.q = heads<const T>(q.data());
    call.k = heads<const T>(k.data());
    call.v = heads<const T>(v.data());
    call.causal = causal;
    call.scale = T{0.5};
    attention<T>(call, heads(out_alone.data()), nullptr, nullptr);
    attention(call, heads(out.data()), greatest.data(), factor.data());
    attention_vjp<T>(
        call, {heads<const T>(out.data()), heads<const T>(g.data()), greatest.data(), factor.data(),
               heads(dq.data()), heads(dk.data()), heads(dv.data()), nullptr});
  }

  /// The output and the gradients, in order.
  std::vector<std::vector<double>> solution() const {
    std::vector<double> y(q.size()), d_q(q.size()), d_k(k.size()), d_v(k.size());
    for (int64_t h = 0; h < H; ++h) {
      for (int64_t i = 0; i < Q; ++i) {
        const int64_t n = causal ? std::clamp<int64_t>(K - Q + i + 1, 0, K) : K;
        std::vector<double> p(static_cast<size_t>(n)), dp = p;
        double sum = 0, mean = 0;
        for (int64_t j = 0; j < n; ++j) {
          for (int64_t c = 0; c < d; ++c) p[at(j)] += 0.5 * get(q, i, h, c) * get(k, j, h, c);
          p[at(j)] = std::exp(p[at(j)]);
          sum += p[at(j)];
        }
        for (int64_t j = 0; j < n; ++j) {
          p[at(j)] /= sum;
          for (int64_t c = 0; c < d; ++c) {
            y[place(i, h, c)] += p[at(j)] * get(v, j, h, c);
            d_v[place(j, h, c)] += p[at(j)] * get(g, i, h, c);
            dp[at(j)] += get(v, j, h, c) * get(g, i, h, c);
          }
          mean += p[at(j)] * dp[at(j)];
        }
        for (int64_t j = 0; j < n; ++j) {
          const double ds = 0.5 * p[at(j)] * (dp[at(j)] - mean);
          for (int64_t c = 0; c < d; ++c) {
            d_q[place(i, h, c)] += ds * get(k, j, h, c);
            d_k[place(j, h, c)] += ds * get(q, i, h, c);
          }
        }
      }
    }
    return {y, d_q, d_k, d_v};
  }

  static size_t at(int64_t i) { return static_cast<size_t>(i); }
  size_t place(int64_t t, int64_t h, int64_t c) const { return at((t * H + h) * d + c); }
  double get(const std::vector<T>& x, int64_t t, int64_t h, int64_t c) const {
    return static_cast<double>(x[place(t, h, c)]);
  }

  int64_t H = 2, Q, K, d;
  bool causal;
  std::vector<T> q, k, v, g, out, dq, dk, dv, greatest, factor;
  std::vector<T> out_alone;  // of a call without gradients
};

template <class T>
class AttentionKernel : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(AttentionKernel, Floats);

TYPED_TEST(AttentionKernel, AgreesWithLoops) {
  const double tolerance = std::is_same_v<TypeParam, float> ? 1e-5 : 1e-13;
  for (const bool causal : {false, true}) {
    for (const int64_t Q : {1, 4, 5, 8, 9, 16, 17, 31, 33, 64, 130}) {
      for (const int64_t K : {1, 7, 64, 70, 129}) {
        for (const int64_t d : {1, 8, 17, 64}) {
          SCOPED_TRACE(testing::Message() << Q << " " << K << " " << d << " " << causal);
          Problem<TypeParam> problem(Q, K, d, causal);
          problem.run();
          const auto expected = problem.solution();
          const auto* actual = &problem.out;
          for (const std::vector<double>& values : expected) {
            for (size_t i = 0; i < values.size(); ++i) {
              ASSERT_NEAR(static_cast<double>((*actual)[i]), values[i],
                          tolerance * (1 + std::abs(values[i])))
                  << actual - &problem.out << " " << i;
            }
            ++actual;
          }
          for (size_t i = 0; i < expected[0].size(); ++i) {
            ASSERT_NEAR(static_cast<double>(problem.out_alone[i]), expected[0][i],
                        tolerance * (1 + std::abs(expected[0][i])))
                << i;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace gradus::kernels
