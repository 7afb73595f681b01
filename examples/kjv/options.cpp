#include <gradus/examples/kjv/options.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>

namespace gradus::examples {
namespace {

constexpr const char* description =
    "Trains word vectors and a text classifier on the King James Bible, or on texts of your own,\n"
    "shows how well they do, saves them, and classifies what you type.";

void add_texts(CLI::App& app, DemoOptions& options) {
  auto* corpus =
      app.add_option("--corpus", options.corpus, "texts of your own: lines of label<TAB>text");
  auto* train = app.add_option("--train", options.train, "training texts, the same format");
  auto* test = app.add_option("--test", options.test, "test texts, the same format");
  train->needs(test)->excludes(corpus);
  test->needs(train)->excludes(corpus);
  app.add_option_function<std::string>(
         "--labels",
         [&](const std::string& name) {
           options.bible_labels = name == "parts" ? BibleLabels::parts : BibleLabels::testaments;
         },
         "what the verses of the Bible are told apart by")
      ->check(CLI::IsMember({"parts", "testaments"}))
      ->default_str("parts");
  app.add_option("--write-split", options.write_split,
                 "only write train.tsv and test.tsv into this folder");
  app.add_option("--min-count", options.min_count, "leave rarer words out")
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed, "of the split and of the training");
}

void add_vectors(CLI::App& app, WordVectorSettings& vectors) {
  const char* group = "Word vectors";
  app.add_option("--dim", vectors.dim, "length of a vector")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--window", vectors.window, "words on each side that count as near")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--negatives", vectors.negatives, "random words for each near one")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--vector-epochs", vectors.epochs, "passes over the text")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--vector-lr", vectors.lr, "learning rate at the start")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--vector-batch", vectors.batch, "pairs in a step")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--subsample", vectors.subsample,
                 "skip words above this frequency at random; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
}

void add_training(CLI::App& app, DemoOptions& options) {
  const char* group = "Classifier";
  app.add_option("--epochs", options.training.epochs, "passes with frozen vectors")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--tune-epochs", options.tune_epochs,
                 "further passes with unfrozen vectors; from scratch makes both")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--lr", options.training.lr, "learning rate at the start")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--batch", options.training.batch, "texts in a step")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_flag("!--no-pairs", options.pairs,
               "leave out the classifier that knows pairs of neighbouring words")
      ->group(group);
  app.add_flag("--scratch-only", options.scratch_only,
               "train one classifier from scratch, and no word vectors")
      ->group(group);
}

void add_rest(CLI::App& app, DemoOptions& options) {
  app.add_option("--words", options.words, "whose nearest neighbours to print")->delimiter(',');
  app.add_option("--output", options.output, "folder for the vectors and the model");
  app.add_option("--model", options.model, "train nothing: use this saved model");
  app.add_option("--classify", options.classify, "text to classify; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--threads", options.threads, "threads; 0: one for each processor")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--quick", options.quick,
               "a small run that fails unless the vectors and the classifiers have learnt");
}

/// The defaults of --quick: small, but enough to learn something.
void set_quick(DemoOptions& options) {
  options.vectors.dim = 32;
  options.vectors.epochs = 2;
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
  add_rest(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return false;
  }
  options.vectors.seed = options.training.seed = options.seed;
  return true;
}

}  // namespace gradus::examples
