// Trains a tokenizer, for tests/scripts/tokenizer_training_check.sh:
//   tokenizer_training_check KIND LINES SIZE THREADS OUT
// KIND is bpe, word_piece or unigram, LINES a file with a text on each line. Prints the seconds of
// counting and of training.
#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/text/tokenizer_training.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace gradus;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

TokenizerTrainer trainer_of(const std::string& kind, std::int64_t size) {
  if (kind == "bpe")
    return TokenizerTrainer(
        BpeTraining{.vocabulary_size = size, .special_tokens = {"<|endoftext|>"}});
  if (kind == "word_piece") return TokenizerTrainer(WordPieceTraining{.vocabulary_size = size});
  if (kind == "unigram") return TokenizerTrainer(UnigramTraining{.vocabulary_size = size});
  throw ValueError("KIND is bpe, word_piece or unigram, not " + kind);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 6) throw ValueError("usage: tokenizer_training_check KIND LINES SIZE THREADS OUT");
    std::vector<std::string> texts;
    std::ifstream file(argv[2]);
    for (std::string line; std::getline(file, line);) texts.push_back(line);
    set_num_threads(std::stoi(argv[4]));
    TokenizerTrainer trainer = trainer_of(argv[1], std::stoll(argv[3]));
    const double begin = now();
    trainer.add(texts);
    const double counted = now();
    const Tokenizer tokenizer = trainer.train();
    const double end = now();
    tokenizer.save(argv[5]);
    fmt::print("{:.4f} {:.4f}\n", counted - begin, end - counted);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
