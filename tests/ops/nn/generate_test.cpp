// generate() over models whose probabilities are known; layers/generate_test.cpp has real ones.
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/detail/beam_search.h>
#include <gradus/framework/ops/nn/detail/generate_options.h>
#include <gradus/framework/ops/nn/generate.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/tests/support/message_of.h>
#include <gradus/tests/support/op_testing.h>
#include <gradus/tests/support/statistics.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace gradus {
namespace {

using testing::ElementsAre;

using Ids = std::vector<std::int64_t>;
constexpr double inf = infinity;

/// A model that remembers all ids: the logits depend on each of them.
std::vector<double> logits_after(const Ids& ids, std::int64_t V) {
  std::uint64_t hash = 7;
  for (const std::int64_t id : ids) hash = hash * 31 + static_cast<std::uint64_t>(id) + 1;
  Generator generator(hash);
  std::vector<double> logits;
  for (std::int64_t i = 0; i < V; ++i) logits.push_back(4 * generator.uniform() - 1);
  return logits;
}

/// As a function of all ids.
auto model(std::int64_t V) {
  return [V](const Tensor& ids) {
    std::vector<double> logits;
    for (std::int64_t b = 0; b < ids.size(0); ++b) {
      const Tensor line = ids[b].clone();
      const auto row = line.span<std::int64_t>();
      for (std::size_t t = 1; t <= row.size(); ++t) {
        const auto next = logits_after({row.begin(), row.begin() + std::ptrdiff_t(t)}, V);
        logits.insert(logits.end(), next.begin(), next.end());
      }
    }
    return tensor(logits, {ids.size(0), ids.size(1), V});
  };
}

/// The ids that each row has read.
struct History {
  TokenIds rows = {};
  History select(const Tensor& ids) const {
    History selected;
    for (const std::int64_t i : ids.span<std::int64_t>()) {
      selected.rows.push_back(rows.at(static_cast<std::size_t>(i)));
    }
    return selected;
  }
};
/// The same without select().
struct PlainHistory {
  TokenIds rows = {};
};

/// The same model as a step: the logits of the last id alone. Counts ids that it reads.
template <class Cache>
auto cached_model(std::int64_t V, std::int64_t* read = nullptr) {
  return [=](const Tensor& ids, Cache& cache) {
    if (read != nullptr) *read += ids.numel();
    cache.rows.resize(static_cast<std::size_t>(ids.size(0)));
    std::vector<double> logits;
    for (std::int64_t b = 0; b < ids.size(0); ++b) {
      Ids& row = cache.rows[static_cast<std::size_t>(b)];
      const Tensor next = ids[b].clone();
      row.insert(row.end(), next.span<std::int64_t>().begin(), next.span<std::int64_t>().end());
      const auto values = logits_after(row, V);
      logits.insert(logits.end(), values.begin(), values.end());
    }
    return tensor(logits, {ids.size(0), V});
  };
}

/// A model whose logits are always the same.
auto constant_model(const std::vector<double>& logits) {
  return [=](const Tensor& ids) {
    std::vector<double> all;
    for (std::int64_t b = 0; b < ids.size(0); ++b) {
      all.insert(all.end(), logits.begin(), logits.end());
    }
    return tensor(all, {ids.size(0), std::ssize(logits)});
  };
}

std::vector<double> log_probabilities(const std::vector<double>& logits) {
  return values_of(log_softmax(tensor(logits), 0));
}

std::vector<Ids> ids_of(const std::vector<Generation>& all) {
  std::vector<Ids> ids;
  ids.reserve(all.size());
  for (const Generation& made : all) ids.push_back(made.ids);
  return ids;
}

const TokenIds unequal = {{1, 2, 3, 4, 5, 6}, {3}, {0, 6, 2}, {5, 5}};

// ---- one token at a time

TEST(Generate, TakesTheLikeliestAndAddsTheirProbabilities) {
  const auto made = generate(model(7), {{3, 1}}, {.max_new_tokens = 12});
  ASSERT_EQ(made.size(), 1U);
  Ids ids = {3, 1};
  double sum = 0;
  for (int i = 0; i < 12; ++i) {
    const auto p = log_probabilities(logits_after(ids, 7));
    const auto best = std::max_element(p.begin(), p.end());
    ids.push_back(best - p.begin());
    sum += *best;
  }
  EXPECT_EQ(made[0].ids, Ids(ids.begin() + 2, ids.end()));
  EXPECT_NEAR(made[0].score, sum, 1e-12);
  EXPECT_EQ(made[0].prompt, 0);
  EXPECT_EQ(made[0].end, GenerationEnd::length);
  EXPECT_EQ(generate(constant_model({0, 2, 1, 2}), {{0}}, {.max_new_tokens = 2})[0].ids,
            (Ids{1, 1}));  // the lower of equal ones
}

TEST(Generate, WithACacheIsAsWithout) {
  for (const bool do_sample : {false, true}) {
    const GenerateOptions options = {.max_new_tokens = 30,
                                     .do_sample = do_sample,
                                     .repetition_penalty = 1.1,
                                     .eos_token_ids = {2}};
    Generator a(5), b(5), c(5);
    const auto expected = ids_of(generate(model(7), unequal, options, a));
    EXPECT_EQ(ids_of(generate(cached_model<History>(7), unequal, History(), options, b)), expected);
    EXPECT_EQ(ids_of(generate(cached_model<PlainHistory>(7), unequal, PlainHistory(), options, c)),
              expected);
  }
}

TEST(Generate, GoesOnWithEachPromptAsIfItWereAlone) {
  for (const std::int64_t num_beams : {1, 3}) {
    const GenerateOptions options = {
        .max_new_tokens = 20, .max_length = 22, .eos_token_ids = {2}, .num_beams = num_beams};
    const auto together = generate(cached_model<History>(7), unequal, History(), options);
    ASSERT_EQ(together.size(), unequal.size());
    for (std::size_t i = 0; i < unequal.size(); ++i) {
      const auto alone = generate(cached_model<History>(7), {unequal[i]}, History(), options);
      EXPECT_EQ(together[i].ids, alone[0].ids) << i;
      EXPECT_EQ(together[i].score, alone[0].score) << i;
      EXPECT_EQ(together[i].end, alone[0].end) << i;
      EXPECT_EQ(together[i].prompt, static_cast<std::int64_t>(i));
    }
  }
}

TEST(Generate, ReadsEachIdOnceAndNoneAfterTheEnd) {
  std::int64_t read = 0;
  // The shortest prompt has 3 ids, so 2 x 3 are read at once. After its two tokens the first
  // sequence, whose last token is not read, is left out.
  generate(cached_model<History>(7, &read), {{1, 2, 3}, {1, 2, 3, 4, 5, 6, 0}}, History(),
           {.max_new_tokens = 2});
  EXPECT_EQ(read, (3 + 1) + (7 + 1));
}

TEST(Generate, IsEmptyForNoPromptsAndNoTokens) {
  EXPECT_TRUE(generate(model(7), {}, {}).empty());
  const auto made = generate(model(7), {{1}, {2}}, {.max_new_tokens = 0});
  ASSERT_EQ(made.size(), 2U);
  EXPECT_TRUE(made[1].ids.empty());
  EXPECT_EQ(made[1].prompt, 1);
}

TEST(Generate, RecordsNothing) {
  bool recorded = true;
  const auto step = [&](const Tensor& ids) {
    recorded = grad_enabled();
    return model(7)(ids);
  };
  generate(step, {{1}}, {.max_new_tokens = 1});
  EXPECT_FALSE(recorded);
  EXPECT_TRUE(grad_enabled());
}

// ---- ends

TEST(Generate, EndsAtEosAndAtTheLength) {
  const auto all = generate(model(7), unequal, {.max_new_tokens = 40, .eos_token_ids = {2, 5}});
  for (const Generation& made : all) {
    const auto is_eos = [](std::int64_t id) { return id == 2 || id == 5; };
    const auto first = std::find_if(made.ids.begin(), made.ids.end(), is_eos);
    EXPECT_EQ(made.end, GenerationEnd::eos);
    EXPECT_EQ(first, made.ids.end() - 1);
  }
  const auto limited = generate(model(7), unequal, {.max_new_tokens = 5, .max_length = 8});
  EXPECT_EQ(limited[0].ids.size(), 2U);
  EXPECT_EQ(limited[1].ids.size(), 5U);
}

TEST(Generate, ChoosesNoEosBeforeTheLeastNumberOfTokens) {
  const auto step = constant_model({0, 3, 9, 1});
  const auto made =
      generate(step, {{0}}, {.max_new_tokens = 9, .min_new_tokens = 3, .eos_token_ids = {2}});
  EXPECT_EQ(made[0].ids, (Ids{1, 1, 1, 2}));
  EXPECT_EQ(generate(step, {{0}}, {.max_new_tokens = 9, .eos_token_ids = {2}})[0].ids, Ids{2});
}

TEST(Generate, EndsAtStopSequences) {
  const auto step = constant_model({0, 1});
  const auto stop = [&](const TokenIds& stops, std::int64_t least = 0) {
    return generate(step, {{0, 1}},
                    {.max_new_tokens = 6, .min_new_tokens = least, .stop_sequences = stops})[0];
  };
  EXPECT_EQ(stop({{1, 1, 1}}).ids, (Ids{1, 1}));  // the first one is in the prompt
  EXPECT_EQ(stop({{1, 1, 1}}).end, GenerationEnd::stop_sequence);
  EXPECT_EQ(stop({{0, 1, 1, 1, 1}, {1, 0}}).ids, (Ids{1, 1, 1}));
  EXPECT_EQ(stop({{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}).ids.size(), 6U);
  EXPECT_EQ(stop({{1}}, 4).ids.size(), 4U);
}

TEST(Generate, CallsBackForEachTokenWhichMayEndTheSequence) {
  std::map<std::int64_t, Ids> told;
  double sum = 0;
  const auto on_token = [&](const GeneratedToken& token) {
    EXPECT_EQ(token.index, std::ssize(told[token.sequence]));
    told[token.sequence].push_back(token.id);
    if (token.sequence == 0) sum += token.log_probability;
    return token.sequence != 1 || token.index < 2;
  };
  const auto made =
      generate(model(7), {{1}, {2}, {3}}, {.max_new_tokens = 9, .on_token = on_token});
  EXPECT_EQ(made[1].ids.size(), 3U);
  EXPECT_EQ(made[1].end, GenerationEnd::callback);
  for (std::size_t i = 0; i < made.size(); ++i) {
    EXPECT_EQ(made[i].ids, told[static_cast<std::int64_t>(i)]);
  }
  EXPECT_EQ(made[2].ids.size(), 9U);
  EXPECT_DOUBLE_EQ(made[0].score, sum);
}

// ---- what is chosen from

TEST(Generate, SamplesByTheProbabilities) {
  const std::vector<double> logits = {0.5, -1, 2, 1, -inf};
  const auto counts_with = [&](GenerateOptions options) {
    options.max_new_tokens = 100;
    options.do_sample = true;
    options.num_return_sequences = 200;
    Generator generator(3);
    std::vector<std::int64_t> counts(5);
    for (const Generation& made : generate(constant_model(logits), {{0}}, options, generator)) {
      for (const std::int64_t id : made.ids) ++counts[static_cast<std::size_t>(id)];
    }
    return counts;
  };
  const auto p = [&](const Tensor& scores) { return values_of(softmax(scores, 0)); };
  const Tensor x = tensor(logits);
  EXPECT_TRUE(fits(counts_with({}), p(x)));
  EXPECT_TRUE(fits(counts_with({.temperature = 2}), p(x / 2)));
  EXPECT_FALSE(fits(counts_with({.temperature = 2}), p(x)));
  EXPECT_TRUE(fits(counts_with({.top_k = 2}), p(tensor({-inf, -inf, 2.0, 1.0, -inf}))));
  EXPECT_TRUE(fits(counts_with({.top_p = 0.9}), p(tensor({0.5, -inf, 2.0, 1.0, -inf}))));
  EXPECT_TRUE(fits(counts_with({.min_p = 0.3}), p(tensor({-inf, -inf, 2.0, 1.0, -inf}))));
  EXPECT_TRUE(fits(counts_with({.suppress_tokens = {2}}), p(tensor({0.5, -1.0, -inf, 1.0, -inf}))));
}

// Temperature comes before top_p: 0.62 + 0.23 of x reach 0.8, but not 0.44 + 0.27 of x / 2.
TEST(Generate, DividesByTheTemperatureBeforeItCutsOff) {
  Generator generator(1);
  Ids seen = generate(constant_model({0.5, -1, 2, 1, -inf}), {{0}},
                      {.max_new_tokens = 300, .do_sample = true, .temperature = 2, .top_p = 0.8},
                      generator)[0]
                 .ids;
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  EXPECT_THAT(seen, ElementsAre(0, 2, 3));
}

TEST(Generate, TakesTheLikeliestAtLowTemperatures) {
  const GenerateOptions greedy = {.max_new_tokens = 30};
  const auto expected = ids_of(generate(model(7), unequal, greedy));
  for (const double temperature : {0.0, 1e-300, 1e-12}) {
    const GenerateOptions options = {
        .max_new_tokens = 30, .do_sample = true, .temperature = temperature};
    EXPECT_EQ(ids_of(generate(model(7), unequal, options)), expected) << temperature;
  }
  const GenerateOptions one = {.max_new_tokens = 30, .do_sample = true, .top_k = 1};
  EXPECT_EQ(ids_of(generate(model(7), unequal, one)), expected);
}

TEST(Generate, PenalizesAndForbidsWhatThePromptHas) {
  const auto step = constant_model({3, 2.5, 2, -1});
  EXPECT_EQ(generate(step, {{0}}, {.max_new_tokens = 2, .repetition_penalty = 1.4})[0].ids,
            (Ids{1, 0}));  // 2.14 and 2.5, then 2.14 and 1.79
  EXPECT_EQ(generate(step, {{0}}, {.max_new_tokens = 3, .no_repeat_ngram_size = 1})[0].ids,
            (Ids{1, 2, 3}));
  EXPECT_EQ(generate(step, {{0, 0}}, {.max_new_tokens = 4, .no_repeat_ngram_size = 2})[0].ids,
            (Ids{1, 0, 2, 0}));
}

TEST(Generate, DrawsTheSameForASeed) {
  const GenerateOptions options = {
      .max_new_tokens = 40, .do_sample = true, .num_return_sequences = 2};
  const auto with_seed = [&](std::uint64_t seed, const TokenIds& prompts) {
    Generator generator(seed);
    return ids_of(generate(model(7), prompts, options, generator));
  };
  const auto first = with_seed(1, unequal);
  EXPECT_EQ(first.size(), 8U);
  EXPECT_EQ(with_seed(1, unequal), first);
  EXPECT_NE(with_seed(2, unequal), first);
  EXPECT_NE(first[0], first[1]);
  EXPECT_EQ(with_seed(1, {unequal[0]})[1], first[1]);  // whatever else is in the batch
}

// ---- beams

struct Sequence {
  double score;
  Ids ids;
};

/// All sequences after `ids`, which has `count` new ones, up to the length, with their scores.
void all_sequences(const Ids& ids, std::int64_t count, double sum, std::int64_t V,
                   const GenerateOptions& options, std::vector<Sequence>& all) {
  const auto p = log_probabilities(logits_after(ids, V));
  for (std::int64_t id = 0; id < V; ++id) {
    Ids longer = ids;
    longer.push_back(id);
    const double total = sum + p[static_cast<std::size_t>(id)];
    if (id == options.eos_token_ids[0] || count + 1 == options.max_new_tokens) {
      const double length = std::pow(static_cast<double>(count + 1), options.length_penalty);
      all.push_back({total / length, {longer.end() - (count + 1), longer.end()}});
    } else {
      all_sequences(longer, count + 1, total, V, options, all);
    }
  }
}

TEST(BeamSearch, IsAnExhaustiveOneWithEnoughBeams) {
  for (const double length_penalty : {-1.0, 0.0, 0.6, 1.0, 3.0}) {
    const GenerateOptions options = {.max_new_tokens = 4,
                                     .eos_token_ids = {1},
                                     .num_beams = 81,
                                     .length_penalty = length_penalty,
                                     .num_return_sequences = 40};
    const TokenIds prompts = {{0, 2, 3}, {3}};
    const auto found = generate(cached_model<History>(4), prompts, History(), options);
    ASSERT_EQ(found.size(), 80U);
    for (std::size_t i = 0; i < 2; ++i) {
      std::vector<Sequence> all;
      all_sequences(prompts[i], 0, 0, 4, options, all);
      std::sort(all.begin(), all.end(),
                [](const Sequence& a, const Sequence& b) { return a.score > b.score; });
      for (std::size_t k = 0; k < 40; ++k) {
        EXPECT_EQ(found[40 * i + k].ids, all[k].ids) << length_penalty << " " << k;
        EXPECT_NEAR(found[40 * i + k].score, all[k].score, 1e-12);
        EXPECT_EQ(found[40 * i + k].prompt, static_cast<std::int64_t>(i));
      }
    }
  }
}

// A greedy choice of 0 leads to two unlikely tokens; 1 leads to a sure one.
TEST(BeamSearch, FindsWhatTheLikeliestTokensMiss) {
  const auto step = [](const Tensor& ids) {
    const bool first = ids.size(1) == 1;
    std::vector<double> all;
    for (std::int64_t b = 0; b < ids.size(0); ++b) {
      const bool sure = ids[b][ids.size(1) - 1].item<std::int64_t>() == 1;
      const std::vector<double> row =
          first  ? std::vector<double>{std::log(0.6), std::log(0.4), -inf}
          : sure ? std::vector<double>{-inf, -inf, 0}
                 : std::vector<double>{std::log(0.5), std::log(0.5), -inf};
      all.insert(all.end(), row.begin(), row.end());
    }
    return tensor(all, {ids.size(0), 3});
  };
  EXPECT_EQ(generate(step, {{2}}, {.max_new_tokens = 2})[0].ids, (Ids{0, 0}));
  const auto found = generate(step, {{2}}, {.max_new_tokens = 2, .num_beams = 2});
  EXPECT_EQ(found[0].ids, (Ids{1, 2}));
  EXPECT_NEAR(found[0].score, std::log(0.4) / 2, 1e-12);
}

TEST(BeamSearch, WithACacheIsAsWithout) {
  for (const bool early_stopping : {false, true}) {
    const GenerateOptions options = {.max_new_tokens = 15,
                                     .min_new_tokens = 3,
                                     .repetition_penalty = 1.2,
                                     .no_repeat_ngram_size = 3,
                                     .eos_token_ids = {2},
                                     .stop_sequences = {{4, 4}},
                                     .num_beams = 4,
                                     .early_stopping = early_stopping,
                                     .num_return_sequences = 3};
    const auto found = generate(cached_model<History>(7), unequal, History(), options);
    EXPECT_EQ(ids_of(found), ids_of(generate(model(7), unequal, options)));
    ASSERT_EQ(found.size(), 12U);
    for (std::size_t i = 1; i < 12; ++i) {
      if (i % 3 != 0) {
        EXPECT_LE(found[i].score, found[i - 1].score);
      }
      EXPECT_GE(found[i].ids.size(), 3U);
    }
  }
}

// Sequences end at once with probability 0.6, later with 0.1: per token, the longest is the best.
TEST(BeamSearch, StopsEarlyOrWhenNothingCanBeBetter) {
  const auto step = [](const Tensor& ids) {
    std::vector<double> all;
    for (std::int64_t b = 0; b < ids.size(0); ++b) {
      const bool is_first = ids.size(1) == 1;
      const std::vector<double> row = is_first ? std::vector<double>{std::log(0.6), std::log(0.4)}
                                               : std::vector<double>{std::log(0.1), std::log(0.9)};
      all.insert(all.end(), row.begin(), row.end());
    }
    return tensor(all, {ids.size(0), 2});
  };
  GenerateOptions options = {.max_new_tokens = 6, .eos_token_ids = {0}, .num_beams = 1};
  EXPECT_EQ(generate(step, {{1}}, options)[0].ids, Ids{0});
  options.num_beams = 2;
  EXPECT_EQ(generate(step, {{1}}, options)[0].ids.size(), 6U);
  options.early_stopping = true;
  EXPECT_EQ(generate(step, {{1}}, options)[0].ids.size(), 1U);
}

// generate() takes one beam for greedy search: the search itself must agree.
TEST(BeamSearch, OfOneBeamIsGreedy) {
  const TokenIds several = {{1, 2}, {3}, {0, 0, 4}, {2}};
  const GenerateOptions options = {.max_new_tokens = 9, .num_beams = 1};
  const detail::GenerationModel whole{
      .step = model(5), .select = [](const Tensor&) {}, .takes_all = true};
  const detail::DecodingRules rules(options, several);
  const NoGradGuard no_grad;
  const auto found = detail::BeamSearch(whole, several, rules).run();
  const auto greedy = generate(model(5), several, options);
  EXPECT_EQ(ids_of(found), ids_of(greedy));
  ASSERT_EQ(found.size(), 4U);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].end, greedy[i].end);
    EXPECT_NEAR(found[i].score * 9, greedy[i].score, 1e-12);  // a beam's is by length
  }
}

TEST(BeamSearch, HasFewerSequencesIfThereAreNoMore) {
  const auto found = generate(constant_model({0, -inf, 0}), {{0}},
                              {.max_new_tokens = 1, .num_beams = 4, .num_return_sequences = 3});
  EXPECT_EQ(ids_of(found), (std::vector<Ids>{{0}, {2}}));
}

// ---- bad input

TEST(Generate, RefusesOptionsOutsideTheirRange) {
  const auto message = [](const GenerateOptions& options, const TokenIds& prompts = {{0}}) {
    return message_of<ValueError>([&] { generate(model(7), prompts, options); });
  };
  EXPECT_EQ(message({.max_new_tokens = -1}),
            "generate: max_new_tokens is -1, it must be at least 0");
  EXPECT_EQ(message({.max_new_tokens = 3, .min_new_tokens = 4}),
            "generate: min_new_tokens is 4, it must be between 0 and max_new_tokens");
  EXPECT_EQ(message({.do_sample = true, .temperature = not_a_number}),
            "generate: temperature is nan, it must be finite and at least 0");
  EXPECT_EQ(message({.do_sample = true, .top_k = -1}),
            "generate: top_k is -1, it must be at least 0");
  EXPECT_EQ(message({.do_sample = true, .top_p = 0}),
            "generate: top_p is 0, it must be above 0 and at most 1");
  EXPECT_EQ(message({.do_sample = true, .min_p = 2}),
            "generate: min_p is 2, it must be between 0 and 1");
  EXPECT_EQ(message({.repetition_penalty = 0}),
            "generate: repetition_penalty is 0, it must be positive and finite");
  EXPECT_EQ(message({.no_repeat_ngram_size = -2}),
            "generate: no_repeat_ngram_size is -2, it must be at least 0");
  EXPECT_EQ(message({.num_beams = 0}), "generate: num_beams is 0, it must be at least 1");
  EXPECT_EQ(message({.num_return_sequences = 0}),
            "generate: num_return_sequences is 0, it must be at least 1");
  EXPECT_EQ(message({.num_beams = 2, .num_return_sequences = 3}),
            "generate: num_return_sequences is 3, it must be at most num_beams");
  EXPECT_EQ(message({.stop_sequences = {{}}}), "generate: a stop sequence is empty");
  EXPECT_EQ(message({}, {{0}, {}}),
            "generate: prompt 1 is empty: let it begin with a token for the start of a text");
  EXPECT_EQ(message({.max_length = 2}, {{0}, {0, 1}}),
            "generate: prompt 1 has 2 ids, max_length is 2: it must be greater");
}

TEST(Generate, RefusesOptionsWithoutEffect) {
  const auto message = [](const GenerateOptions& options) {
    return message_of<ValueError>([&] { generate(model(7), {{0}}, options); });
  };
  EXPECT_EQ(message({.temperature = 0.7}), "generate: temperature has no effect without do_sample");
  EXPECT_EQ(message({.top_k = 3}), "generate: top_k has no effect without do_sample");
  EXPECT_EQ(message({.top_p = 0.5}), "generate: top_p has no effect without do_sample");
  EXPECT_EQ(message({.min_p = 0.5}), "generate: min_p has no effect without do_sample");
  EXPECT_EQ(message({.length_penalty = 2}),
            "generate: length_penalty has no effect without num_beams");
  EXPECT_EQ(message({.early_stopping = true}),
            "generate: early_stopping has no effect without num_beams");
  EXPECT_EQ(message({.do_sample = true, .num_beams = 2}),
            "generate: do_sample has no effect with num_beams");
  EXPECT_EQ(message({.num_beams = 2, .on_token = [](const GeneratedToken&) { return true; }}),
            "generate: on_token has no effect with num_beams");
  EXPECT_EQ(message({.num_return_sequences = 2}),
            "generate: num_return_sequences is 2, and there is one likeliest token: set do_sample "
            "and a temperature above 0, or num_beams");
}

TEST(Generate, RefusesIdsThatTheModelDoesNotHave) {
  const auto message = [](const GenerateOptions& options) {
    return message_of<IndexError>([&] { generate(model(7), {{0}}, options); });
  };
  EXPECT_EQ(message({.eos_token_ids = {7}}),
            "generate: eos_token_ids has 7, the model has ids in [0, 7)");
  EXPECT_EQ(message({.suppress_tokens = {-1}}),
            "generate: suppress_tokens has -1, the model has ids in [0, 7)");
  EXPECT_EQ(message({.stop_sequences = {{1, 9}}, .num_beams = 2}),
            "generate: stop_sequences has 9, the model has ids in [0, 7)");
}

TEST(Generate, RefusesWhatIsNoLogits) {
  const auto with = [](const Tensor& logits) {
    return [=] { generate([=](const Tensor&) { return logits; }, {{0, 1}}, {}); };
  };
  const std::string shapes = "for ids [1, 2]: logits must be [1, 2, V] or [1, V]";
  for (const Shape& shape :
       {Shape{7}, Shape{2, 7}, Shape{1, 3, 7}, Shape{1, 0}, Shape{1, 2, 7, 1}}) {
    EXPECT_EQ(message_of<ShapeError>(with(zeros(shape))),
              "generate: the model returns " + shape.str() + " " + shapes);
  }
  EXPECT_THROW(with(zeros({1, 7}, DType::int64))(), DTypeError);
  EXPECT_THROW(with(Tensor())(), Error);
  EXPECT_EQ(message_of<ValueError>(with(tensor({{0.0, not_a_number}}))),
            "generate: the model returns the logit nan for id 1, of row 0 after 2 ids: logits must "
            "be finite or -inf");
  EXPECT_EQ(message_of<ValueError>(with(tensor({{0.0, inf}}))),
            "generate: the model returns the logit inf for id 1, of row 0 after 2 ids: logits must "
            "be finite or -inf");
  EXPECT_EQ(message_of<ValueError>(with(tensor({{-inf, -inf}}))),
            "generate: no token can follow 2 ids of sequence 0: its logits, or what the options "
            "leave of them, are all -inf");
  std::int64_t V = 3;
  EXPECT_EQ(message_of<ShapeError>([&] {
              generate([&](const Tensor&) { return zeros({1, V++}); }, {{0}}, {});
            }),
            "generate: the model returns logits of 4 tokens, and of 3 before");
}

TEST(BeamSearch, RefusesWhatLeavesNothing) {
  EXPECT_EQ(message_of<ValueError>([&] {
              generate(constant_model({0, 0}), {{0}}, {.suppress_tokens = {0, 1}, .num_beams = 2});
            }),
            "generate: the options rule out all tokens after prompt 0");
  EXPECT_EQ(message_of<ValueError>([&] {
              generate(cached_model<PlainHistory>(7), {{0}}, PlainHistory(), {.num_beams = 2});
            }),
            "generate: num_beams is 2, and the cache has no select(rows): beams need it");
}

}  // namespace
}  // namespace gradus
