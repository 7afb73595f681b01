// Texts without a space that are longer than what is held at once.
#include <gradus/framework/text/detail/bpe.h>
#include <gradus/framework/text/detail/pair_merges.h>
#include <gradus/framework/text/detail/unigram.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace gradus::detail;

namespace {

using Pieces = std::vector<Piece>;

// Byte-pair encoding of the letters a to d, with merges drawn at random.
Bpe random_bpe(unsigned seed, int merges, bool byte_level) {
  std::mt19937 random(seed);
  std::vector<std::string> tokens{"a", "b", "c", "d"};
  Bpe::Merges pairs;
  for (int i = 0; i < merges; ++i) {
    std::string left = tokens[random() % tokens.size()], right = tokens[random() % tokens.size()];
    if (left.size() + right.size() > 9) continue;
    const std::string both = left + right;
    if (std::find(tokens.begin(), tokens.end(), both) == tokens.end()) tokens.push_back(both);
    pairs.emplace_back(std::move(left), std::move(right));
  }
  std::vector<std::pair<std::string, std::int64_t>> numbered;
  for (const std::string& token : tokens) numbered.emplace_back(token, std::ssize(numbered));
  return Bpe(TokenTable(std::move(numbered)), std::move(pairs), {}, byte_level);
}

// Letters, the first `letters` of the alphabet, in runs and repetitions as well.
std::string random_text(std::mt19937& random, std::size_t size, unsigned letters) {
  std::string text;
  while (text.size() < size) {
    std::string part(1 + random() % 5, ' ');
    for (char& c : part) c = static_cast<char>('a' + random() % letters);
    for (auto n = random() % 4 == 0 ? random() % 40 : 1; n > 0; --n) text += part;
  }
  text.resize(size);
  return text;
}

struct Blocks {
  Pieces pieces;
  std::size_t longest = 0;  // part that was encoded as a whole
};

Blocks encode_in_blocks(const Bpe& model, std::string_view text, std::size_t size) {
  Blocks result;
  encode_by_blocks(
      text, [&](std::size_t, std::size_t place) { return character_boundary(text, place); },
      [&](Span part, Pieces& out) {
        result.longest = std::max(result.longest, part.size());
        const std::size_t first = out.size();
        model.encode(text.substr(part.begin, part.size()), out);
        for (std::size_t i = first; i < out.size(); ++i) {
          out[i].span.begin += part.begin;
          out[i].span.end += part.begin;
        }
      },
      result.pieces, size);
  return result;
}

Unigram unigram(const std::vector<std::pair<std::string, double>>& pieces) {
  std::vector<std::pair<std::string, double>> all{{"<unk>", -20}};
  all.insert(all.end(), pieces.begin(), pieces.end());
  return Unigram(std::move(all), 0, false);
}

// The way of the best sum of scores, of equal ones that whose last piece is longest: each piece, of
// which longer ones come first, is looked for at each place.
std::vector<std::string> best_way(const std::vector<std::pair<std::string, double>>& pieces,
                                  const std::string& text) {
  struct Way {
    double score = -1e300;
    std::size_t piece = 0;
  };
  std::vector<Way> ways(text.size() + 1);
  ways[0].score = 0;
  for (std::size_t end = 1; end <= text.size(); ++end) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const auto& [piece, score] = pieces[i];
      if (piece.size() > end || text.compare(end - piece.size(), piece.size(), piece) != 0)
        continue;
      if (const double sum = ways[end - piece.size()].score + score; sum > ways[end].score)
        ways[end] = {sum, i};
    }
  }
  std::vector<std::string> result;
  for (std::size_t end = text.size(); end > 0; end -= result.back().size())
    result.push_back(pieces[ways[end].piece].first);
  std::reverse(result.begin(), result.end());
  return result;
}

std::vector<std::string> texts_of(const Pieces& pieces, const std::string& text) {
  std::vector<std::string> result;
  for (const Piece& piece : pieces)
    result.push_back(text.substr(piece.span.begin, piece.span.size()));
  return result;
}

}  // namespace

TEST(LongTexts, HaveTheSameTokensInBlocks) {
  std::mt19937 random(1);
  for (unsigned seed = 0; seed < 150; ++seed) {
    const Bpe model = random_bpe(seed, 10 + static_cast<int>(seed), seed % 2 == 0);
    const std::string text = random_text(random, 400, 1 + seed % 4);
    Pieces whole;
    model.encode(text, whole);
    for (const std::size_t size : {1U, 7U, 64U})
      EXPECT_EQ(encode_in_blocks(model, text, size).pieces, whole) << seed << ": " << text;
  }
}

TEST(LongTexts, AreEncodedInPartsThatDoNotGrow) {
  const Bpe model = random_bpe(3, 300, true);
  std::mt19937 random(2);
  for (const unsigned letters : {1U, 4U}) {
    const std::string text = random_text(random, 20'000, letters);
    EXPECT_LE(encode_in_blocks(model, text, 100).longest, 250U);
  }
}

TEST(LongTexts, AreCutBetweenCharacters) {
  const std::string text = "a\u00E9\u4E2D\U0001F44D\x80\x80\xE4\xB8";
  std::vector<std::size_t> ends;
  for (std::size_t place = 0; place <= text.size(); ++place)
    ends.push_back(character_boundary(text, place));
  EXPECT_EQ(ends, (std::vector<std::size_t>{0, 1, 3, 3, 6, 6, 6, 10, 10, 10, 10, 11, 12, 13, 14}));
}

TEST(LongTexts, AreSettledWhereAllBestWaysMeet) {
  const std::vector<std::pair<std::string, double>> pieces{
      {"aba", -5.5}, {"ab", -4}, {"ba", -4.25}, {"bb", -6}, {"a", -3}, {"b", -3.25}};  // exact
  const Unigram model = unigram(pieces);
  std::mt19937 random(3);
  const std::string text = random_text(random, 300'000, 2);
  Pieces found;
  const std::size_t held = model.encode(text, found);
  EXPECT_LE(held, 70'000U);
  EXPECT_EQ(texts_of(found, text), best_way(pieces, text));
}

TEST(LongTexts, WaitForTheEndWhereWaysNeverMeet) {
  const std::vector<std::pair<std::string, double>> pieces{{"aa", -4}, {"a", -3}};
  const Unigram model = unigram(pieces);
  for (const std::size_t size : {200'000U, 200'001U}) {  // 'aa' throughout, or but for one 'a'
    Pieces found;
    model.encode(std::string(size, 'a'), found);
    EXPECT_EQ(found.size(), (size + 1) / 2);
  }
}

// Were the unknown characters before read again in each block, this would take an hour.
TEST(LongTexts, FuseUnknownCharactersAcrossBlocks) {
  Bpe::Merges merges;
  merges.emplace_back("a", "a");
  BpeOptions options;
  options.unknown_token = "<unk>";
  options.fuse_unknown = true;
  const Bpe bpe(TokenTable(TokenList{{"<unk>", 0}, {"a", 1}, {"aa", 2}}), merges, options, false);
  for (const std::size_t n :
       {std::size_t{1}, block_size - 1, block_size, std::size_t{30'000'000}}) {
    std::string text = "a";
    while (text.size() < n) text += "\u2603";
    const std::size_t middle = text.size();
    text += "aa\xFF\xFE\u2603";
    Pieces pieces;
    bpe.encode(text, pieces);
    Pieces wanted{
        {1, {0, 1}}, {0, {1, middle}}, {2, {middle, middle + 2}}, {0, {middle + 2, text.size()}}};
    if (middle == 1) wanted = {{2, {0, 2}}, {1, {2, 3}}, {0, {3, text.size()}}};
    EXPECT_EQ(pieces, wanted) << n;
  }
}
