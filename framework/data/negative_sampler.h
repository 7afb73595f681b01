#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace gradus {

namespace kernels {
class AliasTable;
}

/// Draws negative samples: word w with a probability proportional to counts[w]^power, in constant
/// time; with a negative power, rare words are drawn more often. Words with a count of 0 are never
/// drawn.
/// Source: Walker 1977, "An efficient method for generating discrete random variables with general
/// distributions"; Mikolov et al. 2013 for the power.
class GRADUS_API NegativeSampler {
 public:
  /// counts: of each word, at least two of them above 0. Throws ValueError naming the first
  /// negative count, or if power is not finite, or so large that only one word would be drawn.
  explicit NegativeSampler(std::span<const std::int64_t> counts, double power = 0.75);

  /// contexts: int64 [B] -> int64 [B, K]; row b holds K draws, none of which is contexts[b]. A draw
  /// depends only on the state of the generator and on its position.
  /// Throws IndexError, ShapeError, DTypeError for invalid contexts, ValueError if K < 0.
  Tensor operator()(const Tensor& contexts, std::int64_t K,
                    Generator& generator = default_generator()) const;

  /// Number of words.
  std::int64_t size() const { return static_cast<std::int64_t>(weights_.size()); }

 private:
  std::int64_t draw_without(std::int64_t word, std::uint64_t bits) const;

  std::vector<double> weights_;  // mean 1
  std::shared_ptr<const kernels::AliasTable> table_;
};

}  // namespace gradus
