// Every op refuses an undefined tensor in each of its arguments by name. The table below has an
// entry for each overload in the headers of framework/ops/, which a test compares it with.
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/cumulative.h>
#include <gradus/framework/ops/distance.h>
#include <gradus/framework/ops/einsum.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/linalg.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/moments.h>
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/framework/ops/nn/attention.h>
#include <gradus/framework/ops/nn/channel_norm.h>
#include <gradus/framework/ops/nn/convolution.h>
#include <gradus/framework/ops/nn/crf.h>
#include <gradus/framework/ops/nn/ctc.h>
#include <gradus/framework/ops/nn/dropout.h>
#include <gradus/framework/ops/nn/embedding.h>
#include <gradus/framework/ops/nn/embedding_bag.h>
#include <gradus/framework/ops/nn/hierarchical_softmax.h>
#include <gradus/framework/ops/nn/lengths.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/nn/next_token.h>
#include <gradus/framework/ops/nn/normalization.h>
#include <gradus/framework/ops/nn/pooling.h>
#include <gradus/framework/ops/nn/positions.h>
#include <gradus/framework/ops/nn/recurrent.h>
#include <gradus/framework/ops/nn/sampled_loss.h>
#include <gradus/framework/ops/nn/skip_gram.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/nn/weight_norm.h>
#include <gradus/framework/ops/norm.h>
#include <gradus/framework/ops/pad.h>
#include <gradus/framework/ops/power.h>
#include <gradus/framework/ops/product.h>
#include <gradus/framework/ops/random.h>
#include <gradus/framework/ops/rearrange.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/repeat.h>
#include <gradus/framework/ops/rounding.h>
#include <gradus/framework/ops/scatter.h>
#include <gradus/framework/ops/search.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/sort.h>
#include <gradus/framework/ops/special.h>
#include <gradus/framework/ops/split.h>
#include <gradus/framework/ops/triangle.h>
#include <gradus/framework/ops/where.h>
#include <gradus/tests/support/op_cases.h>
#include <gradus/tests/support/op_testing.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <utility>

namespace gradus {
namespace {

using In = const std::vector<Tensor>&;

/// One overload: its name with those of its tensors, "where(mask, a, b)", and a valid call.
struct Use {
  std::string signature;
  std::vector<Tensor> valid;
  std::function<void(In)> call;
};

Tensor matrix() { return tensor({1.0, 0.5, 0.25, 2.0}, {2, 2}); }
Tensor vector() { return tensor({1.0, 2.0}); }
Tensor integers() { return tensor({3, 1, 2, 4}, {2, 2}); }
Tensor flags() { return tensor({true, false, true, true}, {2, 2}); }
Tensor ids() { return tensor({0, 1}); }
Tensor sequences() { return ones({2, 2, 2}, DType::float64); }
Tensor signs() { return tensor({1, -1}); }
Tensor heads() { return ones({2, 3, 2, 2}, DType::float64); }
/// Of a recurrent layer with this number of gates, for two features and a hidden size of 1.
RecurrentWeights weights_of(std::int64_t gates) {
  return {ones({gates, 2}, DType::float64), ones({gates, 1}, DType::float64)};
}
HuffmanTree two_classes() { return HuffmanTree(std::vector<std::int64_t>{2, 1}); }
Tensor places() { return tensor({0, 1, 1, 0}, {2, 2}); }

std::vector<Use> unary_uses() {
  using Unary = Tensor (*)(const Tensor&);
  const std::vector<std::pair<const char*, Unary>> ops{
      {"argmax", argmax},   {"argmin", argmin},   {"ceil", ceil},           {"floor", floor},
      {"isnan", isnan},     {"sum", sum},         {"mean", mean},           {"prod", prod},
      {"var", var},         {"std", gradus::std}, {"logsumexp", logsumexp}, {"max", max},
      {"min", min},         {"nonzero", nonzero}, {"round", round},         {"sign", sign},
      {"squeeze", squeeze}, {"trunc", trunc},
  };
  std::vector<Use> uses;
  uses.reserve(ops.size() + 2);
  for (const auto& [name, op] : ops) {
    uses.push_back({std::string(name) + "(x)", {matrix()}, [f = op](In in) { f(in[0]); }});
  }
  for (const auto& [name, op] :
       {std::pair<const char*, Unary>{"inv", inv}, {"cholesky", cholesky}}) {
    const Tensor positive = tensor({2.0, 0.5, 0.5, 1.0}, {2, 2});
    uses.push_back({std::string(name) + "(a)", {positive}, [f = op](In in) { f(in[0]); }});
  }
  return uses;
}

std::vector<Use> binary_uses() {
  using Binary = Tensor (*)(const Tensor&, const Tensor&);
  using WithNumber = Tensor (*)(const Tensor&, Number);
  const std::vector<std::tuple<const char*, Tensor, Binary>> ops{
      {"add", matrix(), add},
      {"sub", matrix(), sub},
      {"mul", matrix(), mul},
      {"div", matrix(), div},
      {"pow", matrix(), pow},
      {"maximum", matrix(), maximum},
      {"minimum", matrix(), minimum},
      {"equal", matrix(), equal},
      {"not_equal", matrix(), not_equal},
      {"less", matrix(), less},
      {"less_equal", matrix(), less_equal},
      {"greater", matrix(), greater},
      {"greater_equal", matrix(), greater_equal},
      {"fmod", matrix(), fmod},
      {"remainder", matrix(), remainder},
      {"floor_divide", integers(), floor_divide},
      {"logical_and", flags(), logical_and},
      {"logical_or", flags(), logical_or},
      {"logical_xor", flags(), logical_xor},
      {"dot", vector(), dot},
      {"outer", vector(), outer},
      {"solve", matrix(), solve},
  };
  const std::vector<std::tuple<const char*, Tensor, WithNumber>> with_number{
      {"add", matrix(), add},
      {"sub", matrix(), sub},
      {"mul", matrix(), mul},
      {"equal", matrix(), equal},
      {"not_equal", matrix(), not_equal},
      {"less", matrix(), less},
      {"less_equal", matrix(), less_equal},
      {"greater", matrix(), greater},
      {"greater_equal", matrix(), greater_equal},
      {"fmod", matrix(), fmod},
      {"remainder", matrix(), remainder},
      {"floor_divide", integers(), floor_divide},
  };
  std::vector<Use> uses{
      {"add(a, b)", {matrix(), matrix()}, [](In in) { add(Tensor(in[0]), in[1]); }},
      {"sub(a, b)", {matrix(), matrix()}, [](In in) { sub(Tensor(in[0]), in[1]); }},
      {"mul(a, b)", {matrix(), matrix()}, [](In in) { mul(Tensor(in[0]), in[1]); }},
      {"sub(b)", {matrix()}, [](In in) { sub(1, in[0]); }},
      {"div(a)", {matrix()}, [](In in) { div(in[0], 2); }},
      {"div(b)", {matrix()}, [](In in) { div(2, in[0]); }},
      {"pow(a)", {matrix()}, [](In in) { pow(in[0], 2); }},
      {"pow(b)", {matrix()}, [](In in) { pow(2, in[0]); }},
      {"matmul(a, b)", {matrix(), matrix()}, [](In in) { matmul(in[0], in[1]); }},
      {"cdist(a, b)", {matrix(), matrix()}, [](In in) { cdist(in[0], in[1]); }},
      {"cosine_similarity(a, b)",
       {matrix(), matrix()},
       [](In in) { cosine_similarity(in[0], in[1]); }},
      {"pairwise_distance(a, b)",
       {matrix(), matrix()},
       [](In in) { pairwise_distance(in[0], in[1]); }},
      {"tensordot(a, b)", {matrix(), matrix()}, [](In in) { tensordot(in[0], in[1], 1); }},
      {"tensordot(a, b)", {matrix(), matrix()}, [](In in) { tensordot(in[0], in[1], {0}, {1}); }},
  };
  for (const auto& [name, x, op] : ops) {
    uses.push_back({std::string(name) + "(a, b)", {x, x}, [f = op](In in) { f(in[0], in[1]); }});
  }
  for (const auto& [name, x, op] : with_number) {
    uses.push_back({std::string(name) + "(a)", {x}, [f = op](In in) { f(in[0], 2); }});
  }
  return uses;
}

std::vector<Use> reductions() {
  return {
      {"sum(x)", {matrix()}, [](In in) { sum(in[0], 1); }},
      {"mean(x)", {matrix()}, [](In in) { mean(in[0], 1); }},
      {"prod(x)", {matrix()}, [](In in) { prod(in[0], 1); }},
      {"var(x)", {matrix()}, [](In in) { var(in[0], 1); }},
      {"std(x)", {matrix()}, [](In in) { gradus::std(in[0], 1); }},
      {"logsumexp(x)", {matrix()}, [](In in) { logsumexp(in[0], 1); }},
      {"norm(x)", {matrix()}, [](In in) { norm(in[0]); }},
      {"norm(x)", {matrix()}, [](In in) { norm(in[0], 2, 1); }},
      {"any(x)", {flags()}, [](In in) { any(in[0]); }},
      {"any(x)", {flags()}, [](In in) { any(in[0], 1); }},
      {"all(x)", {flags()}, [](In in) { all(in[0]); }},
      {"all(x)", {flags()}, [](In in) { all(in[0], 1); }},
      {"max(x)", {matrix()}, [](In in) { max(in[0], 1); }},
      {"min(x)", {matrix()}, [](In in) { min(in[0], 1); }},
      {"amax(x)", {matrix()}, [](In in) { amax(in[0], 1); }},
      {"amin(x)", {matrix()}, [](In in) { amin(in[0], 1); }},
      {"argmax(x)", {matrix()}, [](In in) { argmax(in[0], 1); }},
      {"argmin(x)", {matrix()}, [](In in) { argmin(in[0], 1); }},
      {"cumsum(x)", {matrix()}, [](In in) { cumsum(in[0], 1); }},
      {"cumprod(x)", {matrix()}, [](In in) { cumprod(in[0], 1); }},
      {"sort(x)", {matrix()}, [](In in) { sort(in[0]); }},
      {"argsort(x)", {matrix()}, [](In in) { argsort(in[0]); }},
      {"topk(x)", {matrix()}, [](In in) { topk(in[0], 1); }},
      {"unique(x)", {matrix()}, [](In in) { unique(in[0]); }},
      {"qr(a)", {matrix()}, [](In in) { qr(in[0]); }},
      {"svd(a)", {matrix()}, [](In in) { svd(in[0]); }},
  };
}

std::vector<Use> shape_uses() {
  const std::vector<std::int64_t> axes{1, 0}, twos{2, 2};
  return {
      {"broadcast_to(x)",
       {matrix()},
       [](In in) {
         broadcast_to(in[0], {3, 2, 2});
       }},
      {"reshape(x)", {matrix()}, [](In in) { reshape(in[0], {4}); }},
      {"flatten(x)", {matrix()}, [](In in) { flatten(in[0]); }},
      {"unflatten(x)",
       {matrix()},
       [](In in) {
         unflatten(in[0], 0, {1, 2});
       }},
      {"squeeze(x)", {ones({1, 2})}, [](In in) { squeeze(in[0], 0); }},
      {"unsqueeze(x)", {matrix()}, [](In in) { unsqueeze(in[0], 0); }},
      {"transpose(x)", {matrix()}, [](In in) { transpose(in[0], 0, 1); }},
      {"permute(x)", {matrix()}, [axes](In in) { permute(in[0], axes); }},
      {"split(x)", {matrix()}, [](In in) { split(in[0], 1); }},
      {"split(x)",
       {matrix()},
       [](In in) {
         split(in[0], std::vector<std::int64_t>{1, 1});
       }},
      {"chunk(x)", {matrix()}, [](In in) { chunk(in[0], 2); }},
      {"unbind(x)", {matrix()}, [](In in) { unbind(in[0]); }},
      {"slice(x)", {matrix()}, [](In in) { slice(in[0], 0, 0, 1); }},
      {"select(x)", {matrix()}, [](In in) { select(in[0], 0, 1); }},
      {"roll(x)", {matrix()}, [](In in) { roll(in[0], 1); }},
      {"roll(x)", {matrix()}, [](In in) { roll(in[0], 1, 0); }},
      {"roll(x)", {matrix()}, [axes](In in) { roll(in[0], axes, axes); }},
      {"movedim(x)", {matrix()}, [](In in) { movedim(in[0], 0, 1); }},
      {"movedim(x)", {matrix()}, [axes](In in) { movedim(in[0], axes, axes); }},
      {"repeat(x)", {matrix()}, [twos](In in) { repeat(in[0], twos); }},
      {"tile(x)", {matrix()}, [twos](In in) { tile(in[0], twos); }},
      {"repeat_interleave(x)", {matrix()}, [](In in) { repeat_interleave(in[0], 2); }},
      {"repeat_interleave(x)", {matrix()}, [](In in) { repeat_interleave(in[0], 2, 0); }},
      {"repeat_interleave(x, counts)",
       {vector(), ids()},
       [](In in) { repeat_interleave(in[0], in[1]); }},
      {"repeat_interleave(x, counts)",
       {matrix(), ids()},
       [](In in) { repeat_interleave(in[0], in[1], 0); }},
      {"expand(x)",
       {matrix()},
       [](In in) {
         expand(in[0], {3, 2, 2});
       }},
      {"pad(x)",
       {matrix()},
       [](In in) {
         pad(in[0], {1, 1});
       }},
      {"diag(x)", {matrix()}, [](In in) { diag(in[0]); }},
  };
}

std::vector<Use> index_uses() {
  return {
      {"index_select(x, ids)", {matrix(), ids()}, [](In in) { index_select(in[0], 0, in[1]); }},
      {"gather(x, ids)", {matrix(), places()}, [](In in) { gather(in[0], 0, in[1]); }},
      {"take_along_axis(x, ids)",
       {matrix(), places()},
       [](In in) { take_along_axis(in[0], in[1], 0); }},
      {"one_hot(ids)", {ids()}, [](In in) { one_hot(in[0], 2); }},
      {"embedding(weight, ids)", {matrix(), ids()}, [](In in) { embedding(in[0], in[1]); }},
      {"embedding_bag(weight, ids)",
       {matrix(), places()},
       [](In in) { embedding_bag(in[0], in[1]); }},
      {"embedding_dropout(x, ids)",
       {matrix(), ids()},
       [](In in) { embedding_dropout(in[0], in[1], 2, 0.5); }},
      {"skip_gram_loss(input, output, centers, contexts, negatives)",
       {matrix(), matrix(), ids(), ids(), places()},
       [](In in) { skip_gram_loss(in[0], in[1], in[2], in[3], in[4]); }},
      {"rnn(x)", {sequences()}, [](In in) { rnn(in[0], weights_of(1)); }},
      {"gru(x)", {sequences()}, [](In in) { gru(in[0], weights_of(3)); }},
      {"lstm(x)", {sequences()}, [](In in) { lstm(in[0], weights_of(4)); }},
      {"conv1d(x, weight)", {sequences(), sequences()}, [](In in) { conv1d(in[0], in[1]); }},
      {"conv1d_relu_max(x, weight)",
       {sequences(), sequences()},
       [](In in) { conv1d_relu_max(in[0], in[1]); }},
      {"conv_transpose1d(x, weight)",
       {sequences(), sequences()},
       [](In in) { conv_transpose1d(in[0], in[1]); }},
      {"max_pool1d(x)", {sequences()}, [](In in) { max_pool1d(in[0], 2); }},
      {"avg_pool1d(x)", {sequences()}, [](In in) { avg_pool1d(in[0], 2); }},
      {"adaptive_max_pool1d(x)", {sequences()}, [](In in) { adaptive_max_pool1d(in[0], 2); }},
      {"adaptive_avg_pool1d(x)", {sequences()}, [](In in) { adaptive_avg_pool1d(in[0], 2); }},
      {"max_over_time(x)", {sequences()}, [](In in) { max_over_time(in[0]); }},
      {"mean_over_time(x)", {sequences()}, [](In in) { mean_over_time(in[0]); }},
      {"max_pool1d_lengths(lengths)", {ids()}, [](In in) { max_pool1d_lengths(in[0], 1); }},
      {"avg_pool1d_lengths(lengths)", {ids()}, [](In in) { avg_pool1d_lengths(in[0], 1); }},
      {"unfold(x)", {matrix()}, [](In in) { unfold(in[0], 0, 1, 1); }},
      {"top_k_logits(logits)", {matrix()}, [](In in) { top_k_logits(in[0], 1); }},
      {"top_p_logits(logits)", {matrix()}, [](In in) { top_p_logits(in[0], 0.5); }},
      {"min_p_logits(logits)", {matrix()}, [](In in) { min_p_logits(in[0], 0.5); }},
      {"repetition_penalty_logits(logits)",
       {matrix()},
       [](In in) {
         repetition_penalty_logits(in[0], {{0}, {1}}, 2);
       }},
      {"no_repeat_ngram_logits(logits)",
       {matrix()},
       [](In in) {
         no_repeat_ngram_logits(in[0], {{0}, {1}}, 2);
       }},
      {"suppress_logits(logits)",
       {matrix()},
       [](In in) { suppress_logits(in[0], std::vector<std::int64_t>{0}); }},
      {"conv1d_lengths(lengths)", {ids()}, [](In in) { conv1d_lengths(in[0], 1); }},
      {"conv_transpose1d_lengths(lengths)",
       {ids()},
       [](In in) { conv_transpose1d_lengths(in[0], 1); }},
      {"batch_norm(x)",
       {matrix()},
       [](In in) { batch_norm(in[0], {}, {}, {}, {}, {.training = true}); }},
      {"weight_norm(v, g)",
       {matrix(), ones({2, 1}, DType::float64)},
       [](In in) { weight_norm(in[0], in[1]); }},
      {"prelu(x, weight)", {matrix(), vector()}, [](In in) { prelu(in[0], in[1]); }},
      {"selu(x)", {matrix()}, [](In in) { selu(in[0]); }},
      {"relu6(x)", {matrix()}, [](In in) { relu6(in[0]); }},
      {"hardshrink(x)", {matrix()}, [](In in) { hardshrink(in[0]); }},
      {"glu(x)", {matrix()}, [](In in) { glu(in[0]); }},
      {"softmin(x)", {matrix()}, [](In in) { softmin(in[0], 0); }},
      {"gumbel_softmax(logits)", {matrix()}, [](In in) { gumbel_softmax(in[0]); }},
      {"normalize(x)", {matrix()}, [](In in) { normalize(in[0]); }},
      {"norm_except_dim(v)", {matrix()}, [](In in) { norm_except_dim(in[0]); }},
      {"scaled_dot_product_attention(q, k, v)",
       {heads(), heads(), heads()},
       [](In in) { scaled_dot_product_attention(in[0], in[1], in[2]); }},
      {"attention_weights(q, k)",
       {heads(), heads()},
       [](In in) { attention_weights(in[0], in[1]); }},
      {"rotary_embedding(x)", {heads()}, [](In in) { rotary_embedding(in[0]); }},
      {"length_mask(lengths)", {ids()}, [](In in) { length_mask(in[0], 2); }},
      {"zero_padding(x, lengths)",
       {matrix(), tensor({1, 1})},
       [](In in) { zero_padding(in[0], in[1]); }},
      {"scatter(x, ids, src)",
       {matrix(), places(), matrix()},
       [](In in) { scatter(in[0], 0, in[1], in[2]); }},
      {"scatter(x, ids)", {matrix(), places()}, [](In in) { scatter(in[0], 0, in[1], 2); }},
      {"scatter_add(x, ids, src)",
       {matrix(), places(), matrix()},
       [](In in) { scatter_add(in[0], 0, in[1], in[2]); }},
      {"index_add(x, ids, src)",
       {matrix(), ids(), matrix()},
       [](In in) { index_add(in[0], 0, in[1], in[2]); }},
      {"index_fill(x, ids)", {matrix(), ids()}, [](In in) { index_fill(in[0], 0, in[1], 2); }},
      {"bincount(ids)", {ids()}, [](In in) { bincount(in[0]); }},
      {"bincount(ids, weights)", {ids(), vector()}, [](In in) { bincount(in[0], in[1]); }},
      {"searchsorted(sorted, values)",
       {vector(), vector()},
       [](In in) { searchsorted(in[0], in[1]); }},
      {"searchsorted(sorted)", {vector()}, [](In in) { searchsorted(in[0], 1.5); }},
      {"where(mask, a, b)",
       {flags(), matrix(), matrix()},
       [](In in) { where(in[0], in[1], in[2]); }},
      {"where(mask, a)", {flags(), matrix()}, [](In in) { where(in[0], in[1], 2); }},
      {"where(mask, b)", {flags(), matrix()}, [](In in) { where(in[0], 2, in[1]); }},
      {"masked_fill(x, mask)", {matrix(), flags()}, [](In in) { masked_fill(in[0], in[1], 2); }},
      {"masked_select(x, mask)", {matrix(), flags()}, [](In in) { masked_select(in[0], in[1]); }},
  };
}

std::vector<Use> other_uses() {
  return {
      {"logical_not(x)", {flags()}, [](In in) { logical_not(in[0]); }},
      {"dropout(x)", {matrix()}, [](In in) { dropout(in[0], 0); }},
      {"bernoulli(p)", {full({2}, 0.5)}, [](In in) { bernoulli(in[0]); }},
      {"multinomial(weights)", {vector()}, [](In in) { multinomial(in[0], 1); }},
      {"addmm(c, a, b)", {matrix(), matrix(), matrix()}, [](In in) { addmm(in[0], in[1], in[2]); }},
      {"linear(x, weight)", {matrix(), matrix()}, [](In in) { linear(in[0], in[1]); }},
      {"cross_entropy(logits, labels)",
       {matrix(), ids()},
       [](In in) { cross_entropy(in[0], in[1]); }},
      {"nll_loss(log_probabilities, labels)",
       {matrix(), ids()},
       [](In in) { nll_loss(in[0], in[1]); }},
      {"linear_cross_entropy(x, weight, bias, labels)",
       {matrix(), matrix(), vector(), ids()},
       [](In in) { linear_cross_entropy(in[0], in[1], in[2], in[3]); }},
      {"mse_loss(x, target)", {matrix(), matrix()}, [](In in) { mse_loss(in[0], in[1]); }},
      {"crf_log_likelihood(emissions, labels)",
       {sequences(), zeros({2, 2}, DType::int64)},
       [](In in) { crf_log_likelihood(in[0], in[1]); }},
      {"crf_log_partition(emissions)", {sequences()}, [](In in) { crf_log_partition(in[0]); }},
      {"crf_marginals(emissions)", {sequences()}, [](In in) { crf_marginals(in[0]); }},
      {"crf_decode(emissions)", {sequences()}, [](In in) { crf_decode(in[0]); }},
      {"crf_n_best(emissions)", {sequences()}, [](In in) { crf_n_best(in[0], 2); }},
      {"ctc_loss(logits, targets)",
       {sequences(), ones({2, 1}).to(DType::int64)},
       [](In in) { ctc_loss(in[0], in[1]); }},
      {"ctc_greedy_decode(logits)", {sequences()}, [](In in) { ctc_greedy_decode(in[0]); }},
      {"ctc_beam_decode(logits)", {sequences()}, [](In in) { ctc_beam_decode(in[0], 2); }},
      {"l1_loss(x, target)", {matrix(), matrix()}, [](In in) { l1_loss(in[0], in[1]); }},
      {"smooth_l1_loss(x, target)",
       {matrix(), matrix()},
       [](In in) { smooth_l1_loss(in[0], in[1]); }},
      {"huber_loss(x, target)", {matrix(), matrix()}, [](In in) { huber_loss(in[0], in[1]); }},
      {"kl_div(x, target)", {matrix(), matrix()}, [](In in) { kl_div(in[0], in[1]); }},
      {"binary_cross_entropy(x, target)",
       {ones({2}), ones({2})},
       [](In in) { binary_cross_entropy(in[0], in[1]); }},
      {"binary_cross_entropy_with_logits(x, target)",
       {matrix(), matrix()},
       [](In in) { binary_cross_entropy_with_logits(in[0], in[1]); }},
      {"sigmoid_focal_loss(x, target)",
       {matrix(), matrix()},
       [](In in) { sigmoid_focal_loss(in[0], in[1]); }},
      {"hinge_embedding_loss(x, y)",
       {vector(), signs()},
       [](In in) { hinge_embedding_loss(in[0], in[1]); }},
      {"margin_ranking_loss(a, b, y)",
       {vector(), vector(), signs()},
       [](In in) { margin_ranking_loss(in[0], in[1], in[2]); }},
      {"cosine_embedding_loss(a, b, y)",
       {matrix(), matrix(), signs()},
       [](In in) { cosine_embedding_loss(in[0], in[1], in[2]); }},
      {"soft_margin_loss(x, y)",
       {vector(), signs()},
       [](In in) { soft_margin_loss(in[0], in[1]); }},
      {"triplet_margin_loss(anchor, positive, negative)",
       {matrix(), matrix(), matrix()},
       [](In in) { triplet_margin_loss(in[0], in[1], in[2]); }},
      {"multi_margin_loss(x, labels)",
       {matrix(), ids()},
       [](In in) { multi_margin_loss(in[0], in[1]); }},
      {"multilabel_margin_loss(x, labels)",
       {matrix(), places()},
       [](In in) { multilabel_margin_loss(in[0], in[1]); }},
      {"multilabel_soft_margin_loss(x, target)",
       {matrix(), matrix()},
       [](In in) { multilabel_soft_margin_loss(in[0], in[1]); }},
      {"info_nce_loss(anchors, positives)",
       {matrix(), matrix()},
       [](In in) { info_nce_loss(in[0], in[1]); }},
      {"matryoshka_loss(embeddings)",
       {matrix(), matrix()},
       [](In in) {
         matryoshka_loss(in, {2, 1}, [](In cut) { return info_nce_loss(cut[0], cut[1]); });
       }},
      {"hierarchical_softmax_loss(x, weight, labels)",
       {matrix(), ones({1, 2}, DType::float64), ids()},
       [](In in) { hierarchical_softmax_loss(in[0], in[1], in[2], two_classes()); }},
      {"hierarchical_softmax_log_probabilities(x, weight)",
       {matrix(), ones({1, 2}, DType::float64)},
       [](In in) { hierarchical_softmax_log_probabilities(in[0], in[1], two_classes()); }},
      {"sampled_softmax_loss(x, weight, labels, samples)",
       {matrix(), matrix(), ids(), ids()},
       [](In in) {
         sampled_softmax_loss(in[0], in[1], in[2], in[3], ClassSampler::log_uniform(2));
       }},
      {"nce_loss(x, weight, labels, samples)",
       {matrix(), matrix(), ids(), ids()},
       [](In in) { nce_loss(in[0], in[1], in[2], in[3], ClassSampler::log_uniform(2)); }},
      {"negative_sampling_loss(x, weight, labels, samples)",
       {matrix(), matrix(), ids(), ids()},
       [](In in) { negative_sampling_loss(in[0], in[1], in[2], in[3]); }},
      {"cat(tensors)", {matrix(), matrix()}, [](In in) { cat(in); }},
      {"stack(tensors)", {matrix(), matrix()}, [](In in) { stack(in); }},
      {"meshgrid(tensors)", {vector(), vector()}, [](In in) { meshgrid(in); }},
      {"einsum(operands)", {matrix(), matrix()}, [](In in) { einsum("ij,jk", in); }},
  };
}

/// How many overloads of each signature the text of a header declares.
void count_overloads(std::string text, std::map<std::string, int>& counts) {
  text = std::regex_replace(text, std::regex("//[^\n]*"), "");
  static const std::regex declaration(R"(GRADUS_API\s+[\w:<>]+\s+(\w+)\(([^;]*)\);)");
  static const std::regex tensor(
      R"((?:const Tensor&|Tensor&&|const std::vector<Tensor>&)\s+(\w+)(\s*=)?)");
  for (std::sregex_iterator d(text.begin(), text.end(), declaration), end; d != end; ++d) {
    const std::string parameters = d->str(2);
    std::string names;
    for (std::sregex_iterator t(parameters.begin(), parameters.end(), tensor); t != end; ++t) {
      if (!(*t)[2].matched) names += (names.empty() ? "" : ", ") + t->str(1);
    }
    if (!names.empty()) ++counts[d->str(1) + "(" + names + ")"];
  }
}

/// The overloads in the headers, by signature.
const std::map<std::string, int>& declared() {
  static const std::map<std::string, int> all = [] {
    std::map<std::string, int> counts;
    for (const auto& entry : std::filesystem::recursive_directory_iterator("framework/ops")) {
      if (entry.path().extension() != ".h") continue;
      std::ifstream file(entry.path());
      std::string text(std::istreambuf_iterator<char>(file), {});
      text.resize(std::min(text.size(), text.find("namespace detail {")));  // at the end
      if (text.find("namespace gradus::detail") == std::string::npos) count_overloads(text, counts);
    }
    return counts;
  }();
  return all;
}

/// The tables above, and the samples of ops of one tensor x that have no other overload.
std::vector<Use> all_uses() {
  std::vector<Use> all;
  for (const auto& some :
       {binary_uses(), reductions(), shape_uses(), index_uses(), other_uses(), unary_uses()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  std::set<std::string> listed;
  for (const Use& use : all) listed.insert(use.signature);
  for (const OpCase& sample : op_cases()) {
    const std::string signature = sample.op + "(x)";
    const auto found = declared().find(signature);
    if (found == declared().end() || found->second != 1) continue;
    const Inputs inputs = sample.inputs();
    if (inputs.size() != 1 || !listed.insert(signature).second) continue;
    all.push_back({signature, inputs, [apply = sample.apply](In in) { apply(in); }});
  }
  return all;
}

/// "where" and {"mask", "a", "b"} of "where(mask, a, b)"; "tensor 0", ... for a list.
std::pair<std::string, std::vector<std::string>> parse(const Use& use) {
  const std::size_t open = use.signature.find('(');
  std::string list = use.signature.substr(open + 1);
  list.pop_back();
  std::vector<std::string> names;
  if (list == "tensors" || list == "operands" || list == "embeddings") {
    list.pop_back();
    for (std::size_t i = 0; i < use.valid.size(); ++i) {
      names.push_back(list + " " + std::to_string(i));
    }
  } else {
    std::istringstream in(list);
    for (std::string name; std::getline(in >> std::ws, name, ',');) names.push_back(name);
  }
  return {use.signature.substr(0, open), names};
}

bool may_be_left_out(const std::string& op, const std::string& name) {
  return (op == "linear_cross_entropy" && name == "bias") ||
         (op == "zero_padding" && name == "lengths");
}

TEST(Undefined, EveryOpNamesTheArgument) {
  for (const Use& use : all_uses()) {
    SCOPED_TRACE(use.signature);
    const auto [op, names] = parse(use);
    ASSERT_EQ(names.size(), use.valid.size());
    EXPECT_NO_THROW(use.call(use.valid));
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (may_be_left_out(op, names[i])) continue;
      std::vector<Tensor> arguments = use.valid;
      arguments[i] = Tensor();
      EXPECT_ERROR(
          use.call(arguments), Error,
          op + ": " + names[i] + " is an undefined tensor (default-constructed or moved from)");
    }
  }
}

// Slow under a sanitizer, which has nothing to see here.
TEST(SlowUndefined, TheTableHasEveryOverload) {
  std::map<std::string, int> counts = declared();
  ASSERT_GT(counts["where(mask, a, b)"], 0) << "the headers are not where this test looks";
  for (const Use& use : all_uses()) --counts[use.signature];
  for (const auto& [signature, count] : counts) {
    EXPECT_EQ(count, 0) << signature << ": overloads in the headers without an entry here";
  }
}

TEST(Undefined, ATableWithoutAnOverloadIsRefused) {
  std::map<std::string, int> counts;
  count_overloads(R"(
    GRADUS_API Tensor f(const Tensor& x, const Tensor& bias = {});  // GRADUS_API Tensor g(Tensor&& x);
    GRADUS_API std::vector<Tensor> f(const Tensor& x, const std::vector<std::int64_t>& sizes,
                                     std::int64_t axis = 0);
    GRADUS_API Tensor join(const std::vector<Tensor>& tensors, Tensor&& a);
    GRADUS_API Tensor zeros(const Shape& shape);
  )",
                  counts);
  EXPECT_EQ(counts, (std::map<std::string, int>{{"f(x)", 2}, {"join(tensors, a)", 1}}));
}

TEST(Undefined, TemporariesOfOperatorsAreRefusedToo) {
  const Tensor x = matrix();
  const std::string text = ": a is an undefined tensor (default-constructed or moved from)";
  EXPECT_ERROR(Tensor() + x, Error, "add" + text);
  EXPECT_ERROR(Tensor() - x, Error, "sub" + text);
  EXPECT_ERROR(Tensor() * x, Error, "mul" + text);
  EXPECT_ERROR(Tensor() / x, Error, "div" + text);
  EXPECT_ERROR(Tensor() + 1, Error, "add" + text);
  Tensor total;
  EXPECT_ERROR(total = std::move(total) + x, Error, "add" + text);
  EXPECT_FALSE(total.defined());
}

TEST(Undefined, ATemporaryIsLostOnlyIfTheOpSucceeds) {
  Tensor x = matrix();
  EXPECT_THROW(x = std::move(x) + ones({3}, DType::float64), ShapeError);
  EXPECT_THROW(x = std::move(x) * Tensor(), Error);
  EXPECT_TRUE(has_values(x, {2, 2}, {1, 0.5, 0.25, 2}));
  // Both arguments one tensor.
  // NOLINTBEGIN(bugprone-use-after-move): what is tested
  EXPECT_TRUE(has_values(std::move(x) + x, {2, 2}, {2, 1, 0.5, 4}));
  EXPECT_FALSE(x.defined());
  const Tensor w = leaf({3});
  Tensor y = w * 1.0;
  (std::move(y) * y).backward();
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(gradient_of(w), std::vector<double>{6});
}

}  // namespace
}  // namespace gradus
