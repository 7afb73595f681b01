#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/io/fasttext.h>
#include <gradus/framework/ops/nn/embedding_bag.h>
#include <gradus/framework/text/vocabulary.h>
#include <gradus/layers/embedding_bag.h>
#include <gradus/layers/subword_embedding.h>
#include <gradus/tests/support/message_of.h>
#include <gradus/tests/support/threads_guard.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Models of the fastText program, and what it prints for them: see make_models.sh there.
const std::string folder = "tests/golden/formats/fasttext/";
const std::vector<std::string> all_models{"skipgram", "cbow_words", "softmax", "hs",
                                          "ova",      "ova_11",     "ns"};
const std::vector<std::string> supervised_models{"softmax", "hs", "ova", "ova_11", "ns"};

FastTextModel model_of(const std::string& name) {
  return FastTextModel::load(folder + name + ".bin");
}

std::vector<std::string> lines_of(const std::string& name) {
  std::ifstream in(folder + name);
  EXPECT_TRUE(in.good()) << name;
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// A vector as fastText prints it: five digits, a blank after each number.
std::string printed(const Tensor& vector) {
  std::string text;
  std::array<char, 32> number{};
  for (const float value : vector.span<float>()) {
    std::snprintf(number.data(), number.size(), "%.5g ", static_cast<double>(value));
    text += number.data();
  }
  return text;
}

struct Expected {
  std::string label, probability;
};
std::vector<Expected> expected_of(const std::string& line) {
  std::vector<Expected> all;
  std::istringstream in(line);
  for (Expected next; in >> next.label >> next.probability;) all.push_back(next);
  return all;
}

// The labels are equal, and so are the six digits of the probabilities, but for one unit: exp and
// log may differ from one C library to another.
void expect_equal(const std::vector<FastTextPrediction>& got, const std::string& line) {
  const std::vector<Expected> expected = expected_of(line);
  ASSERT_EQ(got.size(), expected.size()) << line;
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].label, expected[i].label) << line;
    const double value = std::stod(expected[i].probability);
    EXPECT_NEAR(got[i].probability, value, 1.01 * std::pow(10, std::floor(std::log10(value)) - 5))
        << line;
  }
}

TEST(FastTextGolden, HasTheOptionsOfTheModel) {
  const FastTextOptions options = model_of("hs").options();
  EXPECT_EQ(options.dim, 5);
  EXPECT_EQ(options.epochs, 40);
  EXPECT_EQ(options.min_count, 4);
  EXPECT_EQ(options.word_ngrams, 2);
  EXPECT_EQ(options.buckets, 120);
  EXPECT_EQ(options.maxn, 0);
  EXPECT_EQ(options.window, 5);
  EXPECT_EQ(options.negatives, 5);
  EXPECT_EQ(options.lr_update_rate, 100);
  EXPECT_EQ(options.sampling, 1e-4);
  EXPECT_EQ(options.loss, FastTextLoss::hierarchical_softmax);
  EXPECT_EQ(options.task, FastTextTask::supervised);
  EXPECT_EQ(model_of("skipgram").options().minn, 2);
  EXPECT_EQ(model_of("skipgram").options().maxn, 4);
  EXPECT_EQ(model_of("cbow_words").options().task, FastTextTask::cbow);
  EXPECT_EQ(model_of("cbow_words").options().buckets, 0);
  EXPECT_EQ(model_of("ova").options().loss, FastTextLoss::one_vs_all);
  EXPECT_EQ(model_of("ns").options().loss, FastTextLoss::negative_sampling);
}

// Counts as `fasttext dump hs.bin dict` lists them.
TEST(FastTextGolden, HasWordsLabelsAndTheirCounts) {
  const FastTextModel model = model_of("hs");
  EXPECT_EQ(model.words()[0], "the");
  EXPECT_EQ(model.counts()[0], 248);
  EXPECT_EQ(model.words().size(), model.counts().size());
  EXPECT_THAT(model.labels(),
              ElementsAre("__label__law", "__label__psalms", "__label__wisdom", "__label__letters",
                          "__label__gospels", "__label__end", "__label__acts"));
  EXPECT_THAT(model.label_counts(), ElementsAre(48, 20, 20, 18, 16, 12, 4));
  EXPECT_EQ(model.find("the"), 0);
  EXPECT_EQ(model.find("unseenword"), std::nullopt);
  EXPECT_EQ(model.find("__label__law"), std::nullopt);
  EXPECT_EQ(model.input().shape(),
            Shape({static_cast<std::int64_t>(model.words().size()) + 120, 5}));
  EXPECT_EQ(model.output().shape(), Shape({7, 5}));
  EXPECT_THAT(model_of("skipgram").labels(), IsEmpty());
}

TEST(FastTextGolden, VectorsOfWordsAreThoseThatFastTextPrints) {
  std::vector<std::string> models = all_models;
  models.emplace_back("sg");
  for (const std::string& name : models) {
    const FastTextModel model = model_of(name);
    for (const std::string& line : lines_of(name + ".words.txt")) {
      const std::string word = line.substr(0, line.find(' '));
      EXPECT_EQ(word + " " + printed(model.vector(word)), line) << name;
    }
  }
}

TEST(FastTextGolden, VectorsOfTextsAreThoseThatFastTextPrints) {
  const std::vector<std::string> texts = lines_of("texts.txt");
  for (const std::string& name : all_models) {
    const FastTextModel model = model_of(name);
    const std::vector<std::string> expected = lines_of(name + ".texts.txt");
    ASSERT_EQ(expected.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(printed(model.sentence_vector(texts[i])), expected[i]) << name << ": " << texts[i];
    }
  }
}

TEST(FastTextGolden, PredictsWhatFastTextPredicts) {
  const std::vector<std::string> texts = lines_of("texts.txt");
  for (const std::string& name : supervised_models) {
    SCOPED_TRACE(name);
    const FastTextModel model = model_of(name);
    const std::vector<std::string> all = lines_of(name + ".labels.txt");
    const std::vector<std::string> best = lines_of(name + ".best.txt");
    ASSERT_EQ(all.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      expect_equal(model.predict(texts[i], 100), all[i]);
      expect_equal(model.predict(texts[i], 2, 0.2F), best[i]);
    }
  }
}

TEST(FastText, PredictsSeveralTextsAsEachAlone) {
  const std::vector<std::string> texts = lines_of("texts.txt");
  const FastTextModel model = model_of("ova");
  const ThreadsGuard guard;
  set_parallel_grain(1);
  for (const int threads : {1, 4}) {
    set_num_threads(threads);
    const auto all = model.predict(texts, 3);
    ASSERT_EQ(all.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto alone = model.predict(texts[i], 3);
      ASSERT_EQ(all[i].size(), alone.size());
      for (std::size_t k = 0; k < alone.size(); ++k) {
        EXPECT_EQ(all[i][k].id, alone[k].id);
        EXPECT_EQ(all[i][k].label, model.labels()[static_cast<std::size_t>(alone[k].id)]);
        EXPECT_EQ(all[i][k].probability, alone[k].probability);
      }
    }
  }
  EXPECT_THAT(model.predict(std::vector<std::string>()), IsEmpty());
}

// As fastText, for which the rest is the next line.
TEST(FastText, TheEndOfALineInATextEndsIt) {
  const FastTextModel model = model_of("hs");
  EXPECT_EQ(model.predict("the lord </s> of the earth")[0].probability,
            model.predict("the lord")[0].probability);
  EXPECT_NE(model.predict("the lord of the earth")[0].probability,
            model.predict("the lord")[0].probability);
  EXPECT_EQ(printed(model.sentence_vector("the </s> lord")), printed(model.sentence_vector("the")));
}

TEST(FastText, GivesTheVectorsOfAllWordsAtOnce) {
  const ThreadsGuard guard;
  set_num_threads(3);
  set_parallel_grain(1);
  for (const std::string name : {"skipgram", "cbow_words", "ns"}) {
    const FastTextModel model = model_of(name);
    const WordVectors all = model.word_vectors();
    EXPECT_EQ(all.words, model.words());
    ASSERT_EQ(all.matrix.size(0), static_cast<std::int64_t>(all.words.size()));
    for (std::size_t i = 0; i < all.words.size(); ++i) {
      EXPECT_EQ(printed(all.matrix[static_cast<std::int64_t>(i)]),
                printed(model.vector(all.words[i])));
    }
  }
}

TEST(FastText, ComputesVectorsInPlaceAndSaysIfThereIsNone) {
  const FastTextModel words = model_of("cbow_words"), parts = model_of("skipgram");
  std::array<float, 5> five{7, 7, 7, 7, 7};
  EXPECT_FALSE(words.compute("unseenword", five));
  EXPECT_THAT(five, testing::Each(7));
  EXPECT_THAT(words.rows("unseenword"), IsEmpty());
  EXPECT_EQ(printed(words.vector("unseenword")), "0 0 0 0 0 ");
  EXPECT_TRUE(words.compute("the", five));
  EXPECT_EQ(five[0], words.vector("the").data<float>()[0]);
  std::array<float, 4> four{};
  EXPECT_TRUE(parts.compute("unseenword", four));
  EXPECT_EQ(four[3], parts.vector("unseenword").data<float>()[3]);
  EXPECT_THAT(message_of<ShapeError>([&] { parts.compute("the", five); }),
              HasSubstr("the vector has 5 elements, not 4"));
}

TEST(FastText, RefusesWhatItCannotPredict) {
  const FastTextModel model = model_of("softmax");
  EXPECT_THAT(message_of<ValueError>([&] { model.predict("the", 0); }), HasSubstr("k is 0"));
  EXPECT_THAT(message_of<ValueError>([&] { model.predict("the\nlord"); }),
              HasSubstr("predict: the text 'the\\x0alord' has a line feed"));
  const std::vector<std::string> texts{"a", "b\n", "\n"};
  EXPECT_THAT(message_of<ValueError>([&] { model.predict(texts); }), HasSubstr("text 1 'b"));
  EXPECT_THAT(message_of<ValueError>([&] { model.sentence_vector("\n"); }),
              HasSubstr("sentence_vector: the text"));
  EXPECT_THAT(message_of<ValueError>([&] { model_of("skipgram").predict("the"); }),
              HasSubstr("(it is skip-gram): only supervised models predict"));
  EXPECT_THAT(message_of<ValueError>([&] { model_of("cbow_words").predict("the"); }),
              HasSubstr("it is cbow"));
}

TEST(FastText, RefusesQuantisedModelsByName) {
  const std::string path = folder + "quantised.ftz";
  EXPECT_THAT(message_of<FormatError>([&] { FastTextModel::load(path); }),
              testing::AllOf(HasSubstr(path), HasSubstr("is quantised, as in .ftz files"),
                             HasSubstr("fasttext print-word-vectors " + path)));
}

// Every row of the input matrix keeps its place, so that a layer starts where fastText stopped.
TEST(FastText, SubwordEmbeddingContinuesFromAModel) {
  const FastTextModel model = model_of("skipgram");
  const FastTextOptions options = model.options();
  const auto vocabulary = Vocabulary::from_words(model.words(), {.padding = "", .unknown = ""});
  const auto table =
      SubwordEmbedding::from_pretrained(model.input(), vocabulary, /*freeze=*/false,
                                        {.ngrams = {options.minn, options.maxn, options.buckets}});
  std::vector<std::string> words = model.words();
  for (const std::string& word : lines_of("words.txt")) words.push_back(word);
  const Tensor vectors = table(words);
  for (std::size_t i = 0; i < words.size(); ++i) {
    EXPECT_EQ(table.rows(words[i]), model.rows(words[i]));
    const Tensor row = vectors[static_cast<std::int64_t>(i)], expected = model.vector(words[i]);
    for (std::int64_t j = 0; j < options.dim; ++j) {
      EXPECT_NEAR(row.data<float>()[j], expected.data<float>()[j], 1e-6);
    }
  }
  EXPECT_TRUE(table.weight.trainable());
}

// The weights of a classifier: the mean of rows, and the product with the output matrix.
TEST(FastText, EmbeddingBagContinuesFromAModelWithWordNgrams) {
  const FastTextModel model = model_of("hs");
  const std::int64_t words = static_cast<std::int64_t>(model.words().size());
  const std::vector<std::string> text{"the", "lord", "god", "</s>"};
  std::vector<std::int64_t> rows;
  for (const std::string& word : text) {
    for (const std::int64_t row : model.rows(word)) rows.push_back(row);
  }
  for (const std::int64_t bucket :
       word_ngram_buckets(text, model.options().word_ngrams, model.options().buckets)) {
    rows.push_back(words + bucket);
  }
  const auto table = EmbeddingBag::from_pretrained(model.input(), /*freeze=*/false);
  const Tensor mean = table(tensor(rows), tensor({std::int64_t{0}}));
  const Tensor expected = model.sentence_vector("the lord god");
  for (std::int64_t j = 0; j < 5; ++j) {
    EXPECT_NEAR(mean.data<float>()[j], expected.data<float>()[j], 1e-6);
  }
}

}  // namespace
}  // namespace gradus
