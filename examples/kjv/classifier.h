#pragma once
#include <gradus/examples/common/corpus.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/module/state_dict.h>
#include <gradus/framework/text/vocabulary.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/optimizer.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::examples {

/// Turns texts into features, which are words and, with `pairs`, pairs of neighbouring words ("of
/// the").
std::vector<std::string> features_of(std::string_view text, bool pairs);

/// Turns texts into examples for a model, and its answers into labels.
struct Coding {
  Vocabulary vocabulary;  ///< id 0 is padding; features that it lacks are left out
  std::vector<std::string> labels;
  bool pairs = false;  ///< pairs of neighbouring words are features too
};

/// A text as the ids of its features, and its label as a number.
struct Example {
  std::vector<std::int64_t> ids;
  std::int64_t label;
};
std::vector<Example> encode(const Corpus& corpus, const Coding& coding);

/// Several texts, filled up with padding (id 0) to the length of the longest.
struct Batch {
  Tensor tokens;   ///< int64 [B, T]
  Tensor lengths;  ///< float32 [B, 1], at least 1
  Tensor labels;   ///< int64 [B]
};
Batch make_batch(const std::vector<Example>& examples, const std::vector<std::int64_t>& which);

/// The mean of the vectors of a text's words, and a linear layer.
struct TextClassifier : Module {
  TextClassifier(const Embedding& table, std::int64_t classes)
      : embedding(add("embedding", table)),
        output(add("output", Linear(table.embedding_dim(), classes))) {}

  /// [B, T] -> [B, classes]; padding is a row of zeros and adds nothing to the sum.
  Tensor operator()(const Batch& batch) const;

  const Embedding embedding;
  const Linear output;
};

struct TrainSettings {
  std::int64_t epochs = 5;
  std::int64_t batch = 32;
  double lr = 0.003;  ///< falls linearly to zero
  std::uint64_t seed = 1;
};

/// Trains everything that is not frozen. Returns false if Ctrl-C stopped it. Throws Error if the
/// loss stops being finite.
bool train_classifier(const std::string& job, const TextClassifier& model, Optimizer& optimizer,
                      const std::vector<Example>& examples, const TrainSettings& settings);

/// How a model does on texts with known labels.
struct Evaluation {
  double accuracy = 0;
  std::vector<std::vector<std::int64_t>> confusion;  ///< [true label][predicted label]
};
Evaluation evaluate(const TextClassifier& model, const std::vector<Example>& examples);

/// The share of the texts that have the most frequent label of the training texts.
double majority_share(const std::vector<Example>& train, const std::vector<Example>& test);

/// A model with its coding: everything needed to use it.
struct SavedClassifier {
  Coding coding;
  TextClassifier model;
};
/// Writes the state of a model as .safetensors file, with the coding in its metadata.
void save_classifier(StateDict state, const Coding& coding, const std::filesystem::path& path);
/// Reads such a file into a new model. Throws FormatError if another program wrote it.
SavedClassifier load_classifier(const std::filesystem::path& path);

/// "poetry 81 %, law 12 %, history 4 %", or a message that no word is known.
std::string describe_text(const SavedClassifier& classifier, std::string_view text);

}  // namespace gradus::examples
