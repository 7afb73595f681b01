#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/fasttext.h>
#include <gradus/framework/io/word_vectors.h>
#include <gradus/tests/support/caught_warnings.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "fasttext_testing.h"
#include "file_testing.h"

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using Format = WordVectorFormat;

const std::string model_path = "tests/golden/formats/fasttext/skipgram.bin";

// FNV-1a, 64 bits.
std::uint64_t hash_of(const Tensor& matrix) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(matrix.data<float>());
  std::uint64_t hash = 14695981039346656037U;
  for (std::int64_t i = 0; i < 4 * matrix.numel(); ++i) hash = (hash ^ bytes[i]) * 1099511628211U;
  return hash;
}

// Files of the tools GloVe and word2vec, some of them cut. The hashes are those of the matrices
// that gensim 4.4.0 reads.
TEST(GenuineWordVectors, AreReadAsGensimReadsThem) {
  struct File {
    const char* name;
    Format format;
    Shape shape;
    const char *first, *last;
    std::uint64_t hash;
  };
  const File files[] = {
      {"glove.6B.100d.first40.txt", Format::glove, {40, 100}, "the", "their", 0x8ff0f1134f8acf09},
      {"word2vec_hamlet_200d.first20.txt",
       Format::word2vec_text,
       {20, 200},
       "</s>",
       "with",
       0x24eca00d4e08c5f8},
      {"word2vec_tiny.txt", Format::word2vec_text, {12, 5}, "the", "on", 0x5a0d60e814b1991d},
      {"word2vec_tiny.txt.gz", Format::word2vec_text, {12, 5}, "the", "on", 0x5a0d60e814b1991d},
      {"word2vec_tiny.bin", Format::word2vec_binary, {12, 5}, "the", "on", 0x5a0d60e814b1991d},
  };
  for (const File& file : files) {
    const auto vectors =
        load_word_vectors(std::string("tests/golden/formats/word_vectors/") + file.name);
    EXPECT_EQ(vectors.report.format, file.format) << file.name;
    EXPECT_EQ(vectors.matrix.shape(), file.shape) << file.name;
    EXPECT_EQ(vectors.words.front(), file.first);
    EXPECT_EQ(vectors.words.back(), file.last);
    EXPECT_EQ(hash_of(vectors.matrix), file.hash) << file.name;
  }
}

std::string bytes_of(std::initializer_list<float> values) {
  return {reinterpret_cast<const char*>(values.begin()), 4 * values.size()};
}

class WordVectorFormats : public FolderTest {
 protected:
  WordVectors read(const std::string& content, const WordVectorOptions& options = {}) const {
    write_text(path_, content);
    return load_word_vectors(path_, options);
  }
  std::string error_for(const std::string& content, const WordVectorOptions& options = {}) const {
    const std::string text = message_of<FormatError>([&] { read(content, options); });
    const std::string begin = "load_word_vectors: '" + path_.string() + "'";
    return text.starts_with(begin) ? text.substr(begin.size()) : text;
  }

  const std::filesystem::path path_ = file("v");
};

const std::string cure = ": correct the file, or take what is right in it with BadLines::skip";

TEST_F(WordVectorFormats, ReadBinaryWithAndWithoutLineFeeds) {
  const std::string a = "a " + bytes_of({0.5F, -1}), b = "b " + bytes_of({2, 3});
  for (const std::string& content : {a + b, a + "\n" + b, a + "\n" + b + "\n", "\n" + a + b}) {
    const WordVectors vectors = read("2 2\n" + content);
    EXPECT_EQ(vectors.report.format, Format::word2vec_binary);
    EXPECT_THAT(vectors.words, ElementsAre("a", "b"));
    EXPECT_THAT(vectors.matrix.span<float>(), ElementsAre(0.5F, -1, 2, 3));
  }
}

// Bytes of numbers that are line feeds, blanks and tabs.
TEST_F(WordVectorFormats, ReadBinaryNumbersThatLookLikeText) {
  const std::string numbers = "\n\n\n\n    \t\n \n12 5";
  const WordVectors vectors =
      read("2 4\na " + numbers + "\nb " + numbers, {.format = Format::word2vec_binary});
  EXPECT_THAT(vectors.words, ElementsAre("a", "b"));
  EXPECT_EQ(std::memcmp(vectors.matrix.data<float>() + 4, numbers.data(), 16), 0);
  EXPECT_EQ(read("1 2\na \n\n\n\n" + bytes_of({-1})).report.format, Format::word2vec_binary);
}

TEST_F(WordVectorFormats, SuggestTheFormatIfBinaryNumbersLookLikeText) {
  const std::string row = "a " + std::string("0.1 0.2;") + "\n";
  EXPECT_THAT(error_for("1 2\n" + row),
              EndsWith(" (if its numbers are bytes, pass .format)" + cure));
}

TEST_F(WordVectorFormats, KeepTheBytesOfWordsInBinary) {
  EXPECT_THAT(read("2 1\n\xff\xfe " + bytes_of({1}) + "New_York " + bytes_of({2})).words,
              ElementsAre("\xff\xfe", "New_York"));
}

TEST_F(WordVectorFormats, RefuseABinaryFileThatIsCut) {
  const std::string whole = "2 2\na " + bytes_of({0.5F, -1}) + "\nb " + bytes_of({2, 3});
  for (std::size_t size = 17; size < whole.size(); ++size) {
    EXPECT_THAT(error_for(whole.substr(0, size)),
                HasSubstr("ends inside word 2 of the 2 of its first line, at byte " +
                          std::to_string(size)));
  }
  const CaughtWarnings caught;
  const WordVectors part = read(whole.substr(0, 20), {.bad_lines = BadLines::skip});
  EXPECT_THAT(part.words, ElementsAre("a"));
  EXPECT_THAT(caught.messages(), ElementsAre(EndsWith("at byte 20")));
}

TEST_F(WordVectorFormats, RefuseABinaryFileThatGoesOn) {
  const std::string row = "a " + bytes_of({0.5F, -1}) + "\n";
  EXPECT_EQ(error_for("1 2\n" + row + "b " + bytes_of({1, 2})),
            " goes on after the 1 words of its first line, at byte 15" + cure);
}

TEST_F(WordVectorFormats, CheckTheSizesOfABinaryFileFirst) {
  const std::string cut =
      ": the line is wrong or the file is cut off: correct it, or take what is there with "
      "BadLines::skip";
  const WordVectorOptions binary{.format = Format::word2vec_binary};
  const std::string row = "a " + bytes_of({0.5F});
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  EXPECT_EQ(error_for("99999999999 300\n" + row),
            ", line 1: 99999999999 x 300 numbers cannot fit in 22 bytes" + cut);
  EXPECT_EQ(
      error_for("9223372036854775807 4611686018427387905\n" + row, binary),
      ", line 1: 9223372036854775807 x 4611686018427387905 numbers cannot fit in 46 bytes" + cut);
  EXPECT_LT(memory_stats().peak - before, 1 << 16);
}

TEST_F(WordVectorFormats, RefuseNotFiniteNumbersAndMissingWordsOfABinaryFile) {
  const std::string content = "3 1\na " + bytes_of({std::nanf("")}) + "b " +
                              bytes_of({std::numeric_limits<float>::infinity()}) + " " +
                              bytes_of({1});
  EXPECT_EQ(error_for(content),
            " has 3 bad words: nan or infinity, which only allow_not_finite takes (2 times, first "
            "in word 1: of 'a'); no word before the numbers (word 3)" +
                cure);
  const CaughtWarnings caught;
  EXPECT_THAT(read(content, {.allow_not_finite = true, .bad_lines = BadLines::skip}).words,
              ElementsAre("a", "b"));
}

TEST_F(WordVectorFormats, KeepTheWordsOfAVocabularyFromABinaryFile) {
  const CaughtWarnings caught;
  write_text(path_, "4 1\na " + bytes_of({1}) + "b " + bytes_of({2}) + "c " + bytes_of({3}) + "b " +
                        bytes_of({4}));
  const WordVectors vectors = load_word_vectors(path_, Vocabulary::from_words({"c", "x", "b"}));
  EXPECT_THAT(vectors.words, ElementsAre("b", "c"));
  EXPECT_THAT(vectors.matrix.span<float>(), ElementsAre(2, 3));
  EXPECT_EQ(vectors.report.duplicates, 1);
  EXPECT_THAT(load_word_vectors(path_, {.max_words = 1}).words, ElementsAre("a"));
}

// ---- gzip

std::uint32_t crc_of(const std::string& text) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ (crc % 2 == 1 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

std::string little_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i & 0xFFU);
  return text;
}

// A gzip member that holds up to 64 KiB as they are (RFC 1951, 3.2.4).
std::string gzip(const std::string& text) {
  const std::string head("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
  return head + '\x01' + little_endian(text.size(), 2) + little_endian(~text.size(), 2) + text +
         little_endian(crc_of(text), 4) + little_endian(text.size(), 4);
}

TEST_F(WordVectorFormats, UnpackGzip) {
  const std::string a = "a " + bytes_of({0.5F, -1}), b = "b " + bytes_of({2, 3});
  EXPECT_THAT(read(gzip("2 2\n" + a + b)).matrix.span<float>(), ElementsAre(0.5F, -1, 2, 3));
  const std::string zeros(700, '\0');
  for (const std::string& content :
       {gzip("a 1 2\nb 3 4\n"), gzip("a 1 2\nb") + gzip("") + gzip(" 3 4\n"),
        gzip("a 1 2\nb 3 4\n") + zeros, gzip("2 2\na 1 2\n") + zeros + gzip("b 3 4\n")}) {
    const WordVectors vectors = read(content);
    EXPECT_THAT(vectors.words, ElementsAre("a", "b"));
    EXPECT_THAT(vectors.matrix.span<float>(), ElementsAre(1, 2, 3, 4));
  }
  EXPECT_THAT(error_for(gzip("\xba\x16\x4f\x2f\x0c")), HasSubstr("the file ends in the version"));
}

TEST_F(WordVectorFormats, RefuseGzipThatIsCutOrDamaged) {
  const std::string text = "a 1 2\nb 3 4\n", whole = gzip(text);
  for (std::size_t size = 2; size < whole.size(); ++size) {
    EXPECT_EQ(
        error_for(whole.substr(0, size)),
        ": its gzip data is incomplete: the file ends inside it, at byte " + std::to_string(size));
  }
  std::string damaged = whole;
  damaged[17] ^= 1;  // in the text
  EXPECT_THAT(error_for(damaged), HasSubstr(": its gzip data is damaged: incorrect data check"));
  damaged = whole;
  damaged[10] = 7;  // the kind of the block
  EXPECT_THAT(error_for(damaged), HasSubstr("is damaged: invalid block type, at byte"));
  EXPECT_EQ(error_for(whole + "more"), ": its gzip data is followed by something else, at byte " +
                                           std::to_string(whole.size()));
  EXPECT_THAT(error_for(whole + "\x1f\x8c"), HasSubstr("is damaged: incorrect header check"));
}

// ---- writing

TEST_F(WordVectorFormats, ReadBackTheSameBits) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const WordVectors vectors{{"the", "k\xC3\xB6nig", "\xff"},
                            tensor({0.1f, -0.0f, 1e38f, tiny, 3.0f, -1.0f / 3}, {3, 2})};
  for (const Format format : {Format::glove, Format::word2vec_text, Format::word2vec_binary}) {
    save_word_vectors(vectors, path_, {.format = format});
    const WordVectors back = load_word_vectors(path_);
    EXPECT_EQ(back.report.format, format);
    EXPECT_EQ(back.words, vectors.words);
    EXPECT_EQ(std::memcmp(back.matrix.data<float>(), vectors.matrix.data<float>(), 24), 0);
  }
}

TEST_F(WordVectorFormats, AreWrittenAsTheirToolsDo) {
  const WordVectors vectors{{"a", "</s>"}, tensor({{0.1F, -2.0F}, {3.0F, 4.0F}})};
  save_word_vectors(vectors, path_);
  EXPECT_EQ(read_text(path_), "2 2\na 0.1 -2\n</s> 3 4\n");
  save_word_vectors(vectors, path_, {.format = Format::glove});
  EXPECT_EQ(read_text(path_), "a 0.1 -2\n</s> 3 4\n");
  save_word_vectors(vectors, path_, {.format = Format::word2vec_binary});
  EXPECT_EQ(read_text(path_),
            "2 2\na " + bytes_of({0.1F, -2}) + "\n</s> " + bytes_of({3, 4}) + "\n");
}

TEST_F(WordVectorFormats, WriteEveryDigit) {
  save_word_vectors({{"a"}, tensor({0.1, 1.0 + 0x1p-52}, {1, 2})}, path_);
  EXPECT_EQ(read_text(path_), "1 2\na 0.1 1.0000000000000002\n");
  EXPECT_EQ(load_word_vectors(path_).matrix.data<float>()[0], 0.1F);
  const WordVectors integers{{"a"},
                             tensor({(std::int64_t{1} << 53) + 1, std::int64_t{16777217}}, {1, 2})};
  save_word_vectors(integers, path_);
  EXPECT_EQ(read_text(path_), "1 2\na 9007199254740993 16777217\n");
  save_word_vectors(integers, path_, {.format = Format::word2vec_binary});
  EXPECT_EQ(read_text(path_), "1 2\na " + bytes_of({9007199254740992.0F, 16777216}) + "\n");
  save_word_vectors({{"a"}, tensor({true, false}, {1, 2})}, path_);
  EXPECT_EQ(read_text(path_), "1 2\na 1 0\n");
}

TEST_F(WordVectorFormats, RefuseWhatTheirLoaderWouldNotRead) {
  write_text(path_, "before");
  EXPECT_EQ(
      message_of<ValueError>([&] {
        save_word_vectors(
            {{"a", "b"},
             tensor({0.1, -std::numeric_limits<double>::infinity(), 3e38, 1e39}, {2, 2})},
            path_);
      }),
      "save_word_vectors: 1e+39 of 'b' is beyond float32, which load_word_vectors reads: scale "
      "the matrix");
  EXPECT_EQ(message_of<ShapeError>([&] {
              save_word_vectors({{"a", "b"}, zeros({2, 0})}, path_);
            }),
            "save_word_vectors: a matrix [2, 0] has no columns");
  EXPECT_EQ(message_of<ValueError>([&] { save_word_vectors({}, path_); }),
            "save_word_vectors: the matrix is undefined");
  EXPECT_THROW(save_word_vectors({{"a"}, ones({2, 2})}, path_), ShapeError);
  for (const Format format : {Format::automatic, Format::fasttext_bin}) {
    EXPECT_EQ(message_of<ValueError>([&] {
                save_word_vectors({{"a"}, ones({1, 2})}, path_, {.format = format});
              }),
              "save_word_vectors: the formats that it writes are glove, word2vec_text and "
              "word2vec_binary");
  }
  EXPECT_EQ(read_text(path_), "before");
}

TEST_F(WordVectorFormats, TakeTheWordsOfAFastTextModel) {
  const FastTextModel model = FastTextModel::load(model_path);
  const WordVectors all = load_word_vectors(model_path);
  EXPECT_EQ(all.words, model.words());
  EXPECT_EQ(hash_of(all.matrix), hash_of(model.word_vectors().matrix));
  EXPECT_EQ(all.report.format, Format::fasttext_bin);
  EXPECT_EQ(all.report.words, std::ssize(model.words()));
  ASSERT_GT(all.words.size(), 4U);
  const Vocabulary vocabulary = Vocabulary::from_words({all.words[3], "whale", all.words[1]});
  const WordVectors some = load_word_vectors(model_path, vocabulary);
  EXPECT_THAT(some.words, ElementsAre(all.words[1], all.words[3]));
  EXPECT_EQ(hash_of(some.matrix[1]), hash_of(all.matrix[3]));
  EXPECT_EQ(load_word_vectors(model_path, {.max_words = 2}).words.size(), 2U);
  EXPECT_EQ(message_of<FormatError>([&] { load_word_vectors(model_path, {.dim = 99}); }),
            "load_word_vectors: '" + model_path + "' has vectors of " +
                std::to_string(model.options().dim) + " numbers, not 99");
}

TEST_F(WordVectorFormats, TakeAFastTextModelFromGzip) {
  const std::string model = read_text(model_path);
  std::string packed;
  for (std::size_t at = 0; at < model.size(); at += 60'000) {
    packed += gzip(model.substr(at, 60'000));
  }
  EXPECT_EQ(hash_of(read(packed).matrix), hash_of(load_word_vectors(model_path).matrix));
  EXPECT_EQ(FastTextModel::load(path_).words(), FastTextModel::load(model_path).words());
  const auto cut = [&](std::size_t size) {
    std::string members;
    for (std::size_t at = 0; at < size; at += 60'000) {
      members += gzip(model.substr(at, std::min<std::size_t>(60'000, size - at)));
    }
    return error_for(members);
  };
  for (const std::size_t size : {std::size_t{50}, std::size_t{100}, model.size() - 1}) {
    EXPECT_THAT(cut(size), HasSubstr("the file ends in"));
  }
}

TEST_F(WordVectorFormats, RefuseNotFiniteVectorsOfAFastTextModel) {
  FastTextBytes bytes;
  bytes.entries = {{"a", 2, 0}, {"b", 1, 0}};
  bytes.set_sizes();
  bytes.input.values[2] = std::nanf("");
  const std::string content = bytes.bytes();
  EXPECT_EQ(error_for(content),
            " has 1 bad word: nan or infinity, which only allow_not_finite takes "
            "(word 2: of 'b')" +
                cure);
  EXPECT_THAT(read(content, {.allow_not_finite = true}).words, ElementsAre("a", "b"));
  const CaughtWarnings caught;
  const WordVectors good = read(content, {.bad_lines = BadLines::skip});
  EXPECT_THAT(good.words, ElementsAre("a"));
  EXPECT_EQ(good.report.bad_lines, 1);
  EXPECT_EQ(good.report.words, 2);
}

TEST_F(WordVectorFormats, RefuseWordsThatTheyCannotHold) {
  const auto message = [&](const std::string& word, Format format) {
    return message_of<ValueError>([&] {
      save_word_vectors({{word, "b"}, ones({2, 2})}, path_, {.format = format});
    });
  };
  for (const Format format : {Format::glove, Format::word2vec_text, Format::word2vec_binary}) {
    for (const char* word : {"", "a b", "\na", "a\n"}) {
      EXPECT_THAT(message(word, format),
                  HasSubstr("is empty or holds white space, which separates the fields"));
    }
  }
  EXPECT_THAT(message("a\tb", Format::glove), HasSubstr("word 0 ('a\\x09b')"));
  EXPECT_EQ(message("a\tb", Format::word2vec_binary), "nothing was thrown");
  EXPECT_THAT(load_word_vectors(path_).words, ElementsAre("a\tb", "b"));
  EXPECT_THAT(message("\x1f\x8bx", Format::glove), HasSubstr("begins as gzip data do"));
  EXPECT_THAT(message("\xBA\x16\x4F\x2F", Format::glove), HasSubstr("as a fastText model does"));
  EXPECT_THAT(message(std::string(60'001, 'x'), Format::word2vec_binary), HasSubstr("is too long"));
  EXPECT_EQ(message(std::string(60'000, 'x'), Format::word2vec_binary), "nothing was thrown");
  EXPECT_EQ(load_word_vectors(path_).words[0].size(), 60'000U);
  EXPECT_THAT(message_of<ValueError>([&] {
                save_word_vectors({{}, zeros({0, 2})}, path_, {.format = Format::glove});
              }),
              HasSubstr("GloVe's format has no file without any: use word2vec_text"));
  EXPECT_THAT(message("\xEF\xBB\xBFx", Format::glove), HasSubstr("begins with a byte order mark"));
  EXPECT_EQ(message("\xEF\xBB\xBFx", Format::word2vec_text), "nothing was thrown");
  EXPECT_THAT(load_word_vectors(path_).words, ElementsAre("\xEF\xBB\xBFx", "b"));
}

}  // namespace
}  // namespace gradus
