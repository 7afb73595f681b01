#include <fmt/format.h>
#include <gradus/examples/common/flags.h>
#include <gradus/examples/text_classifier/options.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace gradus::examples {
namespace {

void add_column(CLI::App& app, const char* flag, Column& column, const char* what) {
  const auto choose = [&column](const std::string& text) {
    std::int64_t position = 0;
    const bool is_position = CLI::detail::lexical_cast(text, position);
    column = is_position ? Column(position) : Column(text);
  };
  app.add_option_function<std::string>(flag, choose, what)->default_str(*column.name());
}

void add_encoding(CLI::App& app, LabeledTextOptions& format) {
  add_choice<TextEncoding>(app, "--encoding", format.encoding,
                           {{"utf8", TextEncoding::utf8}, {"latin1", TextEncoding::latin1}},
                           "of the texts");
}

void add_format(CLI::App& app, LabeledTextOptions& format) {
  add_choice<TextFormat>(app, "--format", format.format,
                         {{"auto", TextFormat::automatic},
                          {"fasttext", TextFormat::fasttext},
                          {"label", TextFormat::label_first},
                          {"tsv", TextFormat::tsv},
                          {"csv", TextFormat::csv},
                          {"jsonl", TextFormat::json_lines}},
                         "fasttext: `__label__x text`; label: `x text`; auto: found out by the "
                         "end of the name and the first line");
  add_column(app, "--label-column", format.label,
             "where tables and JSON have the label: a name, or a position from 0");
  add_column(app, "--text-column", format.text, "where they have the text");
}

constexpr std::int64_t many = 1'000'000'000;

void add_model(CLI::App& app, ClassifierOptions& options) {
  TextModelOptions& model = options.model_options;
  add_choice<ModelKind>(app, "--model", model.kind,
                        {{"fasttext", ModelKind::fasttext},
                         {"wide_mlp", ModelKind::wide_mlp},
                         {"bilstm", ModelKind::bilstm},
                         {"textcnn", ModelKind::textcnn}},
                        "fasttext: mean of rows, linear layer, SGD; wide_mlp: a hidden layer, "
                        "Adam; bilstm: an LSTM in both directions, Adam; textcnn: filters over "
                        "neighbouring words, Adam");
  add_number(app, "--hidden", model.hidden, 1, 100'000,
             "width of wide_mlp's hidden layer; for bilstm, of a direction, 100 by default");
  add_number(app, "--dropout", model.dropout, 0.0, 0.999,
             "of the hidden layer; for bilstm, of the rows and of the mean, 0.3 by default; for "
             "textcnn, of what the filters found");
  add_number(app, "--filters", model.filters, 1, 100'000, "textcnn's filters of each width");
  app.add_option("--widths", model.widths, "of textcnn's filters, in words, with commas")
      ->delimiter(',')
      ->check(CLI::Range(1, 1000));
}

void add_training(CLI::App& app, ClassifierOptions& options) {
  TextFeatures& features = options.features;
  add_path(app, "--input", options.input, "training texts")->required();
  add_path(app, "--output", options.output, "the model");
  auto* valid = add_path(app, "--valid", options.valid,
                         "texts by which the best weights of all epochs are chosen");
  add_number(app, "--patience", options.patience, 0, many,
             "end after so many epochs that were not better; 0: never")
      ->needs(valid);
  add_model(app, options);
  auto* dim = add_number(app, "--dim", options.dim, 1, 10'000, "length of a row");
  add_number(app, "--epochs", options.epochs, 1, many, "passes over the texts");
  add_number(
      app, "--lr", options.lr, 0.0, 100.0,
      "learning rate at the start, which falls to 0; by default 0.001 for wide_mlp, 0.002 for "
      "bilstm and textcnn");
  add_number(app, "--batch-size", options.batch_size, 1, many,
             "texts in a step; for bilstm and textcnn, 32 by default");
  add_number(app, "--min-count", options.min_count, 1, many, "leave rarer words out");
  add_number(app, "--word-ngrams", features.word_ngrams, 1, 10,
             "neighbouring words that count together, at most; 1: none do");
  add_number(app, "--min-n", features.ngrams.minn, 1, 50, "characters in an n-gram, at least");
  add_number(app, "--max-n", features.ngrams.maxn, 0, 50, "at most; 0: no n-grams of characters");
  add_number(app, "--buckets", features.ngrams.buckets, 1, many, "rows that all n-grams share");
  app.add_flag(
      "--tokenized", features.tokenized,
      "words are what is between blanks, as in fastText; otherwise letters become small, and "
      "punctuation marks words of their own");
  add_tokenizer(app, options.tokenizer,
                "its pieces take the place of words; the model has a copy of it");
  auto* vectors = add_path(app, "--vectors", options.vectors,
                           "pretrained word vectors of GloVe, word2vec or fastText")
                      ->excludes(dim);
  app.add_flag("--freeze", options.freeze, "leave the vectors as they are")->needs(vectors);
  add_number(app, "--seed", options.seed, 0, std::numeric_limits<std::uint64_t>::max(),
             "of the first weights and of the order");
  add_number(app, "--time-limit", options.time_limit, 0.0, 1e9, "end after so many seconds")
      ->default_str("none");
  add_path(app, "--log", options.log, "records of the epochs; its name ends in .jsonl or .csv");
}

/// What single flags cannot see.
void check(const CLI::App& app, ClassifierOptions& options) {
  refuse(app, "--tokenizer", {"--tokenized", "--min-n", "--max-n"});
  NgramOptions& ngrams = options.features.ngrams;
  const auto fail = [](const char* flag, const std::string& why) {
    throw CLI::ValidationError(flag, why);
  };
  if (app.count("--min-n") > 0 && ngrams.maxn < ngrams.minn) {
    fail("--min-n", fmt::format("is above --max-n, which is {}", ngrams.maxn));
  }
  if (ngrams.maxn == 0) ngrams.minn = 0;
  if (options.freeze && (options.features.word_ngrams > 1 || ngrams.maxn > 0)) {
    fail("--freeze", "n-grams have no pretrained vectors: leave them out, or do not freeze");
  }
  if (reads_in_order(options.model_options.kind) &&
      (options.features.word_ngrams > 1 || ngrams.maxn > 0)) {
    fail("--model", fmt::format("{} reads words in order: leave out --word-ngrams and --max-n",
                                name_of(options.model_options.kind)));
  }
}

/// Refuses flags that the model does not have, and sets those that were not given to what it learns
/// well with.
void set_defaults(const CLI::App& app, ClassifierOptions& options) {
  TextModelOptions& model = options.model_options;
  const auto refuse = [&](const std::vector<const char*>& flags) {
    for (const char* flag : flags) {
      if (app.count(flag) == 0) continue;
      throw CLI::ValidationError(flag, "has no effect with --model " + name_of(model.kind));
    }
  };
  const auto set = [&](const char* flag, auto& value, auto usual) {
    if (app.count(flag) == 0) value = usual;
  };
  switch (model.kind) {
    case ModelKind::fasttext:
      refuse({"--hidden", "--dropout", "--filters", "--widths"});
      break;
    case ModelKind::wide_mlp:
      refuse({"--filters", "--widths"});
      set("--lr", options.lr, 1e-3);
      break;
    case ModelKind::bilstm:
      refuse({"--filters", "--widths"});
      set("--lr", options.lr, 2e-3);
      set("--batch-size", options.batch_size, 32);
      set("--hidden", model.hidden, 100);
      set("--dropout", model.dropout, 0.3);
      break;
    case ModelKind::textcnn:
      refuse({"--hidden"});
      set("--lr", options.lr, 2e-3);
      set("--batch-size", options.batch_size, 32);
      break;
  }
}

}  // namespace

bool parse_options(int argc, char** argv, ClassifierOptions& options, int& exit_code) {
  CLI::App app("Learns which label a text has, and labels texts.", "text_classifier");
  app.require_subcommand(1);
  CLI::App* train_command = app.add_subcommand("train", "learn from texts with labels");
  CLI::App* test_command = app.add_subcommand("test", "count how many labels a model gets right");
  CLI::App* predict_command = app.add_subcommand("predict", "label texts, a line each");
  for (CLI::App* command : {train_command, test_command, predict_command}) {
    command->option_defaults()->always_capture_default();
    if (command == train_command) {
      add_training(*command, options);
    } else {
      command->add_option("model,--model", options.model, "what train wrote")->required();
    }
    if (command != predict_command) add_format(*command, options.format);
    add_encoding(*command, options.format);
    add_number(*command, "--threads", options.threads, 0, 1024, "0: one for each processor");
  }
  test_command->add_option("input,--input", options.input, "texts with labels")->required();
  auto* report = add_path(*test_command, "--report", options.report,
                          "an HTML page with the mistakes and a map of the words");
  add_path(*test_command, "--log", options.log, "with the curves of what train --log wrote")
      ->needs(report);
  add_number(*test_command, "--at-least", options.at_least, 0.0, 100.0,
             "fail unless so many percent of the labels are right");
  options.input = "-";
  predict_command->add_option("input,--input", options.input, "texts; -: the standard input");
  add_number(*predict_command, "--k", options.k, 1, 1'000'000, "the best k labels");
  predict_command->add_flag("--prob", options.prob, "with their probabilities");
  try {
    app.parse(argc, argv);
    if (*train_command) {
      check(*train_command, options);
      set_defaults(*train_command, options);
    }
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return false;
  }
  options.command = *train_command  ? Command::train
                    : *test_command ? Command::test
                                    : Command::predict;
  return true;
}

}  // namespace gradus::examples
