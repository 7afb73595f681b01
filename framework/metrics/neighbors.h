#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <vector>

namespace gradus {

/// How close two vectors are.
enum class Closeness : std::uint8_t {
  cosine,     ///< of the angle between them; 0 if one of them is zero, or its squared length is
  dot,        ///< their product
  euclidean,  ///< the distance between them: the least is the closest
};

/// The rows found for each query, the closest first.
struct Neighbors {
  Tensor ids;     ///< int64 [Q, k]
  Tensor scores;  ///< [Q, k]: cosines, products or distances
};

struct NeighborOptions {
  Closeness closeness = Closeness::cosine;
  /// int64 [Q, E]: for each query, rows that are left out, such as its own; -1 leaves out nothing.
  Tensor excluded = {};
};

/// The k rows of a matrix [V, D] that are closest to each query [Q, D], of all rows: none is
/// missed. Of equal scores the row with the lower id is first. Scores are summed in double and then
/// rounded: they are the same for any number of threads, queries and rows. Where fewer than k rows
/// remain, ids are -1 and scores -infinity, or infinity for distances. Besides the result, memory
/// is needed for blocks and candidates only, not for all [Q, V] scores. Gradients do not flow.
///
/// Throws ShapeError, DTypeError unless both are of one float type, ValueError for a negative k, a
/// number that is not finite, or rows whose squared length is beyond 1e300; IndexError for an
/// excluded id outside [-1, V).
GRADUS_API Neighbors nearest_neighbors(const Tensor& matrix, const Tensor& queries, std::int64_t k,
                                       const NeighborOptions& options = {});

/// The same for many searches in one matrix, which is checked once and shared. A search throws
/// Error if the matrix has been changed in place.
class GRADUS_API NeighborIndex {
 public:
  explicit NeighborIndex(const Tensor& matrix, Closeness closeness = Closeness::cosine);

  /// For queries [Q, D]. See nearest_neighbors().
  Neighbors search(const Tensor& queries, std::int64_t k, const Tensor& excluded = {}) const;

  /// The matrix [V, D].
  const Tensor& matrix() const { return matrix_; }
  Closeness closeness() const { return closeness_; }

 private:
  Tensor matrix_;
  std::uint64_t version_ = 0;  // of its storage
  Closeness closeness_;
  std::vector<double> squares_;  // the squared length of each row
};

}  // namespace gradus
