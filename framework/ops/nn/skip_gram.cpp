#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/skip_gram.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/nn/detail/loss_reduction.h>
#include <gradus/framework/ops/nn/skip_gram.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace gradus {

void detail::check_skip_gram(const Tensor& input, const Tensor& output, const Tensor& centers,
                             const Tensor& contexts, const Tensor& negatives) {
  check_defined("skip_gram_loss", {{"input", input},
                                   {"output", output},
                                   {"centers", centers},
                                   {"contexts", contexts},
                                   {"negatives", negatives}});
  check_dtypes("skip_gram_loss", "input", input, "output", output);
  if (input.dim() != 2 || output.dim() != 2) {
    throw ShapeError(
        fmt::format("skip_gram_loss: input is {}, output is {}: tables [V, D] are "
                    "needed",
                    input.shape().str(), output.shape().str()));
  }
  if (input.size(1) != output.size(1)) {
    throw ShapeError(
        fmt::format("skip_gram_loss: the tables differ in width: input is {}, output is {}",
                    input.shape().str(), output.shape().str()));
  }
  if (centers.dim() != 1 || contexts.shape() != centers.shape() || negatives.dim() != 2 ||
      negatives.size(0) != centers.size(0)) {
    throw ShapeError(
        fmt::format("skip_gram_loss: centers are {}, contexts {}, negatives {}: they must be [B], "
                    "[B] and [B, K]",
                    centers.shape().str(), contexts.shape().str(), negatives.shape().str()));
  }
  check_ids("skip_gram_loss: centers", centers, input.size(0));
  check_ids("skip_gram_loss: contexts", contexts, output.size(0));
  check_ids("skip_gram_loss: negatives", negatives, output.size(0));
}

namespace {

// [B, 1 + K]: the context, then the negatives of each pair.
Tensor joined(const Tensor& contexts, const Tensor& negatives) {
  const std::int64_t B = contexts.numel(), K = negatives.size(1);
  Tensor targets = empty({B, 1 + K}, DType::int64);
  const auto* context = contexts.data<std::int64_t>();
  const auto* negative = negatives.data<std::int64_t>();
  auto* out = targets.mutable_data<std::int64_t>();
  for (std::int64_t b = 0; b < B; ++b) {
    *out++ = context[b];
    out = std::copy_n(negative + b * K, K, out);
  }
  return targets;
}

// rows [n, D] times g: one number, or one for each pair, whose rows are adjacent.
Tensor scaled(const Tensor& rows, const Tensor& g) {
  return visit_float("skip_gram_loss", rows, [&]<class T>(T) {
    const T* factors = g.data<T>();
    if (g.numel() == 1 && factors[0] == T{1}) return rows;
    Tensor result = empty_like(rows);
    if (rows.numel() == 0) return result;
    T* out = result.mutable_data<T>();
    const T* in = rows.data<T>();
    const std::int64_t length = rows.numel() / g.numel();
    parallel_for(g.numel(), length, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        const T* row = in + b * length;
        const T factor = factors[b];
        if (factor == T{0}) {  // whatever the row holds
          std::fill_n(out + b * length, length, T{0});
        } else {
          for (std::int64_t i = 0; i < length; ++i) out[b * length + i] = factor * row[i];
        }
      }
    });
    return result;
  });
}

// What the forward pass computed for one table: the derivative with respect to each row that it
// looked up. A backward pass that frees the graph leaves the weight as the only owner of these
// rows, so they become its gradient without a copy.
struct TableGradient {
  Saved ids, rows;  // [n], [n, D]
  EmbeddingLookup lookup;
  Shape table;

  Gradient operator()(const Tensor& g) const {
    SparseGrad gradient = detail::embedding_gradient(scaled(*rows, g), *ids, lookup, table);
    if (lookup.sparse) return gradient;
    return gradient.to_dense();
  }
};

std::optional<TableGradient> table_gradient(const Tensor& table, const EmbeddingLookup& lookup,
                                            const Tensor& ids, const Tensor& rows) {
  if (!rows.defined()) return std::nullopt;
  return TableGradient{Saved(ids), Saved(rows), lookup, table.shape()};
}

// The losses [B], reduced as requested.
Tensor reduced(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  return visit_float("skip_gram_loss", losses, [&]<class T>(T) {
    double sum = 0;
    for (const T loss : losses.span<T>()) sum += static_cast<double>(loss);
    const auto B = static_cast<double>(std::max<std::int64_t>(1, losses.numel()));
    return scalar(static_cast<T>(reduction == Reduction::mean ? sum / B : sum));
  });
}

void check_padding(const char* table, std::int64_t padding_idx, std::int64_t rows) {
  if (padding_idx >= -1 && padding_idx < rows) return;
  throw IndexError(
      fmt::format("skip_gram_loss: padding_idx {} of {} is outside [0, {}): -1 stands for none",
                  padding_idx, table, rows));
}

}  // namespace

Tensor skip_gram_loss(const Tensor& input, const Tensor& output, const Tensor& centers,
                      const Tensor& contexts, const Tensor& negatives,
                      const SkipGramOptions& options) {
  detail::check_skip_gram(input, output, centers, contexts, negatives);
  check_padding("input", options.input.padding_idx, input.size(0));
  check_padding("output", options.output.padding_idx, output.size(0));
  const Tensor center_ids =
      centers.clone();  // the gradients keep them: the caller may reuse theirs
  const Tensor targets = joined(contexts, negatives);
  const std::int64_t B = centers.numel(), M = targets.size(1), D = input.size(1);
  const DType dtype = input.dtype();
  const auto rows_for = [&](const Tensor& weight, std::int64_t n) {
    return grad_enabled() && weight.requires_grad() ? empty({n, D}, dtype) : Tensor();
  };
  const Tensor input_rows = rows_for(input, B);
  const Tensor output_rows = rows_for(output, B * M);
  const Tensor losses = empty({B}, dtype);
  visit_float("skip_gram_loss", dtype, [&]<class T>(T) {
    const auto raw = [](const Tensor& t) { return t.defined() ? t.mutable_data<T>() : nullptr; };
    const T scale = options.reduction == Reduction::mean && B > 0 ? T{1} / static_cast<T>(B) : T{1};
    kernels::skip_gram<T>({input.data<T>(), output.data<T>(), center_ids.data<std::int64_t>(),
                           targets.data<std::int64_t>(), B, M, D},
                          scale, raw(losses), raw(input_rows), raw(output_rows));
  });

  Tensor loss = reduced(losses, options.reduction);
  record_joint(
      "skip_gram_loss", {loss}, {input, output},
      [in = table_gradient(input, options.input, center_ids, input_rows),
       out = table_gradient(output, options.output, targets, output_rows)](Cotangents g, Needs) {
        std::vector<Gradient> gradients(2);
        if (in) gradients[0] = (*in)(g[0]);
        if (out) gradients[1] = (*out)(g[0]);
        return gradients;
      });
  return loss;
}

}  // namespace gradus
