#pragma once
#include <gradus/framework/base/dtype.h>
#include <gradus/framework/base/export.h>
#include <gradus/framework/base/number.h>
#include <gradus/framework/base/shape.h>

#include <cstdint>
#include <iosfwd>
#include <limits>
#include <span>
#include <string>
#include <type_traits>

namespace gradus {

class Gradient;
struct BackwardOptions;
namespace detail {
class Body;
class Node;
class Storage;
struct Access;
}  // namespace detail

/// A handle to an array of up to 8 axes, always row-major and contiguous. Copying a Tensor copies
/// the handle: all copies see the same values, gradient and flags. A default-constructed Tensor is
/// undefined and holds nothing.
///
/// Reading (`data`, `item`, printing) never changes a graph. The functions that end in an
/// underscore and `mutable_data` change values in place; they are const because they change what
/// the handle points to, and they throw AutogradError on a tensor that is part of a graph and on a
/// trainable leaf outside a NoGradGuard scope.
class GRADUS_API Tensor {
 public:
  Tensor() noexcept = default;
  Tensor(const Tensor& other) noexcept;
  Tensor(Tensor&& other) noexcept : body_(other.body_) { other.body_ = nullptr; }
  Tensor& operator=(const Tensor& other) & noexcept;
  Tensor& operator=(Tensor&& other) & noexcept;
  /// Not for temporaries: `x[0] = y` would change only a handle that is about to be destroyed.
  template <class T>
  GRADUS_UNAVAILABLE("a temporary Tensor cannot be assigned to: write x.set_row(0, y) for x[0] = y")
  Tensor& operator=(T&& other) &&;
  ~Tensor();

  /// False for a default-constructed or moved-from handle; every other function then throws Error.
  bool defined() const { return body_ != nullptr; }

  const Shape& shape() const;
  int dim() const;
  /// Size of one axis, which may be counted from the end. Throws IndexError.
  std::int64_t size(std::int64_t axis) const;
  std::int64_t numel() const;
  DType dtype() const;

  /// True if both handles refer to the same tensor; equal values are not enough.
  bool is_same(const Tensor& other) const { return body_ == other.body_; }

  /// The numel() values in row-major order; valid while a handle to this storage lives.
  /// Throws DTypeError unless T is the element type, Error for a tensor that is mapped from a file
  /// in which it is not aligned to T.
  template <class T>
  const T* data() const;
  template <class T>
  std::span<const T> span() const {
    return {data<T>(), static_cast<std::size_t>(numel())};
  }

  /// The values, for writing. The call itself counts as the change in place, not the later writes.
  /// Throws DTypeError unless T is the element type, AutogradError as described for the class.
  template <class T>
  T* mutable_data() const;
  template <class T>
  std::span<T> mutable_span() const {
    return {mutable_data<T>(), static_cast<std::size_t>(numel())};
  }

  /// select(*this, 0, index): entry `index` of the first axis, counted from the end if negative; it
  /// shares the storage. Throws IndexError.
  Tensor operator[](std::int64_t index) const;

  /// The single value of a tensor with one element, converted to T as by static_cast. Throws
  /// ShapeError for any other number of elements, ValueError for a value outside the range of an
  /// integer type T.
  template <class T = double>
  T item() const;

  /// True for a tensor that is mapped from a file (see load_mapped), for which every change in
  /// place and set_trainable(true) throw ValueError.
  bool is_read_only() const;

  /// A new tensor with the same values, not part of any graph.
  Tensor clone() const;
  /// A tensor that shares this storage and is not part of any graph; both see changes in place.
  Tensor detach() const;
  /// The values converted to a dtype; the tensor itself if it already has that dtype. Conversion to
  /// int64 truncates fractions, and throws ValueError for NaN and for a value outside its range.
  /// Gradients flow through conversions between float32 and float64.
  Tensor to(DType dtype) const;

  // Arguments that overlap this tensor are read as they were before the call.

  /// Copies the values of `source`, which has the same shape and dtype.
  /// Throws ShapeError, DTypeError.
  const Tensor& copy_(const Tensor& source) const;
  /// Throws DTypeError for a number that the dtype cannot hold.
  const Tensor& fill_(Number value) const;
  const Tensor& zero_() const;
  // Numbers are converted to the dtype of the tensor. Integers wrap around; boolean tensors throw
  // DTypeError.

  /// Adds alpha * other, of the same shape and dtype. Throws ShapeError, and DTypeError also for a
  /// fractional alpha with an int64 tensor.
  const Tensor& add_(const Tensor& other, Number alpha = 1) const;
  /// Throws DTypeError for a fractional factor with an int64 tensor.
  const Tensor& mul_(Number factor) const;
  /// Multiplies by `other`, of the same shape and dtype.
  /// Throws ShapeError, DTypeError.
  const Tensor& mul_(const Tensor& other) const;
  /// Overwrites row `index` of the first axis with `values` of shape shape()[1:].
  /// Throws IndexError, ShapeError, DTypeError.
  const Tensor& set_row(std::int64_t index, const Tensor& values) const;
  /// Overwrites rows ids [n] of the first axis with `values` of shape [n] + shape()[1:]; the last
  /// one wins where an id repeats. Throws IndexError, ShapeError, DTypeError before any write.
  const Tensor& set_rows(const Tensor& ids, const Tensor& values) const;

  /// True if no recorded op made this tensor.
  bool is_leaf() const;
  /// True for a leaf that backward() computes a gradient for.
  bool trainable() const;
  /// Makes a float leaf trainable, or freezes it. Freezing keeps an existing gradient, which every
  /// optimizer ignores. Throws AutogradError on a tensor that an op made, DTypeError on integers,
  /// ValueError for a read-only tensor.
  const Tensor& set_trainable(bool trainable) const;
  /// True if this is a trainable leaf or was computed from one while recording.
  bool requires_grad() const;

  /// The gradient of a leaf: nothing, dense or sparse (see Gradient).
  const Gradient& grad() const;
  /// Replaces the gradient of a leaf. Throws ShapeError, DTypeError, AutogradError on a non-leaf.
  void set_grad(Gradient gradient) const;
  /// Drops the gradient of a leaf.
  void clear_grad() const;

  /// Adds the gradient of this one-element tensor with respect to every trainable leaf it was
  /// computed from to that leaf's gradient, and frees the graph (see BackwardOptions). If it
  /// throws, no gradient has changed. Backward passes of several threads run one after the other.
  /// Throws ShapeError unless there is one element, AutogradError if there is no graph, if it was
  /// freed, or if a value it needs was changed in place.
  void backward() const;
  void backward(const BackwardOptions& options) const;
  /// The same for a tensor of any shape and the cotangent (upstream gradient) of that shape.
  void backward(const Tensor& cotangent) const;
  void backward(const Tensor& cotangent, const BackwardOptions& options) const;

  /// Values, dtype and flags as text; large tensors are elided.
  std::string str() const;

 private:
  friend struct detail::Access;
  explicit Tensor(detail::Body* body) noexcept : body_(body) {}
  bool item_is_floating() const;
  double item_as_double() const;
  std::int64_t item_as_signed(std::int64_t least, std::int64_t greatest) const;
  std::uint64_t item_as_unsigned(std::uint64_t greatest) const;
  const void* checked_data(DType dtype) const;
  void* checked_mutable_data(DType dtype) const;

  detail::Body* body_ = nullptr;
};

/// How backward() treats the graph.
struct BackwardOptions {
  bool retain_graph = false;  ///< keep the graph for another backward() over the same ops
};

template <class T>
T Tensor::item() const {
  static_assert(std::is_arithmetic_v<T>, "item() returns a number or a bool");
  using Wide = std::numeric_limits<std::int64_t>;
  if constexpr (std::is_floating_point_v<T> || std::is_same_v<T, bool>) {
    if (item_is_floating()) return static_cast<T>(item_as_double());
    return static_cast<T>(item_as_signed(Wide::min(), Wide::max()));
  } else if constexpr (std::is_signed_v<T>) {
    using Range = std::conditional_t<(sizeof(T) > 8), Wide, std::numeric_limits<T>>;  // __int128
    return static_cast<T>(item_as_signed(Range::min(), Range::max()));
  } else {
    using Range = std::numeric_limits<std::conditional_t<(sizeof(T) > 8), std::uint64_t, T>>;
    return static_cast<T>(item_as_unsigned(Range::max()));
  }
}

template <class T>
const T* Tensor::data() const {
  static_assert(is_element_v<T>, "a Tensor holds float, double, std::int64_t or bool");
  return static_cast<const T*>(checked_data(dtype_of<T>));
}

template <class T>
T* Tensor::mutable_data() const {
  static_assert(is_element_v<T>, "a Tensor holds float, double, std::int64_t or bool");
  return static_cast<T*>(checked_mutable_data(dtype_of<T>));
}

/// Writes str().
GRADUS_API std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

/// A leaf tensor that a Module lists in parameters(). It adds nothing to a Tensor; it cannot be
/// reassigned, so that a layer and its list of parameters never disagree.
class Parameter : public Tensor {
 public:
  GRADUS_UNAVAILABLE(
      "initialise it in the constructor's initializer list, as in "
      "`: scale(add_parameter(\"scale\", ones({4})))`: a Parameter cannot be assigned later")
  Parameter();
  explicit Parameter(const Tensor& tensor) : Tensor(tensor) {}
  Parameter(const Parameter&) = default;
  Parameter(Parameter&&) noexcept = default;
  ~Parameter() = default;
  Parameter& operator=(const Parameter&) = delete;
  Parameter& operator=(Parameter&&) = delete;
};

}  // namespace gradus
