#include <gmock/gmock.h>
#include <gradus/examples/kjv/options.h>

#include <filesystem>
#include <string>
#include <vector>

namespace gradus::examples {
namespace {

using testing::ElementsAre;

constexpr auto vocabulary_of = [](const WordCounter& counter) {
  return Vocabulary(counter, {.padding = "", .unknown = ""});
};

Coding small_coding(bool pairs) {
  WordCounter counter;
  counter.add(features_of("a b c", pairs));
  return {vocabulary_of(counter), LabelSet({"x", "y"}), pairs};
}

TEST(Features, AreWordsAndPairs) {
  EXPECT_THAT(features_of("The sea, the", false), ElementsAre("the", "sea", ",", "the"));
  EXPECT_THAT(features_of("the sea rose", true),
              ElementsAre("the", "sea", "rose", "the sea", "sea rose"));
  EXPECT_THAT(features_of("", true), ElementsAre());
}

TEST(Coding, LeavesUnknownFeaturesOut) {
  const LabeledIds sample = small_coding(false)({"c zebra a", "y"});
  EXPECT_THAT(sample.ids, ElementsAre(2, 0));
  EXPECT_EQ(sample.label, 1);
  EXPECT_THAT(small_coding(false).ids("?"), ElementsAre());
  EXPECT_THAT(small_coding(true).ids("c a b"), ElementsAre(4, 0, 2, 1));
}

TEST(TextClassifier, TakesTheMeanOverFeatures) {
  const auto table =
      EmbeddingBag::from_pretrained(tensor({{1.0F, 2.0F}, {3.0F, 6.0F}, {5.0F, 4.0F}}));
  const TextClassifier model(table, small_coding(false));
  StateDict state = model.state_dict();
  state.set("output.weight", tensor({1.0F, 0.0F, 0.0F, 1.0F}, {2, 2}));
  state.set("output.bias", tensor({0.5F, -0.5F}));
  model.load_state_dict(state);
  const std::vector<std::vector<std::int64_t>> texts = {{0, 1}, {2}, {}};
  const Tensor logits = model(flatten_sequences(texts));
  EXPECT_THAT(logits.span<float>(), ElementsAre(2.5F, 3.5F, 5.5F, 3.5F, 0.5F, -0.5F));
}

TEST(TextClassifier, ComesBackWhole) {
  const auto file = std::filesystem::path(testing::TempDir()) / "classifier.safetensors";
  const Coding coding = small_coding(true);
  const TextClassifier model(EmbeddingBag(coding.vocabulary.size(), 3), coding);
  save_classifier(model, file);
  const TextClassifier loaded = load_classifier(file);
  EXPECT_EQ(loaded.coding.vocabulary.words(), coding.vocabulary.words());
  EXPECT_EQ(loaded.coding.labels.names(), coding.labels.names());
  EXPECT_TRUE(loaded.coding.pairs);
  EXPECT_EQ(describe_text(loaded, "a b"), describe_text(model, "a b"));
  EXPECT_EQ(describe_text(loaded, "zebra"), "no word of it is known");
  save(model.state_dict(), file);
  EXPECT_THROW(load_classifier(file), FormatError);
}

// Words of one group only stand beside each other.
TEST(WordVectors, PutWordsThatStandTogetherNearEachOther) {
  Generator generator(3);
  WordCounter counter;
  std::vector<std::vector<std::string>> texts;
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::string> words;
    for (int k = 0; k < 8; ++k) {
      words.push_back((i % 2 == 0 ? "sea" : "land") + std::to_string(generator.below(5)));
    }
    counter.add(words);
    texts.push_back(words);
  }
  const Vocabulary vocabulary = vocabulary_of(counter);
  Sentences sentences;
  for (const auto& words : texts) sentences.push_back(vocabulary.ids(words));
  const WordVectorSettings settings = {
      .dim = 16, .lr = 0.002, .windows = {.epochs = 5, .subsample = 0}};
  const TrainedVectors vectors = train_word_vectors(sentences, vocabulary, settings);
  EXPECT_EQ(vectors.stopped_by, 0);
  EXPECT_LT(vectors.last_loss, 0.8 * vectors.first_loss);
  for (const auto& [word, cosine] :
       nearest_words(vectors.matrix, vocabulary, *vocabulary.find("sea0"), 4)) {
    EXPECT_EQ(word.substr(0, 3), "sea") << cosine;
  }
}

TEST(WordVectors, SayWhatToChangeWhenTheyDiverge) {
  const std::vector<std::string> words{"a", "b", "a", "b"};
  WordCounter counter;
  counter.add(words);
  const Vocabulary vocabulary = vocabulary_of(counter);
  const Sentences sentences(100, vocabulary.ids(words));
  const WordVectorSettings settings = {
      .dim = 4, .lr = 1e4, .windows = {.epochs = 20, .subsample = 0}};
  try {
    train_word_vectors(sentences, vocabulary, settings);
    FAIL() << "the loss stayed finite";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("--vector-lr 10000 and --vector-batch 256"));
  }
}

TEST(TextClassifier, SaysWhatToChangeWhenItDiverges) {
  const Coding coding = small_coding(false);
  const TextClassifier model(EmbeddingBag(coding.vocabulary.size(), 3), coding);
  Adam optimizer(model.parameters());
  const Texts texts(100, {"a b", "x"});
  try {
    train_classifier("job", model, optimizer, texts, {.epochs = 20, .lr = 1e30});
    FAIL() << "the loss stayed finite";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::ContainsRegex("job: the loss is -?(nan|inf) with --lr 1e"));
  }
}

/// What parse_options() prints for a command line that it does not take.
std::string refusal(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "kjv_demo");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  DemoOptions options;
  int exit_code = 0;
  testing::internal::CaptureStderr();
  const bool taken = parse_options(static_cast<int>(argv.size()), argv.data(), options, exit_code);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(taken, text.empty());
  EXPECT_EQ(taken, exit_code == 0);
  return text.substr(0, text.find('\n'));
}

TEST(Options, RefuseNumbersOutsideOfTheirRangeByName) {
  const std::vector<std::string> counts = {"--min-count", "--dim",           "--window",
                                           "--negatives", "--vector-epochs", "--vector-batch",
                                           "--epochs",    "--tune-epochs",   "--batch"};
  const std::vector<std::string> numbers = {"--lr", "--vector-lr", "--subsample"};
  const std::vector<std::string> never = {"-1",
                                          "nan",
                                          "-nan",
                                          "inf",
                                          "-inf",
                                          "1e30",
                                          "1e999",
                                          "1e-2x",
                                          "x",
                                          "",
                                          "9999999999999999999999"};
  const auto expect_refused = [](const std::string& flag, const std::string& value) {
    EXPECT_THAT(refusal({flag, value}),
                testing::MatchesRegex(flag + ": '" + value +
                                      "' is not a (whole )?number from [01] to [0-9]+"));
  };
  for (const std::string& value : never) {
    for (const std::string& flag : counts) expect_refused(flag, value);
    for (const std::string& flag : numbers) expect_refused(flag, value);
    expect_refused("--seed", value);
    expect_refused("--threads", value);
  }
  for (const std::string& flag : counts) {
    for (const char* value : {"0", "0.5", "1e3", "2000000000"}) expect_refused(flag, value);
    EXPECT_EQ(refusal({flag, "1"}), "");
  }
  for (const std::string& flag : numbers) {
    expect_refused(flag, "10.5");
    EXPECT_EQ(refusal({flag, "0"}), "");
    EXPECT_EQ(refusal({flag, "2.5e-1"}), "");
  }
  EXPECT_EQ(refusal({"--seed", "18446744073709551615", "--threads", "0"}), "");
}

TEST(Options, RefuseEmptyPaths) {
  for (const char* flag :
       {"--corpus", "--train", "--test", "--write-split", "--output", "--model"}) {
    EXPECT_EQ(refusal({flag, ""}), flag + std::string(": the path is empty"));
  }
}

TEST(Options, ReadDecimalNumbers) {
  char program[] = "kjv_demo", dim[] = "--dim=010", lr[] = "--lr=1e-3", seed[] = "--seed=7";
  char* argv[] = {program, dim, lr, seed};
  DemoOptions options;
  int exit_code = 0;
  ASSERT_TRUE(parse_options(4, argv, options, exit_code));
  EXPECT_EQ(options.vectors.dim, 10);
  EXPECT_EQ(options.training.lr, 1e-3);
  EXPECT_EQ(options.vectors.seed, 7U);
  EXPECT_EQ(options.training.seed, 7U);
}

TEST(Options, RefuseWhatWouldHaveNoEffect) {
  EXPECT_EQ(refusal({"--scratch-only", "--words", "king"}),
            "--words: has no effect with --scratch-only");
  EXPECT_EQ(refusal({"--scratch-only", "--quick"}), "--quick: has no effect with --scratch-only");
  EXPECT_EQ(refusal({"--model", "m", "--lr", "1"}), "--lr: has no effect with --model");
  EXPECT_EQ(refusal({"--corpus", "c", "--labels", "parts"}),
            "--labels: has no effect with --corpus");
  EXPECT_EQ(refusal({"--write-split", "s", "--classify", "x"}),
            "--classify: has no effect with --write-split");
  EXPECT_EQ(refusal({"--model", "m", "--classify", "x", "--threads", "2", "--output", "o"}), "");
  EXPECT_EQ(refusal({"--scratch-only", "--no-pairs", "--dim", "8", "--tune-epochs", "1"}), "");
  EXPECT_EQ(refusal({"--write-split", "s", "--labels", "testaments", "--seed", "3"}), "");
}

}  // namespace
}  // namespace gradus::examples
