#include <gradus/framework/kernels/nn/ctc.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace gradus::kernels {
namespace {

/// Over equal logits, the alignments of L labels that differ from their neighbours are T + L over
/// 2 L of C^T.
double expected_loss(double T, double C, double L) {
  return T * std::log(C) -
         (std::lgamma(T + L + 1) - std::lgamma(2 * L + 1) - std::lgamma(T - L + 1));
}

TEST(Ctc, CountsTheAlignmentsOfEqualLogits) {
  for (const int64_t C : {3, 8, 17}) {
    for (int64_t L = 0; L < 20; ++L) {
      const int64_t T = 3 * L + 1;
      std::vector<int64_t> labels;
      for (int64_t s = 0; s < L; ++s) labels.push_back(1 + s % 2);
      const std::vector<double> logits(static_cast<size_t>(T * C), 0.5);
      double loss = 0, forward_only = 0;
      std::vector<double> d(logits.size(), 7);
      const CtcSequences<double> sequences{logits.data(), nullptr, 1, T, C, 0};
      const CtcTargets targets{labels.data(), nullptr, L};
      ctc_loss(sequences, targets, &loss, d.data());
      ctc_loss<double>(sequences, targets, &forward_only, nullptr);
      EXPECT_EQ(loss, forward_only);
      EXPECT_NEAR(
          loss,
          expected_loss(static_cast<double>(T), static_cast<double>(C), static_cast<double>(L)),
          1e-11);
      for (int64_t t = 0; t < T; ++t) {
        double sum = 0;
        for (int64_t c = 0; c < C; ++c) sum += d[static_cast<size_t>(t * C + c)];
        EXPECT_NEAR(sum, 0, 1e-13);
      }
    }
  }
}

TEST(Ctc, DerivativeAgreesWithCentralDifferences) {
  constexpr int64_t T = 9, C = 5, L = 4;
  const int64_t labels[L] = {1, 1, 4, 2};
  std::vector<double> logits, d(T * C);
  for (int64_t i = 0; i < T * C; ++i) logits.push_back(std::sin(static_cast<double>(7 * i)));
  const auto loss = [&](double* derivative) {
    double result = 0;
    ctc_loss<double>({logits.data(), nullptr, 1, T, C, 0}, {labels, nullptr, L}, &result,
                     derivative);
    return result;
  };
  loss(d.data());
  for (size_t i = 0; i < logits.size(); ++i) {
    const double before = logits[i], step = 1e-5;
    logits[i] = before + step;
    const double up = loss(nullptr);
    logits[i] = before - step;
    const double down = loss(nullptr);
    logits[i] = before;
    EXPECT_NEAR(d[i], (up - down) / (2 * step), 1e-9) << i;
  }
}

}  // namespace
}  // namespace gradus::kernels
