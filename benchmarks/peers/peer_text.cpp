// Our side of the rows on real text: F1 with the model of the text classifier, F2 with the word
// vectors of the demo. text_rows.h says what is asked of it.

#include <gradus/examples/kjv/word_vectors.h>
#include <gradus/examples/text_classifier/classifier.h>
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

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// ---- F1

using Samples = std::vector<gradus::LabeledIds>;

constexpr int64_t kEpochs = 5, kTexts = 4;  // in a step
constexpr double kRate = 1.0;

gradus::examples::Classifier make_classifier(const std::vector<gradus::LabeledText>& texts) {
  gradus::examples::TextFeatures features{.tokenized = true};
  gradus::LabelSet labels;
  gradus::WordCounter counter;
  for (const gradus::LabeledText& text : texts) {
    labels.add(text.label);
    counter.add(features.split(text.text));
  }
  features.words = Vocabulary(counter, {.padding = "", .unknown = ""});
  const auto rows = gradus::uniform_(gradus::empty({features.size(), 100}), -0.01, 0.01);
  const gradus::examples::TextModel model(rows, /*frozen=*/false, {}, labels.size());
  return {std::move(features), std::move(labels), model};
}

Samples encode(const std::vector<gradus::LabeledText>& texts,
               const gradus::examples::Classifier& classifier) {
  Samples samples;
  for (const gradus::LabeledText& text : texts) {
    samples.push_back({classifier.features.rows(text.text), classifier.labels.id(text.label)});
  }
  return samples;
}

void train_epochs(const gradus::examples::TextModel& model, const Samples& samples) {
  gradus::SGD optimizer(model.parameters(), {.lr = kRate});
  gradus::DataLoader loader(
      samples, gradus::CollateFlat{},
      {.batch_size = kTexts, .shuffle = true, .num_workers = gradus::num_threads() > 1 ? 1 : 0});
  const auto steps = static_cast<double>(kEpochs * loader.size());
  double done = 0;
  for (int64_t epoch = 0; epoch < kEpochs; ++epoch) {
    for (const auto& batch : loader) {
      optimizer.set_lr(kRate * (1 - done++ / steps));
      optimizer.zero_grad();
      gradus::cross_entropy(model(batch), batch.labels, {.reduction = gradus::Reduction::sum})
          .backward();
      optimizer.step();
    }
  }
}

void write_labels(const gradus::examples::Classifier& classifier, const Samples& samples,
                  const std::string& path) {
  const gradus::NoGradGuard no_grad;
  std::ofstream file(path);
  for (const auto& batch : gradus::DataLoader(samples, gradus::CollateFlat{}, {.batch_size = 64})) {
    const auto best = gradus::argmax(classifier.model(batch), 1);
    for (const int64_t label : best.span<int64_t>()) {
      file << "__label__" << classifier.labels.name(label) << '\n';
    }
  }
}

/// Words per second of all from the file to the trained model; fastText's rate leaves out the first
/// reading, and counts label and end of each line as words.
double train_classifier(const std::string& texts, const std::string& output) {
  const auto start = std::chrono::steady_clock::now();
  const auto lines = gradus::read_labeled_lines(texts + "/F1_train.txt");
  const auto classifier = make_classifier(lines);
  const auto samples = encode(lines, classifier);
  train_epochs(classifier.model, samples);
  const double seconds = seconds_since(start);
  double words = 2 * static_cast<double>(samples.size());
  for (const auto& sample : samples) words += static_cast<double>(sample.ids.size());
  const auto test = encode(gradus::read_labeled_lines(texts + "/F1_test.txt"), classifier);
  write_labels(classifier, test, output + "/labels");
  return words * kEpochs / seconds;
}

// ---- F2

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
double train_vectors(const std::string& texts, const std::string& output, uint64_t seed) {
  const Lines lines = read_words(texts + "/F2_text.txt");
  const Vocabulary vocabulary = count_words(lines);
  const gradus::examples::Sentences sentences = ids_of(lines, vocabulary);
  auto settings = kSettings;
  settings.seed = seed;
  double words = static_cast<double>(lines.size());
  for (const auto& sentence : sentences) words += static_cast<double>(sentence.size());
  const auto start = std::chrono::steady_clock::now();
  const auto vectors = gradus::examples::train_word_vectors(sentences, vocabulary, settings);
  const double seconds = seconds_since(start);
  gradus::save_word_vectors({vocabulary.words(), vectors.matrix}, output + "/vectors.txt");
  return words * static_cast<double>(settings.windows.epochs) / seconds;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 1 && words[0] == "describe") {
    std::cout << "gradus\nF1_supervised as fastText's, " << kTexts << " texts in a step\n"
              << "F2_skip_gram as fastText's, batches of " << kSettings.windows.batch_size
              << " pairs\n";
    return 0;
  }
  const bool known = words.size() == 6 && words[0] == "train" &&
                     (words[1] == "F1_supervised" || words[1] == "F2_skip_gram");
  if (!known) {
    std::cerr << "usage: describe | train F1_supervised|F2_skip_gram THREADS SEED TEXTS OUTPUT\n";
    return 2;
  }
  gradus::set_num_threads(std::stoi(words[2]));
  gradus::manual_seed(std::stoull(words[3]));
  const double rate = words[1] == "F1_supervised"
                          ? train_classifier(words[4], words[5])
                          : train_vectors(words[4], words[5], std::stoull(words[3]));
  std::cout << rate << std::endl;
  return 0;
} catch (const std::exception& error) {
  std::cerr << "peer_text: " << error.what() << '\n';
  return 1;
}
