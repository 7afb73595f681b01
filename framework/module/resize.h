#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace gradus {

/// How the rows of a table change.
struct RowPlan {
  Tensor sources;  ///< int64 [rows]: the old row that each new one was, or -1 for a new row
  Tensor values;   ///< the table afterwards, [rows, ...]
};

/// What is kept row by row beside a parameter: an optimizer's state, averages.
class GRADUS_API RowFollower {
 public:
  virtual ~RowFollower();
  /// Prepares what is kept for `parameter` for its new rows, and returns the function that puts it
  /// in place, which must not throw. Throws ValueError if nothing is kept for that parameter.
  virtual std::function<void()> follow_rows(const Tensor& parameter, const RowPlan& plan) = 0;

 protected:
  RowFollower() = default;
  RowFollower(const RowFollower&) = default;
  RowFollower(RowFollower&&) = default;
  RowFollower& operator=(const RowFollower&) = default;
  RowFollower& operator=(RowFollower&&) = default;
};

struct ResizeOptions {
  /// Fills the new rows, a tensor [new rows, ...]; without it they are zeros.
  std::function<void(const Tensor& rows)> init = nullptr;
  /// The optimizers that train the parameter, its averages: `{&optimizer}`.
  std::vector<RowFollower*> followers = {};
};

/// Gives a leaf another number of rows (entries of its first axis), in place: every handle to it
/// has them. Kept rows stay bit for bit, and so does what the followers keep for them; for new rows
/// they start anew. Its gradient is dropped. Backward through what was computed before throws
/// AutogradError. Either all of it happens or, if something throws, nothing.
/// Throws ValueError for a negative number, and for a follower that is nullptr, keeps nothing for
/// the parameter or returns an empty function, ShapeError for rank 0, AutogradError for a tensor
/// that an op made.
GRADUS_API void resize_rows(const Tensor& parameter, std::int64_t rows,
                            const ResizeOptions& options = {});

/// The same for any choice of rows: new row k is what row sources[k] was, or, where that is -1, a
/// new one. Prunes and reorders a vocabulary. Throws also IndexError, DTypeError.
GRADUS_API void remap_rows(const Tensor& parameter, const Tensor& sources,
                           const ResizeOptions& options = {});

namespace detail {

/// A table of the rows `sources` of another one; those of -1 are filled.
GRADUS_API Tensor moved_rows(const Tensor& table, const Tensor& sources, double fill);

}  // namespace detail
}  // namespace gradus
