#include <gradus/framework/base/error.h>
#include <gradus/framework/io/detail/fasttext_labels.h>

#include <algorithm>
#include <array>
#include <cmath>

// Compiled with -ffp-contract=off: the table of the sigmoid has steps, and a product rounded in
// another way may be beyond one.
namespace gradus::detail {
namespace {

constexpr std::int64_t sigmoid_entries = 512;
constexpr std::int64_t sigmoid_limit = 8;

float log_of(float probability) {
  return static_cast<float>(std::log(static_cast<double>(probability) + 1e-5));
}

bool is_better(const FastTextLabels::Scored& a, const FastTextLabels::Scored& b) {
  return a.first > b.first;
}

// Keeps the k best in a heap, the worst of them in front. Of equals, which one stays follows from
// the order of the heap.
void keep_best(std::vector<FastTextLabels::Scored>& heap, FastTextLabels::Scored scored,
               std::int64_t k) {
  heap.push_back(scored);
  std::push_heap(heap.begin(), heap.end(), is_better);
  if (std::ssize(heap) > k) {
    std::pop_heap(heap.begin(), heap.end(), is_better);
    heap.pop_back();
  }
}

[[noreturn]] void throw_nan() {
  throw ValueError("predict: a score is NaN: the matrices of the model hold NaN");
}

float dot(const float* row, const float* hidden, std::int64_t dim) {
  float sum = 0;
  for (std::int64_t j = 0; j < dim; ++j) sum += row[j] * hidden[j];
  if (std::isnan(sum)) throw_nan();
  return sum;
}

// The products of rows with `hidden`, each summed up in order; several at a time.
void products(const float* rows, std::int64_t n, std::int64_t dim, const float* hidden,
              float* out) {
  constexpr std::int64_t group = 8;
  std::int64_t i = 0;
  for (; i + group <= n; i += group, rows += group * dim) {
    std::array<float, group> sums{};
    for (std::int64_t j = 0; j < dim; ++j) {
      for (std::size_t r = 0; r < group; ++r) {
        sums[r] += rows[static_cast<std::int64_t>(r) * dim + j] * hidden[j];
      }
    }
    std::copy(sums.begin(), sums.end(), out + i);
  }
  for (; i < n; ++i, rows += dim) out[i] = dot(rows, hidden, dim);
  if (std::any_of(out, out + n, [](float value) { return std::isnan(value); })) throw_nan();
}

void softmax(std::vector<float>& values) {
  const float most = *std::max_element(values.begin(), values.end());
  float sum = 0;
  for (float& value : values) {
    value = static_cast<float>(std::exp(static_cast<double>(value - most)));
    sum += value;
  }
  for (float& value : values) value /= sum;
}

}  // namespace

FastTextLabels::FastTextLabels(FastTextLoss loss, Tensor output,
                               std::span<const std::int64_t> counts)
    : loss_(loss), output_(std::move(output)) {
  if (loss == FastTextLoss::hierarchical_softmax) build_tree(counts);
  for (std::int64_t i = 0; i <= sigmoid_entries; ++i) {
    const float x = static_cast<float>(2 * i * sigmoid_limit) / sigmoid_entries - sigmoid_limit;
    sigmoids_.push_back(static_cast<float>(1.0 / (1.0 + std::exp(-x))));
  }
}

// The tree of Huffman's code. Labels are sorted by decreasing count, so that the rarest are taken
// from their end, and the nodes made of them, which get more and more frequent, from their start.
void FastTextLabels::build_tree(std::span<const std::int64_t> counts) {
  constexpr std::int64_t infinite = 1'000'000'000'000'000;  // of a node that is not made yet
  const std::size_t labels = counts.size();
  tree_.assign(2 * labels - 1, {infinite});
  for (std::size_t i = 0; i < labels; ++i) tree_[i].count = counts[i];
  auto leaf = static_cast<std::int32_t>(labels) - 1;
  auto node = static_cast<std::int32_t>(labels);
  const auto count = [&](std::int32_t i) { return tree_[static_cast<std::size_t>(i)].count; };
  const auto take = [&] { return leaf >= 0 && count(leaf) < count(node) ? leaf-- : node++; };
  for (std::size_t i = labels; i < tree_.size(); ++i) {
    const std::int32_t left = take(), right = take();
    tree_[i] = {count(left) + count(right), left, right};
  }
}

std::vector<float> FastTextLabels::probabilities(const float* hidden) const {
  std::vector<float> values(static_cast<std::size_t>(output_.size(0)));
  products(output_.data<float>(), output_.size(0), output_.size(1), hidden, values.data());
  if (loss_ == FastTextLoss::softmax) {
    softmax(values);
    if (std::isnan(values[0])) throw_nan();  // of infinities
    return values;
  }
  for (float& x : values) {
    if (std::abs(x) > sigmoid_limit) {
      x = x < 0 ? 0.0F : 1.0F;
      continue;
    }
    const float place = (x + sigmoid_limit) * sigmoid_entries / sigmoid_limit / 2;
    x = sigmoids_[static_cast<std::size_t>(place)];
  }
  return values;
}

std::vector<FastTextLabels::Scored> FastTextLabels::best_in_tree(const float* hidden,
                                                                 std::int64_t k,
                                                                 float threshold) const {
  const std::int64_t labels = output_.size(0), dim = output_.size(1);
  const float least = log_of(threshold);
  std::vector<Scored> heap;
  // The nodes to look at, with their scores; in place of a recursion, which may be as deep as there
  // are labels.
  std::vector<Scored> stack{{0.0F, static_cast<std::int32_t>(tree_.size()) - 1}};
  while (!stack.empty()) {
    const auto [score, id] = stack.back();
    stack.pop_back();
    if (score < least || (std::ssize(heap) == k && score < heap.front().first)) continue;
    const Node& node = tree_[static_cast<std::size_t>(id)];
    if (id < labels) {
      keep_best(heap, {score, id}, k);
      continue;
    }
    const float x = dot(output_.data<float>() + (id - labels) * dim, hidden, dim);
    const float right = static_cast<float>(1.0 / (1 + std::exp(-x)));
    stack.emplace_back(score + log_of(right), node.right);
    stack.emplace_back(score + log_of(static_cast<float>(1.0 - right)), node.left);
  }
  return heap;
}

std::vector<FastTextLabels::Scored> FastTextLabels::best(const float* hidden, std::int64_t k,
                                                         float threshold) const {
  std::vector<Scored> heap;
  if (loss_ == FastTextLoss::hierarchical_softmax) {
    heap = best_in_tree(hidden, k, threshold);
  } else {
    const std::vector<float> values = probabilities(hidden);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] < threshold) continue;
      const float score = log_of(values[i]);
      if (std::ssize(heap) == k && score < heap.front().first) continue;
      keep_best(heap, {score, static_cast<std::int32_t>(i)}, k);
    }
  }
  std::sort_heap(heap.begin(), heap.end(), is_better);
  return heap;
}

}  // namespace gradus::detail
