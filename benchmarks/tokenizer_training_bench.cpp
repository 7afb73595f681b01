// How long tokenizers take to train, on text with as many distinct words as a large book, and for
// how much of it words are counted. tests/scripts/tokenizer_training_check.sh compares it with
// Hugging Face's library on the King James Bible.
#include <benchmark/benchmark.h>
#include <gradus/gradus.h>
#include <gradus/text.h>

#include <cmath>
#include <string>
#include <vector>

namespace {

using namespace gradus;

constexpr int64_t kWords = 15000, kLines = 30000, kWordsOfLine = 26, kSize = 8000;

std::string make_word(Generator& generator) {
  const std::string first = "bcdfghjklmnprstvwz", second = "aeiou";
  std::string word;
  const auto letter = [&](const std::string& letters) {
    word += letters[static_cast<std::size_t>(generator.uniform() *
                                             static_cast<double>(letters.size()))];
  };
  const int64_t syllables = 1 + static_cast<int64_t>(generator.uniform() * 4);
  for (int64_t i = 0; i < syllables; ++i) {
    letter(first);
    letter(second);
    if (generator.uniform() < 0.3) letter(first);
  }
  return word;
}

/// Words are as frequent as Zipf has it.
const std::vector<std::string>& texts() {
  static const std::vector<std::string> lines = [] {
    Generator generator(1);
    std::vector<std::string> words, result;
    for (int64_t i = 0; i < kWords; ++i) words.push_back(make_word(generator));
    for (int64_t i = 0; i < kLines; ++i) {
      std::string line;
      for (int64_t k = 0; k < kWordsOfLine; ++k) {
        const double rank = std::pow(static_cast<double>(kWords), generator.uniform()) - 1;
        line += words[static_cast<std::size_t>(rank)];
        line += k + 1 < kWordsOfLine ? " " : ".";
      }
      result.push_back(line);
    }
    return result;
  }();
  return lines;
}

template <class Training>
void count(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(0)));
  int64_t bytes = 0;
  for (const std::string& text : texts()) bytes += std::ssize(text);
  for (auto _ : state) {
    TokenizerTrainer trainer(Training{});
    trainer.add(texts());
    benchmark::DoNotOptimize(trainer.words().words().size());
  }
  state.SetBytesProcessed(bytes * state.iterations());
}

template <class Training>
void train(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(0)));
  TokenizerTrainer trainer(Training{.vocabulary_size = kSize});
  trainer.add(texts());
  for (auto _ : state) benchmark::DoNotOptimize(trainer.train().size());
}

BENCHMARK(count<BpeTraining>)->Name("tokenizer_training/count_bpe")->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK(count<WordPieceTraining>)
    ->Name("tokenizer_training/count_word_piece")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime();
BENCHMARK(count<UnigramTraining>)
    ->Name("tokenizer_training/count_unigram")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime();
BENCHMARK(train<BpeTraining>)->Name("tokenizer_training/train_bpe")->Arg(1)->UseRealTime();
BENCHMARK(train<WordPieceTraining>)
    ->Name("tokenizer_training/train_word_piece")
    ->Arg(1)
    ->UseRealTime();
BENCHMARK(train<UnigramTraining>)
    ->Name("tokenizer_training/train_unigram")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime();

}  // namespace
