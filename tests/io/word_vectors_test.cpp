#include <gmock/gmock.h>
#include <gradus/framework/creation.h>
#include <gradus/framework/error.h>
#include <gradus/framework/io/word_vectors.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "file_testing.h"

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class WordVectorFile : public FolderTest {
 protected:
  std::string error_for(const std::string& content) const {
    write_text(path_, content);
    return message_of<FormatError>([&] { load_word_vectors(path_); });
  }

  const std::filesystem::path path_ = file("v.txt");
};

TEST_F(WordVectorFile, ReadsBackTheSameBits) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const WordVectors vectors{{"the", "k\xC3\xB6nig", "\xff"},
                            tensor({0.1f, -0.0f, 1e38f, tiny, 3.0f, -1.0f / 3}, {3, 2})};
  save_word_vectors(vectors, path_);
  const WordVectors back = load_word_vectors(path_);
  EXPECT_EQ(back.words, vectors.words);
  EXPECT_EQ(std::memcmp(back.matrix.data<float>(), vectors.matrix.data<float>(), 24), 0);
  std::ifstream in(path_);
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, "3 2");
  std::getline(in, line);
  EXPECT_EQ(line, "the 0.1 -0");
}

TEST_F(WordVectorFile, TakesTrailingBlanksCarriageReturnsAndNoFinalNewline) {
  EXPECT_EQ(error_for("2 2\r\na 1 2 \r\nb\t3\t4"), "nothing was thrown");
  const WordVectors back = load_word_vectors(path_);
  EXPECT_THAT(back.words, ElementsAre("a", "b"));
  EXPECT_THAT(back.matrix.span<float>(), ElementsAre(1, 2, 3, 4));
}

// The least float32 is 2^-149, 1.4e-45; numbers above half of it, 7.0065e-46, are nearer to it than
// to 0.
TEST_F(WordVectorFile, TakesNumbersBelowTheLeastFloatForTheNearest) {
  const std::string zeros(50, '0');
  EXPECT_EQ(error_for("9 1\na 1e-46\nb -1e-46\nc 1e-400\nd 7.1e-46\ne 1e-45\nf 0." + zeros +
                      "1\ng 1" + zeros + "e-96\nh 1e-99999999999\ni 0e9999"),
            "nothing was thrown");
  const WordVectors back = load_word_vectors(path_);
  const float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_THAT(back.matrix.span<float>(), ElementsAre(0, 0, 0, tiny, tiny, 0, 0, 0, 0));
  EXPECT_TRUE(std::signbit(back.matrix.span<float>()[1]));
  EXPECT_FALSE(std::signbit(back.matrix.span<float>()[0]));
  for (const char* number : {"1e39", "-1e39", "1e400", "1e99999999999"}) {
    EXPECT_THAT(error_for("1 1\na " + std::string(number)),
                HasSubstr(":2: '" + std::string(number) + "' is too large"));
  }
}

TEST_F(WordVectorFile, ErrorsNameTheLine) {
  EXPECT_THAT(error_for(""), HasSubstr("v.txt:0: the file is empty"));
  EXPECT_THAT(error_for("the 0.1 0.2\n"), HasSubstr(":1: 'the' is not a number"));
  EXPECT_THAT(error_for("1 2\na 1\n"), HasSubstr(":2: 1 numbers for 'a', 2 are needed"));
  EXPECT_THAT(error_for("1 2\na 1 2 3\n"), HasSubstr(":2: more than 2 numbers for 'a'"));
  EXPECT_THAT(error_for("1 2\na 1 x\n"), HasSubstr(":2: 'x' is not a number"));
  EXPECT_THAT(error_for("2 1\na 1\n"), HasSubstr("the file ends after 1 of 2 words"));
  EXPECT_THAT(error_for("1 1\na 1\nb 1\n"), HasSubstr(":3: more than the 1 words"));
  EXPECT_THAT(error_for("99999999999 300\na 1\n"), HasSubstr("cannot be in"));
  EXPECT_THROW(load_word_vectors(folder() / "missing"), Error);
}

TEST_F(WordVectorFile, RefusesWordsThatTheFormatCannotHold) {
  EXPECT_THROW(save_word_vectors({{"a b"}, ones({1, 2})}, path_), ValueError);
  EXPECT_THROW(save_word_vectors({{""}, ones({1, 2})}, path_), ValueError);
  EXPECT_THROW(save_word_vectors({{"a"}, ones({2, 2})}, path_), ShapeError);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace gradus
