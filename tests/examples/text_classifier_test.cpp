#include <gmock/gmock.h>
#include <gradus/examples/text_classifier/classifier.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/init.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/message_of.h>

namespace gradus::examples {
namespace {

using testing::ElementsAre;

TextFeatures features(std::int64_t word_ngrams, const NgramOptions& ngrams) {
  return {Vocabulary::from_words({"sea", "land"}), word_ngrams, ngrams};
}

TEST(TextFeatures, PutNgramsBehindTheWords) {
  const NgramOptions none{.minn = 1, .maxn = 0, .buckets = 10};
  const std::vector<std::string> pair = {"land", "sky"};
  const std::int64_t bucket = word_ngram_buckets(pair, 2, 10)[0];
  EXPECT_THAT(features(1, none).rows("Land, SKY and sea"), ElementsAre(1, 0));
  EXPECT_EQ(features(1, none).size(), 2);
  EXPECT_THAT(features(2, none).rows("land sky"), ElementsAre(1, 2 + bucket));
  EXPECT_EQ(features(2, none).size(), 12);
  const NgramOptions characters{.minn = 3, .maxn = 3, .buckets = 10};
  const std::vector<std::int64_t> grams = ngram_buckets("sky", characters);
  EXPECT_THAT(features(1, characters).rows("sky"),
              ElementsAre(2 + grams[0], 2 + grams[1], 2 + grams[2]));
  EXPECT_EQ(features(1, characters).size(), 12);
}

TEST(TextFeatures, TakeTokensAsTheyAreIfAsked) {
  TextFeatures tokenized = features(1, {.minn = 1, .maxn = 0, .buckets = 1});
  tokenized.tokenized = true;
  EXPECT_THAT(tokenized.rows("Land land land, sea"), ElementsAre(1, 0));
}

class ClassifierFile : public FolderTest {};

TEST_F(ClassifierFile, BringsBackTheWholeClassifier) {
  for (const std::int64_t hidden : {0, 4}) {
    TextFeatures some = features(2, {.minn = 3, .maxn = 4, .buckets = 10});
    some.tokenized = true;
    const EmbeddingBag table(some.size(), 3);
    const TextModel model(table, hidden, 0.5, 2);
    const NoGradGuard no_grad;
    for (const NamedParameter& target : model.parameters()) normal_(target.parameter, 0, 1);
    model.eval();
    const Classifier saved{some, LabelSet({"dry", "wet"}), model};
    const std::string path = file("model.safetensors").string();
    saved.save(path);
    const Classifier loaded = Classifier::load(path);
    EXPECT_EQ(loaded.labels.names(), saved.labels.names());
    EXPECT_EQ(loaded.model.hidden_size, hidden);
    const std::vector<std::vector<std::int64_t>> rows = {saved.features.rows("Sea land, x")};
    EXPECT_EQ(loaded.features.rows("Sea land, x"), rows[0]);
    const Tensor scores = loaded.model(flatten_sequences(rows));
    const Tensor expected = model(flatten_sequences(rows));
    EXPECT_THAT(scores.span<float>(), testing::ElementsAreArray(expected.span<float>()));
  }
}

TEST_F(ClassifierFile, RefusesModelsOfOtherPrograms) {
  StateDict state;
  state.set("weight", ones({2, 3}));
  const std::string path = file("other.safetensors").string();
  save(state, path);
  EXPECT_EQ(
      message_of<FormatError>([&] { (void)Classifier::load(path); }),
      "'" + path + "' is no model of text_classifier: name a file that its train command wrote");
}

}  // namespace
}  // namespace gradus::examples
