#include <gradus/framework/kernels/nn/crf.h>
#include <gradus/tests/kernels/kernel_testing.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace gradus::kernels {
namespace {

/// Three sequences of up to 6 elements with C labels.
struct Chain {
  explicit Chain(int64_t labels, double size) : C(labels) {
    std::mt19937_64 engine(static_cast<uint64_t>(labels));
    std::uniform_real_distribution<double> uniform(-size, size);
    const auto fill = [&](std::vector<double>& values, int64_t count) {
      for (int64_t i = 0; i < count; ++i) values.push_back(uniform(engine));
    };
    fill(emissions, 3 * 6 * C);
    fill(transitions, C * C);
    fill(start, C);
    fill(end, C);
  }
  CrfChain chain() const {
    return CrfChain(CrfScores<double>{C, transitions.data(), start.data(), end.data(), nullptr,
                                      nullptr, nullptr});
  }
  CrfSequences<double> sequences() const { return {emissions.data(), lengths, 3, 6}; }

  /// combine(terms) is a sum or a maximum, in logarithms.
  template <class F>
  long double over_all_labelings(int64_t b, const F& combine) const {
    std::vector<long double> now(start.begin(), start.end());
    for (int64_t t = 0; t < lengths[b]; ++t) {
      std::vector<long double> next;
      for (int64_t j = 0; j < C; ++j) {
        std::vector<long double> terms;
        for (int64_t i = 0; t > 0 && i < C; ++i)
          terms.push_back(at(now, i) + at(transitions, i * C + j));
        next.push_back((t > 0 ? combine(terms) : at(now, j)) + at(emissions, (b * 6 + t) * C + j));
      }
      now = next;
    }
    for (int64_t j = 0; j < C; ++j) now[static_cast<size_t>(j)] += at(end, j);
    return combine(now);
  }
  template <class V>
  static long double at(const V& values, int64_t i) {
    return values[static_cast<size_t>(i)];
  }

  int64_t C;
  int64_t lengths[3] = {6, 3, 1};
  std::vector<double> emissions, transitions, start, end;
};

long double log_sum(const std::vector<long double>& terms) {
  const long double most = *std::max_element(terms.begin(), terms.end());
  long double sum = 0;
  for (const long double term : terms) sum += std::exp(term - most);
  return most + std::log(sum);
}

long double largest(const std::vector<long double>& terms) {
  return *std::max_element(terms.begin(), terms.end());
}

template <class F>
void for_chains(F f) {
  for (const int64_t C : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 65}) {
    for (const double size : {2.0, 300.0, 1e4}) {
      SCOPED_TRACE(testing::Message() << C << " labels, scores up to " << size);
      f(Chain(C, size));
    }
  }
}

TEST(Crf, LogPartitionIsThatOfAllLabelings) {
  for_chains([](const Chain& c) {
    const CrfChain chain = c.chain();
    std::vector<double> log_z(3), forward(static_cast<size_t>(3 * 6 * chain.stride)), again(3);
    crf_log_partition(chain, c.sequences(), log_z.data(), forward.data());
    crf_log_partition<double>(chain, c.sequences(), again.data(), nullptr);
    EXPECT_EQ(log_z, again);
    for (int64_t b = 0; b < 3; ++b) {
      const auto expected = static_cast<double>(c.over_all_labelings(b, log_sum));
      EXPECT_NEAR(log_z[static_cast<size_t>(b)], expected, 1e-12 * (1 + std::abs(expected)));
    }
  });
}

TEST(Crf, MarginalsSumToOne) {
  for_chains([](const Chain& c) {
    std::vector<double> p(static_cast<size_t>(3 * 6 * c.C), -1);
    crf_marginals(c.chain(), c.sequences(), p.data());
    for (int64_t row = 0; row < 18; ++row) {
      double sum = 0;
      for (int64_t j = 0; j < c.C; ++j) sum += p[static_cast<size_t>(row * c.C + j)];
      EXPECT_NEAR(sum, row % 6 < c.lengths[row / 6] ? 1 : 0, 1e-12);
    }
  });
}

TEST(Crf, TheBestLabelsHaveTheLargestScore) {
  for_chains([](const Chain& c) {
    std::vector<int64_t> labels(18, -1);
    std::vector<double> best(3), scores(3);
    crf_best(c.chain(), c.sequences(), 1, labels.data(), best.data());
    crf_score(c.chain(), c.sequences(), labels.data(), scores.data());
    for (int64_t b = 0; b < 3; ++b) {
      const auto expected = static_cast<double>(c.over_all_labelings(b, largest));
      const auto i = static_cast<size_t>(b);
      EXPECT_NEAR(best[i], expected, 1e-12 * (1 + std::abs(expected)));
      EXPECT_NEAR(scores[i], expected, 1e-12 * (1 + std::abs(expected)));
    }
  });
}

}  // namespace
}  // namespace gradus::kernels
