// Layers learn to find things by attention: an encoder to copy a sequence backwards, a decoder to
// sort one.
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/rearrange.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/search.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/sort.h>
#include <gradus/framework/ops/split.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/positions.h>
#include <gradus/layers/transformer.h>
#include <gradus/optim/adam.h>
#include <gradus/tests/support/op_testing.h>

#include <cstdio>

namespace gradus {
namespace {

constexpr std::int64_t kSymbols = 6, kLength = 6, kModel = 16;

struct Training {
  double lr = 0.003;
  bool frozen = false;  ///< all weights of attention
};

TransformerLayerOptions layer_options() {
  return {.dim_feedforward = 32, .dropout = 0, .norm_first = true};
}

/// Writes a sequence backwards: which element is needed is known from the position alone.
struct Reverser : Module {
  Reverser()
      : symbols(add("symbols", Embedding(kSymbols, kModel))),
        positions(add("positions", LearnedPositions(kLength, kModel))),
        encoder(add("encoder", TransformerEncoder(1,
                                                  [](std::int64_t) {
                                                    return TransformerEncoderLayer(kModel, 2,
                                                                                   layer_options());
                                                  }))),
        output(add("output", Linear(kModel, kSymbols))) {}
  Tensor operator()(const Tensor& ids) const { return output(encoder(positions(symbols(ids)))); }
  static Tensor labels(const Tensor& ids) { return flip(ids, {1}); }

  const Embedding symbols;
  const LearnedPositions positions;
  const TransformerEncoder encoder;
  const Linear output;
};

/// Writes the symbols in their order, each after those before it.
struct Sorter : Module {
  Sorter()
      : symbols(add("symbols", Embedding(kSymbols + 1, kModel))),
        positions(add("positions", LearnedPositions(kLength, kModel))),
        net(add("net",
                Transformer(
                    kModel, 2,
                    {.num_encoder_layers = 1, .num_decoder_layers = 1, .layer = layer_options()}))),
        output(add("output", Linear(kModel, kSymbols))) {}
  Tensor operator()(const Tensor& ids) const {
    const Tensor start = full({ids.size(0), 1}, kSymbols, DType::int64);
    const Tensor before = cat({start, slice(labels(ids), 1, 0, kLength - 1)}, 1);
    return output(net(positions(symbols(ids)), positions(symbols(before)), {.causal = true}));
  }
  static Tensor labels(const Tensor& ids) { return sort(ids, 1).values; }

  const Embedding symbols;
  const LearnedPositions positions;
  const Transformer net;
  const Linear output;
};

/// The share of symbols that are right after training.
template <class Model>
double accuracy(const Training& training) {
  manual_seed(1);
  Generator generator(2);
  const Model model;
  for (const NamedParameter& p : model.parameters()) {
    const bool is_attention = p.path.find("_attn") != std::string::npos;
    if (training.frozen && is_attention) p.parameter.set_trainable(false);
  }
  Adam optimizer(model.parameters(), {.lr = training.lr});
  for (int step = 0; step < 600; ++step) {
    const Tensor ids = randint(kSymbols, {32, kLength}, generator);
    optimizer.zero_grad();
    cross_entropy(flatten(model(ids), 0, 1), flatten(Model::labels(ids))).backward();
    optimizer.step();
  }
  const Tensor ids = randint(kSymbols, {300, kLength}, generator);
  return mean(equal(argmax(model(ids), 2), Model::labels(ids)).to(DType::float32)).item();
}

template <class Model>
void report() {
  for (const Training& t : {Training{}, Training{.frozen = true}, Training{.lr = 0}}) {
    std::printf("%g ", accuracy<Model>(t));
  }
  std::printf("\n");
}

TEST(SlowAttentionLearning, AnEncoderLearnsToWriteBackwards) { report<Reverser>(); }
TEST(SlowAttentionLearning, ADecoderLearnsToSort) { report<Sorter>(); }

}  // namespace
}  // namespace gradus
