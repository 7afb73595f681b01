#pragma once
#include <gradus/gradus.h>
#include <gradus/text.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::examples {

using Texts = std::vector<LabeledText>;

/// The features of a text: its words and, with `pairs`, pairs of neighbouring words ("of the").
std::vector<std::string> features_of(std::string_view text, bool pairs);

/// Turns texts into ids of features, and labels into numbers.
struct Coding {
  Vocabulary vocabulary;  ///< features that it lacks are left out
  LabelSet labels;
  bool pairs = false;

  std::vector<std::int64_t> ids(std::string_view text) const;
  LabeledIds operator()(const LabeledText& sample) const {
    return {ids(sample.text), labels.id(sample.label)};
  }
};

/// The mean of the vectors of a text's features, and a linear layer.
struct TextClassifier : Module {
  TextClassifier(const EmbeddingBag& table, const Coding& texts)
      : coding(texts),
        embedding(add("embedding", table)),
        output(add("output", Linear(table.embedding_dim(), texts.labels.size()))) {}

  /// B texts -> [B, classes]
  Tensor operator()(const FlatSequences& features) const {
    return output(embedding(features.ids, features.offsets));
  }

  const Coding coding;
  const EmbeddingBag embedding;
  const Linear output;
};

struct TrainSettings {
  std::int64_t epochs = 5;
  std::int64_t batch = 32;
  double lr = 0.003;  ///< falls linearly to zero
  std::uint64_t seed = 1;
};

/// Trains everything that is not frozen. Returns the signal that ended it early, such as that of
/// Ctrl-C, or 0. Throws Error if the loss stops being finite.
int train_classifier(const std::string& job, const TextClassifier& model, Optimizer& optimizer,
                     const Texts& texts, const TrainSettings& settings);

/// How a model does on texts with known labels.
struct Evaluation {
  Accuracy accuracy;
  ConfusionMatrix confusion;
  ClassificationScores scores;
};
Evaluation evaluate(const TextClassifier& model, const Texts& texts);

/// Writes a model as .safetensors file, with its coding in the metadata.
void save_classifier(const TextClassifier& model, const std::filesystem::path& path);
/// Reads such a file. Throws FormatError if another program wrote it.
TextClassifier load_classifier(const std::filesystem::path& path);

/// "poetry 81 %, law 12 %, history 4 %", or a message that no word is known.
std::string describe_text(const TextClassifier& model, std::string_view text);

}  // namespace gradus::examples
