#include <gradus/framework/core/autograd.h>
#include <gradus/framework/module/init.h>
#include <gradus/layers/skip_gram.h>

#include <algorithm>

namespace gradus {

Tensor skip_gram_loss(const Embedding& input, const Embedding& output, const Tensor& centers,
                      const Tensor& contexts, const Tensor& negatives, Reduction reduction) {
  if (input.options().max_norm || output.options().max_norm) {  // rows change: check before
    detail::check_skip_gram(input.weight, output.weight, centers, contexts, negatives);
    input.renormalize(centers);
    output.renormalize(contexts);
    output.renormalize(negatives);
  }
  return skip_gram_loss(
      input.weight, output.weight, centers, contexts, negatives,
      {.reduction = reduction, .input = input.lookup(), .output = output.lookup()});
}

void init_skip_gram(const Embedding& input, const Embedding& output, Generator& generator) {
  const double bound = 0.5 / static_cast<double>(std::max<std::int64_t>(1, input.embedding_dim()));
  uniform_(input.weight, -bound, bound, generator);
  input.zero_padding_row();
  const NoGradGuard no_grad;
  output.weight.zero_();
}

}  // namespace gradus
