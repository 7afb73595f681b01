#include <gmock/gmock.h>
#include <gradus/examples/kjv/classifier.h>
#include <gradus/examples/kjv/options.h>
#include <gradus/examples/kjv/word_vectors.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/io/word_vectors.h>
#include <gradus/optim/adam.h>

#include <filesystem>
#include <string>
#include <vector>

namespace gradus::examples {
namespace {

using testing::ElementsAre;

Coding small_coding(bool pairs) {
  WordCounter counter;
  counter.add(features_of("a b c", pairs));
  return {Vocabulary(counter, {.unknown = ""}), {"x", "y"}, pairs};
}

TEST(Features, AreWordsAndPairs) {
  EXPECT_THAT(features_of("The sea, the", false), ElementsAre("the", "sea", ",", "the"));
  EXPECT_THAT(features_of("the sea rose", true),
              ElementsAre("the", "sea", "rose", "the sea", "sea rose"));
  EXPECT_THAT(features_of("", true), ElementsAre());
}

TEST(Encode, LeavesUnknownFeaturesOut) {
  const std::vector<Example> examples =
      encode({{"y", "c zebra a"}, {"x", "?"}}, small_coding(false));
  EXPECT_THAT(examples[0].ids, ElementsAre(3, 1));
  EXPECT_EQ(examples[0].label, 1);
  EXPECT_THAT(examples[1].ids, ElementsAre());
}

TEST(TextClassifier, TakesTheMeanOverWordsAndNotOverPadding) {
  const Embedding table = Embedding::from_pretrained(
      tensor({0.0F, 0.0F, 1.0F, 2.0F, 3.0F, 6.0F, 5.0F, 4.0F}, {4, 2}), true, {.padding_idx = 0});
  const TextClassifier model(table, 2);
  StateDict state = model.state_dict();
  state.set("output.weight", tensor({1.0F, 0.0F, 0.0F, 1.0F}, {2, 2}));
  state.set("output.bias", tensor({0.5F, -0.5F}));
  model.load_state_dict(state);
  const std::vector<Example> examples = {{{1, 2}, 0}, {{3}, 1}, {{}, 0}};
  const Tensor logits = model(make_batch(examples, {0, 1, 2}));
  EXPECT_THAT(logits.span<float>(), ElementsAre(2.5F, 3.5F, 5.5F, 3.5F, 0.5F, -0.5F));
}

TEST(Evaluate, CountsByLabel) {
  EXPECT_DOUBLE_EQ(majority_share({{{}, 1}, {{}, 1}, {{}, 0}}, {{{}, 0}, {{}, 1}, {{}, 0}}),
                   1.0 / 3);
}

TEST(SavedClassifier, ComesBackWhole) {
  const auto file = std::filesystem::path(testing::TempDir()) / "classifier.safetensors";
  const Coding coding = small_coding(true);
  const TextClassifier model(Embedding(coding.vocabulary.size(), 3, {.padding_idx = 0}), 2);
  save_classifier(model.state_dict(), coding, file);
  const SavedClassifier loaded = load_classifier(file);
  EXPECT_EQ(loaded.coding.vocabulary.words(), coding.vocabulary.words());
  EXPECT_EQ(loaded.coding.labels, coding.labels);
  EXPECT_TRUE(loaded.coding.pairs);
  EXPECT_EQ(describe_text(loaded, "a b"), describe_text({coding, model}, "a b"));
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
  const Vocabulary vocabulary(counter, {.unknown = ""});
  Sentences sentences;
  for (const auto& words : texts) sentences.push_back(vocabulary.ids(words));
  const WordVectorSettings settings = {.dim = 16, .epochs = 5, .lr = 0.002, .subsample = 0};
  const TrainedVectors vectors = train_word_vectors(sentences, vocabulary, settings);
  EXPECT_FALSE(vectors.stopped);
  EXPECT_LT(vectors.last_loss, 0.8 * vectors.first_loss);
  for (const auto& [word, cosine] :
       nearest_words(vectors.table.weight, vocabulary, *vocabulary.find("sea0"), 4)) {
    EXPECT_EQ(word.substr(0, 3), "sea") << cosine;
  }

  const auto file = std::filesystem::path(testing::TempDir()) / "vectors.txt";
  save_vectors(vectors.table.weight, vocabulary, file);
  const WordVectors saved = load_word_vectors(file);
  EXPECT_EQ(saved.words.size(), 10U);  // without the padding
  EXPECT_EQ(saved.words[0], vocabulary.word(1));
  EXPECT_EQ(saved.matrix.span<float>()[0], vectors.table.weight.span<float>()[16]);
}

TEST(WordVectors, SayWhatToChangeWhenTheyDiverge) {
  const std::vector<std::string> words{"a", "b", "a", "b"};
  WordCounter counter;
  counter.add(words);
  const Vocabulary vocabulary(counter, {.unknown = ""});
  const Sentences sentences(100, vocabulary.ids(words));
  const WordVectorSettings settings = {.dim = 4, .epochs = 20, .lr = 1e4, .subsample = 0};
  try {
    train_word_vectors(sentences, vocabulary, settings);
    FAIL() << "the loss stayed finite";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("--vector-lr 10000 and --vector-batch 256"));
  }
}

TEST(TextClassifier, SaysWhatToChangeWhenItDiverges) {
  const Coding coding = small_coding(false);
  const TextClassifier model(Embedding(coding.vocabulary.size(), 3, {.padding_idx = 0}), 2);
  Adam optimizer(model.parameters());
  const std::vector<Example> examples(100, {{1, 2}, 0});
  try {
    train_classifier("job", model, optimizer, examples, {.epochs = 20, .lr = 1e30});
    FAIL() << "the loss stayed finite";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::ContainsRegex("job: the loss is -?(nan|inf) with --lr 1e"));
  }
}

TEST(WordVectors, FindWordsAsTheTextsHaveThem) {
  WordCounter counter;
  counter.add(std::vector<std::string>{"king", "beth-el"});
  const Vocabulary vocabulary(counter, {.unknown = ""});
  EXPECT_THAT(find_words({"Beth-el", "king"}, vocabulary),
              ElementsAre(*vocabulary.find("beth-el"), *vocabulary.find("king")));
  try {
    find_words({"king", "kign", "the king", ""}, vocabulary);
    FAIL() << "unknown words were taken";
  } catch (const ValueError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("--words: the training texts lack 'kign', "
                                                  "'the king', '', or"));
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
