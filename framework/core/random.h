#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>

namespace gradus {

class Tensor;

/// A counter-based source of random numbers: what it draws depends on the seed and on how many
/// numbers were drawn before, never on threads. Not safe for use by two threads at once.
/// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (Philox4x32-10).
class GRADUS_API Generator {
 public:
  explicit Generator(std::uint64_t seed = 0) : seed_(seed) {}

  std::uint64_t seed() const { return seed_; }
  /// How many numbers were drawn; with the seed, the whole state.
  std::uint64_t offset() const { return offset_; }
  /// Continues from a saved state.
  void set_state(std::uint64_t seed, std::uint64_t offset) {
    seed_ = seed;
    offset_ = offset;
  }
  /// The whole state as int64 [2], which a StateDict and a .safetensors file hold bit for bit.
  Tensor state() const;
  /// Continues from a state that state() returned. Throws ShapeError, DTypeError for other tensors.
  void set_state(const Tensor& state);

  /// Reserves the next `count` numbers of the stream and returns the position of the first.
  std::uint64_t advance(std::uint64_t count) {
    const std::uint64_t first = offset_;
    offset_ += count;
    return first;
  }

  /// 64 random bits.
  std::uint64_t bits();
  /// A double from [0, 1).
  double uniform();
  /// An integer from {0, ..., n - 1}, unbiased. Throws ValueError unless n > 0.
  std::int64_t below(std::int64_t n);

 private:
  std::uint64_t seed_;
  std::uint64_t offset_ = 0;
};

/// The generator that random functions use when they are given none.
GRADUS_API Generator& default_generator();

namespace detail {

/// While it lives, default_generator() of this thread is another one.
class GRADUS_API DefaultGeneratorScope {
 public:
  explicit DefaultGeneratorScope(Generator& generator);
  ~DefaultGeneratorScope();
  DefaultGeneratorScope(const DefaultGeneratorScope&) = delete;
  DefaultGeneratorScope& operator=(const DefaultGeneratorScope&) = delete;

 private:
  Generator* before_;
};

}  // namespace detail

/// Restarts default_generator() from a seed.
GRADUS_API void manual_seed(std::uint64_t seed);

}  // namespace gradus
