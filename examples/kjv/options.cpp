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

using Names = std::vector<std::string>;

/// Rejects options that have no effect together with `flag`.
void refuse(const CLI::App& app, const std::string& flag, const Names& others) {
  if (app.count(flag) == 0) return;
  for (const std::string& other : others) {
    if (app.count(other) > 0) {
      throw CLI::ValidationError(other, "has no effect with " + flag);
    }
  }
}

/// All options but these.
Names all_but(const CLI::App& app, const Names& names) {
  Names others;
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_name();
    if (std::find(names.begin(), names.end(), name) == names.end()) others.push_back(name);
  }
  return others;
}

void add_texts(CLI::App& app, DemoOptions& options) {
  auto* corpus =
      app.add_option("--corpus", options.corpus, "texts of your own: lines of label<TAB>text")
          ->check(some_path());
  auto* train = app.add_option("--train", options.train, "training texts, the same format")
                    ->check(some_path());
  auto* test =
      app.add_option("--test", options.test, "test texts, the same format")->check(some_path());
  train->needs(test)->excludes(corpus);
  test->needs(train)->excludes(corpus);
  app.add_option_function<std::string>(
         "--labels",
         [&](const std::string& name) {
           options.bible_labels = name == "parts" ? BibleLabels::parts : BibleLabels::testaments;
         },
         "what the verses of the Bible are labelled with")
      ->check(CLI::IsMember({"parts", "testaments"}))
      ->default_str("parts");
  app.add_option("--write-split", options.write_split,
                 "only write train.tsv and test.tsv into this folder")
      ->check(some_path());
  app.add_option("--min-count", options.min_count, "leave rarer words out")
      ->transform(between<std::int64_t>(1, 1'000'000'000));
  app.add_option("--seed", options.seed, "for the split and the training")
      ->transform(between<std::uint64_t>(0, std::numeric_limits<std::uint64_t>::max()));
}

void add_vectors(CLI::App& app, WordVectorSettings& vectors) {
  app.option_defaults()->group("Word vectors");
  app.add_option("--dim", vectors.dim, "length of a vector")
      ->transform(between<std::int64_t>(1, 1000));
  app.add_option("--window", vectors.window, "words on each side that count as nearby")
      ->transform(between<std::int64_t>(1, 100));
  app.add_option("--negatives", vectors.negatives, "random words for each nearby one")
      ->transform(between<std::int64_t>(1, 100));
  app.add_option("--vector-epochs", vectors.epochs, "passes over the text")
      ->transform(between<std::int64_t>(1, 1'000'000));
  app.add_option("--vector-lr", vectors.lr, "learning rate at the start")
      ->transform(between(0.0, 10.0));
  app.add_option("--vector-batch", vectors.batch, "pairs in a step")
      ->transform(between<std::int64_t>(1, 65536));
  app.add_option("--subsample", vectors.subsample,
                 "skip words above this frequency at random; 0: none")
      ->transform(between(0.0, 1.0));
}

void add_training(CLI::App& app, DemoOptions& options) {
  app.option_defaults()->group("Classifier");
  app.add_option("--epochs", options.training.epochs, "passes with frozen vectors")
      ->transform(between<std::int64_t>(1, 1'000'000));
  app.add_option("--tune-epochs", options.tune_epochs,
                 "further passes with unfrozen vectors; from scratch makes both")
      ->transform(between<std::int64_t>(1, 1'000'000));
  app.add_option("--lr", options.training.lr, "learning rate at the start")
      ->transform(between(0.0, 10.0));
  app.add_option("--batch", options.training.batch, "texts in a step")
      ->transform(between<std::int64_t>(1, 4096));
  app.add_flag("!--no-pairs", options.pairs,
               "leave out the classifier that uses pairs of neighbouring words");
  app.add_flag("--scratch-only", options.scratch_only,
               "train one classifier from scratch, and no word vectors");
}

void add_rest(CLI::App& app, DemoOptions& options) {
  app.add_option("--words", options.words, "words whose nearest neighbours to print")
      ->delimiter(',')
      ->default_str(fmt::format("{}", fmt::join(usual_words, ",")));
  app.add_option("--output", options.output, "folder for the vectors and the model")
      ->check(some_path());
  app.add_option("--model", options.model, "train nothing: use this saved model")
      ->check(some_path());
  app.add_option("--classify", options.classify, "text to classify; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--threads", options.threads, "threads; 0: one for each processor")
      ->transform(between(0, 1024));
  app.add_flag("--quick", options.quick,
               "a small run that fails unless the vectors and the classifiers have learnt");
}

void check_combinations(const CLI::App& app) {
  refuse(app, "--corpus", {"--labels"});
  refuse(app, "--train", {"--labels"});
  refuse(app, "--scratch-only",
         {"--window", "--negatives", "--vector-epochs", "--vector-lr", "--vector-batch",
          "--subsample", "--words", "--quick"});
  refuse(app, "--model", all_but(app, {"--model", "--classify", "--output", "--threads"}));
  refuse(app, "--write-split",
         all_but(app, {"--write-split", "--corpus", "--train", "--test", "--labels", "--seed",
                       "--output"}));
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
  add_rest(app, options);
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
