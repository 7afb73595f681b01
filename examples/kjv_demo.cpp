// Word vectors and a classifier on real text, from the words to a saved model.
//
// Promises: the best classifier, chosen on verses that were set aside for that, names the right one
// of the nine parts of the King James Bible for more than 75 % of the verses that it never saw; the
// most frequent part makes up 22 %. With --quick, a small run: at least 20 points more than that,
// and a loss of the word vectors that falls by a tenth or more; otherwise it ends with exit code 1.
#include <fmt/format.h>
#include <gradus/examples/common/interrupt.h>
#include <gradus/examples/common/table.h>
#include <gradus/examples/kjv/options.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/module/init.h>
#include <gradus/optim/adam.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>

using namespace gradus;
using namespace gradus::examples;

namespace {

/// Thrown when Ctrl-C stopped the work; what there was is saved.
struct Stopped {};

/// A trained classifier: its weights, and how it does on texts that it never saw.
struct Candidate {
  std::string name;
  StateDict state;
  const Coding& coding;
  double development;  ///< accuracy, by which the best one is chosen
  Evaluation test;
};

void heading(const std::string& text) { fmt::print("\n== {}\n", text); }

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

/// The bytes of a table as one number (FNV-1a).
std::string hash_of(const Tensor& table) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::byte b : std::as_bytes(table.span<float>())) {
    hash = (hash ^ static_cast<std::uint64_t>(b)) * 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

/// The training and test texts, those by which the best classifier is chosen, and the labels in the
/// order of the corpus.
struct Texts {
  Split split;
  Corpus development;
  std::vector<std::string> labels;
};

Texts load_texts(const DemoOptions& options) {
  if (!options.train.empty()) {
    Split split{read_corpus(options.train), read_corpus(options.test)};
    std::vector<std::string> labels = labels_of(split.train);
    return {std::move(split), {}, std::move(labels)};
  }
  Corpus corpus =
      options.corpus.empty() ? read_bible(options.bible_labels) : read_corpus(options.corpus);
  std::vector<std::string> labels = labels_of(corpus);
  return {split_corpus(std::move(corpus), 10, options.seed), {}, std::move(labels)};
}

Coding make_coding(const Texts& texts, std::int64_t min_count, bool pairs) {
  WordCounter counter;
  for (const LabelledText& line : texts.split.train) counter.add(features_of(line.text, pairs));
  Vocabulary vocabulary(counter, {.min_count = min_count, .unknown = ""});
  const std::vector<std::int64_t>& counts = vocabulary.counts();
  if (std::all_of(counts.begin(), counts.end(), [](std::int64_t n) { return n == 0; })) {
    throw Error(
        fmt::format("--min-count: no word occurs {} times in the training texts: use "
                    "a smaller number",
                    min_count));
  }
  return {std::move(vocabulary), texts.labels, pairs};
}

// ---- 1. word vectors

/// The words whose neighbours are shown: all that were requested, or the usual ones that the texts
/// have.
std::vector<std::int64_t> shown_words(const DemoOptions& options, const Vocabulary& words) {
  if (!options.words.empty()) return find_words(options.words, words);
  std::vector<std::int64_t> ids;
  for (const std::string& word : usual_words) {
    if (const auto id = words.find(word)) ids.push_back(*id);
  }
  return ids;
}

void show_neighbours(const std::vector<std::int64_t>& shown, const Tensor& matrix,
                     const Vocabulary& words) {
  if (shown.empty()) return;
  fmt::print("\nnearest neighbours, by cosine similarity:\n");
  for (const std::int64_t id : shown) {
    fmt::print("  {:<10}", words.word(id));
    for (const auto& [near, cosine] : nearest_words(matrix, words, id, 6)) {
      fmt::print(" {} {:.2f} ", near, cosine);
    }
    fmt::print("\n");
  }
}

/// Trains word vectors on the training texts, shows and saves them.
TrainedVectors make_vectors(const DemoOptions& options, const std::vector<Example>& texts,
                            const Vocabulary& words) {
  const std::vector<std::int64_t> shown = shown_words(options, words);
  heading(fmt::format("{}-d skip-gram vectors of {} words", options.vectors.dim, words.size() - 1));
  Sentences sentences;
  for (const Example& text : texts) sentences.push_back(text.ids);
  TrainedVectors vectors = train_word_vectors(sentences, words, options.vectors);
  const auto file = options.output / "vectors.txt";
  save_vectors(vectors.table.weight, words, file);
  if (vectors.stopped) {
    fmt::print("\nstopped: the vectors as they are now are saved in {}\n", file.string());
    throw Stopped();
  }
  show_neighbours(shown, vectors.table.weight, words);
  fmt::print("\nsaved in {} (word2vec's text format)\n", file.string());
  return vectors;
}

// ---- 2. classifiers

/// The classifiers of one run, on the same texts.
class Comparison {
 public:
  Comparison(const DemoOptions& options, const Texts& texts) : options_(options), texts_(texts) {}

  /// Trains on word vectors that stay as they are, and then the same model with the same optimizer
  /// and the vectors unfrozen.
  void train_on_vectors(const Embedding& vectors, const Coding& coding) {
    const Embedding table = Embedding::from_pretrained(vectors.weight.clone(), /*freeze=*/true,
                                                       {.padding_idx = 0, .sparse = true});
    const TextClassifier model(table, classes(coding));
    Adam optimizer(model.parameters(), {.lr = options_.training.lr, .lazy = true});

    const std::string loaded = hash_of(table.weight);
    TrainSettings settings = options_.training;
    train_and_add("vectors, frozen", model, optimizer, coding, settings);
    const std::string frozen = hash_of(table.weight);

    table.set_trainable(true);
    settings.epochs = options_.tune_epochs;
    train_and_add("vectors, then unfrozen", model, optimizer, coding, settings);
    const std::string tuned = hash_of(table.weight);

    fmt::print("\nhash of the table: {} as loaded\n", loaded);
    fmt::print("                   {} after training it frozen: {}\n", frozen,
               frozen == loaded ? "no byte changed" : "CHANGED, which must not happen");
    fmt::print("                   {} after training it unfrozen: {}\n", tuned,
               tuned == frozen ? "no byte changed" : "changed");
    hashes_right_ = frozen == loaded && tuned != frozen;
  }

  /// Trains everything from random numbers.
  void train_from_scratch(const Coding& coding) {
    const std::int64_t D = options_.vectors.dim;
    const Embedding table(coding.vocabulary.size(), D, {.padding_idx = 0, .sparse = true});
    uniform_(table.weight, -1.0 / static_cast<double>(D), 1.0 / static_cast<double>(D));
    table.zero_padding_row();
    const TextClassifier model(table, classes(coding));
    Adam optimizer(model.parameters(), {.lr = options_.training.lr, .lazy = true});
    TrainSettings settings = options_.training;
    settings.epochs += options_.tune_epochs;
    const char* name = coding.pairs ? "from scratch, with pairs" : "from scratch";
    train_and_add(name, model, optimizer, coding, settings);
  }

  /// The one that does best on the development texts; of several, the first.
  const Candidate& best() const {
    return *std::max_element(candidates_.begin(), candidates_.end(),
                             [](auto& a, auto& b) { return a.development < b.development; });
  }

  /// The share of the test texts that have the most frequent label of the training texts.
  double baseline() const { return baseline(texts_.split.test); }

  bool hashes_right() const { return hashes_right_; }

  void show() const {
    const bool chosen = !texts_.development.empty();
    std::vector<std::vector<std::string>> rows;
    const auto add_row = [&](const std::string& name, const std::string& development,
                             const std::string& test) {
      rows.push_back({name});
      if (chosen) rows.back().push_back(development);
      rows.back().push_back(test);
    };
    add_row("accuracy", "development", "test");
    add_row("most frequent label", percent(chosen ? baseline(texts_.development) : 0),
            percent(baseline()));
    for (const Candidate& candidate : candidates_) {
      add_row(candidate.name, percent(candidate.development), percent(candidate.test.accuracy));
    }
    fmt::print("\n{}", table_text(rows));
    fmt::print("\naccuracy: {:.2f} % on the test texts{}\n", 100 * best().test.accuracy,
               chosen ? " (the one that is best on the development texts)" : "");
    fmt::print("\nresults of '{}' on the test texts, in numbers of texts:\n{}", best().name,
               confusion_text(best().coding.labels, best().test.confusion));
  }

 private:
  static std::int64_t classes(const Coding& coding) {
    return static_cast<std::int64_t>(coding.labels.size());
  }

  double baseline(const Corpus& corpus) const {
    const Coding& coding = candidates_[0].coding;
    return majority_share(encode(texts_.split.train, coding), encode(corpus, coding));
  }

  /// Trains a model and tests it. If Ctrl-C ended the training, saves the best one so far and
  /// stops.
  void train_and_add(const std::string& name, const TextClassifier& model, Optimizer& optimizer,
                     const Coding& coding, const TrainSettings& settings) {
    const bool finished =
        train_classifier(name, model, optimizer, encode(texts_.split.train, coding), settings);
    candidates_.push_back({name, snapshot(model), coding,
                           evaluate(model, encode(texts_.development, coding)).accuracy,
                           evaluate(model, encode(texts_.split.test, coding))});
    if (finished) return;
    const auto file = options_.output / "model.safetensors";
    save_classifier(best().state, best().coding, file);
    fmt::print("\nstopped: the best classifier so far ({}, {}) is saved in {}\n", best().name,
               percent(best().test.accuracy), file.string());
    throw Stopped();
  }

  const DemoOptions& options_;
  const Texts& texts_;
  std::vector<Candidate> candidates_;
  bool hashes_right_ = true;
};

// ---- 3. a saved model

/// Saves the best model and loads it into a new one, which must do equally well.
SavedClassifier save_and_load(const DemoOptions& options, const Split& split,
                              const Candidate& best) {
  heading("save and load");
  const auto file = options.output / "model.safetensors";
  save_classifier(best.state, best.coding, file);
  SavedClassifier loaded = load_classifier(file);
  const Evaluation again = evaluate(loaded.model, encode(split.test, loaded.coding));
  fmt::print("{} ({}), saved as {}: loaded into a new model, it gets {} of the test texts right\n",
             best.name, percent(best.test.accuracy), file.string(), percent(again.accuracy));
  if (again.confusion != best.test.confusion) {
    throw Error("kjv_demo: the loaded model does not perform like the saved one");
  }
  return loaded;
}

void classify(const SavedClassifier& classifier, const std::string& text) {
  fmt::print("  {}\n    -> {}\n", text, describe_text(classifier, text));
  std::fflush(stdout);
}

/// Classifies what was passed, or else what is typed or piped. After training, the program does not
/// wait for a pipe to which nothing has been written.
void classify_all(const DemoOptions& options, const SavedClassifier& classifier, bool wait) {
  for (const std::string& text : options.classify) classify(classifier, text);
  if (!options.classify.empty() || options.quick) return;
  const bool typed = isatty(STDIN_FILENO) != 0;
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  if (!typed && !wait && poll(&input, 1, 0) <= 0) return;
  if (typed) fmt::print("\ntype a line of text to classify; an empty line ends\n");
  std::string line;
  while (!interrupted()) {
    if (typed) fmt::print("> ");
    std::fflush(stdout);
    if (!std::getline(std::cin, line) || (typed && line.empty())) break;
    if (!line.empty()) classify(classifier, line);
  }
  if (interrupted()) throw Stopped();
}

// ---- the run

/// The promise of --quick.
void check_learnt(const TrainedVectors& vectors, const Comparison& comparison) {
  const double best = comparison.best().test.accuracy, least = comparison.baseline() + 0.2;
  fmt::print("\nquick: loss of the vectors {:.3f}, then {:.3f}; best accuracy {}, least {}\n",
             vectors.first_loss, vectors.last_loss, percent(best), percent(least));
  if (!(vectors.last_loss <= 0.9 * vectors.first_loss)) {
    throw Error("quick: the word vectors have not learnt");
  }
  if (!(best >= least)) throw Error("quick: the classifiers have not learnt");
  if (!comparison.hashes_right()) throw Error("quick: the wrong tables changed");
}

/// Makes the folder that a flag names, and fails before the training if nothing can be written
/// there.
void make_folder(const char* flag, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error && access(folder.c_str(), W_OK) != 0) error = {errno, std::generic_category()};
  if (error) {
    throw Error(
        fmt::format("{}: cannot write into '{}': {}", flag, folder.string(), error.message()));
  }
}

void train_all(const DemoOptions& options) {
  Texts texts = load_texts(options);
  const Split& split = texts.split;
  if (!options.write_split.empty()) {
    make_folder("--write-split", options.write_split);
    write_corpus(split.train, options.write_split / "train.tsv");
    write_corpus(split.test, options.write_split / "test.tsv");
    return;
  }
  check_split(split);
  const bool choose = !options.scratch_only;  // among several classifiers
  if (choose) texts.development = set_aside(texts.split.train, 10, options.seed);
  make_folder("--output", options.output);
  const Coding words = make_coding(texts, options.min_count, /*pairs=*/false);
  const Coding pairs = make_coding(texts, options.min_count, /*pairs=*/true);
  const std::string development =
      choose ? fmt::format(", {} to choose the best classifier by", texts.development.size()) : "";
  fmt::print("{} texts to train on{}, {} to test; {} labels\n", split.train.size(), development,
             split.test.size(), texts.labels.size());

  Comparison comparison(options, texts);
  if (!options.scratch_only) {
    const TrainedVectors vectors =
        make_vectors(options, encode(split.train, words), words.vocabulary);
    heading("classifiers");
    comparison.train_on_vectors(vectors.table, words);
    comparison.train_from_scratch(words);
    if (options.quick) check_learnt(vectors, comparison);
  }
  if (options.pairs) comparison.train_from_scratch(pairs);
  if (options.scratch_only && !options.pairs) comparison.train_from_scratch(words);
  comparison.show();
  const SavedClassifier loaded = save_and_load(options, split, comparison.best());

  heading("classify");
  if (options.corpus.empty() && options.train.empty() && options.classify.empty()) {
    classify(loaded, "The priest shall wash his clothes and burn the fat upon the altar.");
    classify(loaded, "Grace and peace to the brethren, for we are justified by faith.");
    classify(loaded, "A foolish son is a grief to his father.");
  }
  classify_all(options, loaded, /*wait=*/false);
}

}  // namespace

int main(int argc, char** argv) {
  DemoOptions options;
  int exit_code = 0;
  if (!parse_options(argc, argv, options, exit_code)) return exit_code;
  const InterruptGuard guard;
  try {
    if (options.threads > 0) set_num_threads(options.threads);
    manual_seed(options.seed);
    if (options.model.empty()) {
      train_all(options);
    } else {
      classify_all(options, load_classifier(options.model), /*wait=*/true);
    }
  } catch (const Stopped&) {
    return interrupted_exit;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "kjv_demo: {}\n", error.what());
    return 1;
  }
  return 0;
}
