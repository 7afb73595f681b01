// Word vectors and a classifier on real text, from the words to a saved model.
//
// Promises: the best classifier, chosen on verses that were set aside for that, names the right one
// of the nine parts of the King James Bible for more than 75 % of the verses that it never saw; the
// most frequent part makes up 22 %. With --quick, a small run: at least 20 points more than that,
// and a loss of the word vectors that falls by a tenth or more; otherwise it ends with exit code 1.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/examples/common/folder.h>
#include <gradus/examples/common/output.h>
#include <gradus/examples/kjv/bible.h>
#include <gradus/examples/kjv/options.h>
#include <gradus/framework/base/atomic_file.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>

using namespace gradus;
using namespace gradus::examples;

namespace {

/// Thrown when Ctrl-C stopped the work; what there was is saved.
struct Stopped {
  int signal;
};

void heading(const std::string& text) { fmt::print("\n== {}\n", text); }

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

// ---- texts

Texts read_corpus(const std::filesystem::path& path) {
  Texts texts;
  for (const TextTable::Row& row : read_tsv(path, {.header = false})) {
    if (row.size() != 2) {
      throw FormatError(
          fmt::format("corpus: '{}' has lines of {} fields: they should be label<TAB>text",
                      path.string(), row.size()));
    }
    texts.push_back({row[1], row[0]});
  }
  return texts;
}

void write_corpus(const Texts& texts, const std::string& path) {
  AtomicFile file(path);
  for (const auto& [text, label] : texts) file.write(fmt::format("{}\t{}\n", label, text));
  file.commit();
}

/// Takes one text in ten out of the texts (at least one), in which labels are as frequent as in all
/// of them.
Texts set_aside(Texts& texts, std::uint64_t seed) {
  const Texts all = std::move(texts);
  const auto n = static_cast<double>(all.size()), tenth = std::max(std::floor(n / 10), 1.0);
  const auto [rest, aside] = stratified_split(all, {n - tenth, tenth}, &LabeledText::label, seed);
  texts = {rest.begin(), rest.end()};
  return {aside.begin(), aside.end()};
}

struct Split {
  Texts train, test;
  Texts development = {};  ///< by which the best classifier is chosen
  LabelSet labels = {};    ///< in the order of the texts
};

Split load_texts(const DemoOptions& options) {
  Split split;
  split.train = !options.train.empty()    ? read_corpus(options.train)
                : !options.corpus.empty() ? read_corpus(options.corpus)
                                          : read_bible(options.labels == "testaments");
  for (const LabeledText& sample : split.train) split.labels.add(sample.label);
  if (split.labels.size() < 2) {
    throw ValueError(
        fmt::format("corpus: all training texts have the label '{}': a classifier "
                    "needs two labels or more",
                    fmt::join(split.labels.names(), "")));
  }
  split.test =
      options.test.empty() ? set_aside(split.train, options.seed) : read_corpus(options.test);
  for (const LabeledText& sample : split.test) split.labels.id(sample.label);  // throws
  return split;
}

Coding make_coding(const Split& split, std::int64_t min_count, bool pairs) {
  WordCounter counter;
  for (const LabeledText& sample : split.train) counter.add(features_of(sample.text, pairs));
  const Vocabulary words(counter, {.min_count = min_count, .padding = "", .unknown = ""});
  if (words.size() > 0) return {words, split.labels, pairs};
  throw Error(
      fmt::format("--min-count: no word occurs {} times in the training texts: use a "
                  "smaller number",
                  min_count));
}

// ---- 1. word vectors

/// The words whose neighbours are shown: all that were requested, or the usual ones that the texts
/// have. They are normalised like any text ("King" is "king").
std::vector<std::int64_t> shown_words(const DemoOptions& options, const Vocabulary& words) {
  const bool requested = !options.words.empty();
  std::vector<std::int64_t> ids;
  for (const std::string& all : requested ? options.words : usual_words) {
    for (const std::string& word : tokenize(all)) {
      if (const auto id = words.find(word)) {
        ids.push_back(*id);
      } else if (requested) {
        throw ValueError(
            fmt::format("--words: the training texts lack '{}', or have it fewer than "
                        "--min-count times",
                        word));
      }
    }
  }
  return ids;
}

/// Trains word vectors on the training texts, saves and shows them.
TrainedVectors make_vectors(const DemoOptions& options, const Texts& texts, const Coding& coding) {
  const Vocabulary& words = coding.vocabulary;
  const std::vector<std::int64_t> shown = shown_words(options, words);
  heading(fmt::format("{}-d skip-gram vectors of {} words", options.vectors.dim, words.size()));
  Sentences sentences;
  for (const LabeledText& sample : texts) sentences.push_back(coding.ids(sample.text));
  TrainedVectors vectors = train_word_vectors(sentences, words, options.vectors);
  const std::string file = options.output / "vectors.txt";
  save_word_vectors({words.words(), vectors.matrix}, file);
  if (vectors.stopped_by != 0) {
    fmt::print("\nstopped: the vectors as they are now are saved in {}\n", file);
    throw Stopped{vectors.stopped_by};
  }
  if (!shown.empty()) fmt::print("\nnearest neighbours, by cosine similarity:\n");
  for (const std::int64_t id : shown) {
    fmt::print("  {:<10}", words.word(id));
    for (const auto& [near, cosine] : nearest_words(vectors.matrix, words, id, 6)) {
      fmt::print(" {} {:.2f} ", near, cosine);
    }
    fmt::print("\n");
  }
  fmt::print("\nsaved in {} (word2vec's text format)\n", file);
  return vectors;
}

// ---- 2. classifiers

/// The bytes of a table as one number.
std::string hash_of(const Tensor& table) {
  const auto bytes = std::as_bytes(table.span<float>());
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return fmt::format("{:016x}", std::hash<std::string_view>()(text));
}

/// The share of the most frequent label.
double baseline(const Evaluation& evaluation) {
  std::int64_t most = 0;
  for (const ClassScore& label : evaluation.scores.result().classes) {
    most = std::max(most, label.support);
  }
  return static_cast<double>(most) / static_cast<double>(evaluation.accuracy.count());
}

/// A trained classifier, and how it does on texts that it never saw.
struct Candidate {
  std::string name;
  Evaluation development, test;
};

/// The classifiers of one run, on the same texts. The best one is in a file.
class Comparison {
 public:
  Comparison(const DemoOptions& options, const Split& split, std::string file)
      : options_(options), split_(split), file_(std::move(file)) {}

  /// Trains on word vectors that stay as they are, and then the same model with the same optimizer
  /// and the vectors unfrozen.
  void train_on_vectors(const Tensor& vectors, const Coding& coding) {
    const auto table =
        EmbeddingBag::from_pretrained(vectors.clone(), /*freeze=*/true, {.sparse = true});
    const TextClassifier model(table, coding);
    Adam optimizer(model.parameters(), {.lr = options_.training.lr, .lazy = true});

    const std::string loaded = hash_of(table.weight);
    train("vectors, frozen", model, optimizer, options_.training.epochs);
    const std::string frozen = hash_of(table.weight);
    table.set_trainable(true);
    train("vectors, then unfrozen", model, optimizer, options_.tune_epochs);
    const std::string tuned = hash_of(table.weight);

    fmt::print("\nhash of the table: {} as loaded\n", loaded);
    fmt::print("{:>35} after training it frozen: {}\n", frozen,
               frozen == loaded ? "no byte changed" : "CHANGED, which must not happen");
    fmt::print("{:>35} after training it unfrozen: {}\n", tuned,
               tuned == frozen ? "no byte changed" : "changed");
    hashes_right_ = frozen == loaded && tuned != frozen;
  }

  /// Trains everything from random numbers.
  void train_from_scratch(const Coding& coding) {
    const EmbeddingBag table(coding.vocabulary.size(), options_.vectors.dim, {.sparse = true});
    const double bound = 1.0 / static_cast<double>(options_.vectors.dim);
    uniform_(table.weight, -bound, bound);
    const TextClassifier model(table, coding);
    Adam optimizer(model.parameters(), {.lr = options_.training.lr, .lazy = true});
    train(coding.pairs ? "from scratch, with pairs" : "from scratch", model, optimizer,
          options_.training.epochs + options_.tune_epochs);
  }

  const Candidate& best() const { return candidates_[best_]; }

  /// The promise of --quick.
  void check_learnt(const TrainedVectors& vectors) const {
    const double right = best().test.accuracy.result(), least = baseline(best().test) + 0.2;
    fmt::print("\nquick: loss of the vectors {:.3f}, then {:.3f}; best accuracy {}, least {}\n",
               vectors.first_loss, vectors.last_loss, percent(right), percent(least));
    if (!(vectors.last_loss <= 0.9 * vectors.first_loss)) {
      throw Error("quick: the word vectors have not learnt");
    }
    if (!(right >= least)) throw Error("quick: the classifiers have not learnt");
    if (!hashes_right_) throw Error("quick: the wrong tables changed");
  }

  void show() const {
    const bool chosen = best().development.accuracy.count() > 0;
    const auto row = [&](const std::string& name, const Candidate& candidate, auto share) {
      fmt::print("  {:<24}", name);
      if (chosen) fmt::print("  {:>11}", percent(share(candidate.development)));
      fmt::print("  {:>7}\n", percent(share(candidate.test)));
    };
    fmt::print("\n  {:<24}{}  {:>7}\n", "accuracy", chosen ? "  development" : "", "test");
    row("most frequent label", best(), baseline);
    for (const Candidate& candidate : candidates_) {
      row(candidate.name, candidate, [](auto& it) { return it.accuracy.result(); });
    }
    const Evaluation& test = best().test;
    fmt::print("\naccuracy: {:.2f} % on the test texts{}\n", 100 * test.accuracy.result(),
               chosen ? " (the one that is best on the development texts)" : "");
    fmt::print("\nresults of '{}' on the test texts, in numbers of texts:\n\n{}\n{}", best().name,
               test.confusion.str(), test.scores.str());
  }

 private:
  /// Trains a model and tests it. If Ctrl-C ended the training, stops.
  void train(const std::string& name, const TextClassifier& model, Optimizer& optimizer,
             std::int64_t epochs) {
    TrainSettings settings = options_.training;
    settings.epochs = epochs;
    const int stopped_by = train_classifier(name, model, optimizer, split_.train, settings);
    candidates_.push_back(
        {name, evaluate(model, split_.development), evaluate(model, split_.test)});
    const Accuracy& development = candidates_.back().development.accuracy;
    if (candidates_.size() == 1 || development.result() > best().development.accuracy.result()) {
      best_ = candidates_.size() - 1;
      save_classifier(model, file_);
    }
    if (stopped_by == 0) return;
    fmt::print("\nstopped: the best classifier so far ({}, {}) is saved in {}\n", best().name,
               percent(best().test.accuracy.result()), file_);
    throw Stopped{stopped_by};
  }

  const DemoOptions& options_;
  const Split& split_;
  const std::string file_;
  std::vector<Candidate> candidates_;
  std::size_t best_ = 0;
  bool hashes_right_ = true;
};

// ---- 3. a saved model

/// Loads the best model into a new one, which must do equally well.
TextClassifier load_saved(const std::string& file, const Texts& test, const Candidate& best) {
  heading("save and load");
  TextClassifier loaded = load_classifier(file);
  const Evaluation again = evaluate(loaded, test);
  fmt::print("{} ({}), saved as {}: loaded into a new model, it gets {} of the test texts right\n",
             best.name, percent(best.test.accuracy.result()), file,
             percent(again.accuracy.result()));
  if (again.confusion.str() != best.test.confusion.str()) {
    throw Error("kjv_demo: the loaded model does not perform like the saved one");
  }
  return loaded;
}

void classify(const TextClassifier& classifier, const std::string& text) {
  fmt::print("  {}\n    -> {}\n", text, describe_text(classifier, text));
  std::fflush(stdout);
}

/// Classifies what was passed, or else what is typed or piped. After training, the program does not
/// wait for a pipe to which nothing has been written.
void classify_all(const DemoOptions& options, const TextClassifier& classifier, bool wait) {
  for (const std::string& text : options.classify) classify(classifier, text);
  if (!options.classify.empty() || options.quick) return;
  const bool typed = isatty(STDIN_FILENO) != 0;
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  if (!typed && !wait && poll(&input, 1, 0) <= 0) return;
  if (typed) fmt::print("\ntype a line of text to classify; an empty line ends\n");
  for (std::string line;;) {
    if (typed) fmt::print("> ");
    std::fflush(stdout);
    if (!std::getline(std::cin, line) || (typed && line.empty())) return;
    if (!line.empty()) classify(classifier, line);
  }
}

// ---- the run

TextClassifier train_all(const DemoOptions& options) {
  const StopSignal stop;
  const std::string file = file_in(options.output, "model.safetensors", "--output");
  Split split = load_texts(options);
  std::string development;
  if (!options.scratch_only) {
    split.development = set_aside(split.train, options.seed);
    development = fmt::format(", {} to choose the best classifier by", split.development.size());
  }
  const Coding words = make_coding(split, options.min_count, /*pairs=*/false);
  const Coding pairs = make_coding(split, options.min_count, /*pairs=*/true);
  fmt::print("{} texts to train on{}, {} to test; {} labels\n", split.train.size(), development,
             split.test.size(), split.labels.size());

  Comparison comparison(options, split, file);
  if (!options.scratch_only) {
    const TrainedVectors vectors = make_vectors(options, split.train, words);
    heading("classifiers");
    comparison.train_on_vectors(vectors.matrix, words);
    comparison.train_from_scratch(words);
    if (options.quick) comparison.check_learnt(vectors);
  }
  if (options.pairs) comparison.train_from_scratch(pairs);
  if (options.scratch_only && !options.pairs) comparison.train_from_scratch(words);
  comparison.show();
  TextClassifier loaded = load_saved(file, split.test, comparison.best());
  if (stop.requested()) throw Stopped{stop.signal()};
  return loaded;
}

void run(const DemoOptions& options) {
  if (options.threads > 0) set_num_threads(options.threads);
  manual_seed(options.seed);
  if (!options.write_split.empty()) {
    const Split split = load_texts(options);
    write_corpus(split.train, file_in(options.write_split, "train.tsv", "--write-split"));
    write_corpus(split.test, file_in(options.write_split, "test.tsv", "--write-split"));
    return;
  }
  if (!options.model.empty()) {
    return classify_all(options, load_classifier(options.model), /*wait=*/true);
  }
  const TextClassifier classifier = train_all(options);
  heading("classify");
  if (options.corpus.empty() && options.train.empty() && options.classify.empty()) {
    classify(classifier, "The priest shall wash his clothes and burn the fat upon the altar.");
    classify(classifier, "Grace and peace to the brethren, for we are justified by faith.");
    classify(classifier, "A foolish son is a grief to his father.");
  }
  classify_all(options, classifier, /*wait=*/false);
}

}  // namespace

int main(int argc, char** argv) {
  DemoOptions options;
  int exit_code = 0;
  if (!parse_options(argc, argv, options, exit_code)) return exit_code;
  try {
    run(options);
    flush_output();
  } catch (const Stopped& stopped) {
    return 128 + stopped.signal;
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "kjv_demo: {}\n", error.what());
    return 1;
  }
  return 0;
}
