// generate() over models of layers, with their caches.
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/generate.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/positions.h>
#include <gradus/layers/recurrent.h>
#include <gradus/layers/transformer.h>
#include <gradus/tests/support/op_testing.h>
#include <gradus/tests/support/threads_guard.h>

namespace gradus {
namespace {

constexpr std::int64_t V = 11;

/// A decoder of two layers, with large weights.
struct Decoder : Module {
  explicit Decoder(Generator& generator)
      : embedding(add("embedding", Embedding(V, 16, {.dtype = DType::float64}, generator))),
        positions(add("positions", LearnedPositions(64, 16, {.dtype = DType::float64}, generator))),
        layers(add("layers", TransformerEncoder(2,
                                                [&](std::int64_t) {
                                                  return TransformerEncoderLayer(
                                                      16, 2,
                                                      {.dim_feedforward = 32,
                                                       .norm_first = true,
                                                       .dtype = DType::float64},
                                                      generator);
                                                }))),
        output(add("output", Linear(16, V, {.dtype = DType::float64}, generator))) {
    eval();
  }
  Tensor operator()(const Tensor& ids, TransformerCache* cache) const {
    const std::int64_t first = cache == nullptr ? 0 : cache->size();
    const Tensor x = positions(embedding(ids), first);
    return output(layers(x, {.causal = true, .cache = cache})) * 2;
  }
  const Embedding embedding;
  const LearnedPositions positions;
  const TransformerEncoder layers;
  const Linear output;
};

/// Two LSTM layers, whose states are in one vector.
struct Reader : Module {
  using States = std::vector<LstmState>;
  explicit Reader(Generator& generator)
      : embedding(add("embedding", Embedding(V, 16, {.dtype = DType::float64}, generator))),
        first(add("first", LSTM(16, 16, {.dtype = DType::float64}, generator))),
        second(add("second", LSTM(16, 16, {.dtype = DType::float64}, generator))),
        output(add("output", Linear(16, V, {.dtype = DType::float64}, generator))) {}
  Tensor operator()(const Tensor& ids, States& states) const {
    const auto [x, a] = first(embedding(ids), {.state = states[0]});
    const auto [y, b] = second(x, {.state = states[1]});
    states = {a, b};
    return output(y) * 20;
  }
  const Embedding embedding;
  const LSTM first, second;
  const Linear output;
};

const TokenIds prompts = {{1, 2, 3, 4, 5}, {7}, {7, 0, 1}, {9, 9, 9, 9, 9, 9, 9}};

/// Options of each kind.
std::vector<GenerateOptions> kinds() {
  return {{.max_new_tokens = 20},
          {.max_new_tokens = 20, .repetition_penalty = 1.3, .eos_token_ids = {4, 5}},
          {.max_new_tokens = 20, .do_sample = true, .top_p = 0.9, .num_return_sequences = 2},
          {.max_new_tokens = 12,
           .eos_token_ids = {4},
           .num_beams = 3,
           .length_penalty = 0.5,
           .num_return_sequences = 2}};
}

/// Generates by a step with a cache, and expects what the function of all ids gives.
template <class Step, class Whole, class Cache>
void expect_as_without(Step&& step, Whole&& whole, const Cache& cache) {
  for (const GenerateOptions& options : kinds()) {
    Generator a(1), b(1);
    const auto found = generate(step, prompts, cache, options, a);
    const auto expected = generate(whole, prompts, options, b);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].ids, expected[i].ids);
      EXPECT_EQ(found[i].end, expected[i].end);
      EXPECT_NEAR(found[i].score, expected[i].score, 1e-9);
    }
  }
}

TEST(GenerateByLayers, TransformersWithACacheAreAsWithout) {
  Generator generator(2);
  const Decoder model(generator);
  expect_as_without([&](const Tensor& ids, TransformerCache& cache) { return model(ids, &cache); },
                    [&](const Tensor& ids) { return model(ids, nullptr); }, TransformerCache());
}

TEST(GenerateByLayers, RecurrentLayersWithAStateAreAsWithout) {
  Generator generator(2);
  const Reader model(generator);
  const auto step = [&](const Tensor& ids, Reader::States& states) { return model(ids, states); };
  const auto whole = [&](const Tensor& ids) {
    Reader::States states(2);
    return model(ids, states);
  };
  expect_as_without(step, whole, Reader::States(2));
}

TEST(GenerateByLayers, GivesTheSameForAnyNumberOfThreads) {
  Generator generator(2);
  const Decoder model(generator);
  const auto step = [&](const Tensor& ids, TransformerCache& cache) { return model(ids, &cache); };
  const ThreadsGuard guard;
  set_parallel_grain(1);
  std::vector<std::vector<std::int64_t>> first;
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    std::vector<std::vector<std::int64_t>> ids;
    for (const GenerateOptions& options : kinds()) {
      Generator seeded(5);
      for (const Generation& made : generate(step, prompts, TransformerCache(), options, seeded)) {
        ids.push_back(made.ids);
      }
    }
    if (first.empty()) first = ids;
    EXPECT_EQ(ids, first) << threads << " threads";
  }
}

TEST(LstmState, SelectsSequencesOfABatch) {
  const LstmState state{tensor({{{1.0}, {2.0}, {3.0}}}), Tensor()};
  const LstmState selected = state.select(tensor({2, 0, 2, 2}));
  EXPECT_EQ(selected.h.shape(), (Shape{1, 4, 1}));
  EXPECT_EQ(values_of(selected.h), (std::vector<double>{3, 1, 3, 3}));
  EXPECT_FALSE(selected.c.defined());
  EXPECT_THROW((void)state.select(tensor({3})), IndexError);
}

}  // namespace
}  // namespace gradus
