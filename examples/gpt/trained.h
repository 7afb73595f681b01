#pragma once
#include <gradus/examples/gpt/coding.h>
#include <gradus/examples/gpt/model.h>
#include <gradus/examples/gpt/texts.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/ops/nn/generate.h>

#include <functional>
#include <string>
#include <vector>

namespace gradus::examples {

/// The mean of -log p of the next id over all of a text, in its pieces.
double mean_loss(const Gpt& model, const TokenText& text);

/// A text that a model wrote.
struct WrittenText {
  std::string text;  ///< with the start
  double score;      ///< see Generation
};

/// All that a trained model takes, in one .safetensors file.
struct TrainedGpt {
  TextCoding coding;
  Gpt model;
  bool documents = false;

  void save(const std::string& path) const;
  /// Throws FormatError for a file that save() did not write.
  static TrainedGpt load(const std::string& path);

  /// Goes on with a text, or begins one. `stop`, if it is not empty, ends it; so does the end of a
  /// document. `on_text` gets what is new as it is written: of one text, not of beams. Throws Error
  /// for characters that the model does not know, and for a beam search of tokens with a `stop`.
  std::vector<WrittenText> write(
      const std::string& start, GenerateOptions options, const std::string& stop = "",
      Generator& generator = default_generator(),
      const std::function<void(const std::string&)>& on_text = nullptr) const;
};

}  // namespace gradus::examples
