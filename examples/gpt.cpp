// A GPT on characters, or on tokens: a transformer that reads a text and guesses the next one.
//
// Promises: with the default flags, on Tiny Shakespeare, the loss of all held-out text is at
// most 1.90 (mean of three seeds) after two minutes of one core: see docs/gpt.md.
#include <fmt/format.h>
#include <gradus/examples/common/folder.h>
#include <gradus/examples/common/output.h>
#include <gradus/examples/gpt/options.h>
#include <gradus/examples/gpt/report.h>
#include <gradus/examples/gpt/texts.h>
#include <gradus/examples/gpt/trained.h>
#include <gradus/gradus.h>
#include <gradus/text.h>

#include <algorithm>
#include <cmath>
#include <optional>

using namespace gradus;
using namespace gradus::examples;

namespace {

AdamW make_optimizer(const Gpt& model, const GptOptions& options) {
  const auto [decayed, exempt] = split_for_decay(model.parameters());
  AdamWOptions rule{.lr = options.lr,
                    .betas = {options.beta1, options.beta2},
                    .weight_decay = options.weight_decay};
  AdamWOptions without_decay = rule;
  without_decay.weight_decay = 0;
  return AdamW({{decayed, rule}, {exempt, without_decay}});
}

Schedule make_schedule(const GptOptions& options) {
  Schedule fall = cosine_annealing_lr(options.iterations - options.warmup, options.min_lr);
  if (options.warmup == 0) return fall;
  return sequential_lr({linear_warmup(options.warmup), fall}, {options.warmup});
}

std::optional<std::uint64_t> hash_of_tokens(const TextCoding& coding) {
  if (coding.tokens() == nullptr) return std::nullopt;
  return coding.tokens()->hash();
}

/// The loop over steps, with what surrounds it.
class Training {
 public:
  Training(const TrainedGpt& trained, const GptTexts& texts, const GptOptions& options)
      : trained_(trained), texts_(texts), options_(options) {
    if (options.resume) load();
  }

  void run() {
    Progress progress(options_.iterations, {.name = "train", .unit = "steps", .start = iteration_});
    while (iteration_ < options_.iterations && !has_to_end()) {
      step(progress);
      const bool is_due = iteration_ % options_.evaluate_every == 0;
      if (is_due || iteration_ == options_.iterations) evaluate(progress);
      if (until_save_.expired()) save();
    }
    save();
  }

  /// Why it ended before its last step; empty if it did not.
  const std::string& ended() const { return ended_; }
  int exit_code() const { return stop_.requested() ? 128 + stop_.signal() : 0; }
  const EarlyStopping& stopping() const { return stopping_; }

 private:
  bool has_to_end() {
    if (options_.patience > 0 && stopping_.should_stop()) ended_ = "it no longer gets better";
    if (limit_.expired()) ended_ = "the time is over: --resume goes on";
    if (stop_.requested()) ended_ = "stopped: --resume goes on";
    return !ended_.empty();
  }

  void step(Progress& progress) {
    const auto [inputs, targets] = texts_.train.draw(options_.batch_size);
    optimizer_.zero_grad();
    const Tensor loss = cross_entropy(trained_.model(inputs), targets);
    if (steps_ == 0) check_registered(loss, trained_.model);
    loss.backward();
    if (options_.clip > 0) clip_grad_norm(trained_.model.parameters(), options_.clip);
    optimizer_.step();
    scheduler_.step();
    ++iteration_;
    add_loss(loss.item(), progress);
  }

  void add_loss(double loss, Progress& progress) {
    if (!std::isfinite(loss)) {
      throw Error(
          fmt::format("the loss is {} with --lr {} and --clip {}: use a smaller rate or norm; the "
                      "last checkpoint is from before",
                      loss, options_.lr, options_.clip));
    }
    losses_ += loss;
    ++steps_;
    progress.update(1, {{"loss", mean_of_steps()}});
    if (iteration_ % 10 == 0) log_.write(iteration_, {{"loss", loss}});
  }

  /// Since the last evaluation, while the model changed.
  double mean_of_steps() const { return losses_ / static_cast<double>(steps_); }

  void evaluate(Progress& progress) {
    const double valid = mean_loss(trained_.model, texts_.valid);
    log_.write(iteration_, {{"valid loss", valid}});
    const bool is_best = stopping_.step(valid);
    if (is_best) trained_.save(options_.file(model_file));
    progress.print(
        fmt::format("step {}: loss {:.4f}, of the held-out text {:.4f} ({:.4f} bits per "
                    "byte){}",
                    iteration_, mean_of_steps(), valid, bits_per_byte(valid, texts_),
                    is_best ? "" : ", not better"));
    if (options_.sample > 0) progress.print(sample());
    losses_ = 0;
    steps_ = 0;
  }

  /// What the model writes by now; that does not change what the training draws.
  std::string sample() const {
    Generator generator(options_.seed);
    trained_.model.eval();
    std::string all;
    for (const WrittenText& written :
         trained_.write("",
                        {.max_new_tokens = options_.sample,
                        .do_sample = true,
                        .temperature = 0.8,
                        .num_return_sequences = options_.documents ? 8 : 1},
                        "", generator)) {
      all += written.text;
    }
    trained_.model.train();
    return all;
  }

  std::vector<CheckpointPart> parts() {
    std::vector<CheckpointPart> parts = {
        {"model", trained_.model}, {"optimizer", optimizer_}, {"scheduler", scheduler_},
        {"stopping", stopping_},   {"iteration", iteration_}, {"steps", steps_},
        {"losses", losses_},       {"text", text_},           {"generator", default_generator()}};
    if (tokenizer_) parts.emplace_back("tokenizer", *tokenizer_);
    return parts;
  }

  void save() {
    save_checkpoint(parts(), options_.file(checkpoint_file));
    until_save_ = TimeLimit(options_.save_every);
  }

  void load() {
    check_same_text(options_.output, text_);
    load_checkpoint(parts(), options_.file(checkpoint_file));
  }

  const TrainedGpt& trained_;
  const GptTexts& texts_;
  const GptOptions& options_;
  AdamW optimizer_ = make_optimizer(trained_.model, options_);
  LRScheduler scheduler_{optimizer_, make_schedule(options_)};
  EarlyStopping stopping_{{.patience = std::max<std::int64_t>(options_.patience, 1)}};
  MetricsLogger log_{options_.file(log_file), {.resume = options_.resume}};
  const StopSignal stop_;
  const TimeLimit limit_{options_.time_limit};
  TimeLimit until_save_{options_.save_every};
  std::int64_t iteration_ = 0, steps_ = 0;  // steps_: since the last evaluation
  double losses_ = 0;
  std::uint64_t text_ = texts_.train.hash();
  std::optional<std::uint64_t> tokenizer_ = hash_of_tokens(trained_.coding);
  std::string ended_;
};

/// Begins a run or goes on with one, which keeps its tokenizer, if it has one.
GptTexts open_run(const GptOptions& options) {
  file_in(options.output, checkpoint_file.name, "--output");
  std::optional<TextPieces> tokenizer;
  if (options.resume) {
    const bool has_kept = options.bpe > 0 || !options.tokenizer.empty();
    if (has_kept) tokenizer = kept_tokenizer(options.output);
    return load_gpt_texts(options, tokenizer);
  }
  if (!options.tokenizer.empty()) tokenizer = TextPieces::load(options.tokenizer);
  begin_run(options.output, options.text, options.overwrite);
  GptTexts texts = load_gpt_texts(options, tokenizer);
  if (texts.coding.tokens() != nullptr) keep_tokenizer(options.output, *texts.coding.tokens());
  return texts;
}

int train(GptOptions options) {
  const GptTexts texts = open_run(options);
  if (options.documents) options.model.block_size = texts.longest();
  const TrainedGpt trained{texts.coding, Gpt(texts.coding.size(), options.model),
                           options.documents};
  if (!options.freeze.empty()) freeze(trained.model.parameters(), options.freeze);
  fmt::print("{} {} to learn from, {} held out, {} different ones; {} parameters\n",
             texts.train.ids().size(), texts.coding.unit(), texts.valid.ids().size(),
             texts.coding.size(), trained.model.num_parameters());
  std::fflush(stdout);
  Training training(trained, texts, options);
  training.run();
  const EarlyStopping& best = training.stopping();
  if (!training.ended().empty()) fmt::print("{}\n", training.ended());
  if (best.best_step() < 0) return training.exit_code();
  check_has_model(options.output);
  const double bits = bits_per_byte(best.best(), texts);
  fmt::print("validation loss {:.4f}, {:.4f} bits per byte: saved in {}\n", best.best(), bits,
             options.file(model_file));
  write_report(options, best.best(), bits);
  fmt::print("report: {}\n", options.file(report_file));
  if (best.best() <= options.at_most) return training.exit_code();
  throw Error(fmt::format("the loss is above {}, which --at-most asks for", options.at_most));
}

int generate(const GptOptions& options) {
  const TrainedGpt trained = TrainedGpt::load(options.file(model_file));
  GenerateOptions how = options.generation;
  how.do_sample = how.num_beams == 1;
  if (!how.do_sample) how.temperature = 1;
  const bool is_streamed = how.num_beams == 1 && how.num_return_sequences == 1;
  if (!is_streamed) {
    for (const WrittenText& written : trained.write(options.generate, how, options.stop)) {
      fmt::print("{}{}", written.text, written.text.ends_with('\n') ? "" : "\n");
    }
    return 0;
  }
  fmt::print("{}", options.generate);
  std::string last = options.generate;
  const auto show = [&](const std::string& text) {
    if (text.empty()) return;
    fmt::print("{}", text);
    flush_output();
    last = text;
  };
  trained.write(options.generate, how, options.stop, default_generator(), show);
  if (!last.ends_with('\n')) fmt::print("\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  GptOptions options;
  int exit_code = 0;
  if (!parse_options(argc, argv, options, exit_code)) return exit_code;
  try {
    if (options.threads > 0) set_num_threads(options.threads);
    manual_seed(options.seed);
    return after_output(options.task == GptTask::generate ? generate(options) : train(options));
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "gpt: {}\n", error.what());
    return 1;
  }
}
