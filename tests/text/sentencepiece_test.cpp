#include <gradus/framework/base/error.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/tests/io/file_testing.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

using namespace gradus;

namespace {

using Ids = std::vector<std::int64_t>;

// Fields of protocol buffers' wire format.
std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7U) bytes += static_cast<char>(value | 0x80U);
  return bytes += static_cast<char>(value);
}
std::string integer(unsigned field, std::uint64_t value) {
  return varint(field << 3U) + varint(value);
}
std::string text(unsigned field, std::string_view value) {
  return varint(field << 3U | 2U) + varint(value.size()) + std::string(value);
}
std::string number(unsigned field, float value) {
  std::string bytes = varint(field << 3U | 5U);
  const auto bits = std::bit_cast<std::uint32_t>(value);
  for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift);
  return bytes;
}

enum Kind : unsigned { normal = 1, unknown, control, user_defined, unused, byte };

std::string piece(std::string_view content, float score, unsigned kind = normal) {
  return text(1, text(1, content) + number(2, score) + integer(3, kind));
}

const std::string specials =
    piece("<unk>", 0, unknown) + piece("<s>", 0, control) + piece("</s>", 0, control);
const std::string bpe = integer(3, 2), unigram = integer(3, 1);

// A file of pieces, what trainer_spec and normalizer_spec say; blanks are left alone.
std::string model(const std::string& pieces, const std::string& trainer = bpe,
                  const std::string& normalizer = integer(3, 0) + integer(4, 0)) {
  return specials + pieces + text(2, trainer) + text(3, normalizer);
}

const std::string abc = piece("a", -1) + piece("b", -2) + piece("c", -3);

class SentencePiece : public FolderTest {
 protected:
  std::string path() const { return file("m.model"); }
  Tokenizer load(const std::string& bytes, const SentencePieceOptions& options = {}) const {
    std::ofstream(path(), std::ios::binary) << bytes;
    return Tokenizer::load_sentencepiece(path(), options);
  }
  Ids ids(const std::string& bytes, const std::string& content) const {
    return load(bytes).encode(content).ids;
  }
  template <class E = FormatError>
  std::string refusal(const std::string& bytes, const SentencePieceOptions& options = {}) const {
    return message_of<E>([&] { load(bytes, options); });
  }
  std::string at(std::size_t place) const {
    return "Tokenizer::load_sentencepiece: " + path() + ": byte " + std::to_string(place) + ": ";
  }
};

}  // namespace

TEST_F(SentencePiece, MergesTheGreatestScoreFirstAndThenTheLeftmost) {
  const std::string pieces = abc + piece("ab", -0.5F) + piece("bc", -0.25F) + piece("aa", -4);
  EXPECT_EQ(ids(model(pieces), "abc"), (Ids{3, 7}));  // a bc
  EXPECT_EQ(ids(model(pieces), "aaa"), (Ids{8, 3}));  // aa a
  // Of equal scores, whichever piece comes first in the file.
  const std::string ab = piece("ab", -0.5F), bc = piece("bc", -0.5F);
  EXPECT_EQ(ids(model(abc + ab + bc), "abc"), (Ids{6, 5}));
  EXPECT_EQ(ids(model(abc + bc + ab), "abc"), (Ids{7, 5}));
}

TEST_F(SentencePiece, MergesWhatMakesAPieceWhateverItsPartsAre) {
  EXPECT_EQ(ids(model(abc + piece("xy", -1)), "axyb"), (Ids{3, 6, 4}));  // x and y are no pieces
  EXPECT_EQ(ids(model(abc + piece("xy", -1)), "axb"), (Ids{3, 0, 4}));
}

TEST_F(SentencePiece, TakesUnusedPiecesApartAgain) {
  const std::string pieces = abc + piece("ab", -4, unused) + piece("abc", -5);
  EXPECT_EQ(ids(model(pieces), "abab"), (Ids{3, 4, 3, 4}));
  EXPECT_EQ(ids(model(pieces), "abc"), (Ids{7}));
  EXPECT_EQ(ids(model(pieces, unigram), "ab"), (Ids{3, 4}));
}

TEST_F(SentencePiece, NeverMergesUserDefinedPieces) {
  const std::string pieces = abc + piece("b", 0, user_defined);
  EXPECT_EQ(refusal(model(pieces)),
            at(specials.size() + abc.size()) + "the piece 'b' is there twice");
  const std::string symbols = piece("a", -1) + piece("b", 0, user_defined) + piece("ab", -1);
  EXPECT_EQ(ids(model(symbols), "ab"), (Ids{3, 4}));
}

TEST_F(SentencePiece, LetsUserDefinedPiecesWin) {
  const std::string pieces = abc + piece("ab", 0, user_defined) + piece("abc", -0.01F);
  EXPECT_EQ(ids(model(pieces, unigram), "abc"), (Ids{7}));  // -0.01 against -0.1 - 3
  EXPECT_EQ(ids(model(abc + piece("ab", 0, user_defined) + piece("bc", -2.5F), unigram), "abc"),
            (Ids{6, 5}));
}

TEST_F(SentencePiece, FindsNoControlPieceInAText) {
  const Tokenizer tokenizer = load(model(abc));
  EXPECT_EQ(tokenizer.encode("a</s>b").ids, (Ids{3, 0, 4}));
  EXPECT_EQ(tokenizer.id("</s>"), 2);
  EXPECT_TRUE(tokenizer.is_special(2));
  EXPECT_FALSE(tokenizer.is_special(0));
  EXPECT_EQ(tokenizer.decode(Ids{1, 3, 0, 4, 2}), "a \u2047 b");
  EXPECT_EQ(tokenizer.decode(Ids{1, 3, 2}, {.skip_special_tokens = false}), "<s>a</s>");
}

TEST_F(SentencePiece, AddsWhatOptionsAskFor) {
  const Tokenizer tokenizer = load(model(abc), {.add_bos = true, .add_eos = true});
  EXPECT_EQ(tokenizer.encode("a").ids, (Ids{1, 3, 2}));
  EXPECT_EQ(tokenizer.encode("a", "b").ids, (Ids{1, 3, 2, 1, 4, 2}));
  EXPECT_EQ(tokenizer.encode("a", "b").type_ids, (Ids{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(tokenizer.encode("a", {.add_special_tokens = false}).ids, (Ids{3}));
  EXPECT_EQ(load(model(abc)).encode("a").ids, (Ids{3}));
  const std::string other = model(abc, bpe + text(46, "[BOS]"));
  EXPECT_EQ(refusal<ValueError>(other, {.add_bos = true}),
            "Tokenizer::load_sentencepiece: " + path() +
                ": '[BOS]' is to be added, but is no piece of the type CONTROL");
}

TEST_F(SentencePiece, TakesTheLastOfAFieldThatIsThereTwice) {
  EXPECT_EQ(ids(model(abc + piece("ab", -1), unigram + bpe), "ab"), (Ids{6}));
}

TEST_F(SentencePiece, SkipsFieldsThatItDoesNotKnow) {
  const std::string extra = integer(200, 5) + text(201, "x") + number(202, 1) +
                            varint(203U << 3U | 1U) + std::string(8, 'x');
  EXPECT_EQ(ids(extra + model(abc + extra, bpe + extra), "ab"), (Ids{3, 4}));
}

TEST_F(SentencePiece, RefusesAFileThatIsCutOffAnywhere) {
  const std::string whole = model(abc + piece("ab", -1), bpe, integer(3, 1) + text(1, "identity"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string message = refusal(whole.substr(0, size));
    EXPECT_TRUE(message.starts_with("Tokenizer::load_sentencepiece: " + path() + ": byte "))
        << size << ": " << message;
  }
  EXPECT_EQ(ids(whole, "ab").size(), 2U);
}

TEST_F(SentencePiece, RefusesWhatIsNoModel) {
  EXPECT_EQ(refusal(""), at(0) + "there are no pieces");
  EXPECT_EQ(refusal("{\"model\""), at(0) + "field 15 has the wire type 3, which is not known");
  EXPECT_EQ(refusal(std::string(11, '\xFF')), at(0) + "a number has more than 10 bytes");
  EXPECT_EQ(refusal(std::string(1, '\0')), at(0) + "there is no field 0");
  EXPECT_EQ(refusal(varint(1U << 3U | 2U) + varint(~std::uint64_t{0})),
            at(0) +
                "a value takes 18446744073709551615 bytes, but there are 0 left: the file is "
                "cut off or damaged");
  EXPECT_EQ(refusal(integer(1, 5)), at(0) + "field 1 has the wire type 0, not 2");
  EXPECT_EQ(refusal(text(1, integer(2, 5))), at(2) + "field 2 has the wire type 0, not 5");
  EXPECT_EQ(refusal(text(1, integer(3, 7))), at(2) + "there is no type 7 of pieces");
  EXPECT_EQ(refusal(text(2, integer(3, 5))),
            at(2) + "there is no model_type 5: 1 is unigram, 2 bpe, 3 word, 4 char");
  EXPECT_EQ(refusal(text(3, text(2, "abc"))),
            at(2) + "precompiled_charsmap: a table of 3 bytes has no trie of 0 bytes");
  EXPECT_EQ(refusal(text(5, text(2, "abc"))),
            at(2) + "denormalizer_spec has a table of characters, which is not supported");
}

TEST_F(SentencePiece, RefusesPiecesThatCannotBe) {
  const std::size_t place = specials.size();
  EXPECT_EQ(refusal(model(piece("", 0))), at(place) + "piece 3 is empty");
  EXPECT_EQ(refusal(model(piece("\xFF", 0))), at(place) + "piece 3, '\\xff', is not UTF-8");
  EXPECT_EQ(refusal(model(piece("x", 1e31F))), at(place) + "the score of piece 3, 'x', is 1e+31");
  EXPECT_EQ(refusal(model(piece("x", 0, unknown))),
            at(place) + "piece 3 is of the type UNKNOWN, as is piece 0");
  EXPECT_EQ(refusal(model(piece(std::string(65536, 'x'), 0))),
            at(place) + "piece 3 has 65536 bytes, more than 65535");
  const std::string bytes = model(piece("<0x41>", 0, byte));
  EXPECT_EQ(refusal(bytes),
            at(bytes.size()) + "'<0x41>' is of the type BYTE, but there is no byte_fallback");
  const std::string one = model(piece("<0x00>", 0, byte), bpe + integer(35, 1));
  EXPECT_EQ(refusal(one), at(one.size()) + "there is byte_fallback, but no piece <0x01>");
  const std::string bad = model(piece("<0x4g>", 0, byte), bpe + integer(35, 1));
  EXPECT_EQ(refusal(bad),
            at(bad.size()) + "'<0x4g>' is of the type BYTE, but is none of <0x00> to <0xFF>");
  const std::string none = abc + text(2, bpe) + text(3, "");
  EXPECT_EQ(refusal(none), at(none.size()) + "no piece is of the type UNKNOWN");
}

TEST_F(SentencePiece, IsNotSavedIfAFileCannotExpressIt) {
  const auto unsaved = [&](const std::string& bytes) {
    return message_of<ValueError>([&] { load(bytes).json(); });
  };
  const std::string before =
      "Tokenizer: a tokenizer.json cannot express all of this model of SentencePiece: ";
  const std::string after = ". Keep its .model, which Tokenizer::load_sentencepiece reads";
  EXPECT_EQ(unsaved(model(abc, integer(3, 3))), before + "its model_type word" + after);
  EXPECT_EQ(unsaved(model(piece("u", 0, unused))), before + "the unused piece 'u'" + after);
  EXPECT_EQ(unsaved(model(abc, bpe + integer(24, 1), "")),
            before + "treat_whitespace_as_suffix" + after);
  EXPECT_EQ(unsaved(model(piece("u", 0, user_defined), bpe, "")),
            before + "the user-defined piece 'u' beside what is done to blanks" + after);
  EXPECT_EQ(unsaved(model(piece("xy", 0))),
            before + "the piece 'xy', which has a character that is no piece" + after);
  EXPECT_EQ(unsaved(model(abc)), "nothing was thrown");
}
