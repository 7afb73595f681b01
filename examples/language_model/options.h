#pragma once
#include <gradus/examples/common/rate_schedule.h>
#include <gradus/examples/common/run_folder.h>
#include <gradus/examples/language_model/model.h>

#include <cstdint>
#include <limits>
#include <string>

namespace gradus::examples {

enum class Task : std::uint8_t { train, evaluate, generate };

/// What can be chosen on the command line of language_model.
struct LanguageModelOptions {
  /// The path of a file of the run.
  std::string file(RunFile name) const;

  Task task = Task::train;
  std::string output = "build/language_model";  ///< the folder of the run
  bool resume = false, overwrite = false;
  std::string evaluate, generate;

  std::string corpus, valid;  ///< empty: the King James Bible; the last tenth of the corpus
  TextEncoding encoding = TextEncoding::utf8;
  CodingOptions coding;

  ModelOptions model;
  std::string freeze;  ///< a pattern of parameters that are not trained, for tests

  std::int64_t epochs = 5, batch_size = 20, steps = 35, patience = 0;
  double lr = 0.003, clip = 0.5;
  RateSchedule schedule = RateSchedule::linear;

  GenerateOptions generation;
  double at_most = std::numeric_limits<double>::infinity();
  double time_limit = std::numeric_limits<double>::infinity();
  double save_every = 600;
  std::uint64_t seed = 1;
  int threads = 0;

  std::string text;  ///< what a run depends on, for its options_file
};

/// Reads the command line and, with --resume, the options of the run. False if the program ends
/// with `exit_code` (after --help, or an error).
bool parse_options(int argc, char** argv, LanguageModelOptions& options, int& exit_code);

}  // namespace gradus::examples
