#pragma once
#include <gradus/examples/common/rate_schedule.h>
#include <gradus/examples/common/run_folder.h>
#include <gradus/examples/tagger/model.h>
#include <gradus/examples/tagger/sentences.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace gradus::examples {

enum class TaggerTask : std::uint8_t { train, evaluate, tag };

/// What can be chosen on the command line of tagger.
struct TaggerOptions {
  /// The path of a file of the run.
  std::string file(RunFile name) const { return path_in(output, name); }

  TaggerTask task = TaggerTask::train;
  std::string output = "build/tagger";  ///< the folder of the run
  bool resume = false, overwrite = false;
  std::string evaluate, tag;

  std::string corpus, valid, test;  ///< empty: the Turkish treebank; the last tenth of the corpus
  SentenceFormat format;
  std::string scheme = "auto";
  TagCodingOptions coding;
  bool tokenized = false;

  std::string vectors, tokenizer;
  TaggerModelOptions model;
  std::string freeze;  ///< a pattern of parameters that are not trained

  std::int64_t epochs = 15, batch_size = 16, patience = 0;
  double lr = 0.002, clip = 5, replaced = 0.5;
  RateSchedule schedule = RateSchedule::linear;

  double at_least = 0;
  double time_limit = std::numeric_limits<double>::infinity();
  double save_every = 600;
  std::uint64_t seed = 1;
  int threads = 0;

  std::string text;  ///< what a run depends on, for its options_file
};

/// Reads the command line and, with --resume, the options of the run. False if the program ends
/// with `exit_code` (after --help, or an error).
bool parse_options(int argc, char** argv, TaggerOptions& options, int& exit_code);

}  // namespace gradus::examples
