#include <gmock/gmock.h>
#include <gradus/examples/language_model/options.h>
#include <gradus/examples/language_model/texts.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/search.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/message_of.h>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

namespace gradus::examples {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

const std::vector<std::string> lines = {"The sea, the land (the sea)", "the sea"};

WordCoding coding(std::int64_t min_count = 1, bool tokenized = false) {
  return WordCoding::of(lines, {.min_count = min_count, .tokenized = tokenized});
}

TEST(WordCoding, EndsEachLineWithAWordOfItsOwn) {
  const WordCoding words = coding();
  EXPECT_THAT(words.words.words(),
              ElementsAre("<unk>", "<eos>", "the", "sea", "(", ")", ",", "land"));
  EXPECT_THAT(words.ids(lines), ElementsAre(1, 2, 3, 6, 2, 7, 4, 2, 3, 5, 1, 2, 3, 1));
  EXPECT_EQ(words.words.counts()[1], 2);
  EXPECT_THAT(coding(2).ids(lines), ElementsAre(1, 2, 3, 0, 2, 0, 0, 2, 3, 0, 1, 2, 3, 1));
  EXPECT_THAT(coding(1, true).words.words(),
              ElementsAre("<unk>", "<eos>", "the", "(the", "The", "land", "sea", "sea)", "sea,"));
  EXPECT_EQ(WordCoding::of(lines, {.min_count = 1, .max_words = 3}).words.size(), 3);
}

TEST(WordCoding, WritesWordsAsPeopleDo) {
  const WordCoding words = coding();
  const std::vector<std::int64_t> ids = words.ids(lines);
  EXPECT_EQ(words.text(std::span(ids).subspan(1)), "the sea, the land (the sea)\nthe sea\n");
}

TEST(UnigramPerplexity, KnowsFrequenciesAlone) {
  // Counts: <unk> 0, <eos> 1, a 3, b 1; one more each, of 9.
  const WordCoding words = WordCoding::of(std::vector<std::string>{"a a b a"}, {.min_count = 1});
  const std::vector<std::int64_t> ids = words.ids(std::vector<std::string>{"a c"});
  EXPECT_DOUBLE_EQ(unigram_perplexity(words.words, ids), std::cbrt(9.0 / 4 * 9.0 / 1 * 9.0 / 2));
}

/// A model whose weights are not small.
TrainedModel trained(const ModelOptions& options = {.size = 6, .layers = 2}) {
  manual_seed(4);
  const TrainedModel result{coding(), LanguageModel(coding().words.size(), options)};
  const NoGradGuard no_grad;
  for (const NamedParameter& target : result.model.parameters()) {
    target.parameter.copy_(randn(target.parameter.shape()));
  }
  result.model.eval();
  return result;
}

TEST(LanguageModel, SharesItsVectorsWithTheOutput) {
  const LanguageModel model(8, {.size = 6, .layers = 2});
  EXPECT_EQ(model.num_parameters(), 8 * 6 + 8 + 2 * (2 * 24 * 6 + 2 * 24));
  StateDict state = model.state_dict();
  EXPECT_EQ(state.at("output.weight").data<float>(), model.vectors().data<float>());
}

// All words count, however the text is cut: 600 words are read in three pieces.
TEST(LanguageModelPerplexity, IsOverAllWordsInOneStream) {
  const TrainedModel model = trained();
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i <= 600; ++i) ids.push_back(i * i % 7);
  const NoGradGuard no_grad;
  LayerStates states(2);
  double nll = 0;
  for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
    const LanguageModelResult step = model.model(full({1, 1}, ids[i], DType::int64), states);
    states = step.states;
    nll -= log_softmax(step.scores[0][0], 0)[ids[i + 1]].item();
  }
  EXPECT_NEAR(perplexity(model.model, ids), std::exp(nll / 600), 1e-3 * std::exp(nll / 600));
}

TEST(LanguageModelPerplexity, IsWithoutDropoutAndLeavesTheModeAlone) {
  const TrainedModel model = trained({.size = 6, .layers = 1, .dropout = 0.9});
  const std::vector<std::int64_t> ids = {1, 2, 3, 4, 5, 6, 7, 2};
  const double expected = perplexity(model.model, ids);
  model.model.train();
  EXPECT_EQ(perplexity(model.model, ids), expected);
  EXPECT_TRUE(model.model.is_training());
}

TEST(LanguageModel, DropsOnlyInTraining) {
  const Tensor ids = tensor({1, 2, 3, 4, 5, 6}, {2, 3});
  const std::vector<ModelOptions> all = {
      {.size = 6, .dropout = 0.5},
      {.size = 6, .dropout = 0.5, .locked_dropout = true},
      {.size = 6, .dropout = 0, .embedding_dropout = 0.5},
      {.size = 6, .dropout = 0, .weight_dropout = 0.5},
  };
  for (const ModelOptions& options : all) {
    const TrainedModel model = trained(options);
    const auto scores = [&] {
      const Tensor y = model.model(ids, LayerStates(2)).scores;
      return std::vector<float>(y.span<float>().begin(), y.span<float>().end());
    };
    EXPECT_EQ(scores(), scores());
    model.model.train();
    EXPECT_NE(scores(), scores());
  }
}

TEST(Generate, TakesTheLikeliestWordAtTemperatureZero) {
  const TrainedModel model = trained();
  const auto text = [&](const GenerateOptions& options) {
    return generate(model, "The sea", options);
  };
  const std::string greedy = text({.words = 20, .temperature = 0});
  EXPECT_EQ(text({.words = 20, .temperature = 0}), greedy);
  EXPECT_EQ(text({.words = 20, .top_k = 1}), greedy);
  EXPECT_EQ(text({.words = 20, .temperature = 1e-3}), greedy);
  EXPECT_EQ(text({.words = 0}), "the sea");
}

TEST(Generate, DrawsFromTheLikeliestAndNeverAnUnknownWord) {
  const TrainedModel model = trained();
  const NoGradGuard no_grad;
  Tensor scores = model.model(full({1, 1}, 1, DType::int64), LayerStates(2)).scores[0][0].clone();
  scores.mutable_span<float>()[0] = -1e9F;
  std::vector<std::pair<float, std::string>> order;
  for (std::int64_t i = 0; i < scores.numel(); ++i) {
    order.emplace_back(-scores[i].item<float>(), i == 1 ? "\n" : model.coding.words.word(i));
  }
  std::sort(order.begin(), order.end());
  std::vector<std::string> drawn;
  for (int i = 0; i < 200; ++i) {
    drawn.push_back(generate(model, "", {.words = 1, .temperature = 100, .top_k = 3}));
  }
  std::sort(drawn.begin(), drawn.end());
  drawn.erase(std::unique(drawn.begin(), drawn.end()), drawn.end());
  EXPECT_THAT(drawn,
              testing::UnorderedElementsAre(order[0].second, order[1].second, order[2].second));
  for (int i = 0; i < 200; ++i) {
    EXPECT_NE(generate(model, "", {.words = 1, .temperature = 100}), "<unk>");
  }
}

class LanguageModelFile : public FolderTest {};

TEST_F(LanguageModelFile, BringsBackTheWholeModel) {
  const TrainedModel saved = trained();
  const std::string path = file("model.safetensors").string();
  saved.save(path);
  const TrainedModel loaded = TrainedModel::load(path);
  EXPECT_EQ(loaded.coding.words.words(), saved.coding.words.words());
  EXPECT_EQ(loaded.model.num_layers(), 2);
  EXPECT_FALSE(loaded.model.is_training());
  const std::vector<std::int64_t> ids = saved.coding.ids(lines);
  EXPECT_EQ(perplexity(loaded.model, ids), perplexity(saved.model, ids));
}

TEST_F(LanguageModelFile, RefusesModelsOfOtherPrograms) {
  StateDict state;
  state.set("weight", ones({2, 3}));
  const std::string path = file("other.safetensors").string();
  save(state, path);
  EXPECT_EQ(
      message_of<FormatError>([&] { (void)TrainedModel::load(path); }),
      "'" + path + "' is no model of language_model: name a folder that it wrote with --output");
}

/// The options of a command line.
LanguageModelOptions parsed(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "language_model");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  LanguageModelOptions options;
  int exit_code = 0;
  EXPECT_TRUE(parse_options(static_cast<int>(argv.size()), argv.data(), options, exit_code));
  return options;
}

class LanguageModelRun : public FolderTest {};

TEST_F(LanguageModelRun, GoesOnWithTheOptionsItBeganWith) {
  const std::string folder = file("a run").string();
  const LanguageModelOptions began = parsed(
      {"--output", folder, "--corpus", "my text.txt", "--lr", "0.0123", "--schedule", "cosine",
       "--locked-dropout", "--weight-dropout", "0.25", "--seed", "18446744073709551615",
       "--threads", "2", "--encoding", "latin1", "--freeze", "*.weight_hh_l0"});
  begin_run(folder, began.text, /*overwrite=*/false);
  std::ofstream(began.file(checkpoint_file)) << "not read here";
  const LanguageModelOptions resumed = parsed({"--resume", "--output", folder, "--threads", "3"});
  EXPECT_EQ(resumed.corpus, "my text.txt");
  EXPECT_EQ(resumed.valid, "");
  EXPECT_EQ(resumed.lr, 0.0123);
  EXPECT_EQ(resumed.schedule, RateSchedule::cosine);
  EXPECT_TRUE(resumed.model.locked_dropout);
  EXPECT_EQ(resumed.model.weight_dropout, 0.25);
  EXPECT_EQ(resumed.seed, 18446744073709551615U);
  EXPECT_EQ(resumed.encoding, TextEncoding::latin1);
  EXPECT_EQ(resumed.freeze, "*.weight_hh_l0");
  EXPECT_EQ(resumed.threads, 3);
  EXPECT_EQ(resumed.text, began.text);
  EXPECT_TRUE(resumed.resume);
}

}  // namespace
}  // namespace gradus::examples
