#include <gradus/framework/text/tokenizer_training.h>
#include <gradus/tests/text/training_testing.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace gradus;
using nlohmann::json;

namespace {

using Merges = std::vector<std::pair<std::string, std::string>>;

json model_of(const Tokenizer& tokenizer) { return json::parse(tokenizer.json())["model"]; }

Merges merges_of(const Tokenizer& tokenizer) {
  Merges merges;
  const json model = model_of(tokenizer);
  for (const json& merge : model["merges"]) merges.emplace_back(merge[0], merge[1]);
  return merges;
}

Strings tokens_of(const Tokenizer& tokenizer, std::int64_t first = 0) {
  Strings tokens;
  for (std::int64_t id = first; id < tokenizer.size(); ++id) tokens.push_back(tokenizer.token(id));
  return tokens;
}

template <class Training>
Tokenizer trained(const WordCounter& words, const Training& options) {
  TokenizerTrainer trainer(options);
  trainer.add(words);
  return trainer.train();
}

/// Merges by counting all pairs anew each time. Tokens are compared by their ids.
struct SlowMerges {
  Strings tokens;
  Merges merges;
  std::vector<std::pair<std::vector<int>, std::int64_t>> words;
  std::string prefix;

  int id(const std::string& token) {
    const auto found = std::find(tokens.begin(), tokens.end(), token);
    if (found == tokens.end()) tokens.push_back(token);
    return static_cast<int>(std::find(tokens.begin(), tokens.end(), token) - tokens.begin());
  }
  std::pair<std::pair<int, int>, std::int64_t> best() const {
    std::map<std::pair<int, int>, std::int64_t> counts;
    for (const auto& [word, count] : words) {
      for (std::size_t i = 0; i + 1 < word.size(); ++i) counts[{word[i], word[i + 1]}] += count;
    }
    std::pair<std::pair<int, int>, std::int64_t> result;
    for (const auto& each : counts) {
      if (each.second > result.second) result = each;
    }
    return result;
  }
  void run(std::size_t size, std::int64_t min_frequency) {
    while (tokens.size() < size) {
      const auto [pair, count] = best();
      if (count == 0 || count < min_frequency) return;
      const std::string left = tokens[static_cast<std::size_t>(pair.first)];
      const std::string right = tokens[static_cast<std::size_t>(pair.second)];
      if (std::find(merges.begin(), merges.end(), std::pair(left, right)) == merges.end())
        merges.emplace_back(left, right);
      const int merged = id(left + right.substr(right.starts_with(prefix) ? prefix.size() : 0));
      for (auto& [word, n] : words) {
        std::vector<int> after;
        for (std::size_t i = 0; i < word.size(); ++i) {
          const bool is_pair =
              i + 1 < word.size() && std::pair(word[i], word[i + 1]) == std::pair(pair);
          after.push_back(is_pair ? merged : word[i]);
          if (is_pair) ++i;
        }
        word = after;
      }
    }
  }
};

std::string text_of_bytes(std::mt19937& random, std::size_t most) {
  std::string text(random() % most, ' ');
  for (char& c : text) c = static_cast<char>(random() % 256);
  return text;
}

const WordCounter sennrich = counts_of({{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}});

}  // namespace

// By hand. The words are those of Sennrich et al. 2016; ties go to the smaller bytes.
TEST(BpeTraining, MergesTheMostFrequentPairEachTime) {
  const Tokenizer tokenizer = trained(sennrich, BpeTraining{.min_frequency = 1});
  const Merges expected{{"e", "s"},    {"es", "t"},    {"l", "o"},     {"lo", "w"},
                        {"e", "w"},    {"n", "ew"},    {"new", "est"}, {"d", "est"},
                        {"i", "dest"}, {"w", "idest"}, {"e", "r"},     {"low", "er"}};
  EXPECT_EQ(merges_of(tokenizer), expected);
  EXPECT_EQ(tokens_of(tokenizer, 256), (Strings{"es", "est", "lo", "low", "ew", "new", "newest",
                                                "dest", "idest", "widest", "er", "lower"}));
}

TEST(BpeTraining, StopsAtTheSizeOrTheFrequency) {
  EXPECT_EQ(merges_of(trained(sennrich, BpeTraining{.vocabulary_size = 259})),
            (Merges{{"e", "s"}, {"es", "t"}, {"l", "o"}}));
  const Tokenizer frequent = trained(sennrich, BpeTraining{.min_frequency = 7});
  EXPECT_EQ(tokens_of(frequent, 256), (Strings{"es", "est", "lo", "low"}));
  EXPECT_EQ(frequent.size(), 260);
  EXPECT_EQ(trained(sennrich, BpeTraining{.min_frequency = 3}).size(), 266);
}

TEST(BpeTraining, FindsTheMergesOfASlowSearch) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const Strings words = random_words(80, seed);
    WordCounter counter;
    SlowMerges slow;
    for (std::size_t i = 0; i < words.size(); ++i)
      counter.add(words[i], static_cast<std::int64_t>(1 + i % 7));
    for (std::uint32_t c = '!'; c <= '~'; ++c) slow.id(std::string(1, static_cast<char>(c)));
    for (std::size_t i = 0; i < counter.words().size(); ++i) {
      slow.words.push_back({{}, counter.counts()[i]});
      for (const char c : counter.words()[i]) slow.words.back().first.push_back(slow.id({c}));
    }
    slow.run(94 + 120, 3);
    const Tokenizer tokenizer =
        trained(counter, BpeTraining{.vocabulary_size = 256 + 120, .min_frequency = 3});
    ASSERT_EQ(merges_of(tokenizer), slow.merges) << seed;
    ASSERT_EQ(tokens_of(tokenizer, 256), Strings(slow.tokens.begin() + 94, slow.tokens.end()));
  }
}

TEST(BpeTraining, GivesTheBytesTheirIdsOfGpt2) {
  const Tokenizer tokenizer = train_bpe({}, {.special_tokens = {"<|endoftext|>"}});
  EXPECT_EQ(tokenizer.size(), 257);
  EXPECT_EQ(tokenizer.id("<|endoftext|>"), 0);
  EXPECT_EQ(tokenizer.id("!"), 1);
  EXPECT_EQ(tokenizer.id("~"), 94);
  EXPECT_EQ(tokenizer.id("\u00A1"), 95);
  EXPECT_EQ(tokenizer.id("\u0100"), 189);       // the byte 0
  EXPECT_EQ(tokenizer.id("\u0120"), 189 + 32);  // a blank
  EXPECT_EQ(tokenizer.id("\u0143"), 256);       // the byte 0xAD
}

TEST(BpeTraining, OfBytesLosesNoByte) {
  std::mt19937 random(1);
  Strings texts{"", "a", " ", "\n", "\xFF", "\xC3", "na\u00EFve \xE2\x82"};
  for (int i = 0; i < 100; ++i) texts.push_back(text_of_bytes(random, 50));
  const Tokenizer tokenizer = train_bpe(texts, {.vocabulary_size = 400, .min_frequency = 1});
  EXPECT_EQ(tokenizer.size(), 400);
  for (const std::string& text : texts)
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text).ids), text);
}

TEST(BpeTraining, DoesNotMergeBeyondALength) {
  const Tokenizer tokenizer =
      trained(sennrich, BpeTraining{.min_frequency = 1, .max_token_length = 3});
  EXPECT_EQ(tokens_of(tokenizer, 256),
            (Strings{"es", "est", "lo", "low", "ew", "new", "id", "wid", "er"}));
  EXPECT_EQ(trained(sennrich, BpeTraining{.max_token_length = 1}).size(), 256);
}

TEST(BpeTraining, SplitsSpecialTokensOffTheTexts) {
  const BpeTraining options{.min_frequency = 1, .special_tokens = {"<s>", "</s>"}};
  const Strings texts{"<s>sea</s>", "<s>sea</s>"};
  const Tokenizer tokenizer = train_bpe(texts, options);
  EXPECT_EQ(merges_of(tokenizer), (Merges{{"e", "a"}, {"s", "ea"}}));
  EXPECT_EQ(tokenizer.encode(texts[0]).ids, (std::vector<std::int64_t>{0, 259, 1}));
  EXPECT_TRUE(tokenizer.is_special(0));
  EXPECT_TRUE(tokenizer.is_special(1));
  EXPECT_FALSE(tokenizer.is_special(2));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(texts[0]).ids), "sea");
}

TEST(BpeTraining, TrainsOnOneLongWord) {
  std::string word;
  for (int i = 0; i < 200000; ++i) word += "ab";
  const Tokenizer tokenizer = train_bpe(Strings{word + "c"}, {.min_frequency = 4});
  // ab, then twice as long each time. The last has 2^16 of them, of which there were 6, so 5 pairs.
  EXPECT_EQ(tokenizer.size(), 256 + 17);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(word).ids), word);
}

TEST(BpeTraining, OfCharactersKnowsThoseThatItSaw) {
  const Strings texts{"the sea", "the sea"};
  const Tokenizer tokenizer = train_bpe(texts, {.byte_level = false});
  // By hand: the characters by their codes, then e a (2), h e, s ea, t he, U+2581 sea, U+2581 the.
  EXPECT_EQ(tokens_of(tokenizer), (Strings{"<unk>", "a", "e", "h", "s", "t", "\u2581", "ea", "he",
                                           "sea", "the", "\u2581sea", "\u2581the"}));
  EXPECT_EQ(tokenizer.encode("the sea").ids, (std::vector<std::int64_t>{12, 11}));
  EXPECT_EQ(tokenizer.encode("heXY").ids, (std::vector<std::int64_t>{6, 8, 0}));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("the sea").ids), "the sea");
}

TEST(BpeTraining, FallsBackToBytes) {
  const Tokenizer tokenizer = train_bpe(Strings{"the sea", "the a<0x41> b<0x41> c<0x41>"},
                                        {.byte_level = false, .byte_fallback = true});
  EXPECT_EQ(tokenizer.id("<0x00>"), 1);
  EXPECT_TRUE(tokenizer.id("<0x") && tokenizer.id("41>"));  // whose merge would be the byte
  for (const std::string text :
       {"the sea", "na\u00EFve", "\U0001F44D", "a<0x41> <0x41>", "\xFF\xFE", "A"})
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text).ids), text);
}

TEST(BpeTraining, KeepsTheMostFrequentCharacters) {
  const Tokenizer tokenizer = train_bpe(
      Strings{"aab aab ccc", "dd d"}, {.min_frequency = 1, .byte_level = false, .max_alphabet = 3});
  // U+2581, then a (4 times), and c (3 times) before d. What stands on both sides of b is no pair.
  EXPECT_EQ(tokens_of(tokenizer), (Strings{"<unk>", "a", "c", "\u2581", "aa", "cc", "\u2581aa",
                                           "\u2581cc", "\u2581ccc"}));
}

TEST(WordPieceTraining, MergesAsByHand) {
  const WordCounter words =
      counts_of({{"Hug", 10}, {"pug", 5}, {"pun", 12}, {"bun", 4}, {"hugs", 5}});
  const Tokenizer tokenizer = trained(words, WordPieceTraining{});
  EXPECT_EQ(tokens_of(tokenizer),
            (Strings{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "b",    "g",   "h",
                     "n",     "p",     "s",     "u",     "##g",    "##n",  "##s", "##u",
                     "##ug",  "##un",  "hug",   "pun",   "pug",    "hugs", "bun"}));
  EXPECT_EQ(tokenizer.encode("hugs gun").ids, (std::vector<std::int64_t>{2, 21, 6, 17, 3}));
  EXPECT_EQ(tokenizer.encode("hugs", "x").ids, (std::vector<std::int64_t>{2, 21, 3, 1, 3}));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("Hugs bug").ids), "hugs bug");
}

TEST(WordPieceTraining, FindsTheMergesOfASlowSearch) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    WordCounter counter;
    for (const std::string& word : random_words(80, seed)) counter.add(word);
    SlowMerges slow;
    slow.prefix = "##";
    slow.tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a",  "b",
                   "c",     "d",     "##a",   "##b",   "##c",    "##d"};
    for (std::size_t i = 0; i < counter.words().size(); ++i) {
      slow.words.push_back({{}, counter.counts()[i]});
      for (const char c : counter.words()[i]) {
        const std::string before = slow.words.back().first.empty() ? "" : "##";
        slow.words.back().first.push_back(slow.id(before + c));
      }
    }
    slow.run(80, 2);
    EXPECT_EQ(tokens_of(trained(counter, WordPieceTraining{.vocabulary_size = 80})), slow.tokens);
  }
}

TEST(WordPieceTraining, KeepsCaseIfAskedTo) {
  const Strings texts{"Sea s\u00E9a"};
  EXPECT_TRUE(train_word_piece(texts, {.lowercase = false}).id("S"));
  EXPECT_TRUE(train_word_piece(texts, {.lowercase = false}).id("##\u00E9"));
  EXPECT_FALSE(train_word_piece(texts).id("S"));
  EXPECT_EQ(train_word_piece(texts).encode("S\u00E9A").ids,
            train_word_piece(texts).encode("sea").ids);
}

TEST(UnigramTraining, HasAllCharactersAndTheFrequentWords) {
  const Strings texts = random_texts(200, 3);
  const Tokenizer tokenizer =
      train_unigram(texts, {.vocabulary_size = 100, .special_tokens = {"<s>", "</s>"}});
  EXPECT_EQ(tokenizer.size(), 100);
  EXPECT_EQ(tokenizer.token(0), "<unk>");
  EXPECT_EQ(tokenizer.token(2), "</s>");
  for (const char* character : {"a", "b", "c", "d", "\u2581"}) EXPECT_TRUE(tokenizer.id(character));
  for (const std::string& text : texts) {
    const auto ids = tokenizer.encode(text).ids;
    EXPECT_EQ(std::count(ids.begin(), ids.end(), 0), 0);
    EXPECT_EQ(tokenizer.decode(ids), text);
  }
}

TEST(UnigramTraining, GivesPiecesByDecreasingScore) {
  const json vocabulary =
      model_of(train_unigram(random_texts(100, 5), {.vocabulary_size = 80}))["vocab"];
  ASSERT_EQ(vocabulary.size(), 80U);
  double sum = 0;
  for (std::size_t i = 1; i < vocabulary.size(); ++i) {
    const auto score = vocabulary[i][1].get<double>();
    if (i > 1) {
      EXPECT_LE(score, vocabulary[i - 1][1].get<double>());
    }
    sum += std::exp(score);
  }
  EXPECT_GT(sum, 0.8);
  EXPECT_LT(sum, 1.0);
}

TEST(UnigramTraining, TakesFewerTokensThanWorseChoices) {
  const Strings texts = random_texts(300, 7);
  const auto tokens = [&](const Tokenizer& tokenizer) {
    std::int64_t n = 0;
    for (const std::string& text : texts) n += tokenizer.encode(text).size();
    return n;
  };
  const std::int64_t all = tokens(train_unigram(texts, {.vocabulary_size = 200}));
  const std::int64_t short_ones =
      tokens(train_unigram(texts, {.vocabulary_size = 200, .max_piece_length = 2}));
  const std::int64_t single =
      tokens(train_unigram(texts, {.vocabulary_size = 200, .seed_size = 0}));
  const std::int64_t bpe = tokens(train_bpe(texts, {.vocabulary_size = 200, .byte_level = false}));
  EXPECT_LT(all, short_ones);
  EXPECT_LT(short_ones, single);
  EXPECT_LT(all, bpe);
}

TEST(UnigramTraining, FallsBackToBytes) {
  const Tokenizer tokenizer = train_unigram(Strings{"the a<0x41> b<0x41> c<0x41>", "the sea"},
                                            {.normalize = false, .byte_fallback = true});
  EXPECT_EQ(tokenizer.id("<0x00>"), 1);
  for (const std::string text :
       {"the sea", "na\u00EFve", "\U0001F44D", "a  b\n", "\xFF\xFE", "a<0x41> <0x41>", "A"})
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text).ids), text);
}

TEST(UnigramTraining, MakesOneBlankOfWhiteSpace) {
  const Tokenizer tokenizer = train_unigram(Strings{" the\t\n sea ", "\uFF54he\u3000sea"});
  EXPECT_EQ(tokenizer.encode("  the \n\tsea").ids, tokenizer.encode("the sea").ids);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("  the \n\tsea ").ids), "the sea");
}
