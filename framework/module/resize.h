#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace gradus {

/// How the rows of a table change.
struct RowPlan {
  Tensor sources;  ///< int64 [rows]: the old row that each new one was, or -1 for a new row
  Tensor values;   ///< the new table, [rows, ...]
};

/// Something that is kept row by row along with a parameter: an optimizer's state, averages.
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
  /// The optimizers that train the parameter and the averages of it: `{&optimizer}`.
  std::vector<RowFollower*> followers = {};
};

/// Changes the number of rows of a leaf (entries of its first axis) in place: every handle to it
/// sees the change. Kept rows stay the same bit for bit, and so does what the followers keep for
/// them; new rows start afresh there. The gradient is dropped. Backward through anything computed
/// before throws AutogradError. If anything throws, nothing has changed.
/// Throws ValueError for a negative number, and for a follower that is nullptr, keeps nothing for
/// the parameter or returns an empty function, ShapeError for rank 0, AutogradError for a tensor
/// that an op made.
GRADUS_API void resize_rows(const Tensor& parameter, std::int64_t rows,
                            const ResizeOptions& options = {});

/// The same for any choice of rows: new row k is the old row sources[k] or, if that is -1, a new
/// one. For pruning and reordering a vocabulary. Also throws IndexError, DTypeError.
GRADUS_API void remap_rows(const Tensor& parameter, const Tensor& sources,
                           const ResizeOptions& options = {});

namespace detail {

/// A new table of the rows `sources` of `table`; rows with source -1 are set to `fill`.
GRADUS_API Tensor moved_rows(const Tensor& table, const Tensor& sources, double fill);

}  // namespace detail
}  // namespace gradus
