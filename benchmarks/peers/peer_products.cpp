// The matrix products of a training step, and nothing else, on our engine of products: what is left
// of the step if all the rest took no time. One thread. See workloads.h for the command line.

#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/gemm.h>
#include <gradus/framework/kernels/packed_gemm.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>

#include "models.h"
#include "workloads.h"

namespace {

namespace kernels = gradus::kernels;
using peers::Workload;
namespace w4 = peers::w4;
namespace w5 = peers::w5;
namespace w8 = peers::w8;
namespace w11 = peers::w11;

/// Products of matrices that have no meaning. All use the same three arrays, which stay in a cache
/// if they fit.
class Products {
 public:
  /// C [m, n] = op(A) op(B), as often as a batch says.
  void add(bool a_transposed, bool b_transposed, int64_t m, int64_t n, int64_t k,
           int64_t batch = 1) {
    const auto [a, b, c] = arrays(batch * m * k, batch * k * n, batch * m * n);
    calls_.emplace_back([=, a = a, b = b, c = c] {
      kernels::gemm_batched<float>(a_transposed, b_transposed, batch, m, n, k, 1, a->data(), m * k,
                                   b->data(), k * n, 0, c->data(), m * n);
    });
  }

  /// y [rows, outputs] = x W^T, dx = dy W, dW = dy^T x.
  void add_linear(int64_t rows, int64_t inputs, int64_t outputs) {
    add(false, true, rows, outputs, inputs);
    add(false, false, rows, inputs, outputs);
    add(true, false, outputs, inputs, rows);
  }

  /// An LSTM layer: a linear one over all rows, then the states of `rows[t]` sequences in step t.
  void add_lstm(const std::vector<int64_t>& rows, int64_t inputs, int64_t hidden) {
    int64_t all = 0;
    for (const int64_t count : rows) all += count;
    add_linear(all, inputs, 4 * hidden);
    add_steps(rows, /*transposed=*/true, hidden, 4 * hidden);
    add_steps(rows, /*transposed=*/false, 4 * hidden, hidden);
    add(true, false, 4 * hidden, hidden, all);
  }

  Workload workload() const {
    const auto step = [calls = calls_](int64_t) {
      for (const auto& call : calls) call();
      return 0.0;
    };
    return {step, [] { return 0.0; }, /*trains=*/false};
  }

 private:
  using Values = std::shared_ptr<std::vector<float>>;
  std::array<Values, 3> arrays(int64_t a, int64_t b, int64_t c) {
    const std::array<int64_t, 3> counts{a, b, c};
    for (size_t i = 0; i < 3; ++i) {
      const auto count = static_cast<size_t>(counts[i]);
      if (arrays_[i]->size() < count) arrays_[i]->resize(count, 0.5F);
    }
    return arrays_;
  }

  void add_steps(const std::vector<int64_t>& rows, bool transposed, int64_t k, int64_t n) {
    const int64_t most = *std::max_element(rows.begin(), rows.end());
    const auto [a, b, c] = arrays(most * k, k * n, most * n);
    calls_.emplace_back([=, a = a, b = b, c = c] {
      const kernels::PackedMatrix<float> packed(transposed, k, n, b->data(), transposed ? k : n);
      for (const int64_t count : rows) packed.multiply(count, a->data(), k, 0, c->data(), n);
    });
  }

  std::array<Values, 3> arrays_{std::make_shared<std::vector<float>>(),
                                std::make_shared<std::vector<float>>(),
                                std::make_shared<std::vector<float>>()};
  std::vector<std::function<void()>> calls_;
};

Workload language_model(const std::string&, const std::string&) {
  const std::vector<int64_t> rows(static_cast<size_t>(w4::kSteps), w4::kBatch);
  Products all;
  for (int64_t layer = 0; layer < w4::kLayers; ++layer) {
    all.add_lstm(rows, w4::kWidth, w4::kWidth);
  }
  all.add_linear(w4::kSteps * w4::kBatch, w4::kWidth, w4::kWords);
  return all.workload();
}

Workload gpt(const std::string&, const std::string&) {
  constexpr int64_t kRows = w5::kBatch * w5::kSteps, kHeads = w5::kBatch * w5::kHeads;
  constexpr int64_t kSize = w5::kWidth / w5::kHeads;
  Products all;
  for (int64_t layer = 0; layer < w5::kLayers; ++layer) {
    all.add_linear(kRows, w5::kWidth, 3 * w5::kWidth);
    // scores and their gradient, q k^T and dy v^T; y, dq and dk; dv
    for (int i = 0; i < 2; ++i) all.add(false, true, w5::kSteps, w5::kSteps, kSize, kHeads);
    for (int i = 0; i < 2; ++i) all.add(false, false, w5::kSteps, kSize, w5::kSteps, kHeads);
    for (int i = 0; i < 2; ++i) all.add(true, false, w5::kSteps, kSize, w5::kSteps, kHeads);
    all.add_linear(kRows, w5::kWidth, w5::kWidth);
    all.add_linear(kRows, w5::kWidth, w5::kHidden);
    all.add_linear(kRows, w5::kHidden, w5::kWidth);
  }
  all.add_linear(kRows, w5::kWidth, w5::kWords);
  return all.workload();
}

Workload text_cnn(const std::string&, const std::string&) {
  Products all;
  for (int64_t width = w8::kShortest; width <= w8::kLongest; ++width) {
    all.add_linear(w8::kBatch * (w8::kSteps - width + 1), w8::kWidth * width, w8::kFilters);
  }
  const int64_t features = w8::kFilters * (w8::kLongest - w8::kShortest + 1);
  all.add_linear(w8::kBatch, features, w8::kClasses);
  return all.workload();
}

Workload sequences(const std::string& inputs, const std::string&) {
  std::vector<int64_t> rows(static_cast<size_t>(w11::kSteps));
  for (const int64_t length : peers::read<int64_t>(inputs, "w11_lengths", w11::kBatch)) {
    for (int64_t t = 0; t < length; ++t) ++rows[static_cast<size_t>(t)];
  }
  Products all;
  all.add_lstm(rows, w11::kWidth, w11::kWidth);
  return all.workload();
}

const peers::Side kProducts{"products alone",
                            {{"W4_lstm_language_model", "products", language_model},
                             {"W5_gpt", "products", gpt},
                             {"W5b_gpt_fused_adamw", "products", gpt},
                             {"W8_text_cnn", "products", text_cnn},
                             {"W11_lstm_packed", "products", sequences},
                             {"W11_lstm_padded", "products", sequences}},
                            [](int threads) { gradus::set_num_threads(threads); }};

}  // namespace

int main(int argc, char** argv) { return peers::run_side(kProducts, argc, argv); }
