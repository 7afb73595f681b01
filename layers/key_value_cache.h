#pragma once
#include <gradus/framework/core/tensor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace gradus {

/// The keys and values that an attention layer has computed so far, for steps that add a few
/// elements to each sequence at a time. A value: a copy is independent of the original, on another
/// thread too, and costs nothing until both have grown. It holds no graph.
///
///   KeyValueCache cache;
///   attention(prompt, {.causal = true, .cache = &cache});   // [B, T, E]
///   attention(next, {.causal = true, .cache = &cache});     // [B, 1, E] sees all T + 1
class GRADUS_API KeyValueCache {
 public:
  KeyValueCache() = default;
  KeyValueCache(const KeyValueCache& other);
  KeyValueCache(KeyValueCache&& other) noexcept;  // leaves an empty cache
  KeyValueCache& operator=(KeyValueCache other) noexcept;
  ~KeyValueCache();

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
    Buffer(Tensor k, Tensor v, std::int64_t n)
        : keys(std::move(k)), values(std::move(v)), used(n) {}

    const Tensor keys, values;       // [capacity, B, width]
    std::atomic<std::int64_t> used;  // rows that some cache has taken, with others on other threads
    // Caches that share it. The count of the shared_ptr would not do: reading 1 there does not mean
    // that what other threads did with their copies has been done.
    std::atomic<std::int64_t> owners{1};
  };
  void check(const Tensor& keys, const Tensor& values) const;
  void take_rows(std::int64_t end, const Tensor& keys, const Tensor& values);
  void set_buffer(std::shared_ptr<Buffer> buffer) noexcept;

  std::shared_ptr<Buffer> buffer_;
  std::int64_t size_ = 0;
};

}  // namespace gradus
