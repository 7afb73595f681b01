// The same steps written by hand, in plain loops that know their sizes: what a library could reach
// on this machine. One thread, huge pages, no graph and no tensors. See workloads.h for the command
// line; CMakeLists.txt compiles this for the machine at hand and with -ffast-math.

#include <sys/mman.h>
#include <xmmintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>

#include "fma_loop.h"
#include "workloads.h"

namespace {

using peers::kBatches;
using peers::Workload;
namespace w1 = peers::w1;
namespace w2 = peers::w2;
namespace w3 = peers::w3;
namespace w9 = peers::w9;

// ---- memory

/// Values in huge pages, where the system gives them.
class Buffer {
 public:
  explicit Buffer(int64_t count) : size_(count) {
    constexpr size_t kPage = 2 << 20;
    const size_t bytes = (static_cast<size_t>(count) * sizeof(float) + kPage - 1) / kPage * kPage;
    auto* const memory = static_cast<float*>(std::aligned_alloc(kPage, bytes));
    if (memory == nullptr) throw std::runtime_error("no memory");
    madvise(memory, bytes, MADV_HUGEPAGE);
    std::memset(memory, 0, bytes);
    values_.reset(memory, [](float* p) { std::free(p); });
  }
  explicit Buffer(const std::vector<float>& values) : Buffer(static_cast<int64_t>(values.size())) {
    std::copy(values.begin(), values.end(), data());
  }
  float* data() const { return values_.get(); }
  int64_t size() const { return size_; }
  /// Row i of rows of `width` values.
  float* row(int64_t i, int64_t width) const { return data() + i * width; }

 private:
  int64_t size_;
  std::shared_ptr<float> values_;
};

Buffer read(const std::string& inputs, const std::string& name, int64_t count) {
  return Buffer(peers::read<float>(inputs, name, count));
}

double moved(const std::string& inputs,
             const std::vector<std::pair<std::string, Buffer>>& weights) {
  double sum = 0;
  for (const auto& [name, weight] : weights) {
    sum += peers::squared_distance(weight.data(), peers::read<float>(inputs, name, weight.size()));
  }
  return std::sqrt(sum);
}

template <int64_t width>
void prefetch(const float* row) {
  for (int64_t k = 0; k < width; k += 16) _mm_prefetch(row + k, _MM_HINT_T0);
}

constexpr int64_t kAhead = 16;  // rows between a prefetch and its use

/// Prefetches the row that a loop at place i of `ids` will need.
template <int64_t width>
void prefetch_ahead(const Buffer& table, const int64_t* ids, int64_t i, int64_t count) {
  if (i + kAhead < count) prefetch<width>(table.row(ids[i + kAhead], width));
}

// ---- arithmetic

template <int64_t width>
void add(float* to, const float* from, float factor) {
  for (int64_t k = 0; k < width; ++k) to[k] += factor * from[k];
}

template <int64_t width>
float dot(const float* a, const float* b) {
  float sum = 0;
  for (int64_t k = 0; k < width; ++k) sum += a[k] * b[k];
  return sum;
}

/// e^x for |x| < 87 to some units in the last place: 2^n e^r with |r| <= log(2) / 2, and the series
/// of e^r. No branches and no calls, so that loops over it are vectorised.
inline float exponential(float x) {
  const float n = std::nearbyint(x * 1.44269504F);
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;  // log(2) in two parts
  const float series =
      1 + r * (1 + r * (1 / 2.F + r * (1 / 6.F + r * (1 / 24.F + r * (1 / 120.F + r / 720.F)))));
  const auto exponent = (static_cast<int32_t>(n) + 127) << 23;
  return series * std::bit_cast<float>(exponent);
}

// ---- W1: the rows, their product with the cotangent, the rows again to be updated

Workload embedding(const std::string& inputs, const std::string&) {
  const Buffer table = read(inputs, "w1_table", w1::kRows * w1::kWidth);
  const Buffer cotangent = read(inputs, "w1_cotangent", w1::kTokens * w1::kWidth);
  const auto ids = peers::read<int64_t>(inputs, "w1_ids", kBatches * w1::kTokens);
  const auto step = [=](int64_t n) {
    const int64_t* const batch = &ids[static_cast<size_t>(n % kBatches * w1::kTokens)];
    double loss = 0;
    for (int64_t i = 0; i < w1::kTokens; ++i) {
      prefetch_ahead<w1::kWidth>(table, batch, i, w1::kTokens);
      loss += dot<w1::kWidth>(table.row(batch[i], w1::kWidth), cotangent.row(i, w1::kWidth));
    }
    for (int64_t i = 0; i < w1::kTokens; ++i) {
      prefetch_ahead<w1::kWidth>(table, batch, i, w1::kTokens);
      add<w1::kWidth>(table.row(batch[i], w1::kWidth), cotangent.row(i, w1::kWidth),
                      static_cast<float>(-w1::kLr));
    }
    return loss;
  };
  return {step, [=] { return moved(inputs, {{"w1_table", table}}); }};
}

// ---- W2: the gradient of a document's mean goes straight to the rows of its words

struct Classifier {
  explicit Classifier(const std::string& inputs)
      : table(read(inputs, "w2_table", w2::kRows * w2::kWidth)),
        weight(read(inputs, "w2_weight", w2::kClasses * w2::kWidth)),
        bias(read(inputs, "w2_bias", w2::kClasses)),
        weight_gradient(weight.size()),
        bias_gradient(bias.size()),
        means(w2::kBags * w2::kWidth),
        bags(inputs),
        labels(peers::read<int64_t>(inputs, "w2_labels", kBatches * w2::kBags)) {}

  double step(int64_t batch) const {
    std::fill_n(weight_gradient.data(), weight_gradient.size(), 0.0F);
    std::fill_n(bias_gradient.data(), bias_gradient.size(), 0.0F);
    for (int64_t b = 0; b < w2::kBags; ++b) set_mean(batch, b);
    double loss = 0;
    for (int64_t b = 0; b < w2::kBags; ++b) {
      loss +=
          classify(means.row(b, w2::kWidth), labels[static_cast<size_t>(batch * w2::kBags + b)]);
    }
    for (int64_t b = 0; b < w2::kBags; ++b) update_rows(batch, b);
    constexpr auto kRate = static_cast<float>(-w2::kLr);
    add<w2::kClasses * w2::kWidth>(weight.data(), weight_gradient.data(), kRate);
    add<w2::kClasses>(bias.data(), bias_gradient.data(), kRate);
    return loss / w2::kBags;
  }

  /// Calls f(row) for the words of a bag.
  template <class F>
  void for_rows(int64_t batch, int64_t bag, F f) const {
    const int64_t end = bags.start(batch, bag + 1);
    const auto all = static_cast<int64_t>(bags.ids.size());
    for (int64_t i = bags.start(batch, bag); i < end; ++i) {
      prefetch_ahead<w2::kWidth>(table, bags.ids.data(), i, all);
      f(table.row(bags.ids[static_cast<size_t>(i)], w2::kWidth));
      asm volatile("" ::: "memory");  // row by row: g++ would gather the columns of several rows
    }
  }

  float share(int64_t batch, int64_t bag) const {  // of a word in the mean
    return 1 / static_cast<float>(bags.start(batch, bag + 1) - bags.start(batch, bag));
  }

  void set_mean(int64_t batch, int64_t bag) const {
    float sum[w2::kWidth] = {};
    for_rows(batch, bag, [&](const float* row) { add<w2::kWidth>(sum, row, 1); });
    const float factor = share(batch, bag);
    float* const mean = means.row(bag, w2::kWidth);
    for (int64_t k = 0; k < w2::kWidth; ++k) mean[k] = sum[k] * factor;
  }

  /// The loss of one document; puts the gradient of its mean where the mean was.
  double classify(float* mean, int64_t label) const {
    float scores[w2::kClasses];
    for (int64_t c = 0; c < w2::kClasses; ++c) {
      scores[c] = bias.data()[c] + dot<w2::kWidth>(weight.row(c, w2::kWidth), mean);
    }
    const float greatest = *std::max_element(scores, scores + w2::kClasses);
    float sum = 0;
    for (float& score : scores) sum += score = exponential(score - greatest);
    const double loss = -std::log(scores[label] / sum);
    float gradient[w2::kWidth] = {};
    for (int64_t c = 0; c < w2::kClasses; ++c) {
      const float g = (scores[c] / sum - (c == label ? 1.0F : 0.0F)) / w2::kBags;
      bias_gradient.data()[c] += g;
      add<w2::kWidth>(weight_gradient.row(c, w2::kWidth), mean, g);
      add<w2::kWidth>(gradient, weight.row(c, w2::kWidth), g);
    }
    std::copy_n(gradient, w2::kWidth, mean);
    return loss;
  }

  void update_rows(int64_t batch, int64_t bag) const {
    const float factor = -static_cast<float>(w2::kLr) * share(batch, bag);
    const float* const gradient = means.row(bag, w2::kWidth);
    for_rows(batch, bag, [&](float* row) { add<w2::kWidth>(row, gradient, factor); });
  }

  Buffer table, weight, bias, weight_gradient, bias_gradient, means;
  peers::Bags bags;
  std::vector<int64_t> labels;
};

Workload embedding_bag(const std::string& inputs, const std::string&) {
  const auto model = std::make_shared<Classifier>(inputs);
  return {[=](int64_t n) { return model->step(n % kBatches); },
          [=] {
            return moved(inputs, {{"w2_table", model->table},
                                  {"w2_weight", model->weight},
                                  {"w2_bias", model->bias}});
          }};
}

// ---- W3: all pairs forward, then all rows updated

struct SkipGram {
  static constexpr int64_t kTargets = w3::kNegatives + 1;  // of a pair: its context first

  explicit SkipGram(const std::string& inputs)
      : in(read(inputs, "w3_in_table", w3::kRows * w3::kWidth)),
        out(read(inputs, "w3_out_table", w3::kRows * w3::kWidth)),
        centers(w3::kPairs * w3::kWidth),
        changes(w3::kPairs * w3::kWidth),
        factors(w3::kPairs * kTargets),
        center_ids(peers::read<int64_t>(inputs, "w3_centers", kBatches * w3::kPairs)) {
    const auto contexts = peers::read<int64_t>(inputs, "w3_contexts", kBatches * w3::kPairs);
    const auto negatives =
        peers::read<int64_t>(inputs, "w3_negatives", kBatches * w3::kPairs * w3::kNegatives);
    for (size_t i = 0; i < contexts.size(); ++i) {
      target_ids.push_back(contexts[i]);
      const auto first = negatives.begin() + static_cast<int64_t>(i) * w3::kNegatives;
      target_ids.insert(target_ids.end(), first, first + w3::kNegatives);
    }
  }

  double step(int64_t batch) const {
    const int64_t* const center = &center_ids[static_cast<size_t>(batch * w3::kPairs)];
    const int64_t* const target = &target_ids[static_cast<size_t>(batch * w3::kPairs * kTargets)];
    double loss = 0;
    for (int64_t i = 0; i < w3::kPairs; ++i) {
      prefetch_pair(center, target, i + 2);
      loss += forward(i, in.row(center[i], w3::kWidth), target + i * kTargets);
    }
    for (int64_t i = 0; i < w3::kPairs; ++i) {
      for (int64_t k = 0; k < kTargets; ++k) {
        add<w3::kWidth>(out.row(target[i * kTargets + k], w3::kWidth), centers.row(i, w3::kWidth),
                        factors.row(i, kTargets)[k]);
      }
      add<w3::kWidth>(in.row(center[i], w3::kWidth), changes.row(i, w3::kWidth), 1);
    }
    return loss / w3::kPairs;
  }

  void prefetch_pair(const int64_t* center, const int64_t* target, int64_t i) const {
    if (i >= w3::kPairs) return;
    prefetch<w3::kWidth>(in.row(center[i], w3::kWidth));
    for (int64_t k = 0; k < kTargets; ++k) {
      prefetch<w3::kWidth>(out.row(target[i * kTargets + k], w3::kWidth));
    }
  }

  /// The loss of pair i; keeps the center, its change, and the factors of the targets' changes.
  double forward(int64_t i, const float* center, const int64_t* target) const {
    float signs[kTargets], scores[kTargets];
    for (int64_t k = 0; k < kTargets; ++k) {
      signs[k] = k == 0 ? 1.0F : -1.0F;
      scores[k] = signs[k] * dot<w3::kWidth>(center, out.row(target[k], w3::kWidth));
    }
    float* const factor = factors.row(i, kTargets);
    float change[w3::kWidth] = {};
    double product = 1;  // of 1 + e^-score: one logarithm a pair
    for (int64_t k = 0; k < kTargets; ++k) {
      const float e = exponential(-scores[k]);
      product *= 1 + static_cast<double>(e);
      factor[k] = static_cast<float>(w3::kLr) / w3::kPairs * signs[k] * e / (1 + e);
    }
    for (int64_t k = 0; k < kTargets; ++k) {
      add<w3::kWidth>(change, out.row(target[k], w3::kWidth), factor[k]);
    }
    std::copy_n(change, w3::kWidth, changes.row(i, w3::kWidth));
    std::copy_n(center, w3::kWidth, centers.row(i, w3::kWidth));
    return std::log(product);
  }

  Buffer in, out, centers, changes, factors;
  std::vector<int64_t> center_ids, target_ids;
};

Workload skip_gram(const std::string& inputs, const std::string&) {
  const auto model = std::make_shared<SkipGram>(inputs);
  return {[=](int64_t n) { return model->step(n % kBatches); },
          [=] {
            return moved(inputs, {{"w3_in_table", model->in}, {"w3_out_table", model->out}});
          }};
}

// ---- W9: one pass over memory, or two over rows that stay in a cache. Large results go past the
// caches: nobody reads them soon, and a store into a cache would first read what it overwrites.

void stream(float* __restrict to, const float* __restrict from, int64_t count) {
  for (int64_t i = 0; i < count; i += 4) _mm_stream_ps(to + i, _mm_load_ps(from + i));
}

Buffer values(uint64_t seed, int64_t count) { return Buffer(peers::values(seed, count)); }

double norm(const std::vector<Buffer>& all) {
  double sum = 0;
  for (const Buffer& values : all) {
    const std::vector<float> zeros(static_cast<size_t>(values.size()));
    sum += peers::squared_distance(values.data(), zeros);
  }
  return std::sqrt(sum);
}

/// Runs `op` in every step; its loss is the first value of the first result.
template <class F>
Workload one_op(const std::vector<Buffer>& results, F op) {
  const auto step = [=](int64_t) {
    op();
    return static_cast<double>(*results[0].data());
  };
  return {step, [=] { return norm(results); }};
}

constexpr int64_t kBlock = 800;  // values of tanh at a time
static_assert(w9::kTanh % kBlock == 0);

void tanh_of(float* y, const float* __restrict a, const float* __restrict b,
             const float* __restrict c) {
  alignas(64) float block[kBlock];
  for (int64_t i = 0; i < kBlock; ++i) {
    const float x = a[i] * b[i] + c[i];
    const float e = exponential(2 * (x > 9 ? 9 : x < -9 ? -9 : x));
    block[i] = (e - 1) / (e + 1);
  }
  stream(y, block, kBlock);
}

void tanh_gradients(float* ga, float* gb, float* gc, const float* __restrict a,
                    const float* __restrict b, const float* __restrict y,
                    const float* __restrict g) {
  alignas(64) float of_a[kBlock], of_b[kBlock], of_c[kBlock];
  for (int64_t i = 0; i < kBlock; ++i) {
    const float d = g[i] * (1 - y[i] * y[i]);
    of_a[i] = d * b[i];
    of_b[i] = d * a[i];
    of_c[i] = d;
  }
  stream(ga, of_a, kBlock);
  stream(gb, of_b, kBlock);
  stream(gc, of_c, kBlock);
}

Workload tanh_chain(const std::string&, const std::string& variant) {
  constexpr int64_t kCount = w9::kTanh;
  const Buffer a = values(1, kCount), b = values(2, kCount), c = values(3, kCount), y(kCount);
  const auto forward = [=] {
    for (int64_t i = 0; i < kCount; i += kBlock) {
      tanh_of(y.data() + i, a.data() + i, b.data() + i, c.data() + i);
    }
  };
  if (variant == "forward") return one_op({y}, forward);
  forward();
  const Buffer g = values(9, kCount), ga(kCount), gb(kCount), gc(kCount);
  return one_op({ga, gb, gc}, [=] {
    for (int64_t i = 0; i < kCount; i += kBlock) {
      tanh_gradients(ga.data() + i, gb.data() + i, gc.data() + i, a.data() + i, b.data() + i,
                     y.data() + i, g.data() + i);
    }
  });
}

void softmax_of(float* y, const float* __restrict x) {
  constexpr int64_t kWidth = w9::kSoftmaxWidth;
  prefetch<kWidth>(x + kWidth);  // the next row
  alignas(64) float row[kWidth];
  float greatest = x[0], sum = 0;
  for (int64_t k = 0; k < kWidth; ++k) greatest = x[k] > greatest ? x[k] : greatest;
  for (int64_t k = 0; k < kWidth; ++k) sum += row[k] = exponential(x[k] - greatest);
  const float factor = 1 / sum;
  for (int64_t k = 0; k < kWidth; ++k) row[k] *= factor;
  stream(y, row, kWidth);
}

void softmax_gradient(float* gx, const float* __restrict y, const float* __restrict g) {
  alignas(64) float row[w9::kSoftmaxWidth];
  const float mean = dot<w9::kSoftmaxWidth>(g, y);
  for (int64_t k = 0; k < w9::kSoftmaxWidth; ++k) row[k] = y[k] * (g[k] - mean);
  stream(gx, row, w9::kSoftmaxWidth);
}

Workload softmax_rows(const std::string&, const std::string& variant) {
  constexpr int64_t kWidth = w9::kSoftmaxWidth, kCount = w9::kSoftmaxRows * kWidth;
  const Buffer x = values(4, kCount), y(kCount);
  const auto forward = [=] {
    for (int64_t i = 0; i < w9::kSoftmaxRows; ++i) softmax_of(y.row(i, kWidth), x.row(i, kWidth));
  };
  if (variant == "forward") return one_op({y}, forward);
  forward();
  const Buffer g = values(9, kCount), gx(kCount);
  return one_op({gx}, [=] {
    for (int64_t i = 0; i < w9::kSoftmaxRows; ++i) {
      softmax_gradient(gx.row(i, kWidth), y.row(i, kWidth), g.row(i, kWidth));
    }
  });
}

struct Moments {
  float mean, scale;  // of a row; scale = 1 / sqrt(variance + eps)
};

Moments norm_of(float* __restrict y, const float* __restrict x, const float* __restrict weight,
                const float* __restrict bias) {
  constexpr int64_t kWidth = w9::kNormWidth;
  float sum = 0, squares = 0;
  for (int64_t k = 0; k < kWidth; ++k) {
    sum += x[k];
    squares += x[k] * x[k];  // the mean is near 0, so that little cancels
  }
  const float mean = sum / kWidth;
  const float scale = 1 / std::sqrt(squares / kWidth - mean * mean + 1e-5F);
  for (int64_t k = 0; k < kWidth; ++k) y[k] = (x[k] - mean) * scale * weight[k] + bias[k];
  return {mean, scale};
}

void norm_gradients(float* __restrict gx, float* __restrict gw, float* __restrict gb,
                    const float* __restrict x, const float* __restrict weight,
                    const float* __restrict g, Moments moments) {
  constexpr int64_t kWidth = w9::kNormWidth;
  float sum = 0, product = 0;
  for (int64_t k = 0; k < kWidth; ++k) {
    const float normal = (x[k] - moments.mean) * moments.scale;
    gw[k] += g[k] * normal;
    gb[k] += g[k];
    sum += g[k] * weight[k];
    product += g[k] * weight[k] * normal;
  }
  sum /= kWidth;
  product /= kWidth;
  for (int64_t k = 0; k < kWidth; ++k) {
    const float normal = (x[k] - moments.mean) * moments.scale;
    gx[k] = (g[k] * weight[k] - sum - normal * product) * moments.scale;
  }
}

Workload norm_rows(const std::string&, const std::string& variant) {
  constexpr int64_t kWidth = w9::kNormWidth, kCount = w9::kNormRows * kWidth;
  const Buffer x = values(6, kCount), weight = values(7, kWidth), bias = values(8, kWidth);
  const Buffer y(kCount);
  const auto moments = std::make_shared<std::vector<Moments>>(w9::kNormRows);
  const auto forward = [=] {
    for (int64_t i = 0; i < w9::kNormRows; ++i) {
      (*moments)[static_cast<size_t>(i)] =
          norm_of(y.row(i, kWidth), x.row(i, kWidth), weight.data(), bias.data());
    }
  };
  if (variant == "forward") return one_op({y}, forward);
  forward();
  const Buffer g = values(9, kCount), gx(kCount), gw(kWidth), gb(kWidth);
  return one_op({gx, gw, gb}, [=] {
    std::fill_n(gw.data(), kWidth, 0.0F);
    std::fill_n(gb.data(), kWidth, 0.0F);
    for (int64_t i = 0; i < w9::kNormRows; ++i) {
      norm_gradients(gx.row(i, kWidth), gw.data(), gb.data(), x.row(i, kWidth), weight.data(),
                     g.row(i, kWidth), (*moments)[static_cast<size_t>(i)]);
    }
  });
}

// ---- P: as many multiplications and additions, in registers

Workload product(const std::string&, const std::string& shape) {
  const peers::products::Product p(shape);
  const auto [a, b] = peers::operands(p);
  const auto at_a = [&a = a, p](int64_t i, int64_t l) {
    return static_cast<double>(a[static_cast<size_t>(p.a_transposed ? l * p.m + i : i * p.k + l)]);
  };
  const auto at_b = [&b = b, p](int64_t l, int64_t j) {
    return static_cast<double>(b[static_cast<size_t>(p.b_transposed ? j * p.k + l : l * p.n + j)]);
  };
  double first = 0, all = 0;  // element of the result; sum of it
  for (int64_t l = 0; l < p.k; ++l) {
    double column = 0, row = 0;
    for (int64_t i = 0; i < p.m; ++i) column += at_a(i, l);
    for (int64_t j = 0; j < p.n; ++j) row += at_b(l, j);
    first += at_a(0, l) * at_b(l, 0);
    all += column * row;
  }
  const peers::Peak peak = peers::widest();
  const int64_t times = p.m * p.k * p.n / (int64_t{peers::kSums} * peak.width);
  const auto step = [=](int64_t) {
    peak.run(times);
    return first;
  };
  return {step, [=] { return std::abs(all); }, /*trains=*/false};
}

const peers::Side kLimit{"written by hand",
                         peers::with_products({{"W1_embedding_sparse_sgd", "by_hand", embedding},
                                               {"W2_embedding_bag", "by_hand", embedding_bag},
                                               {"W3_skip_gram", "by_hand", skip_gram},
                                               {"W9_tanh_forward", "forward", tanh_chain},
                                               {"W9_tanh_backward", "backward", tanh_chain},
                                               {"W9_softmax_forward", "forward", softmax_rows},
                                               {"W9_softmax_backward", "backward", softmax_rows},
                                               {"W9_layer_norm_forward", "forward", norm_rows},
                                               {"W9_layer_norm_backward", "backward", norm_rows}},
                                              product),
                         [](int) {}};

}  // namespace

int main(int argc, char** argv) { return peers::run_side(kLimit, argc, argv); }
