#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/layers/dropout.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/positions.h>
#include <gradus/layers/transformer.h>

#include <cstdint>

namespace gradus::examples {

struct GptModelOptions {
  std::int64_t block_size = 64;  ///< how many ids the model sees at once
  std::int64_t layers = 4;
  std::int64_t heads = 4;
  std::int64_t size = 128;  ///< of vectors
  double dropout = 0;
  bool bias = false;       ///< of linear layers and norms
  double init_std = 0.05;  ///< of the first weights
};

/// What a Gpt has read of each sequence.
struct GptCache {
  TransformerCache layers = {};
  Tensor ids = {};  ///< the last ones, at most block_size: [B, T]

  GptCache select(const Tensor& rows) const;
};

/// The decoder of GPT-2, as nanoGPT has it: pre-norm layers with GELU, learned positions, and an
/// output whose weights are the vectors of the ids: of characters or tokens.
struct Gpt : Module {
  Gpt(std::int64_t vocabulary, const GptModelOptions& options);

  /// ids [B, T], T <= block_size -> the logits of what follows each, [B, T, vocabulary].
  Tensor operator()(const Tensor& ids) const;
  /// The logits of what follows the last of ids [B, T], which come after those of the cache:
  /// [B, vocabulary]. Of more than block_size ids, the model sees the last ones.
  Tensor next(const Tensor& ids, GptCache& cache) const;

  std::int64_t vocabulary() const { return embedding_.num_embeddings(); }
  const GptModelOptions& options() const { return options_; }

 private:
  Tensor features(const Tensor& ids, TransformerCache* cache) const;

  const GptModelOptions options_;
  const Embedding embedding_;
  const LearnedPositions positions_;
  const Dropout dropout_;
  const TransformerEncoder decoder_;
  const Linear output_;
};

}  // namespace gradus::examples
