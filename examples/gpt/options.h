#pragma once
#include <gradus/examples/common/run_folder.h>
#include <gradus/examples/gpt/model.h>
#include <gradus/framework/data/read_options.h>
#include <gradus/framework/ops/nn/generate.h>

#include <cstdint>
#include <limits>
#include <string>

namespace gradus::examples {

enum class GptTask : std::uint8_t { train, generate };

/// What can be chosen on the command line of gpt.
struct GptOptions {
  /// The path of a file of the run.
  std::string file(RunFile name) const { return path_in(output, name); }

  GptTask task = GptTask::train;
  std::string output = "build/gpt";  ///< the folder of the run
  bool resume = false, overwrite = false;
  std::string generate;

  std::string corpus;  ///< empty: the King James Bible
  TextEncoding encoding = TextEncoding::utf8;
  bool documents = false;  ///< each line is one
  std::string tokenizer;   ///< empty: characters, or
  std::int64_t bpe = 0;    ///< so many tokens that are made from the text; 0: none

  GptModelOptions model;
  std::string freeze;  ///< a pattern of parameters that are not trained, for tests

  std::int64_t iterations = 2000, batch_size = 12, warmup = 100;
  double lr = 1e-3, min_lr = 1e-4, beta1 = 0.9, beta2 = 0.99, weight_decay = 0.1, clip = 1;
  std::int64_t evaluate_every = 500, patience = 0, sample = 200;

  GenerateOptions generation = {.max_new_tokens = 500, .do_sample = true, .temperature = 0.8};
  std::string stop;  ///< ends a text
  double at_most = std::numeric_limits<double>::infinity();
  double time_limit = std::numeric_limits<double>::infinity();
  double save_every = 600;
  std::uint64_t seed = 1;
  int threads = 0;

  std::string text;  ///< what a run depends on, for its options_file
};

/// Reads the command line and, with --resume, the options of the run. False if the program ends
/// with `exit_code` (after --help, or an error).
bool parse_options(int argc, char** argv, GptOptions& options, int& exit_code);

}  // namespace gradus::examples
