// A tagger: which label each word of a sentence has, by a BiLSTM over words and their characters,
// and a conditional random field over labels.
//
// Promises: on the Turkish treebank that it learns from by default, more than 94 % of the parts of
// speech of the test sentences are right (the most frequent label of each word: 90 %). On sentences
// whose labels depend on the words before them it gets 95 % right, and `--at-least 95` ends with
// exit code 1 if it does not, as after `--lr 0` or with frozen recurrent weights.
#include <fmt/format.h>
#include <gradus/examples/common/folder.h>
#include <gradus/examples/common/output.h>
#include <gradus/examples/tagger/options.h>
#include <gradus/examples/tagger/report.h>
#include <gradus/examples/tagger/scoring.h>
#include <gradus/gradus.h>
#include <gradus/text.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>

using namespace gradus;
using namespace gradus::examples;

namespace {

struct Corpus {
  std::vector<TaggedSentence> train, valid, test;  // test may be empty
};

Corpus load_corpus(const TaggerOptions& options) {
  if (options.corpus.empty()) {
    const Treebank files = turkish_treebank();
    const auto read = [&](const std::string& path) {
      return read_sentences(path, {.column = options.format.column});
    };
    return {read(files.train), read(files.valid), read(files.test)};
  }
  Corpus corpus{read_sentences(options.corpus, options.format), {}, {}};
  corpus.valid = options.valid.empty() ? hold_out(corpus.train, options.corpus)
                                       : read_sentences(options.valid, options.format);
  if (!options.test.empty()) corpus.test = read_sentences(options.test, options.format);
  return corpus;
}

std::optional<TagScheme> choose_scheme(const Corpus& corpus, const TaggerOptions& options) {
  if (options.scheme == "none") return std::nullopt;
  if (options.scheme == "auto") return find_scheme(corpus.train);
  for (const auto& [name, scheme] : tag_schemes()) {
    if (options.scheme != name) continue;
    check_scheme(corpus.train, scheme);
    return scheme;
  }
  return std::nullopt;
}

void describe_vectors(const WordVectors& vectors, const std::vector<TaggedSentence>& sentences,
                      const TaggerOptions& options) {
  const Vocabulary known = Vocabulary::from_words(vectors.words);
  std::int64_t words = 0, found = 0;
  for (const TaggedSentence& sentence : sentences) {
    for (const std::string& word : sentence.words) {
      for (const std::string& key : word_keys(word, options.coding.cased, options.coding.pieces)) {
        ++words;
        found += known.contains(key) ? 1 : 0;
      }
    }
  }
  fmt::print("{:.2f} % of the words to learn from have a vector\n",
             100 * static_cast<double>(found) / static_cast<double>(words));
  if (found > 0) return;
  throw Error(fmt::format("--vectors: '{}' has no word of the sentences", options.vectors));
}

TrainedTagger make_tagger(const Corpus& corpus, const TaggerOptions& options) {
  WordVectors vectors;
  if (!options.vectors.empty()) {
    vectors = load_word_vectors(options.vectors);
    describe_vectors(vectors, corpus.train, options);
  }
  TagCoding coding = TagCoding::of(corpus.train, vectors.words, options.coding);
  const auto scheme = choose_scheme(corpus, options);
  const Tensor rows = make_word_rows(coding.words, vectors, options.model.dim);
  TaggerModelOptions sizes = options.model;
  sizes.dim = rows.size(1);
  const Tagger model(rows, coding, scheme, sizes);
  if (!options.freeze.empty()) freeze(model.parameters(), options.freeze);
  return {std::move(coding),          scheme, sizes, options.format.column,
          options.format.word_column, model};
}

std::vector<std::int64_t> lengths_of(const std::vector<TaggedSentence>& sentences) {
  std::vector<std::int64_t> lengths;
  lengths.reserve(sentences.size());
  for (const TaggedSentence& sentence : sentences) lengths.push_back(std::ssize(sentence.words));
  return lengths;
}

/// What the run learns from as one number, by which one that goes on knows it.
std::uint64_t hash_of(const std::vector<TaggedSentence>& sentences, const TagCoding& coding) {
  std::string all = coding.words.text();
  for (const TaggedSentence& sentence : sentences) {
    all += fmt::format("{}\n{}\n", fmt::join(sentence.words, " "), fmt::join(sentence.tags, " "));
  }
  return std::hash<std::string>()(all);
}

/// The loop over epochs and batches, with what surrounds it.
class Training {
 public:
  Training(const TrainedTagger& trained, const Corpus& corpus, const TaggerOptions& options)
      : trained_(trained), corpus_(corpus), options_(options) {
    if (options.resume) load();
  }

  void run() {
    const std::vector<std::int64_t> lengths = lengths_of(corpus_.train);
    const std::int64_t epoch_words = std::reduce(lengths.begin(), lengths.end());
    Progress progress(epoch_words * options_.epochs,
                      {.name = "train", .unit = "words", .start = epoch_words * epoch_ + words_});
    while (epoch_ < options_.epochs && !has_to_end()) {
      for (const SentenceBatch& batch : loader_) {
        step(batch, progress);
        if (until_save_.expired()) save();
        if (is_interrupted()) break;
      }
      if (words_ == epoch_words) end_epoch(progress);
    }
    save();
  }

  /// Why it ended before its last epoch; empty if it did not.
  const std::string& ended() const { return ended_; }
  int exit_code() const { return stop_.requested() ? 128 + stop_.signal() : 0; }
  const EarlyStopping& stopping() const { return stopping_; }

 private:
  bool is_interrupted() {
    if (limit_.expired()) ended_ = "the time is over: --resume goes on";
    if (stop_.requested()) ended_ = "stopped: --resume goes on";
    return !ended_.empty();
  }

  bool has_to_end() {
    if (options_.patience > 0 && stopping_.should_stop()) ended_ = "it no longer gets better";
    return is_interrupted();
  }

  void step(const SentenceBatch& batch, Progress& progress) {
    optimizer_.zero_grad();
    const Tensor loss = trained_.model.loss(batch);
    if (steps_ == 0) check_registered(loss, trained_.model);
    loss.backward();
    if (options_.clip > 0) clip_grad_norm(trained_.model.parameters(), options_.clip);
    optimizer_.step();
    scheduler_.step();
    add_loss(loss.item() * static_cast<double>(batch.labels.size(0)),
             sum(batch.lengths).item<std::int64_t>(), progress);
  }

  void add_loss(double loss, std::int64_t words, Progress& progress) {
    if (!std::isfinite(loss)) {
      throw Error(
          fmt::format("the loss is {} with --lr {} and --clip {}: use a smaller rate or norm; the "
                      "last checkpoint is from before",
                      loss, options_.lr, options_.clip));
    }
    losses_ += loss;
    words_ += words;
    progress.update(words, {{"loss", mean_loss()}});
    if (++steps_ % 20 == 0) log_.write(steps_, {{"loss", loss / static_cast<double>(words)}});
  }

  /// -log p of a word, of those of this epoch so far, while the model changed.
  double mean_loss() const { return losses_ / static_cast<double>(words_); }

  void end_epoch(Progress& progress) {
    const TaggingScore score = evaluate(trained_, corpus_.valid);
    log_.write(steps_, {{"epoch loss", mean_loss()}, {"valid score", score.result()}});
    const bool is_best = stopping_.step(score.result());
    if (is_best) trained_.save(options_.file(model_file));
    progress.print(fmt::format("epoch {}: loss {:.4f}; held-out sentences: {}{}", ++epoch_,
                               mean_loss(), score.str(), is_best ? "" : ", not better"));
    losses_ = 0;
    words_ = 0;
    save();
  }

  std::vector<CheckpointPart> parts() {
    std::vector<CheckpointPart> parts = {{"model", trained_.model},
                                         {"optimizer", optimizer_},
                                         {"scheduler", scheduler_},
                                         {"stopping", stopping_},
                                         {"loader", loader_},
                                         {"epoch", epoch_},
                                         {"steps", steps_},
                                         {"losses", losses_},
                                         {"words", words_},
                                         {"text", text_},
                                         {"generator", default_generator()}};
    if (trained_.coding.pieces) parts.emplace_back("tokenizer", tokenizer_);
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

  const TrainedTagger& trained_;
  const Corpus& corpus_;
  const TaggerOptions& options_;
  DataLoader<const std::vector<TaggedSentence>&, CollateSentences> loader_{
      corpus_.train,
      {&trained_.coding, options_.replaced},
      {.batch_sampler = batches_by_length(lengths_of(corpus_.train),
                                          {.batch_size = options_.batch_size, .shuffle = true}),
       .num_workers = num_threads() > 1 ? 1 : 0}};
  Adam optimizer_{trained_.model.parameters(), {.lr = options_.lr, .lazy = true}};
  LRScheduler scheduler_{optimizer_,
                         make_schedule(options_.schedule, options_.epochs* loader_.size())};
  EarlyStopping stopping_{
      {.patience = std::max<std::int64_t>(options_.patience, 1), .maximize = true}};
  MetricsLogger log_{options_.file(log_file), {.resume = options_.resume}};
  const StopSignal stop_;
  const TimeLimit limit_{options_.time_limit};
  TimeLimit until_save_{options_.save_every};
  std::int64_t epoch_ = 0, steps_ = 0, words_ = 0;  // words_: of this epoch
  double losses_ = 0;
  std::uint64_t text_ = hash_of(corpus_.train, trained_.coding);
  std::uint64_t tokenizer_ = trained_.coding.pieces ? trained_.coding.pieces->hash() : 0;
  std::string ended_;
};

void check_score(double score, const TaggerOptions& options) {
  if (100 * score >= options.at_least) return;
  throw Error(fmt::format("the result is below {} %, which --at-least asks for", options.at_least));
}

void describe(const Corpus& corpus, const TrainedTagger& trained) {
  const std::vector<std::int64_t> lengths = lengths_of(corpus.train);
  fmt::print(
      "{} sentences of {} words to learn from, {} different {}, {} labels{}; {} parameters\n",
      corpus.train.size(), std::reduce(lengths.begin(), lengths.end()), trained.coding.words.size(),
      trained.coding.pieces ? "pieces" : "words", trained.coding.labels.size(),
      trained.scheme ? fmt::format(" that mark spans ({})", name_of(*trained.scheme)) : "",
      trained.model.num_parameters());
  fmt::print("the most frequent label of each word, held-out sentences: {}\n",
             most_frequent_labels(corpus.train, corpus.valid, trained.scheme).str());
  std::fflush(stdout);
}

/// Begins a run, or goes on with one, and reads its tokenizer, if it has one.
void open_run(TaggerOptions& options) {
  std::optional<TextPieces>& pieces = options.coding.pieces;
  file_in(options.output, checkpoint_file.name, "--output");
  if (options.resume) {
    if (!options.tokenizer.empty()) pieces = kept_tokenizer(options.output);
    return;
  }
  if (!options.tokenizer.empty()) pieces = TextPieces::load(options.tokenizer);
  begin_run(options.output, options.text, options.overwrite);
  if (pieces) keep_tokenizer(options.output, *pieces);
}

int train(TaggerOptions options) {
  open_run(options);
  const Corpus corpus = load_corpus(options);
  const TrainedTagger trained = make_tagger(corpus, options);
  describe(corpus, trained);
  Training training(trained, corpus, options);
  training.run();
  const EarlyStopping& stopping = training.stopping();
  if (!training.ended().empty()) fmt::print("{}\n", training.ended());
  if (stopping.best_step() < 0) return training.exit_code();
  check_has_model(options.output);
  const TrainedTagger best = TrainedTagger::load(options.file(model_file));
  double result = stopping.best();
  std::vector<NamedValue> results = {{"held-out sentences", 100 * result}};
  fmt::print("held-out sentences: {:.2f} %, after epoch {}: saved in {}\n", 100 * result,
             stopping.best_step() + 1, options.file(model_file));
  if (!corpus.test.empty()) {
    const TaggingScore score = evaluate(best, corpus.test);
    result = score.result();
    results.push_back({"test sentences", 100 * result});
    fmt::print("test sentences: {} (the most frequent label of each word: {})\n", score.str(),
               most_frequent_labels(corpus.train, corpus.test, best.scheme).str());
  }
  write_report(options, best, corpus.valid, results);
  fmt::print("report: {}\n", options.file(report_file));
  check_score(result, options);
  return training.exit_code();
}

// ---- the other tasks

int evaluate(const TaggerOptions& options) {
  const TrainedTagger trained = TrainedTagger::load(options.file(model_file));
  SentenceFormat format = options.format;
  if (format.column.empty()) format.column = trained.column;
  if (format.word_column == 0) format.word_column = trained.word_column;
  const TaggingScore score = evaluate(trained, read_sentences(options.evaluate, format));
  fmt::print("{}\n", score.str());
  check_score(score.result(), options);
  return 0;
}

/// Writes a word and its label a line, and a blank line after each sentence.
int tag(const TaggerOptions& options) {
  const TrainedTagger trained = TrainedTagger::load(options.file(model_file));
  LineStream lines(options.tag == "-" ? "/dev/stdin" : options.tag,
                   {.may_be_empty = true, .encoding = options.format.encoding});
  for (const std::string& line : lines) {
    const std::vector<Words> sentence = {options.tokenized ? split_words(line)
                                                           : tokenize(line, {.lowercase = false})};
    if (sentence[0].empty()) continue;
    const Words labels = trained.tag(sentence)[0];
    for (std::size_t t = 0; t < labels.size(); ++t)
      fmt::print("{}\t{}\n", sentence[0][t], labels[t]);
    fmt::print("\n");
    flush_output();  // whoever feeds a pipe waits for the answer
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  TaggerOptions options;
  int exit_code = 0;
  if (!parse_options(argc, argv, options, exit_code)) return exit_code;
  try {
    if (options.threads > 0) set_num_threads(options.threads);
    manual_seed(options.seed);
    if (options.task == TaggerTask::evaluate) return after_output(evaluate(options));
    if (options.task == TaggerTask::tag) return after_output(tag(options));
    return after_output(train(options));
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "tagger: {}\n", error.what());
    return 1;
  }
}
