#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/io/fasttext.h>
#include <gradus/tests/fuzz/memory_file.h>
#include <gradus/tests/support/message_of.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "fasttext_testing.h"

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

FastTextModel load(const std::string& bytes) {
  const MemoryFile file(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return FastTextModel::load(file.path());
}
FastTextModel load(const FastTextBytes& bytes) { return load(bytes.bytes()); }

template <class Bytes>
std::string error_for(const Bytes& bytes) {
  return message_of<FormatError>([&] { load(bytes); });
}
// The error for a model with something wrong in it.
std::string error_with(FastTextBytes bytes, const std::function<void(FastTextBytes&)>& change) {
  change(bytes);
  return error_for(bytes);
}

FastTextBytes word_model() {
  FastTextBytes bytes;
  bytes.entries = {{"</s>", 5}, {"the", 4}, {"\xff", 1}};
  bytes.minn = 2;
  bytes.maxn = 3;
  bytes.buckets = 5;
  bytes.set_sizes();
  return bytes;
}

FastTextBytes label_model(int loss) {
  FastTextBytes bytes;
  bytes.task = 3;
  bytes.loss = loss;
  bytes.word_ngrams = 2;
  bytes.buckets = 3;
  bytes.entries = {{"a", 3}, {"</s>", 2}, {"__label__x", 3, 1}, {"__label__y", 1, 1}};
  bytes.set_sizes();
  return bytes;
}

// As cat does: whatever loads can be used.
void use(const FastTextModel& model) {
  model.word_vectors();
  for (const char* word : {"the", "", "unseen", "\xc3"}) model.rows(word);
  model.sentence_vector("a the b");
  try {
    model.predict("a the b", 3);
  } catch (const ValueError&) {  // not supervised, or NaN
  }
}

TEST(FastTextFile, ReadsWordsOfAnyBytes) {
  const FastTextModel model = load(word_model());
  EXPECT_THAT(model.words(), ElementsAre("</s>", "the", "\xff"));
  EXPECT_THAT(model.counts(), ElementsAre(5, 4, 1));
  EXPECT_EQ(model.tokens(), 9);
  EXPECT_EQ(model.input().data<float>()[3], 2.0F);
  EXPECT_EQ(model.output().data<float>()[5], 3.0F);
}

TEST(FastTextFile, TakesLabelsOfModelsThatAreNotSupervised) {
  FastTextBytes bytes = word_model();
  bytes.entries.push_back({"__label__x", 1, 1});
  bytes.set_sizes();
  const FastTextModel model = load(bytes);
  EXPECT_THAT(model.labels(), ElementsAre("__label__x"));
  EXPECT_EQ(model.output().size(0), 3);
  EXPECT_EQ(model.find("__label__x"), std::nullopt);
}

TEST(FastTextFile, ReadsPrunedBuckets) {
  FastTextBytes bytes = word_model();
  const std::vector<std::int64_t> whole = load(bytes).rows("the");
  ASSERT_THAT(whole, testing::Contains(3 + 4));
  bytes.pruned = 2;
  bytes.kept = {{4, 1}, {1, 0}};
  bytes.set_sizes();
  std::vector<std::int64_t> expected;
  for (const std::int64_t row : whole) {
    if (row < 3) expected.push_back(row);
    if (row == 3 + 4) expected.push_back(3 + 1);
    if (row == 3 + 1) expected.push_back(3 + 0);
  }
  EXPECT_EQ(load(bytes).rows("the"), expected);
  bytes.kept.clear();
  bytes.pruned = 0;
  bytes.set_sizes();
  EXPECT_THAT(load(bytes).rows("the"), ElementsAre(1));
}

TEST(FastTextFile, HasNoNgramsWithoutBuckets) {
  FastTextBytes bytes = word_model();
  bytes.buckets = 0;  // as gensim writes models without n-grams; fastText divides by zero
  bytes.word_ngrams = 2;
  bytes.set_sizes();
  EXPECT_THAT(load(bytes).rows("the"), ElementsAre(1));
  use(load(bytes));
}

TEST(FastTextFile, RefusesAFileThatEndsAnywhere) {
  for (const FastTextBytes& bytes : {word_model(), label_model(1)}) {
    const std::string whole = bytes.bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_THAT(
          error_for(whole.substr(0, size)),
          testing::ContainsRegex("FastTextModel::load: '/proc/self/fd/[0-9]+', byte [0-9]+: "
                                 ".*(ends|begins|no NUL|cannot fit|makes no sense|too few)"))
          << size;
    }
    EXPECT_THAT(error_for(whole + "x"), HasSubstr("1 bytes follow the output matrix"));
  }
  EXPECT_THAT(error_for(word_model().bytes().substr(0, 60)),
              HasSubstr("byte 56: the file ends in t: 8 bytes are needed, 4 are left"));
}

TEST(FastTextFile, SurvivesEveryBitFlip) {
  for (const int loss : {0, 1, 2, 3, 4}) {
    const std::string whole = (loss == 0 ? word_model() : label_model(loss)).bytes();
    int refused = 0;
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
      std::string changed = whole;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
      try {
        use(load(changed));
      } catch (const FormatError&) {
        ++refused;
      }
    }
    EXPECT_GT(refused, 300);
  }
}

TEST(FastTextFile, ChecksSizesBeforeItTakesMemory) {
  constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
  constexpr std::int64_t huge = std::int64_t{1} << 62;
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  EXPECT_THAT(error_with(word_model(), [](auto& b) { b.size = b.words = most; }),
              HasSubstr("a dictionary of 2147483647 entries and -1 kept buckets makes no sense"));
  EXPECT_THAT(error_with(word_model(), [](auto& b) { b.pruned = huge; }),
              HasSubstr("and 4611686018427387904 kept buckets makes no sense"));
  EXPECT_THAT(error_with(word_model(), [](auto& b) { b.pruned = -2; }),
              HasSubstr("makes no sense"));
  EXPECT_THAT(error_with(word_model(), [](auto& b) { b.input.rows = huge; }),
              HasSubstr("is [4611686018427387904, 2], [8, 2] is expected"));
  EXPECT_THAT(error_with(word_model(), [](auto& b) { b.output.columns = -2; }),
              HasSubstr("the output matrix is [3, -2], [3, 2] is expected"));
  // Sizes that agree with each other: 2^31 columns of 2^31 rows, whose bytes are 2^64.
  EXPECT_THAT(error_with(word_model(),
                         [](auto& b) {
                           b.dim = b.buckets = most;
                           b.input.columns = most;
                           b.input.rows = 3 + std::int64_t{most};
                         }),
              HasSubstr("the input matrix is [2147483650, 2147483647]: the 105 bytes that follow"));
  // 16 GiB.
  EXPECT_THAT(error_with(word_model(),
                         [](auto& b) {
                           b.dim = 1 << 12;
                           b.buckets = (1 << 20) - 3;
                           b.input.columns = 1 << 12;
                           b.input.rows = 1 << 20;
                         }),
              HasSubstr("the input matrix is [1048576, 4096]: the 105 bytes that follow"));
  // No more rows than bytes.
  EXPECT_THAT(error_with(word_model(), [](auto& b) { b.input.columns = b.dim = 4; }),
              HasSubstr("the input matrix is [8, 4]: the 105 bytes that follow are too few"));
  EXPECT_LT(memory_stats().peak - before, 1 << 20);
}

TEST(FastTextFile, NamesTheFieldThatIsWrong) {
  const auto error = [&](const std::function<void(FastTextBytes&)>& change) {
    return error_with(word_model(), change);
  };
  EXPECT_THAT(error([](auto& b) { b.version = 13; }),
              HasSubstr("byte 4: the version is 13, 11 to 12 is expected"));
  EXPECT_THAT(error([](auto& b) { b.dim = 0; }), HasSubstr("byte 8: dim is 0"));
  EXPECT_THAT(error([](auto& b) { b.loss = 5; }),
              HasSubstr("byte 32: loss is 5, 1 to 4 is expected"));
  EXPECT_THAT(error([](auto& b) { b.task = 0; }), HasSubstr("byte 36: model is 0, 1 to 3"));
  EXPECT_THAT(error([](auto& b) { b.buckets = -1; }), HasSubstr("byte 40: bucket is -1"));
  EXPECT_THAT(error([](auto& b) { b.size = -1; }),
              HasSubstr("byte 64: the size of the dictionary is -1"));
  EXPECT_THAT(error([](auto& b) { b.words = 2; }),
              HasSubstr("byte 72: the number of labels is 0, 1 is expected"));
  EXPECT_THAT(error([](auto& b) { b.output.quantised = 1; }),
              HasSubstr("the output matrix is quantised"));
  EXPECT_THAT(error([](auto& b) { b.input.quantised = 2; }), HasSubstr("2 is not a flag"));
}

TEST(FastTextFile, RefusesAWrongDictionary) {
  const auto error = [&](const std::function<void(FastTextBytes&)>& change) {
    return error_with(label_model(1), change);
  };
  EXPECT_THAT(error([](auto& b) { b.entries[1].count = -3; }),
              HasSubstr("byte 108: the count of '</s>' is -3"));
  EXPECT_THAT(error([](auto& b) { std::swap(b.entries[1], b.entries[2]); }),
              HasSubstr("the type of '__label__x' is 1, 0 is expected"));
  EXPECT_THAT(error([](auto& b) { b.entries[3].type = 7; }),
              HasSubstr("the type of '__label__y' is 7, 1 is expected"));
  EXPECT_THAT(error([](auto& b) { b.entries[1].text = "a"; }), HasSubstr("has 'a' twice"));
  EXPECT_THAT(error([](auto& b) { b.entries[3].text = "a"; }), HasSubstr("has 'a' twice"));
  EXPECT_THAT(error([](auto& b) { b.entries[3].count = 1'000'000'000'000'000; }),
              HasSubstr("the counts of the labels add up to 1e15 or more"));
  EXPECT_THAT(error([](auto& b) {
                b.entries.resize(2);
                b.set_sizes();
              }),
              HasSubstr("the model is supervised and has no labels"));
  EXPECT_THAT(
      error([](auto& b) { b.entries[0].text = std::string(100'000, 'a'); }),
      HasSubstr("byte 92: an entry of the dictionary, 'aaaaaaaaaaaaaaaaaaaa...', has no NUL "
                "at its end within 65536 bytes"));
  std::string without_nul = label_model(1).bytes().substr(0, 92) + std::string(60, '\x01');
  EXPECT_THAT(error_for(without_nul), HasSubstr("has no NUL at its end within 60 bytes"));
  EXPECT_THAT(error([](auto& b) {
                b.pruned = 2;
                b.kept = {{1, 0}, {1, 1}};
                b.set_sizes();
              }),
              HasSubstr("bucket 1 was kept twice"));
  EXPECT_THAT(error([](auto& b) { b.maxn = 257; }),
              HasSubstr("maxn is 257, -2147483648 to 256 is expected"));
  EXPECT_THAT(error([](auto& b) {
                b.pruned = 1;
                b.kept = {{1, 1}};
                b.set_sizes();
              }),
              HasSubstr("the row of a bucket that was kept is 1, 0 is expected"));
  // fastText issue 332: all buckets are there, although the dictionary says that none was kept.
  EXPECT_THAT(error([](auto& b) { b.pruned = 0; }), HasSubstr("[5, 2], [2, 2] is expected"));
}

TEST(FastTextFile, NamesOtherFormats) {
  EXPECT_THAT(error_for(std::string("\x1f\x8b\x08 12345")), HasSubstr("its gzip data is damaged"));
  EXPECT_THAT(
      error_for(std::string("400 20\nthe 0.1")),
      HasSubstr("byte 0: it begins with '400 20\\x0athe 0.1', not as a fastText model does: "
                "it looks like word vectors as text, which load_word_vectors() reads"));
  EXPECT_THAT(error_for(std::string()), HasSubstr("it begins with '', not as"));
  EXPECT_THAT(message_of([] { FastTextModel::load("no/such.bin"); }), HasSubstr("No such file"));
  EXPECT_THAT(message_of([] { FastTextModel::load("/"); }), HasSubstr("Is a directory"));
  EXPECT_THAT(message_of([] { FastTextModel::load("/dev/zero"); }),
              HasSubstr("byte 0: it begins with '\\x00"));
}

TEST(FastTextFile, LoadsNanAndSaysSoWhenItPredicts) {
  for (const int loss : {1, 2, 3, 4}) {
    FastTextBytes bytes = label_model(loss);
    bytes.output.values[0] = std::nanf("");
    const FastTextModel model = load(bytes);
    EXPECT_TRUE(std::isnan(model.output().data<float>()[0]));
    EXPECT_THAT(message_of<ValueError>([&] { model.predict("a"); }),
                HasSubstr("predict: a score is NaN: the matrices of the model hold NaN"));
    const std::vector<std::string> texts(9, "a");
    EXPECT_THAT(message_of<ValueError>([&] { model.predict(texts); }), HasSubstr("NaN"));
  }
  FastTextBytes bytes = label_model(3);
  for (float& value : bytes.output.values) value = std::numeric_limits<float>::infinity();
  EXPECT_THAT(message_of<ValueError>([&] { load(bytes).predict("a"); }), HasSubstr("NaN"));
}

// With equal counts of 0 fastText's tree is a list, as deep as there are labels.
TEST(FastTextFile, PredictsFromADeepTree) {
  FastTextBytes bytes = label_model(1);
  bytes.entries.resize(2);
  for (int i = 0; i < 200'000; ++i) bytes.entries.push_back({std::to_string(i), 0, 1});
  bytes.set_sizes();
  for (float& value : bytes.output.values) value = -100;  // to the left, where the nodes are
  const FastTextModel model = load(bytes);
  EXPECT_EQ(model.predict("a", 5, 0.1F).size(), 1);
}

}  // namespace
}  // namespace gradus
