#include <gradus/examples/common/flags.h>
#include <gradus/examples/tagger/options.h>

#include <CLI/CLI.hpp>

namespace gradus::examples {
namespace {

constexpr const char* description =
    "Learns which label each word of a sentence has, from a treebank of Turkish or from sentences "
    "of\nyour own, and labels text.";

constexpr std::int64_t many = 1'000'000'000;

void add_run(CLI::App& app, TaggerOptions& options) {
  add_path(app, "--output", options.output, "folder of the run: model, checkpoint, log, report");
  app.add_flag("--resume", options.resume, "go on with the run in that folder");
  app.add_flag("--overwrite", options.overwrite, "replace the run in that folder");
  add_path(app, "--evaluate", options.evaluate,
           "train nothing: print how well the model in that folder does on these sentences");
  add_path(app, "--tag", options.tag,
           "train nothing: label this text, a sentence a line, by the model in that folder; -: the "
           "standard input");
  add_number(app, "--at-least", options.at_least, 0.0, 100.0,
             "fail if the accuracy, or F1, is below so many percent");
  add_number(app, "--time-limit", options.time_limit, 0.0, 1e9,
             "end after so many seconds, as Ctrl-C does")
      ->default_str("none");
  add_number(app, "--save-every", options.save_every, 0.0, 1e9,
             "seconds between checkpoints within an epoch");
  add_number(app, "--threads", options.threads, 0, 1024, "0: one for each processor");
  app.add_flag("--tokenized", options.tokenized,
               "--tag: words are what is between blanks; otherwise punctuation marks are words of "
               "their own");
  for (CLI::Option* option : app.get_options()) option->configurable(false);
  add_number(app, "--seed", options.seed, 0, std::numeric_limits<std::uint64_t>::max(),
             "of the first weights, of the order and of dropout");
}

void add_sentences(CLI::App& app, TaggerOptions& options) {
  app.option_defaults()->group("Sentences");
  auto* corpus = add_path(app, "--corpus", options.corpus, "sentences of your own to learn from");
  add_path(app, "--valid", options.valid,
           "held-out sentences, by which the best weights are chosen; without it, the last tenth "
           "is held out")
      ->needs(corpus);
  add_path(app, "--test", options.test, "sentences on which the best weights are tried at the end")
      ->needs(corpus);
  SentenceFormat& format = options.format;
  add_choice<ColumnFormat>(app, "--format", format.format,
                           {{"auto", ColumnFormat::automatic},
                            {"conllu", ColumnFormat::conllu},
                            {"conll", ColumnFormat::conll}},
                           "conllu: CoNLL-U; conll: a word a line with its columns; auto: CoNLL-U "
                           "if the name ends in .conllu");
  add_path(app, "--column", format.column,
           "of the labels: a name such as xpos in CoNLL-U, where upos is the default; else a "
           "position, 0 for the first, -1 for the last, which is the default");
  add_number(app, "--word-column", format.word_column, -many, many,
             "position of the words, not in CoNLL-U");
  add_choice<TextEncoding>(app, "--encoding", format.encoding,
                           {{"utf8", TextEncoding::utf8}, {"latin1", TextEncoding::latin1}},
                           "of the sentences");
  std::vector<std::string> schemes = {"auto", "none"};
  for (const NamedScheme& scheme : tag_schemes()) schemes.emplace_back(scheme.name);
  app.add_option(
         "--scheme", options.scheme,
         "how labels such as B-PER mark spans; auto: found out; none: each stands for itself")
      ->check(CLI::IsMember(schemes));
  app.add_flag("--cased", options.coding.cased,
               "words in capital and in small letters are different ones; those of vectors are "
               "often small");
  add_number(app, "--min-count", options.coding.min_count, 1, many,
             "words that occur less often are unknown");
}

void add_model(CLI::App& app, TaggerOptions& options) {
  app.option_defaults()->group("Model");
  TaggerModelOptions& model = options.model;
  add_number(app, "--dim", model.dim, 1, 100'000, "of the vectors of words");
  add_path(app, "--vectors", options.vectors,
           "pretrained vectors of words, of GloVe, word2vec or fastText");
  add_tokenizer(app, options.tokenizer,
                "words are read as its pieces, the first of which has the label; the run keeps a "
                "copy of it");
  add_choice<CharacterModel>(app, "--characters", model.characters,
                             {{"lstm", CharacterModel::lstm},
                              {"cnn", CharacterModel::cnn},
                              {"none", CharacterModel::none}},
                             "what reads the characters of a word: an LSTM in both directions, a "
                             "convolution, or nothing");
  add_number(app, "--character-size", model.character_size, 1, 100'000,
             "of the vectors of characters, and of each direction");
  add_number(app, "--hidden", model.hidden, 1, 100'000,
             "of each direction of the LSTM that reads a sentence");
  add_number(app, "--layers", model.layers, 1, 100, "of that LSTM");
  add_number(app, "--dropout", model.dropout, 0.0, 0.999,
             "of the vectors of words, between layers and of the output");
}

void add_training(CLI::App& app, TaggerOptions& options) {
  app.option_defaults()->group("Training");
  add_number(app, "--epochs", options.epochs, 1, many, "passes over the sentences");
  add_number(app, "--batch-size", options.batch_size, 1, many, "sentences in a step");
  add_number(app, "--lr", options.lr, 0.0, 100.0, "learning rate of Adam at the start");
  add_schedule(app, options.schedule);
  add_number(app, "--clip", options.clip, 0.0, 1e9,
             "norm that gradients are scaled down to; 0: none");
  add_number(app, "--replace-singletons", options.replaced, 0.0, 1.0,
             "how often a word that occurs once counts as unknown");
  add_number(app, "--patience", options.patience, 0, many,
             "end after so many epochs that were not better; 0: never");
  app.add_option("--freeze", options.freeze,
                 "parameters that are not trained: words.weight, or a pattern such as crf.*");
}

void add_flags(CLI::App& app, TaggerOptions& options) {
  app.option_defaults()->always_capture_default();
  add_run(app, options);
  add_sentences(app, options);
  add_model(app, options);
  add_training(app, options);
}

/// What single flags cannot see; those that a run wrote down hold defaults too.
void check(const CLI::App& app) {
  refuse(app, "--vectors", {"--dim"});
  refuse(app, "--tokenizer", {"--cased"});
  refuse(app, "--tag", {"--output", "--encoding", "--threads", "--tokenized"}, false);
  refuse(app, "--evaluate",
         {"--output", "--at-least", "--threads", "--format", "--column", "--word-column",
          "--encoding"},
         false);
  refuse(app, "--resume", {"--output", "--at-least", "--time-limit", "--save-every", "--threads"},
         false);
  if (app.count("--tokenized") > 0 && app.count("--tag") == 0) {
    throw CLI::ValidationError("--tokenized", "has no effect without --tag");
  }
}

/// The options that the run in `options.output` began with.
void read_run(TaggerOptions& options) {
  CLI::App app(description, "tagger");
  add_flags(app, options);
  read_run_options(app, options.output);
  options.text = run_options(app);
}

}  // namespace

bool parse_options(int argc, char** argv, TaggerOptions& options, int& exit_code) {
  CLI::App app(description, "tagger");
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
  if (app.count("--evaluate") > 0) options.task = TaggerTask::evaluate;
  if (app.count("--tag") > 0) options.task = TaggerTask::tag;
  return true;
}

}  // namespace gradus::examples
