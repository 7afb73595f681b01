#pragma once
#include <gradus/layers/attention.h>
#include <gradus/layers/layer_norm.h>
#include <gradus/layers/module_list.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace gradus {

/// What stands between the two products of a feed-forward block. The gated ones take the first half
/// a and the second half b of a first product with 2 dim_feedforward rows: glu a sigmoid(b), swiglu
/// silu(a) b. Source: Shazeer, "GLU Variants Improve Transformer", 2020.
enum class FeedForward { relu, gelu, glu, swiglu };

struct TransformerLayerOptions {
  std::int64_t dim_feedforward = 2048;
  double dropout = 0.1;  ///< of attention weights, inside the feed-forward block and of each result
  FeedForward activation = FeedForward::relu;
  double layer_norm_eps = 1e-5;
  /// Whether each block normalises what it reads (pre-norm) instead of its sum with what it read.
  bool norm_first = false;
  bool bias = true;                                      ///< of all parts
  std::optional<std::int64_t> kv_heads = std::nullopt;   ///< see MultiheadAttentionOptions
  std::optional<RotaryPositions> rotary = std::nullopt;  ///< see MultiheadAttentionOptions
  std::optional<DType> dtype = std::nullopt;             ///< float32 by default
};

/// Attention of x to itself, then a feed-forward block, each with dropout, added to what it read,
/// and normalised. With `.causal`, a layer of a language model such as GPT.
///
/// Parameters have the names of PyTorch: self_attn, linear1, linear2, norm1, norm2.
class GRADUS_API TransformerEncoderLayer : public Module {
 public:
  GRADUS_TOO_LATE TransformerEncoderLayer();
  template <class M>
  GRADUS_TOO_LATE TransformerEncoderLayer& operator=(M&&);

  /// The generator must live as long as the layer. Throws ValueError, DTypeError.
  TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                          const TransformerLayerOptions& options = {},
                          Generator& generator = default_generator());

  /// x [B, T, d_model] -> the same shape. Where lengths end, x has no effect and the result is 0.
  /// Throws as MultiheadAttention does.
  Tensor operator()(const Tensor& x, const AttentionInputs& inputs = {}) const;

 private:
  const double dropout_;
  const FeedForward activation_;
  const bool norm_first_;
  Generator* const generator_;

 public:
  const MultiheadAttention self_attn;
  const Linear linear1, linear2;
  const LayerNorm norm1, norm2;
};

/// What a decoder layer takes beside x and memory: see AttentionInputs.
struct DecoderInputs {
  Tensor mask = {};     ///< of the attention of x to itself
  Tensor lengths = {};  ///< of x
  bool causal = false;  ///< whether no element of x sees a later one
  Tensor memory_mask = {};
  Tensor memory_lengths = {};
  /// What was there before x, to which x is added.
  KeyValueCache* cache = nullptr;
  /// The projections of memory: made by the first call, and read by later ones.
  KeyValueCache* memory_cache = nullptr;
};

/// Attention of x to itself, then to memory, then a feed-forward block. Parameters have the names
/// of PyTorch: self_attn, multihead_attn, linear1, linear2, norm1, norm2, norm3.
class GRADUS_API TransformerDecoderLayer : public Module {
 public:
  GRADUS_TOO_LATE TransformerDecoderLayer();
  template <class M>
  GRADUS_TOO_LATE TransformerDecoderLayer& operator=(M&&);

  /// As TransformerEncoderLayer.
  TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead,
                          const TransformerLayerOptions& options = {},
                          Generator& generator = default_generator());

  /// x [B, T, d_model], memory [B, S, d_model] -> [B, T, d_model]. Where lengths end, x and memory
  /// have no effect and the result is 0. Throws as MultiheadAttention does.
  Tensor operator()(const Tensor& x, const Tensor& memory, const DecoderInputs& inputs = {}) const;

 private:
  Tensor to_memory(const Tensor& x, const Tensor& memory, const DecoderInputs& inputs) const;
  Tensor run(const Tensor& x, const Tensor& memory, const DecoderInputs& inputs) const;

  const double dropout_;
  const FeedForward activation_;
  const bool norm_first_;
  Generator* const generator_;

 public:
  const MultiheadAttention self_attn, multihead_attn;
  const Linear linear1, linear2;
  const LayerNorm norm1, norm2, norm3;
};

/// The caches of a stack of layers, one for each. A value, as a KeyValueCache is.
struct GRADUS_API TransformerCache {
  std::vector<KeyValueCache> self = {};    ///< filled by the first call
  std::vector<KeyValueCache> memory = {};  ///< the same, of decoders

  /// The number of elements of each sequence.
  std::int64_t size() const { return self.empty() ? 0 : self[0].size(); }
  /// Keeps the first `size` elements. Throws ValueError, having changed nothing, for a size that is
  /// negative or greater than that of a layer.
  void trim(std::int64_t size);
  /// The caches of the sequences `ids` of the batch: see KeyValueCache::select().
  TransformerCache select(const Tensor& ids) const;
};

/// What an encoder takes beside x: see AttentionInputs.
struct EncoderInputs {
  Tensor mask = {};
  Tensor lengths = {};
  bool causal = false;
  TransformerCache* cache = nullptr;
};

/// Layers on top of each other, and a norm at the end if there is one. Parameters have the names of
/// PyTorch: layers.0, layers.1, ..., norm.
///
///   const TransformerEncoder encoder(6, [](int64_t) { return TransformerEncoderLayer(512, 8); });
class GRADUS_API TransformerEncoder : public Module {
 public:
  GRADUS_TOO_LATE TransformerEncoder();
  template <class M>
  GRADUS_TOO_LATE TransformerEncoder& operator=(M&&);

  TransformerEncoder(const ModuleList<TransformerEncoderLayer>& stack,
                     const std::optional<LayerNorm>& last = std::nullopt);
  /// make(0), ..., make(num_layers - 1). Throws ValueError for num_layers < 0.
  template <detail::MakesLayer<TransformerEncoderLayer> Make>
  TransformerEncoder(std::int64_t num_layers, Make&& make,
                     const std::optional<LayerNorm>& last = std::nullopt)
      : TransformerEncoder(ModuleList<TransformerEncoderLayer>(num_layers, make), last) {}

  /// Throws as the layers do; ValueError for a cache of another number of layers, or one whose
  /// layers do not hold the same number of elements. The cache is then what it was.
  Tensor operator()(const Tensor& x, const EncoderInputs& inputs = {}) const;

 private:
  Tensor run(const Tensor& x, const EncoderInputs& inputs) const;

 public:
  const ModuleList<TransformerEncoderLayer> layers;
  const std::optional<LayerNorm> norm;
};

/// What a decoder takes beside x and memory: see DecoderInputs.
struct DecoderStackInputs {
  Tensor mask = {};
  Tensor lengths = {};
  bool causal = false;
  Tensor memory_mask = {};
  Tensor memory_lengths = {};
  TransformerCache* cache = nullptr;
};

/// As TransformerEncoder.
class GRADUS_API TransformerDecoder : public Module {
 public:
  GRADUS_TOO_LATE TransformerDecoder();
  template <class M>
  GRADUS_TOO_LATE TransformerDecoder& operator=(M&&);

  TransformerDecoder(const ModuleList<TransformerDecoderLayer>& stack,
                     const std::optional<LayerNorm>& last = std::nullopt);
  template <detail::MakesLayer<TransformerDecoderLayer> Make>
  TransformerDecoder(std::int64_t num_layers, Make&& make,
                     const std::optional<LayerNorm>& last = std::nullopt)
      : TransformerDecoder(ModuleList<TransformerDecoderLayer>(num_layers, make), last) {}

  Tensor operator()(const Tensor& x, const Tensor& memory,
                    const DecoderStackInputs& inputs = {}) const;

 private:
  Tensor run(const Tensor& x, const Tensor& memory, const DecoderStackInputs& inputs) const;

 public:
  const ModuleList<TransformerDecoderLayer> layers;
  const std::optional<LayerNorm> norm;
};

struct TransformerOptions {
  std::int64_t num_encoder_layers = 6;
  std::int64_t num_decoder_layers = 6;
  TransformerLayerOptions layer = {};  ///< of all layers
};

/// What a Transformer takes beside source and target: see AttentionInputs.
struct TransformerInputs {
  Tensor source_mask = {}, target_mask = {};
  Tensor memory_mask = {};  ///< of the attention of the target to the encoded source
  Tensor source_lengths = {}, target_lengths = {};
  bool causal = false;  ///< whether no element of the target sees a later one
};

/// An encoder of source sequences and a decoder of target sequences, each with a norm at the end.
/// Parameters have the names of PyTorch: encoder.layers.0..., encoder.norm, decoder.layers.0...,
/// decoder.norm; those with two axes start from xavier_uniform_.
/// Source: Vaswani et al., "Attention Is All You Need", 2017.
class GRADUS_API Transformer : public Module {
 public:
  template <class M>
  GRADUS_TOO_LATE Transformer& operator=(M&&);

  /// As TransformerEncoderLayer.
  explicit Transformer(std::int64_t d_model = 512, std::int64_t nhead = 8,
                       const TransformerOptions& options = {},
                       Generator& generator = default_generator());

  /// source [B, S, d_model], target [B, T, d_model] -> [B, T, d_model]. To decode step by step,
  /// call `encoder` once, and `decoder` with a cache for each step.
  Tensor operator()(const Tensor& source, const Tensor& target,
                    const TransformerInputs& inputs = {}) const;

  const TransformerEncoder encoder;
  const TransformerDecoder decoder;
};

}  // namespace gradus
