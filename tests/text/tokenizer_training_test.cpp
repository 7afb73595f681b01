#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/text/tokenizer_training.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/threads_guard.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace gradus;
using nlohmann::json;

namespace {

using Merges = std::vector<std::pair<std::string, std::string>>;
using Strings = std::vector<std::string>;

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

WordCounter counts_of(const std::vector<std::pair<std::string, std::int64_t>>& words) {
  WordCounter counter;
  for (const auto& [word, times] : words) counter.add(word, times);
  return counter;
}

template <class Training>
Tokenizer trained(const WordCounter& words, const Training& options) {
  TokenizerTrainer trainer(options);
  trainer.add(words);
  return trainer.train();
}

// Words with few letters, so that most pairs are there, and overlap.
Strings random_words(int n, unsigned seed) {
  std::mt19937 random(seed);
  Strings words;
  for (int i = 0; i < n; ++i) {
    std::string word;
    const auto length = 1 + random() % 9;
    for (std::size_t k = 0; k < length; ++k)
      word += static_cast<char>('a' + random() % static_cast<unsigned>(2 + i % 3));
    words.push_back(word);
  }
  return words;
}

// Texts of some of a few hundred words, the first ones most often.
Strings random_texts(int n, unsigned seed) {
  const Strings words = random_words(300, seed);
  std::mt19937 random(seed);
  Strings texts;
  for (int i = 0; i < n; ++i) {
    std::string text;
    for (int k = 0; k < 20; ++k) {
      const std::size_t a = random() % words.size(), b = random() % words.size();
      if (k > 0) text += ' ';
      text += words[std::min(a, b)];
    }
    texts.push_back(text);
  }
  return texts;
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

#define EXPECT_MESSAGE(type, text, expression) \
  EXPECT_EQ(message_of<type>([&] { static_cast<void>(expression); }), text)

class TrainerFiles : public FolderTest {};

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

template <class Training>
class EveryTraining : public FolderTest {
 protected:
  Training options() const { return {.vocabulary_size = 300}; }
};
using Trainings = testing::Types<BpeTraining, WordPieceTraining, UnigramTraining>;
TYPED_TEST_SUITE(EveryTraining, Trainings);

TYPED_TEST(EveryTraining, DependsOnWordsAlone) {
  const ThreadsGuard guard;
  Strings texts = random_texts(500, 1);
  TokenizerTrainer first(this->options());
  set_num_threads(1);
  first.add(texts);
  const std::string expected = first.train().json();
  std::shuffle(texts.begin(), texts.end(), std::mt19937(2));
  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    set_parallel_grain(threads == 3 ? 1 : 32768);
    TokenizerTrainer trainer(this->options());
    for (std::size_t i = 0; i < 100; ++i) trainer.add(texts[i]);
    trainer.add(std::span(texts).subspan(100));
    EXPECT_EQ(trainer.train().json(), expected) << threads;
  }
}

TYPED_TEST(EveryTraining, ComesBackFromItsFile) {
  const Strings texts = random_texts(50, 2);
  TokenizerTrainer trainer(this->options());
  trainer.add(texts);
  const Tokenizer tokenizer = trainer.train();
  const std::string path = this->file("tokenizer.json");
  tokenizer.save(path);
  const Tokenizer loaded = Tokenizer::load(path);
  EXPECT_EQ(loaded.json(), tokenizer.json());
  for (const std::string& text : texts) {
    EXPECT_EQ(loaded.encode(text).ids, tokenizer.encode(text).ids);
    EXPECT_EQ(loaded.decode(loaded.encode(text).ids), text);
  }
}

TYPED_TEST(EveryTraining, ReadsTheLinesOfAFile) {
  write_text(this->file("a.txt"), "the sea\r\nthe land\n\nthe sea");
  TokenizerTrainer lines(this->options()), texts(this->options());
  lines.add_file(this->file("a.txt"));
  texts.add(Strings{"the sea", "the land", "", "the sea"});
  EXPECT_EQ(lines.train().json(), texts.train().json());
  EXPECT_EQ(lines.words().words(), texts.words().words());
  EXPECT_EQ(lines.words().counts(), texts.words().counts());
  EXPECT_EQ(message_of([&] { lines.add_file(this->file("none.txt")); }),
            "TokenizerTrainer::add_file: cannot read '" + this->file("none.txt").string() +
                "': No such file or directory");
  EXPECT_EQ(lines.words().counts(), texts.words().counts());
}

TYPED_TEST(EveryTraining, IsMadeOfLittle) {
  EXPECT_NO_THROW(TokenizerTrainer(this->options()).train().encode("a"));
  for (const std::string text :
       {"", " ", "a", "\xFF", "\xE2\x96\x81", "ab", "aaaa", "\xFF\xFE a\x80"}) {
    TokenizerTrainer trainer(this->options());
    trainer.add(text);
    const Tokenizer tokenizer = trainer.train();
    EXPECT_LE(tokenizer.size(), 300);
    EXPECT_EQ(Tokenizer::from_json(tokenizer.json()).encode(text).ids, tokenizer.encode(text).ids);
  }
}

TYPED_TEST(EveryTraining, TakesAnySizeThatIsEnough) {
  const Strings texts = random_texts(20, 4);
  TypeParam options = this->options();
  const auto size_of = [&](std::int64_t size) {
    options.vocabulary_size = size;
    TokenizerTrainer trainer(options);
    trainer.add(texts);
    return trainer.train().size();
  };
  const std::int64_t most = size_of(std::numeric_limits<std::int64_t>::max());
  EXPECT_GT(most, 100);
  EXPECT_EQ(size_of(1000000), most);
  EXPECT_EQ(size_of(most), most);
  EXPECT_EQ(size_of(most - 20), most - 20);
  for (const std::int64_t size : {std::int64_t{0}, std::int64_t{-1}}) {
    EXPECT_EQ(message_of<ValueError>([&] { size_of(size); }),
              "TokenizerTrainer: vocabulary_size is " + std::to_string(size) +
                  ", but at least 1 is needed");
  }
}

TYPED_TEST(EveryTraining, RefusesWordsThatCannotBeCounted) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  TokenizerTrainer trainer(this->options());
  trainer.add(counts_of({{"ab", most / 32}, {"ba", most / 32}, {"b", most / 32}}));
  EXPECT_GT(trainer.train().size(), 5);
  trainer.add(counts_of({{"abab", most / 8}, {"baba", most / 8}}));
  EXPECT_EQ(message_of<ValueError>([&] { trainer.train(); }),
            "TokenizerTrainer::train: the words have 2^63 bytes or more together: divide their "
            "counts by one number");
}

TYPED_TEST(EveryTraining, RefusesSpecialTokensThatAreNone) {
  const auto message = [&](const Strings& tokens) {
    TypeParam options = this->options();
    options.special_tokens = tokens;
    return message_of<ValueError>([&] { TokenizerTrainer{options}; });
  };
  EXPECT_EQ(message({"<s>", "x", "<s>"}),
            "TokenizerTrainer: the special token '<s>' is there twice");
  EXPECT_EQ(message({""}), "TokenizerTrainer: a special token is empty");
  EXPECT_EQ(message({"\xFF"}), "TokenizerTrainer: the special token '\\xff' is not UTF-8");
}

TEST(TokenizerTrainer, NamesTheSizeThatIsNeeded) {
  EXPECT_MESSAGE(ValueError,
                 "TokenizerTrainer::train: vocabulary_size is 256, but 1 special tokens and an "
                 "alphabet of 256 need 257",
                 train_bpe({}, {.vocabulary_size = 256, .special_tokens = {"<s>"}}));
  EXPECT_EQ(train_bpe({}, {.vocabulary_size = 257, .special_tokens = {"<s>"}}).size(), 257);
  EXPECT_MESSAGE(ValueError,
                 "TokenizerTrainer::train: vocabulary_size is 10, but 5 special tokens and an "
                 "alphabet of 7 need 12",
                 train_word_piece(Strings{"abcd cb"}, {.vocabulary_size = 10}));
  EXPECT_EQ(train_word_piece(Strings{"abcd cb"}, {.vocabulary_size = 12}).size(), 12);
  EXPECT_MESSAGE(ValueError,
                 "TokenizerTrainer::train: vocabulary_size is 4, but 1 special tokens and an "
                 "alphabet of 4 need 5",
                 train_unigram(Strings{"abc"}, {.vocabulary_size = 4}));
  EXPECT_EQ(train_unigram(Strings{"abc"}, {.vocabulary_size = 5}).size(), 5);
}

TEST(TokenizerTrainer, NamesOptionsThatMakeNoSense) {
  EXPECT_MESSAGE(ValueError, "TokenizerTrainer: min_frequency is -1, but at least 0 is needed",
                 TokenizerTrainer(BpeTraining{.min_frequency = -1}));
  EXPECT_MESSAGE(ValueError, "TokenizerTrainer: min_frequency is -2, but at least 0 is needed",
                 TokenizerTrainer(WordPieceTraining{.min_frequency = -2}));
  EXPECT_MESSAGE(ValueError, "TokenizerTrainer: max_token_length is 0, but at least 1 is needed",
                 TokenizerTrainer(BpeTraining{.max_token_length = 0}));
  EXPECT_MESSAGE(ValueError, "TokenizerTrainer: max_alphabet is 0, but at least 1 is needed",
                 TokenizerTrainer(UnigramTraining{.max_alphabet = 0}));
  EXPECT_MESSAGE(ValueError, "TokenizerTrainer: max_piece_length is 0, but at least 1 is needed",
                 TokenizerTrainer(UnigramTraining{.max_piece_length = 0}));
  EXPECT_MESSAGE(ValueError, "TokenizerTrainer: seed_size is -1, but at least 0 is needed",
                 TokenizerTrainer(UnigramTraining{.seed_size = -1}));
  EXPECT_MESSAGE(ValueError, "TokenizerTrainer: sub_iterations is 0, but at least 1 is needed",
                 TokenizerTrainer(UnigramTraining{.sub_iterations = 0}));
  for (const double factor : {0.0, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(TokenizerTrainer(UnigramTraining{.shrinking_factor = factor}), ValueError);
  }
}
