#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
#include <gradus/layers/embedding.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace gradus {

/// How the two rows of an id are combined.
enum class Composition { multiply, add, concatenate };

/// "multiply", "add" or "concatenate".
GRADUS_API const char* name(Composition composition);

struct QuotientRemainderOptions {
  /// The rows of the table of remainders; by default the least number whose square is at least
  /// num_embeddings, which minimises the total size of the tables.
  std::optional<std::int64_t> divisor = std::nullopt;
  Composition composition = Composition::multiply;
  /// An id whose lookups give zeros and no gradient.
  std::optional<std::int64_t> padding_idx = std::nullopt;
  bool sparse = false;                        ///< the gradients of the weights are SparseGrads
  std::optional<DType> dtype = std::nullopt;  ///< of the weights; float32 by default
};

/// A table for a huge vocabulary, made of two small ones: id i has row i / divisor of the first and
/// row i % divisor of the second, multiplied, added or, each half as wide, concatenated. Every id
/// has its own vector, made from about 2 sqrt(num_embeddings) rows in all. Vectors start with mean
/// 0 and variance 1, like those of an Embedding.
/// Source: Shi et al. 2019, "Compositional embeddings using complementary partitions for
/// memory-efficient recommendation systems", section 2.
class GRADUS_API QuotientRemainderEmbedding : public Module {
 public:
  GRADUS_TOO_LATE QuotientRemainderEmbedding();
  template <class M>
  GRADUS_TOO_LATE QuotientRemainderEmbedding& operator=(M&&);

  /// Throws ValueError for a negative size and a divisor below 1, IndexError for a padding_idx
  /// outside [-num_embeddings, num_embeddings), DTypeError for a dtype that is not a float type.
  QuotientRemainderEmbedding(std::int64_t num_embeddings, std::int64_t embedding_dim,
                             const QuotientRemainderOptions& options = {},
                             Generator& generator = default_generator());

  /// int64 ids of any shape -> ids.shape() + [embedding_dim]. Throws IndexError naming the first id
  /// outside [0, num_embeddings) and its position, DTypeError for other dtypes.
  Tensor operator()(const Tensor& ids) const;

  std::int64_t num_embeddings() const { return shape_->first; }
  std::int64_t embedding_dim() const { return shape_->second; }
  std::int64_t divisor() const { return *options_->divisor; }
  /// Here divisor and dtype are set, and padding_idx counts from the front.
  const QuotientRemainderOptions& options() const { return *options_; }

 private:
  const std::shared_ptr<const std::pair<std::int64_t, std::int64_t>> shape_;
  const std::shared_ptr<const QuotientRemainderOptions> options_;

 public:
  // With a padding_idx, each has one additional row, its own padding row.
  const Embedding quotient;   ///< [ceil(num_embeddings / divisor), width]
  const Embedding remainder;  ///< [divisor, width]
};

}  // namespace gradus
