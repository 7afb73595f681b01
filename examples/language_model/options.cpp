#include <fmt/format.h>
#include <gradus/examples/common/flags.h>
#include <gradus/examples/language_model/options.h>

#include <CLI/CLI.hpp>

namespace gradus::examples {
namespace {

constexpr const char* description =
    "Trains a language model of LSTM layers on the King James Bible, or on a text of your own, "
    "and\n"
    "writes more of it.";

constexpr std::int64_t many = 1'000'000'000;

void add_run(CLI::App& app, LanguageModelOptions& options) {
  add_path(app, "--output", options.output, "folder of the run: model, checkpoint, log, report");
  app.add_flag("--resume", options.resume, "go on with the run in that folder");
  app.add_flag("--overwrite", options.overwrite, "replace the run in that folder");
  add_path(app, "--evaluate", options.evaluate,
           "train nothing: print the perplexity of the model in that folder on this text");
  app.add_option("--generate", options.generate,
                 "train nothing: go on with this text by the model in that folder");
  add_number(app, "--at-most", options.at_most, 0.0, 1e9, "fail if the perplexity is above this")
      ->default_str("none");
  add_number(app, "--time-limit", options.time_limit, 0.0, 1e9,
             "end after so many seconds, as Ctrl-C does")
      ->default_str("none");
  add_number(app, "--save-every", options.save_every, 0.0, 1e9,
             "seconds between checkpoints within an epoch");
  add_number(app, "--threads", options.threads, 0, 1024, "0: one for each processor");
  for (CLI::Option* option : app.get_options()) option->configurable(false);
  add_number(app, "--seed", options.seed, 0, std::numeric_limits<std::uint64_t>::max(),
             "of the first weights, of dropout and of what is generated");
}

void add_texts(CLI::App& app, LanguageModelOptions& options) {
  app.option_defaults()->group("Text");
  auto* corpus = add_path(app, "--corpus", options.corpus, "a text of your own");
  add_path(app, "--valid", options.valid,
           "the held-out text; without it, the last tenth of the lines is held out")
      ->needs(corpus);
  add_choice<TextEncoding>(app, "--encoding", options.encoding,
                           {{"utf8", TextEncoding::utf8}, {"latin1", TextEncoding::latin1}},
                           "of the texts");
  CodingOptions& coding = options.coding;
  app.add_flag("--tokenized", coding.tokenized,
               "words are what is between blanks; otherwise letters become small, and punctuation "
               "marks words of their own");
  add_number(app, "--min-count", coding.min_count, 1, many, "rarer words are <unk>");
  add_number(app, "--max-words", coding.max_words, 3, many, "so are all but the most frequent");
}

void add_model(CLI::App& app, LanguageModelOptions& options) {
  app.option_defaults()->group("Model");
  ModelOptions& model = options.model;
  add_number(app, "--size", model.size, 1, 100'000, "of the vectors of words and of each layer");
  add_number(app, "--layers", model.layers, 1, 100, "LSTM layers");
  add_number(app, "--dropout", model.dropout, 0.0, 0.999,
             "of the input, between layers and of the output");
  app.add_flag("--locked-dropout", model.locked_dropout, "the same at all steps of a stream");
  add_number(app, "--embedding-dropout", model.embedding_dropout, 0.0, 0.999, "of whole words");
  add_number(app, "--weight-dropout", model.weight_dropout, 0.0, 0.999, "of the recurrent weights");
  app.add_option("--freeze", options.freeze, "parameters that are not trained")->group("");
}

void add_training(CLI::App& app, LanguageModelOptions& options) {
  app.option_defaults()->group("Training");
  add_number(app, "--epochs", options.epochs, 1, many, "passes over the text");
  add_number(app, "--batch-size", options.batch_size, 1, many, "streams side by side");
  add_number(app, "--steps", options.steps, 1, many, "words of a stream to backpropagate through");
  add_number(app, "--lr", options.lr, 0.0, 100.0, "learning rate of Adam at the start");
  add_schedule(app, options.schedule);
  add_number(app, "--clip", options.clip, 0.0, 1e9,
             "norm that gradients are scaled down to; 0: none");
  add_number(app, "--patience", options.patience, 0, many,
             "end after so many epochs that were not better; 0: never");
}

void add_generation(CLI::App& app, LanguageModelOptions& options) {
  app.option_defaults()->group("Generate");
  GenerateOptions& generation = options.generation;
  for (CLI::Option* option :
       {add_number(app, "--words", generation.words, 0, many, "words to write"),
        add_number(app, "--temperature", generation.temperature, 0.0, 100.0,
                   "below 1: likely words become likelier; 0: always the likeliest"),
        add_number(app, "--top-k", generation.top_k, 0, many,
                   "draw from the k likeliest words; 0: from all")}) {
    option->configurable(false);
  }
}

void add_flags(CLI::App& app, LanguageModelOptions& options) {
  app.option_defaults()->always_capture_default();
  add_run(app, options);
  add_texts(app, options);
  add_model(app, options);
  add_training(app, options);
  add_generation(app, options);
}

/// What single flags cannot see.
void check(const CLI::App& app) {
  refuse(app, "--generate",
         {"--output", "--seed", "--threads", "--words", "--temperature", "--top-k"}, false);
  refuse(app, "--evaluate", {"--output", "--at-most", "--encoding", "--threads"}, false);
  refuse(app, "--resume", {"--output", "--at-most", "--time-limit", "--save-every", "--threads"},
         false);
  for (const char* flag : {"--words", "--temperature", "--top-k"}) {
    if (app.count(flag) == 0 || app.count("--generate") > 0) continue;
    throw CLI::ValidationError(flag, "has no effect without --generate");
  }
}

/// The options that the run in `options.output` began with.
void read_run(LanguageModelOptions& options) {
  CLI::App app(description, "language_model");
  add_flags(app, options);
  read_run_options(app, options.output);
  options.text = run_options(app);
}

}  // namespace

std::string LanguageModelOptions::file(RunFile name) const { return path_in(output, name); }

bool parse_options(int argc, char** argv, LanguageModelOptions& options, int& exit_code) {
  CLI::App app(description, "language_model");
  add_flags(app, options);
  try {
    app.parse(argc, argv);
    check(app);
    options.text = run_options(app);
    if (options.resume) read_run(options);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return false;
  }
  if (app.count("--evaluate") > 0) options.task = Task::evaluate;
  if (app.count("--generate") > 0) options.task = Task::generate;
  return true;
}

}  // namespace gradus::examples
