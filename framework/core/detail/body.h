#pragma once
#include <gradus/framework/core/detail/node.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/core/storage.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace gradus::detail {

/// What a leaf has beyond its values.
struct Leaf {
  bool trainable = false;
  std::uint32_t generation = 0;  // incremented when its shape or dtype may change
  Gradient gradient;

  // The engine's scratch: what the running backward pass has gathered for this leaf.
  bool pending = false;
  Tensor dense;
  std::vector<SparseGrad> sparse;
};

/// What a Tensor points to.
class Body : public Pooled {
 public:
  Body(Ref<Storage> s, std::int64_t byte_offset, const Shape& sh, DType d)
      : storage(std::move(s)), offset(byte_offset), shape(sh), dtype(d) {}

  void* data() const { return static_cast<char*>(storage->data()) + offset; }
  bool requires_grad() const { return node || (leaf && leaf->trainable); }

  void retain() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  std::int64_t use_count() const { return count_.load(std::memory_order_acquire); }

  Ref<Storage> storage;
  std::int64_t offset;  // in bytes
  Shape shape;
  DType dtype;
  std::uint32_t output = 0;    // which output of `node` this is
  Ref<Node> node;              // the op that made it; none for a leaf
  std::unique_ptr<Leaf> leaf;  // made when a leaf becomes trainable or gets a gradient

 private:
  void destroy() noexcept;  // out of line: handles are dropped in every op, and few are the last

  std::atomic<std::int64_t> count_{1};
};

/// Gives the engine access to the inside of a Tensor.
struct GRADUS_API Access {
  static Tensor make(Ref<Storage> storage, std::int64_t byte_offset, const Shape& shape,
                     DType dtype);
  static Tensor from(Body* body);
  /// The body; throws Error if the tensor is undefined.
  static Body& body(const Tensor& tensor) {
    if (tensor.body_ == nullptr) throw_no_body();
    return *tensor.body_;
  }
  [[noreturn]] static void throw_no_body();
  static SparseGrad sparse(Tensor ids, Tensor values, const Shape& shape, bool coalesced) {
    return {std::move(ids), std::move(values), shape, coalesced};
  }
  /// A gradient whose entries share rows; ids and sources must be valid.
  static SparseGrad sparse(Tensor ids, SparseEntries entries, const Shape& shape);
  /// The entries of several gradients of one table, in order.
  static SparseGrad concatenated(const std::vector<SparseGrad>& parts);
  /// The same gradient, with copies of everything that it shares with others.
  static SparseGrad owned(SparseGrad gradient);
  /// True if the tensor is defined, nothing else refers to it or its storage, and its values may
  /// change: it is not mapped from a file.
  static bool sole_owner(const Tensor& tensor);
  /// A view of the same storage, not part of any graph; `elements` is the offset from the start of
  /// the tensor.
  static Tensor view(const Tensor& tensor, std::int64_t elements, const Shape& shape);
  /// True if the tensors have bytes in common.
  static bool overlap(const Tensor& a, const Tensor& b);
  /// `source`, or a copy of it if it overlaps `target`, which is about to be written.
  static Tensor apart(const Tensor& source, const Tensor& target);
  /// Gives an existing handle (a parameter) new values and their record, keeping its flags.
  static void replace(const Tensor& tensor, const Tensor& values);
};

/// Untyped pointers, for code that copies bytes or dispatches on the dtype itself. No version is
/// bumped.
inline const void* data(const Tensor& tensor) { return Access::body(tensor).data(); }
inline void* raw(const Tensor& tensor) { return Access::body(tensor).data(); }

/// The values of a tensor that may be undefined.
template <class T>
const T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.data<T>() : nullptr;
}
template <class T>
T* mutable_data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.mutable_data<T>() : nullptr;
}

}  // namespace gradus::detail
