#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/text/tokenizer_training.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/threads_guard.h>
#include <gradus/tests/text/training_testing.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace gradus;

namespace {

#define EXPECT_MESSAGE(type, text, expression) \
  EXPECT_EQ(message_of<type>([&] { static_cast<void>(expression); }), text)

}  // namespace

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
  write_text(this->file("a.gz"), "\x1F\x8B\x08 the sea");
  EXPECT_EQ(message_of<FormatError>([&] { lines.add_file(this->file("a.gz")); }),
            "TokenizerTrainer::add_file: '" + this->file("a.gz").string() +
                "' is not a text file: it looks like a gzip file: unpack it first");
  write_text(this->file("b.txt"), "\xFF\xFEs\n");
  EXPECT_THAT(message_of<FormatError>([&] { lines.add_file(this->file("b.txt")); }),
              testing::HasSubstr("UTF-16 text: convert it to UTF-8"));
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
  EXPECT_EQ(message({"<s>", "xy", "<s>"}),
            "TokenizerTrainer: the special token '<s>' is there twice");
  EXPECT_EQ(message({""}), "TokenizerTrainer: a special token is empty");
  EXPECT_EQ(message({"\xFF"}), "TokenizerTrainer: the special token '\\xff' is not UTF-8");
}

// A special token with the id of a byte would be left out of what is decoded.
TEST(TokenizerTrainer, RefusesSpecialTokensThatAreThereInAnyCase) {
  const auto byte = [](const std::string& token) {
    return "TokenizerTrainer: the special token '" + token +
           "' is the token of a byte: give it another name";
  };
  EXPECT_MESSAGE(ValueError, byte("a"), train_bpe(Strings{"a cat"}, {.special_tokens = {"a"}}));
  EXPECT_MESSAGE(ValueError, byte("\u0120"),
                 TokenizerTrainer(BpeTraining{.special_tokens = {"<s>", "\u0120"}}));
  EXPECT_MESSAGE(ValueError, byte("<0x41>"),
                 TokenizerTrainer(BpeTraining{
                     .special_tokens = {"<0x41>"}, .byte_level = false, .byte_fallback = true}));
  EXPECT_MESSAGE(
      ValueError, byte("<0x41>"),
      TokenizerTrainer(UnigramTraining{.special_tokens = {"<0x41>"}, .byte_fallback = true}));
  const std::string there = "' is there in any case: leave it out of special_tokens";
  EXPECT_MESSAGE(ValueError, "TokenizerTrainer: the special token '<unk>" + there,
                 TokenizerTrainer(UnigramTraining{.special_tokens = {"<unk>"}}));
  EXPECT_MESSAGE(
      ValueError, "TokenizerTrainer: the special token '<unk>" + there,
      TokenizerTrainer(BpeTraining{.special_tokens = {"<s>", "<unk>"}, .byte_level = false}));
  EXPECT_MESSAGE(ValueError, "TokenizerTrainer: the special token '[SEP]" + there,
                 TokenizerTrainer(WordPieceTraining{.special_tokens = {"[SEP]"}}));
}

// Without tokens of bytes, these are texts like others.
TEST(TokenizerTrainer, TakesSpecialTokensLikeBytesWhereThereAreNone) {
  const Strings texts{"the sea", "the <0x41> b"};
  const Tokenizer unigram = train_unigram(texts, {.special_tokens = {"<0x41>", "b"}});
  EXPECT_EQ(unigram.id("<0x41>"), 1);
  EXPECT_EQ(unigram.id("b"), 2);
  EXPECT_EQ(train_bpe(texts, {.special_tokens = {"<0x41>"}}).id("<0x41>"), 0);
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
