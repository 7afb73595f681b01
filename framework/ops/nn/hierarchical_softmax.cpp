#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/bags.h>
#include <gradus/framework/kernels/reduce.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/framework/ops/nn/detail/loss_reduction.h>
#include <gradus/framework/ops/nn/hierarchical_softmax.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace gradus {
namespace {

/// The nodes of a tree while it is built: first the leaves, by falling count, then the inner ones.
class Builder {
 public:
  explicit Builder(const std::vector<std::int64_t>& counts)
      : leaves_(static_cast<std::int64_t>(counts.size())), counts_(counts) {
    counts_.resize(static_cast<std::size_t>(std::max<std::int64_t>(1, 2 * leaves_ - 1)));
    parents_.assign(counts_.size(), -1);
    bits_.assign(counts_.size(), 0);
    std::int64_t leaf = leaves_ - 1, inner = leaves_;
    for (std::int64_t node = leaves_; node < 2 * leaves_ - 1; ++node) {
      for (const bool bit : {false, true}) {
        const bool takes_leaf = leaf >= 0 && (inner >= node || count(leaf) < count(inner));
        const std::int64_t child = takes_leaf ? leaf-- : inner++;
        counts_[at(node)] += count(child);
        parents_[at(child)] = node;
        bits_[at(child)] = bit ? 1 : 0;
      }
    }
  }

  /// Calls f(inner node, bit) from a leaf up to the root.
  template <class F>
  void walk(std::int64_t leaf, const F& f) const {
    for (std::int64_t node = leaf; parents_[at(node)] >= 0; node = parents_[at(node)]) {
      f(parents_[at(node)] - leaves_, bits_[at(node)]);
    }
  }

 private:
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
  std::int64_t count(std::int64_t node) const { return counts_[at(node)]; }

  std::int64_t leaves_;
  std::vector<std::int64_t> counts_, parents_;
  std::vector<std::uint8_t> bits_;
};

void check_counts(std::span<const std::int64_t> counts) {
  if (counts.empty()) throw ValueError("HuffmanTree: there are no counts");
  std::int64_t left = std::numeric_limits<std::int64_t>::max();
  for (std::size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] < 0) {
      throw ValueError(
          fmt::format("HuffmanTree: the count {} of class {} is negative", counts[k], k));
    }
    if (counts[k] > left) {
      throw ValueError(
          fmt::format("HuffmanTree: the sum of the first {} counts is beyond int64: divide them "
                      "all by the same number",
                      k + 1));
    }
    left -= counts[k];
  }
}

}  // namespace

HuffmanTree::HuffmanTree(std::span<const std::int64_t> counts) {
  check_counts(counts);
  std::vector<std::int64_t> order(counts.size()), sorted, place(counts.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto count = [&](std::int64_t k) { return counts[static_cast<std::size_t>(k)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return count(a) > count(b); });
  for (const std::int64_t k : order) {
    place[static_cast<std::size_t>(k)] = static_cast<std::int64_t>(sorted.size());
    sorted.push_back(count(k));
  }
  const Builder tree(sorted);
  starts_.push_back(0);
  for (const std::int64_t leaf : place) {
    tree.walk(leaf, [&](std::int64_t node, std::uint8_t bit) {
      nodes_.push_back(node);
      bits_.push_back(bit);
    });
    starts_.push_back(static_cast<std::int64_t>(nodes_.size()));
  }
}

std::int64_t HuffmanTree::num_classes() const {
  if (starts_.empty()) detail::throw_moved_from("HuffmanTree");
  return static_cast<std::int64_t>(starts_.size()) - 1;
}

std::span<const std::int64_t> HuffmanTree::path(std::int64_t label) const {
  if (starts_.empty()) detail::throw_moved_from("HuffmanTree");
  const auto k = static_cast<std::size_t>(label);
  return std::span(nodes_).subspan(static_cast<std::size_t>(starts_[k]),
                                   static_cast<std::size_t>(starts_[k + 1] - starts_[k]));
}

std::span<const std::uint8_t> HuffmanTree::code(std::int64_t label) const {
  if (starts_.empty()) detail::throw_moved_from("HuffmanTree");
  const auto k = static_cast<std::size_t>(label);
  return std::span(bits_).subspan(static_cast<std::size_t>(starts_[k]),
                                  static_cast<std::size_t>(starts_[k + 1] - starts_[k]));
}

namespace {

void check_weight(const char* operation, const Tensor& x, const Tensor& weight,
                  const HuffmanTree& tree) {
  if (!is_floating(x.dtype())) detail::throw_not_floating(operation, x.dtype());
  detail::check_dtypes(operation, "x", x, "weight", weight);
  if (x.dim() == 2 && weight.shape() == Shape{tree.num_nodes(), x.size(1)}) return;
  throw ShapeError(fmt::format(
      "{}: x is {}, weight is {}: they must be [N, D] and [{}, D] for a tree of {} classes",
      operation, x.shape().str(), weight.shape().str(), tree.num_nodes(), tree.num_classes()));
}

/// The decisions of all rows, row by row.
struct Decisions {
  Decisions(const Tensor& labels, const HuffmanTree& tree)
      : starts(empty({labels.numel() + 1}, DType::int64)) {
    auto* start = starts.mutable_data<std::int64_t>();
    *start = 0;
    for (const std::int64_t label : labels.span<std::int64_t>()) {
      const auto count = static_cast<std::int64_t>(tree.path(label).size());
      start[1] = *start + count;
      ++start;
    }
    nodes = empty({*start}, DType::int64);
    rows = empty({*start}, DType::int64);
    bits.reserve(static_cast<std::size_t>(*start));
    auto* node = nodes.mutable_data<std::int64_t>();
    for (const std::int64_t label : labels.span<std::int64_t>()) {
      const auto path = tree.path(label);
      const auto code = tree.code(label);
      node = std::copy(path.begin(), path.end(), node);
      bits.insert(bits.end(), code.begin(), code.end());
    }
    kernels::bag_segments(starts.data<std::int64_t>(), labels.numel(),
                          rows.mutable_data<std::int64_t>());
  }

  Tensor starts;       // [N + 1]: of the decisions of each row
  Tensor nodes, rows;  // of each decision
  std::vector<std::uint8_t> bits;
};

/// Adds up the terms of each row, or of all.
Tensor reduced(const Tensor& terms, const Decisions& decisions, std::int64_t N,
               Reduction reduction) {
  const bool none = reduction == Reduction::none;
  Tensor y = none ? empty({N}, terms.dtype()) : empty({}, terms.dtype());
  visit_float("hierarchical_softmax_loss", terms, [&]<class T>(T) {
    const T* term = terms.data<T>();
    T* to = y.mutable_data<T>();
    if (none) {
      const auto* start = decisions.starts.data<std::int64_t>();
      for (std::int64_t n = 0; n < N; ++n) {
        double sum = 0;
        for (std::int64_t k = start[n]; k < start[n + 1]; ++k) sum += static_cast<double>(term[k]);
        to[n] = static_cast<T>(sum);
      }
    } else {
      kernels::sum(term, to, 1, terms.numel(), 1);
      if (reduction == Reduction::mean && N > 0) *to /= static_cast<T>(N);
    }
  });
  return y;
}

/// Sets the rows of y to 0 whose cotangent is 0: whatever the other inputs hold, so is the
/// gradient.
void clear_rows(const Tensor& y, const Tensor& g) {
  const std::int64_t D = y.size(1), stride = g.dim();
  visit_float("hierarchical_softmax_loss", y, [&]<class T>(T) {
    const T* cotangent = g.data<T>();
    T* row = y.mutable_data<T>();
    for (std::int64_t n = 0; n < y.size(0); ++n, row += D) {
      if (cotangent[n * stride] == T{0}) std::fill_n(row, D, T{0});
    }
  });
}

struct HierarchicalBackward {
  HierarchicalSoftmaxOptions options;
  Saved x, weight, factors;  // the derivative with respect to the score of each decision
  Saved starts, nodes, rows;

  std::vector<Gradient> operator()(Cotangents g, Needs needs) const {
    const Tensor in = *x, scaled = times(g[0]);
    const std::int64_t N = in.size(0), D = in.size(1);
    Gradient d_x, d_weight;
    if (needs[0]) {
      const Tensor d = empty_like(in), table = *weight;
      visit_float("hierarchical_softmax_loss", d, [&]<class T>(T) {
        kernels::bag_sums(table.data<T>(), (*nodes).data<std::int64_t>(),
                          (*starts).data<std::int64_t>(), scaled.data<T>(), N, D, false,
                          d.mutable_data<T>());
      });
      clear_rows(d, g[0]);
      d_x = d;
    }
    if (needs[1]) {  // the decisions of a row share x
      const Tensor shared = in.clone();
      clear_rows(shared, g[0]);
      const SparseGrad sparse =
          detail::Access::sparse(*nodes, {shared, *rows, scaled}, weight.shape());
      d_weight = options.sparse ? Gradient(sparse) : Gradient(sparse.to_dense());
    }
    return {d_x, d_weight};
  }

 private:
  /// The factors times the cotangents of their rows; 0 where that is 0.
  Tensor times(const Tensor& g) const {
    const Tensor from = *factors, row = *rows;
    Tensor y = empty_like(from);
    const std::int64_t N = x.shape()[0];
    visit_float("hierarchical_softmax_loss", y, [&]<class T>(T) {
      const T* cotangent = g.data<T>();
      const T scale = options.reduction == Reduction::mean && N > 0 ? static_cast<T>(N) : T{1};
      const auto* n = row.data<std::int64_t>();
      const T* factor = from.data<T>();
      T* to = y.mutable_data<T>();
      for (std::int64_t k = 0; k < y.numel(); ++k) {
        const T value = cotangent[g.dim() == 0 ? 0 : n[k]] / scale;
        to[k] = value == T{0} ? T{0} : factor[k] * value;
      }
    });
    return y;
  }
};

/// The scores of the decisions, negated where the bit is 1: a decision costs -logsigmoid() of
/// minus that, which has no threshold as softplus() has.
Tensor signed_scores(const Tensor& x, const Tensor& weight, const Decisions& decisions) {
  Tensor scores = empty(decisions.nodes.shape(), x.dtype());
  visit_float("hierarchical_softmax_loss", x, [&]<class T>(T) {
    T* score = scores.mutable_data<T>();
    kernels::bag_dots(weight.data<T>(), decisions.nodes.data<std::int64_t>(), x.data<T>(),
                      decisions.rows.data<std::int64_t>(), scores.numel(), x.size(1), score);
    for (const std::uint8_t bit : decisions.bits) {
      if (bit != 0) *score = -*score;
      ++score;
    }
  });
  return scores;
}

/// The derivative of softplus(signed score) with respect to the score.
Tensor factors_of(const Tensor& signed_scores, const Decisions& decisions) {
  Tensor factors = sigmoid(signed_scores);
  visit_float("hierarchical_softmax_loss", factors, [&]<class T>(T) {
    T* factor = factors.mutable_data<T>();
    for (const std::uint8_t bit : decisions.bits) {
      if (bit != 0) *factor = -*factor;
      ++factor;
    }
  });
  return factors;
}

}  // namespace

Tensor hierarchical_softmax_loss(const Tensor& x, const Tensor& weight, const Tensor& labels,
                                 const HuffmanTree& tree,
                                 const HierarchicalSoftmaxOptions& options) {
  constexpr const char* operation = "hierarchical_softmax_loss";
  detail::check_defined(operation, {{"x", x}, {"weight", weight}, {"labels", labels}});
  check_weight(operation, x, weight, tree);
  if (labels.shape() != Shape{x.size(0)}) {
    throw ShapeError(fmt::format("{}: x is {}, labels are {}: each row has one label", operation,
                                 x.shape().str(), labels.shape().str()));
  }
  detail::check_ids("hierarchical_softmax_loss: labels", labels, tree.num_classes());
  const Decisions decisions(labels, tree);
  Tensor y, factors;
  {
    const NoGradGuard no_grad;
    const Tensor scores = signed_scores(x, weight, decisions);
    y = reduced(-logsigmoid(-scores), decisions, x.size(0), options.reduction);
    factors = factors_of(scores, decisions);
  }
  record_joint(
      "hierarchical_softmax_loss", {y}, {x, weight},
      HierarchicalBackward{options, Saved(x), Saved(weight), Saved(factors),
                           Saved(decisions.starts), Saved(decisions.nodes), Saved(decisions.rows)});
  return y;
}

Tensor hierarchical_softmax_log_probabilities(const Tensor& x, const Tensor& weight,
                                              const HuffmanTree& tree) {
  constexpr const char* operation = "hierarchical_softmax_log_probabilities";
  detail::check_defined(operation, {{"x", x}, {"weight", weight}});
  check_weight(operation, x, weight, tree);
  if (grad_enabled() && (x.requires_grad() || weight.requires_grad())) {
    throw AutogradError(
        fmt::format("{}: no derivative, and an argument requires a gradient: detach() it or use a "
                    "NoGradGuard",
                    operation));
  }
  const std::int64_t N = x.size(0), V = tree.num_classes(), nodes = tree.num_nodes();
  const Tensor scores = linear(x, weight), no = logsigmoid(-scores), yes = logsigmoid(scores);
  Tensor y = empty({N, V}, x.dtype());
  visit_float(operation, y, [&]<class T>(T) {
    const T *of_one = yes.data<T>(), *of_zero = no.data<T>();
    T* to = y.mutable_data<T>();
    parallel_for_each(N, 40 * V, [&](std::int64_t n) {
      for (std::int64_t k = 0; k < V; ++k) {
        const auto path = tree.path(k);
        const auto code = tree.code(k);
        double sum = 0;
        for (std::size_t i = 0; i < path.size(); ++i) {
          const T* log_p = code[i] != 0 ? of_one : of_zero;
          sum += static_cast<double>(log_p[n * nodes + path[i]]);
        }
        to[n * V + k] = static_cast<T>(sum);
      }
    });
  });
  detail::note_op("hierarchical_softmax_log_probabilities");
  return y;
}

}  // namespace gradus
