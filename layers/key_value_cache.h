#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <memory>

namespace gradus {

/// The keys and values that an attention layer has computed so far, for steps that add a few
/// elements to each sequence at a time. A value: a copy is independent of the original, and costs
/// nothing until both have grown. It holds no graph.
///
///   KeyValueCache cache;
///   attention(prompt, {.causal = true, .cache = &cache});   // [B, T, E]
///   attention(next, {.causal = true, .cache = &cache});     // [B, 1, E] sees all T + 1
class GRADUS_API KeyValueCache {
 public:
  /// The number of elements of each sequence.
  std::int64_t size() const { return size_; }
  /// The number of sequences; 0 before the first append().
  std::int64_t batch() const;

  /// Appends keys [B, T, width] and values [B, T, width']. Throws AutogradError if they are part of
  /// a graph, ShapeError and DTypeError if they do not go with those that are there.
  void append(const Tensor& keys, const Tensor& values);
  /// Keeps the first `size` elements. Throws ValueError for a size outside [0, size()].
  void trim(std::int64_t size);
  /// The cache of the sequences `ids` [n] of the batch, in this order: to go on with the best of a
  /// search. Throws IndexError, DTypeError, ShapeError.
  KeyValueCache select(const Tensor& ids) const;

  /// [size, B, width]: time comes first. They share storage with the cache, and are valid until it
  /// changes. Throws Error before the first append().
  Tensor keys() const;
  Tensor values() const;

 private:
  struct Buffer {
    Tensor keys, values;    // [capacity, B, width]
    std::int64_t used = 0;  // the longest cache that is kept here
  };
  void check(const Tensor& keys, const Tensor& values) const;
  void grow(std::int64_t size, const Tensor& keys, const Tensor& values);

  std::shared_ptr<Buffer> buffer_;
  std::int64_t size_ = 0;
};

}  // namespace gradus
