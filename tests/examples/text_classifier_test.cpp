#include <gmock/gmock.h>
#include <gradus/examples/text_classifier/classifier.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/optim/adam.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/message_of.h>

#include <algorithm>
#include <cmath>
#include <span>

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

/// sea, land and the ending of their plural.
TextPieces some_pieces() {
  return TextPieces(Tokenizer::from_json(R"({
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
              "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "sea": 1, "land": 2, "##s": 3}}
  })"));
}

TEST(TextFeatures, ArePiecesInPlaceOfWords) {
  TextFeatures some{Vocabulary::from_words({"##s", "sea"})};
  some.pieces = some_pieces();
  EXPECT_THAT(some.split("seas, lands"), ElementsAre("sea", "##s", "[UNK]", "land", "##s"));
  EXPECT_THAT(some.rows("seas, lands"), ElementsAre(1, 0, 0));
}

class ClassifierFile : public FolderTest {};

TEST_F(ClassifierFile, BringsBackTheWholeClassifier) {
  for (const ModelKind kind :
       {ModelKind::fasttext, ModelKind::wide_mlp, ModelKind::bilstm, ModelKind::textcnn}) {
    TextFeatures some = features(2, {.minn = 3, .maxn = 4, .buckets = 10});
    some.tokenized = true;
    const TextModel model(randn({some.size(), 3}), false,
                          {.kind = kind, .hidden = 4, .filters = 6, .widths = {2, 5}}, 2);
    const NoGradGuard no_grad;
    for (const NamedParameter& target : model.parameters()) normal_(target.parameter, 0, 1);
    model.eval();
    const Classifier saved{some, LabelSet({"dry", "wet"}), model};
    const std::string path = file("model.safetensors").string();
    saved.save(path);
    const Classifier loaded = Classifier::load(path);
    EXPECT_EQ(loaded.labels.names(), saved.labels.names());
    EXPECT_EQ(loaded.model.options.kind, kind);
    EXPECT_EQ(loaded.model.options.hidden, 4);
    const std::vector<std::vector<std::int64_t>> rows = {saved.features.rows("Sea land, x")};
    EXPECT_EQ(loaded.features.rows("Sea land, x"), rows[0]);
    const Tensor scores = loaded.model(flatten_sequences(rows));
    const Tensor expected = model(flatten_sequences(rows));
    EXPECT_THAT(scores.span<float>(), testing::ElementsAreArray(expected.span<float>()));
  }
}

TEST_F(ClassifierFile, HasTheTokenizer) {
  TextFeatures some{Vocabulary::from_words({"##s", "sea"})};
  some.pieces = some_pieces();
  const std::string path = file("model.safetensors").string();
  Classifier{some, LabelSet({"dry", "wet"}), TextModel(randn({2, 3}), false, {}, 2)}.save(path);
  EXPECT_THAT(Classifier::load(path).features.rows("seas, lands"), ElementsAre(1, 0, 0));
}

TEST_F(ClassifierFile, NamesAKindThatItDoesNotKnow) {
  const TextModel model(randn({2, 3}), false, {}, 2);
  const std::string path = file("model.safetensors").string();
  Classifier{features(1, {.minn = 0, .maxn = 0, .buckets = 10}), LabelSet({"dry", "wet"}), model}
      .save(path);
  StateDict state = load(path);
  state.metadata["model"] = "transformer";
  save(state, path);
  EXPECT_EQ(message_of<FormatError>([&] { (void)Classifier::load(path); }),
            "'" + path +
                "' has a model 'transformer', which this program does not know: it knows fasttext, "
                "wide_mlp, bilstm, textcnn");
}

/// A model that reads five words in order.
class ModelInOrder : public testing::TestWithParam<ModelKind> {
 protected:
  static TextModel model(bool frozen = false) {
    manual_seed(3);
    return {randn({5, 3}), frozen, {.kind = GetParam(), .hidden = 4, .filters = 4}, 2};
  }
  /// [texts, 2]
  static Tensor scores(const TextModel& model,
                       const std::vector<std::vector<std::int64_t>>& texts) {
    model.eval();
    return model(flatten_sequences(texts));
  }
  static double difference(const Tensor& a, const Tensor& b) {
    return std::max(std::abs(a[0].item() - b[0].item()), std::abs(a[1].item() - b[1].item()));
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, ModelInOrder,
                         testing::Values(ModelKind::bilstm, ModelKind::textcnn),
                         [](const auto& kind) { return name_of(kind.param); });

TEST_P(ModelInOrder, ReadsATextAloneAsInABatchOfLongerOnes) {
  const std::vector<std::vector<std::int64_t>> texts = {{1, 2}, {}, {3, 4, 0, 1, 2, 4, 3}, {4}};
  const Tensor all = scores(model(), texts);
  for (std::int64_t i = 0; i < std::ssize(texts); ++i) {
    const Tensor alone = scores(model(), {texts[static_cast<std::size_t>(i)]});
    EXPECT_LT(difference(all[i], alone[0]), 1e-6) << i;
  }
}

TEST_P(ModelInOrder, KnowsTheOrderOfWords) {
  const Tensor y = scores(model(), {{1, 2, 3}, {3, 2, 1}});
  EXPECT_GT(difference(y[0], y[1]), 1e-3);
}

// Filters are three to five words wide: shorter texts count all the same.
TEST_P(ModelInOrder, TellsTextsOfAWordApart) {
  const Tensor y = scores(model(), {{}, {1}, {2}, {1, 2}});
  for (std::int64_t i = 0; i < 4; ++i) {
    for (std::int64_t k = 0; k < i; ++k) EXPECT_GT(difference(y[i], y[k]), 1e-3) << i << k;
  }
}

// The rows of words that a text does not have stay: padding is no word.
TEST_P(ModelInOrder, TrainsTheRowsOfItsWordsAlone) {
  for (const bool frozen : {false, true}) {
    const TextModel some = model(frozen);
    const Tensor before = some.rows().detach().clone();
    Adam optimizer(some.parameters(), {.lr = 0.1, .lazy = true});
    const std::vector<std::vector<std::int64_t>> texts = {{1}, {2, 3, 2}};
    for (int step = 0; step < 3; ++step) {
      optimizer.zero_grad();
      cross_entropy(some(flatten_sequences(texts)), tensor({0, 1})).backward();
      optimizer.step();
    }
    for (std::int64_t row = 0; row < 6; ++row) {
      const Tensor now = some.rows()[row].detach();
      const bool same = std::ranges::equal(now.span<float>(), before[row].span<float>());
      EXPECT_EQ(same, frozen || row < 1 || row > 3) << row;
    }
  }
}

TEST(TextCnnModel, TakesTextsWithoutWordsWithFiltersOfAnyWidth) {
  const TextModel model(randn({5, 3}), false,
                        {.kind = ModelKind::textcnn, .filters = 4, .widths = {1, 2, 9}}, 2);
  model.eval();
  const std::vector<std::vector<std::int64_t>> texts = {{}, {}};
  const Tensor y = model(flatten_sequences(texts));
  EXPECT_EQ(y.shape(), Shape({2, 2}));
  EXPECT_EQ(y[0][0].item(), y[1][0].item());
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
