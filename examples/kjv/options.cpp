#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/examples/common/flags.h>
#include <gradus/examples/kjv/options.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>

namespace gradus::examples {
namespace {

constexpr const char* description =
    "Trains word vectors and a text classifier on the King James Bible, or on texts of your own,\n"
    "shows how well they do, saves them, and classifies what you type.";

void add_texts(CLI::App& app, DemoOptions& options) {
  auto* corpus =
      add_path(app, "--corpus", options.corpus, "texts of your own: lines of label<TAB>text");
  auto* train = add_path(app, "--train", options.train, "training texts, the same format");
  auto* test = add_path(app, "--test", options.test, "test texts, the same format");
  train->needs(test)->excludes(corpus);
  test->needs(train)->excludes(corpus);
  app.add_option("--labels", options.labels, "what the verses of the Bible are labelled with")
      ->check(CLI::IsMember({"parts", "testaments"}));
  add_path(app, "--write-split", options.write_split,
           "only write train.tsv and test.tsv into this folder");
  add_number(app, "--min-count", options.min_count, 1, 1'000'000'000, "leave rarer words out");
  add_number(app, "--seed", options.seed, 0, std::numeric_limits<std::uint64_t>::max(),
             "for the split and the training");
  app.add_option("--words", options.words, "words whose nearest neighbours to print")
      ->delimiter(',')
      ->default_str(fmt::format("{}", fmt::join(usual_words, ",")));
  add_path(app, "--output", options.output, "folder for the vectors and the model");
  add_path(app, "--model", options.model, "train nothing: use this saved model");
  app.add_option("--classify", options.classify, "text to classify; may be repeated")
      ->allow_extra_args(false);
  add_number(app, "--threads", options.threads, 0, 1024, "threads; 0: one for each processor");
  app.add_flag("--quick", options.quick,
               "a small run that fails unless the vectors and the classifiers have learnt");
}

void add_vectors(CLI::App& app, WordVectorSettings& vectors) {
  app.option_defaults()->group("Word vectors");
  WordWindowOptions& windows = vectors.windows;
  add_number(app, "--dim", vectors.dim, 1, 1000, "length of a vector");
  add_number(app, "--window", windows.window, 1, 100, "words on each side that count as nearby");
  add_number(app, "--negatives", vectors.negatives, 1, 100, "random words for each nearby one");
  add_number(app, "--vector-epochs", windows.epochs, 1, 1'000'000, "passes over the text");
  add_number(app, "--vector-lr", vectors.lr, 0, 10, "learning rate at the start");
  add_number(app, "--vector-batch", windows.batch_size, 1, 65536, "pairs in a step");
  add_number(app, "--subsample", windows.subsample, 0, 1,
             "skip words above this frequency at random; 0: none");
}

void add_training(CLI::App& app, DemoOptions& options) {
  app.option_defaults()->group("Classifier");
  TrainSettings& training = options.training;
  add_number(app, "--epochs", training.epochs, 1, 1'000'000, "passes with frozen vectors");
  add_number(app, "--tune-epochs", options.tune_epochs, 1, 1'000'000,
             "further passes with unfrozen vectors; from scratch makes both");
  add_number(app, "--lr", training.lr, 0, 10, "learning rate at the start");
  add_number(app, "--batch", training.batch, 1, 4096, "texts in a step");
  app.add_flag("!--no-pairs", options.pairs,
               "leave out the classifier that uses pairs of neighbouring words");
  app.add_flag("--scratch-only", options.scratch_only,
               "train one classifier from scratch, and no word vectors");
}

void check_combinations(const CLI::App& app) {
  refuse(app, "--corpus", {"--labels"});
  refuse(app, "--train", {"--labels"});
  refuse(app, "--scratch-only",
         {"--window", "--negatives", "--vector-epochs", "--vector-lr", "--vector-batch",
          "--subsample", "--words", "--quick"});
  refuse(app, "--model", {"--classify", "--output", "--threads"}, false);
  refuse(app, "--write-split", {"--corpus", "--train", "--test", "--labels", "--seed", "--output"},
         false);
}

/// The defaults of --quick: small, but enough to learn something.
void set_quick(DemoOptions& options) {
  options.vectors.dim = 32;
  options.vectors.windows.epochs = 2;
  options.training.epochs = 3;
  options.tune_epochs = 2;
  options.pairs = false;
}

}  // namespace

bool parse_options(int argc, char** argv, DemoOptions& options, int& exit_code) {
  if (std::find(argv, argv + argc, std::string("--quick")) != argv + argc) set_quick(options);
  CLI::App app(description, "kjv_demo");
  app.option_defaults()->always_capture_default();
  add_texts(app, options);
  add_vectors(app, options.vectors);
  add_training(app, options);
  try {
    app.parse(argc, argv);
    check_combinations(app);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return false;
  }
  options.vectors.seed = options.training.seed = options.seed;
  return true;
}

}  // namespace gradus::examples
