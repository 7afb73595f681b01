// Our side of the rows on real text: F2 with the word vectors of the demo. text_rows.h says what is
// asked of it.

#include <gradus/examples/kjv/word_vectors.h>
#include <gradus/gradus.h>
#include <gradus/text.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>

namespace {

using gradus::Vocabulary;
using Lines = std::vector<std::vector<std::string>>;

// What fasttext_side trains with.
constexpr int64_t kLeastCount = 5;
const gradus::examples::WordVectorSettings kSettings{
    .dim = 100,
    .negatives = 5,
    .lr = 0.05,
    .windows = {.batch_size = 256, .window = 5, .epochs = 1, .subsample = 1e-4}};

Lines read_words(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  Lines lines;
  for (std::string line, word; std::getline(file, line);) {
    lines.emplace_back();
    for (std::istringstream stream(line); stream >> word;) lines.back().push_back(word);
  }
  return lines;
}

Vocabulary count_words(const Lines& lines) {
  gradus::WordCounter counter;
  for (const auto& line : lines) counter.add(line);
  return Vocabulary(counter, {.min_count = kLeastCount, .padding = "", .unknown = ""});
}

/// The lines without rare words.
gradus::examples::Sentences ids_of(const Lines& lines, const Vocabulary& vocabulary) {
  gradus::examples::Sentences sentences;
  for (const auto& line : lines) {
    sentences.emplace_back();
    for (const std::string& word : line) {
      if (const auto id = vocabulary.find(word)) sentences.back().push_back(*id);
    }
  }
  return sentences;
}

/// Words per second; fastText counts the end of a line as a word.
double train(const std::string& texts, const std::string& output, uint64_t seed) {
  const Lines lines = read_words(texts + "/F2_text.txt");
  const Vocabulary vocabulary = count_words(lines);
  const gradus::examples::Sentences sentences = ids_of(lines, vocabulary);
  auto settings = kSettings;
  settings.seed = seed;
  double words = static_cast<double>(lines.size());
  for (const auto& sentence : sentences) words += static_cast<double>(sentence.size());
  const auto start = std::chrono::steady_clock::now();
  const auto vectors = gradus::examples::train_word_vectors(sentences, vocabulary, settings);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  gradus::save_word_vectors({vocabulary.words(), vectors.matrix}, output + "/vectors.txt");
  return words * static_cast<double>(settings.windows.epochs) / seconds.count();
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 1 && words[0] == "describe") {
    std::cout << "gradus\nF2_skip_gram as fastText's, batches of " << kSettings.windows.batch_size
              << " pairs\n";
    return 0;
  }
  if (words.size() != 6 || words[0] != "train" || words[1] != "F2_skip_gram") {
    std::cerr << "usage: describe | train F2_skip_gram THREADS SEED TEXTS OUTPUT\n";
    return 2;
  }
  gradus::set_num_threads(std::stoi(words[2]));
  const double rate = train(words[4], words[5], std::stoull(words[3]));
  std::cout << rate << std::endl;
  return 0;
} catch (const std::exception& error) {
  std::cerr << "peer_text: " << error.what() << '\n';
  return 1;
}
