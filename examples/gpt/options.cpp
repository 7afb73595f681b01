#include <fmt/format.h>
#include <gradus/examples/common/flags.h>
#include <gradus/examples/gpt/options.h>

#include <CLI/CLI.hpp>

namespace gradus::examples {
namespace {

constexpr const char* description =
    "Trains a GPT on the characters or tokens of the King James Bible, or of a text of your own, "
    "and\nwrites more of it.";

constexpr std::int64_t many = 1'000'000'000;

void add_run(CLI::App& app, GptOptions& options) {
  add_path(app, "--output", options.output, "folder of the run: model, checkpoint, log, report");
  app.add_flag("--resume", options.resume, "go on with the run in that folder");
  app.add_flag("--overwrite", options.overwrite, "replace the run in that folder");
  app.add_option("--generate", options.generate,
                 "train nothing: go on with this text by the model in that folder");
  add_number(app, "--at-most", options.at_most, 0.0, 1e9, "fail if the loss is above this")
      ->default_str("none");
  add_number(app, "--time-limit", options.time_limit, 0.0, 1e9,
             "end after so many seconds, as Ctrl-C does")
      ->default_str("none");
  add_number(app, "--save-every", options.save_every, 0.0, 1e9, "seconds between checkpoints");
  add_number(app, "--threads", options.threads, 0, 1024, "0: one for each processor");
  for (CLI::Option* option : app.get_options()) option->configurable(false);
  add_number(app, "--seed", options.seed, 0, std::numeric_limits<std::uint64_t>::max(),
             "of the first weights, of what is drawn and of what is generated");
}

void add_texts(CLI::App& app, GptOptions& options) {
  app.option_defaults()->group("Text");
  auto* corpus =
      add_path(app, "--corpus", options.corpus, "a text of your own; its last tenth is held out");
  add_choice<TextEncoding>(app, "--encoding", options.encoding,
                           {{"utf8", TextEncoding::utf8}, {"latin1", TextEncoding::latin1}},
                           "of the text");
  app.add_flag("--documents", options.documents,
               "each line is a text of its own, such as a name; a tenth of them, 1000 at most, is "
               "held out")
      ->needs(corpus);
  add_tokenizer(app, options.tokenizer,
                "learn its tokens instead of characters; the run keeps a copy of it");
  add_number(
      app, "--bpe", options.bpe, 0, many,
      "make so many tokens of bytes from the text, by byte-pair encoding, and learn these; 0: "
      "characters");
}

void add_model(CLI::App& app, GptOptions& options) {
  app.option_defaults()->group("Model");
  GptModelOptions& model = options.model;
  add_number(app, "--block-size", model.block_size, 1, 1'000'000,
             "characters or tokens seen at once");
  add_number(app, "--layers", model.layers, 1, 1000, "transformer layers");
  add_number(app, "--heads", model.heads, 1, 1000, "of attention, which divide --size");
  add_number(app, "--size", model.size, 1, 100'000, "of the vectors");
  add_number(app, "--dropout", model.dropout, 0.0, 0.999,
             "of the input, of attention and of what layers add");
  app.add_flag("--bias", model.bias, "give linear layers and norms a bias");
  add_number(app, "--init-std", model.init_std, 0.0, 10.0,
             "standard deviation of the first weights; that of nanoGPT is 0.02");
  app.add_option("--freeze", options.freeze, "parameters that are not trained")->group("");
}

void add_training(CLI::App& app, GptOptions& options) {
  app.option_defaults()->group("Training");
  add_number(app, "--iterations", options.iterations, 1, many, "steps");
  add_number(app, "--batch-size", options.batch_size, 1, many, "pieces of the text in a step");
  add_number(app, "--lr", options.lr, 0.0, 100.0, "highest learning rate of AdamW");
  add_number(app, "--min-lr", options.min_lr, 0.0, 100.0,
             "rate at the end, to which it falls as a cosine");
  add_number(app, "--warmup", options.warmup, 0, many, "steps in which the rate rises at first");
  add_number(app, "--beta1", options.beta1, 0.0, 0.9999, "decay of the mean of gradients");
  add_number(app, "--beta2", options.beta2, 0.0, 0.99999, "decay of the mean of their squares");
  add_number(app, "--weight-decay", options.weight_decay, 0.0, 100.0, "of matrices and tables");
  add_number(app, "--clip", options.clip, 0.0, 1e9,
             "norm that gradients are scaled down to; 0: none");
  add_number(app, "--evaluate-every", options.evaluate_every, 1, many,
             "steps between evaluations on all of the held-out text");
  add_number(app, "--sample", options.sample, 0, many,
             "characters or tokens that the model writes at each of them");
  add_number(app, "--patience", options.patience, 0, many,
             "end after so many evaluations that were not better; 0: never");
}

/// Flags of --generate.
const std::set<std::string> generation_flags = {
    "--characters", "--temperature",        "--top-k",     "--top-p",
    "--min-p",      "--repetition-penalty", "--no-repeat", "--stop",
    "--beams",      "--length-penalty",     "--samples"};

void add_generation(CLI::App& app, GptOptions& options) {
  app.option_defaults()->group("Generate");
  GenerateOptions& generation = options.generation;
  add_number(app, "--characters,--tokens", generation.max_new_tokens, 0, many,
             "how many of them to write");
  add_number(app, "--temperature", generation.temperature, 0.0, 100.0,
             "below 1: likely ones become likelier; 0: always the likeliest");
  add_number(app, "--top-k", generation.top_k, 0, many, "draw from the k likeliest; 0: from all");
  add_number(app, "--top-p", generation.top_p, 1e-9, 1.0,
             "draw from the likeliest that have this probability together");
  add_number(app, "--min-p", generation.min_p, 0.0, 1.0,
             "draw from those that have this share of the probability of the likeliest");
  add_number(app, "--repetition-penalty", generation.repetition_penalty, 0.01, 100.0,
             "above 1: what is there becomes less likely");
  add_number(app, "--no-repeat", generation.no_repeat_ngram_size, 0, many,
             "no so many in succession occur twice; 0: they may");
  app.add_option("--stop", options.stop, "a text after which to stop");
  add_number(app, "--beams", generation.num_beams, 1, 10'000,
             "above 1: search for a likely text with so many beams, instead of drawing");
  add_number(app, "--length-penalty", generation.length_penalty, -100.0, 100.0,
             "of such texts; the greater, the longer they are");
  add_number(app, "--samples", generation.num_return_sequences, 1, 10'000, "texts to write");
  for (const std::string& flag : generation_flags) app.get_option(flag)->configurable(false);
}

void add_flags(CLI::App& app, GptOptions& options) {
  app.option_defaults()->always_capture_default();
  add_run(app, options);
  add_texts(app, options);
  add_model(app, options);
  add_training(app, options);
  add_generation(app, options);
}

/// What single flags cannot see.
void check(const CLI::App& app, const GptOptions& options) {
  std::set<std::string> of_generate = generation_flags;
  of_generate.insert({"--output", "--seed", "--threads"});
  refuse(app, "--generate", of_generate, false);
  refuse(app, "--resume", {"--output", "--at-most", "--time-limit", "--save-every", "--threads"},
         false);
  refuse(app, "--documents", {"--block-size"});
  if (app.count("--tokenizer") > 0 && app.count("--bpe") > 0) {
    throw CLI::ValidationError("--bpe",
                               "makes a tokenizer, and --tokenizer names one: leave one out");
  }
  if (options.bpe != 0 && options.bpe < 256) {
    throw CLI::ValidationError("--bpe", fmt::format("{} tokens are fewer than the 256 bytes, which "
                                                    "are tokens too: make more of them",
                                                    options.bpe));
  }
  if (options.generation.num_beams > 1) {
    refuse(app, "--beams", {"--temperature", "--top-k", "--top-p", "--min-p", "--seed"});
  } else if (app.count("--length-penalty") > 0) {
    throw CLI::ValidationError("--length-penalty", "has no effect without --beams");
  }
  for (const std::string& flag : generation_flags) {
    if (app.count(flag) == 0 || app.count("--generate") > 0) continue;
    throw CLI::ValidationError(flag, "has no effect without --generate");
  }
  if (options.model.size % options.model.heads != 0) {
    throw CLI::ValidationError("--heads", fmt::format("{} heads do not divide --size {}",
                                                      options.model.heads, options.model.size));
  }
  if (options.warmup >= options.iterations) {
    throw CLI::ValidationError("--warmup", fmt::format("{} steps are not below --iterations {}",
                                                       options.warmup, options.iterations));
  }
}

/// The options that the run in `options.output` began with.
void read_run(GptOptions& options) {
  CLI::App app(description, "gpt");
  add_flags(app, options);
  read_run_options(app, options.output);
  options.text = run_options(app);
}

}  // namespace

bool parse_options(int argc, char** argv, GptOptions& options, int& exit_code) {
  CLI::App app(description, "gpt");
  add_flags(app, options);
  try {
    app.parse(argc, argv);
    check(app, options);
    options.text = run_options(app);
    if (options.resume) read_run(options);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return false;
  }
  if (app.count("--generate") > 0) options.task = GptTask::generate;
  return true;
}

}  // namespace gradus::examples
