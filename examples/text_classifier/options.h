#pragma once
#include <gradus/examples/text_classifier/classifier.h>
#include <gradus/framework/data/labeled_text.h>

#include <cstdint>
#include <limits>
#include <string>

namespace gradus::examples {

enum class Command : std::uint8_t { train, test, predict };

struct ClassifierOptions {
  Command command = Command::train;
  std::string input, valid, model, output = "model.safetensors", vectors, tokenizer, log, report;
  LabeledTextOptions format;
  TextFeatures features;
  TextModelOptions model_options;
  bool freeze = false, prob = false;
  std::int64_t dim = 100, epochs = 25, batch_size = 8, min_count = 1;
  std::int64_t patience = 0, k = 1;
  double lr = 0.5, at_least = 0;
  double time_limit = std::numeric_limits<double>::infinity();
  std::uint64_t seed = 1;
  int threads = 0;
};

/// Reads the command line. False if the program ends with `exit_code` (after --help, or an error).
bool parse_options(int argc, char** argv, ClassifierOptions& options, int& exit_code);

}  // namespace gradus::examples
