#include <fmt/format.h>
#include <gradus/framework/autograd.h>
#include <gradus/framework/creation.h>
#include <gradus/framework/detail/body.h>
#include <gradus/framework/detail/defined.h>
#include <gradus/framework/detail/dispatch.h>
#include <gradus/framework/error.h>
#include <gradus/framework/init.h>
#include <gradus/framework/kernels/skip_gram.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/map.h>
#include <gradus/framework/parallel.h>
#include <gradus/layers/skip_gram.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace gradus {
namespace {

void check(const Embedding& input, const Embedding& output, const Tensor& centers,
           const Tensor& contexts, const Tensor& negatives) {
  detail::check_defined("skip_gram_loss",
                        {{"centers", centers}, {"contexts", contexts}, {"negatives", negatives}});
  detail::check_same_dtype("skip_gram_loss", input.weight, output.weight);
  if (input.embedding_dim() != output.embedding_dim()) {
    throw ShapeError(
        fmt::format("skip_gram_loss: the tables differ in width: input is {}, output is {}",
                    input.weight.shape().str(), output.weight.shape().str()));
  }
  if (centers.dim() != 1 || contexts.shape() != centers.shape() || negatives.dim() != 2 ||
      negatives.size(0) != centers.size(0)) {
    throw ShapeError(
        fmt::format("skip_gram_loss: centers are {}, contexts {}, negatives {}: they must be [B], "
                    "[B] and [B, K]",
                    centers.shape().str(), contexts.shape().str(), negatives.shape().str()));
  }
  detail::check_ids("skip_gram_loss: centers", centers, input.num_embeddings());
  detail::check_ids("skip_gram_loss: contexts", contexts, output.num_embeddings());
  detail::check_ids("skip_gram_loss: negatives", negatives, output.num_embeddings());
}

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

// rows [n, D] times g: one number, or one for each of the pairs, whose rows follow each other.
Tensor scaled(const Tensor& rows, const Tensor& g) {
  return detail::dispatch_float(rows.dtype(), "skip_gram_loss", [&]<class T>(T) {
    const T* factors = g.data<T>();
    if (g.numel() == 1 && factors[0] == T{1}) return rows;
    Tensor result = empty_like(rows);
    if (rows.numel() == 0) return result;
    T* out = static_cast<T*>(detail::raw(result));
    const T* in = rows.data<T>();
    const std::int64_t length = rows.numel() / g.numel();
    parallel_for(g.numel(), length, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) {
        for (std::int64_t i = b * length; i < (b + 1) * length; ++i) out[i] = factors[b] * in[i];
      }
    });
    return result;
  });
}

// What the forward pass computed for one table: the derivative with respect to each row that it
// looked up. A backward pass that frees the graph leaves the weight their only owner, so that they
// become its gradient without a copy.
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

std::optional<TableGradient> table_gradient(const Embedding& table, const Tensor& ids,
                                            const Tensor& rows) {
  if (!rows.defined()) return std::nullopt;
  return TableGradient{Saved(ids), Saved(rows), table.lookup(), table.weight.shape()};
}

// [B] losses, reduced as asked.
Tensor reduced(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  return detail::dispatch_float(losses.dtype(), "skip_gram_loss", [&]<class T>(T) {
    double sum = 0;
    for (const T loss : losses.span<T>()) sum += static_cast<double>(loss);
    const auto B = static_cast<double>(std::max<std::int64_t>(1, losses.numel()));
    return scalar(static_cast<T>(reduction == Reduction::mean ? sum / B : sum));
  });
}

}  // namespace

Tensor skip_gram_loss(const Embedding& input, const Embedding& output, const Tensor& centers,
                      const Tensor& contexts, const Tensor& negatives,
                      const SkipGramOptions& options) {
  check(input, output, centers, contexts, negatives);
  const Tensor center_ids = centers.clone();  // the gradients keep them: the caller may reuse his
  const Tensor targets = joined(contexts, negatives);
  input.renormalize(center_ids);
  output.renormalize(targets);

  const std::int64_t B = centers.numel(), M = targets.size(1), D = input.embedding_dim();
  const DType dtype = input.weight.dtype();
  const auto rows_for = [&](const Tensor& weight, std::int64_t n) {
    return grad_enabled() && weight.requires_grad() ? empty({n, D}, dtype) : Tensor();
  };
  const Tensor input_rows = rows_for(input.weight, B);
  const Tensor output_rows = rows_for(output.weight, B * M);
  const Tensor losses = empty({B}, dtype);
  detail::dispatch_float(dtype, "skip_gram_loss", [&]<class T>(T) {
    const auto raw = [](const Tensor& t) {
      return t.defined() ? static_cast<T*>(detail::raw(t)) : nullptr;
    };
    const T scale = options.reduction == Reduction::mean && B > 0 ? T{1} / static_cast<T>(B) : T{1};
    kernels::skip_gram<T>({input.weight.data<T>(), output.weight.data<T>(),
                           center_ids.data<std::int64_t>(), targets.data<std::int64_t>(), B, M, D},
                          scale, raw(losses), raw(input_rows), raw(output_rows));
  });

  Tensor loss = reduced(losses, options.reduction);
  record_joint("skip_gram_loss", {loss}, {input.weight, output.weight},
               [in = table_gradient(input, center_ids, input_rows),
                out = table_gradient(output, targets, output_rows)](Cotangents g, Needs) {
                 std::vector<Gradient> gradients(2);
                 if (in) gradients[0] = (*in)(g[0]);
                 if (out) gradients[1] = (*out)(g[0]);
                 return gradients;
               });
  return loss;
}

void init_skip_gram(const Embedding& input, const Embedding& output, Generator& generator) {
  const double bound = 0.5 / static_cast<double>(std::max<std::int64_t>(1, input.embedding_dim()));
  uniform_(input.weight, -bound, bound, generator);
  input.zero_padding_row();
  const NoGradGuard no_grad;
  output.weight.zero_();
}

}  // namespace gradus
