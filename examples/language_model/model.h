#pragma once
#include <gradus/examples/language_model/coding.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/layers/dropout.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/module_list.h>
#include <gradus/layers/recurrent.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gradus::examples {

struct ModelOptions {
  std::int64_t size = 200;  ///< of the vectors of words and of each layer
  std::int64_t layers = 2;
  double dropout = 0.2;  ///< of the input, between layers and of the output
  bool locked_dropout = false;
  double embedding_dropout = 0, weight_dropout = 0;
};

/// The state of each layer.
using LayerStates = std::vector<LstmState>;

struct LanguageModelResult {
  Tensor scores;  ///< [B, T, words], before the softmax
  LayerStates states;
};

/// Vectors of words, LSTM layers, and a score for each word to be the next, whose weights are the
/// vectors again.
struct LanguageModel : Module {
  LanguageModel(std::int64_t words, const ModelOptions& options);
  /// ids [B, T], and the states after the words before them; undefined ones are 0.
  LanguageModelResult operator()(const Tensor& ids, const LayerStates& states) const;

  std::int64_t num_layers() const { return std::ssize(layers_); }
  const Parameter& vectors() const { return embedding_.weight; }  ///< of words, [words, size]

 private:
  Tensor drop(const Tensor& x) const { return is_locked_ ? locked_dropout_(x) : dropout_(x); }

  const bool is_locked_;
  const Embedding embedding_;
  const EmbeddingDropout embedding_dropout_;
  const Dropout dropout_;
  const LockedDropout locked_dropout_;
  const ModuleList<LSTM> layers_;
  const Linear output_;
};

/// -log p of the next words: their mean, or their sum.
Tensor next_word_loss(const Tensor& scores, const Tensor& targets,
                      Reduction reduction = Reduction::mean);

/// The perplexity of ids[1], ids[2], ..., in one stream, in which no word is left out.
double perplexity(const LanguageModel& model, const std::vector<std::int64_t>& ids);

/// All that a trained model takes, in one .safetensors file.
struct TrainedModel {
  WordCoding coding;
  LanguageModel model;

  void save(const std::string& path) const;
  /// Throws FormatError for a file that save() did not write.
  static TrainedModel load(const std::string& path);
};

struct GenerateOptions {
  std::int64_t words = 100;
  double temperature = 1;  ///< 0: always the most likely word
  std::int64_t top_k = 0;  ///< draw from the k most likely words; 0: from all
};

/// Goes on with a text, by default_generator(). Never with "<unk>".
std::string generate(const TrainedModel& trained, const std::string& start,
                     const GenerateOptions& options);

}  // namespace gradus::examples
