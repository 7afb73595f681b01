#pragma once
#include <gradus/examples/kjv/classifier.h>
#include <gradus/examples/kjv/word_vectors.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace gradus::examples {

/// Words of the Bible whose nearest neighbours are shown by default.
inline const std::vector<std::string> usual_words = {"king",     "jesus",   "bread",
                                                     "mountain", "rejoice", "seven"};

/// What can be chosen on the command line of kjv_demo.
struct DemoOptions {
  std::filesystem::path corpus, train, test;  ///< the user's own texts; empty: the King James Bible
  std::string labels = "parts";               ///< of the Bible: parts or testaments
  std::filesystem::path output = "build/kjv_demo";
  std::filesystem::path write_split;  ///< only write the split there
  std::filesystem::path model;        ///< only use this saved model
  std::vector<std::string> classify;
  std::vector<std::string> words;  ///< empty: those of usual_words that the texts have

  std::int64_t min_count = 2;
  WordVectorSettings vectors;
  TrainSettings training;
  std::int64_t tune_epochs = 5;  ///< after unfreezing
  bool scratch_only = false;
  bool pairs = true;  ///< also train with pairs of neighbouring words as features
  bool quick = false;
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0: all processors
};

/// Reads the command line and checks every value and combination. Returns false if the program
/// should end with `exit_code`: help was requested, or something is wrong and has been printed.
bool parse_options(int argc, char** argv, DemoOptions& options, int& exit_code);

}  // namespace gradus::examples
