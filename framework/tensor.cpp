#include <fmt/format.h>
#include <gradus/framework/autograd.h>
#include <gradus/framework/creation.h>
#include <gradus/framework/detail/body.h>
#include <gradus/framework/detail/dispatch.h>
#include <gradus/framework/detail/engine.h>
#include <gradus/framework/error.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/tensor.h>

#include <cstring>
#include <memory>
#include <utility>

namespace gradus {

using detail::Access;
using detail::Body;

namespace detail {

Tensor Access::make(Ref<Storage> storage, std::int64_t byte_offset, const Shape& shape,
                    DType dtype) {
  return Tensor(new Body(std::move(storage), byte_offset, shape, dtype));
}

Tensor Access::from(Body* body) {
  body->retain();
  return Tensor(body);
}

Body& Access::body(const Tensor& tensor) {
  if (tensor.body_ == nullptr) {
    throw Error("tensor: this handle is undefined (default-constructed or moved from)");
  }
  return *tensor.body_;
}

bool Access::sole_owner(const Tensor& tensor) {
  return tensor.body_->use_count() == 1 && tensor.body_->storage->use_count() == 1;
}

Tensor Access::view(const Tensor& tensor, std::int64_t elements, const Shape& shape) {
  const Body& source = body(tensor);
  return make(source.storage, source.offset + elements * item_size(source.dtype), shape,
              source.dtype);
}

void Access::replace(const Tensor& tensor, const Tensor& values) {
  Body& target = body(tensor);
  const Body& source = body(values);
  target.storage = source.storage;
  target.offset = source.offset;
  target.shape = source.shape;
  target.dtype = source.dtype;
  if (!target.leaf) return;
  target.leaf->gradient = Gradient();
  ++target.leaf->generation;
}

namespace {

void check_writable(const Body& body, const char* operation) {
  if (body.storage->file() != nullptr) {
    throw ValueError(
        fmt::format("{}: this tensor {} is mapped from a file, read-only: change a clone()",
                    operation, body.shape.str()));
  }
  if (body.node) {
    throw AutogradError(fmt::format(
        "{}: this tensor {} is part of a graph (made by {}): change a clone(), or a detach() of it",
        operation, body.shape.str(), body.node->name()));
  }
  if (body.leaf && body.leaf->trainable && grad_enabled()) {
    throw AutogradError(
        fmt::format("{}: this tensor {} is a trainable leaf: change it inside a NoGradGuard scope",
                    operation, body.shape.str()));
  }
}

// The body of a tensor that an in-place function is about to change.
Body& writable(const Tensor& tensor, const char* operation) {
  Body& body = Access::body(tensor);
  check_writable(body, operation);
  return body;
}

void check_same(const Tensor& tensor, const Tensor& other, const char* operation) {
  if (tensor.dtype() != other.dtype()) {
    throw DTypeError(fmt::format("{}: dtypes differ: this is {}, the argument is {}", operation,
                                 name(tensor.dtype()), name(other.dtype())));
  }
  if (tensor.shape() != other.shape()) {
    throw ShapeError(fmt::format("{}: shapes differ: this is {}, the argument is {}", operation,
                                 tensor.shape().str(), other.shape().str()));
  }
}

std::size_t byte_count(const Tensor& tensor) {
  return static_cast<std::size_t>(tensor.numel() * item_size(tensor.dtype()));
}

}  // namespace
}  // namespace detail

Tensor::Tensor(const Tensor& other) noexcept : body_(other.body_) {
  if (body_) body_->retain();
}

Tensor& Tensor::operator=(const Tensor& other) & noexcept {
  Tensor copy(other);
  std::swap(body_, copy.body_);
  return *this;
}

Tensor& Tensor::operator=(Tensor&& other) & noexcept {
  std::swap(body_, other.body_);
  return *this;
}

Tensor::~Tensor() {
  if (body_) body_->release();
}

const Shape& Tensor::shape() const { return Access::body(*this).shape; }
DType Tensor::dtype() const { return Access::body(*this).dtype; }

std::int64_t Tensor::size(std::int64_t axis) const {
  return shape()[normalize_axis(axis, dim(), "size")];
}

const void* Tensor::checked_data(DType type) const {
  const Body& body = Access::body(*this);
  if (body.dtype != type) {
    throw DTypeError(fmt::format("data: the tensor {} holds {}, not {}", body.shape.str(),
                                 name(body.dtype), name(type)));
  }
  const auto alignment = static_cast<std::uintptr_t>(item_size(type));
  if ((reinterpret_cast<std::uintptr_t>(body.data()) & (alignment - 1)) != 0 &&
      body.shape.numel() > 0) {
    throw Error(
        fmt::format("data: the tensor {} is mapped from a file in which it is not aligned to {}: "
                    "use a clone()",
                    body.shape.str(), name(type)));
  }
  return body.data();
}

bool Tensor::is_read_only() const { return Access::body(*this).storage->file() != nullptr; }

void* Tensor::checked_mutable_data(DType type) const {
  checked_data(type);
  Body& body = detail::writable(*this, "mutable_data");
  body.storage->bump_version();
  return body.data();
}

double Tensor::item_as_double() const {
  const Body& body = Access::body(*this);
  if (body.shape.numel() != 1) {
    throw ShapeError(fmt::format("item: the tensor {} has {} elements, not one", body.shape.str(),
                                 body.shape.numel()));
  }
  return detail::dispatch(body.dtype, [&]<class T>(T) {
    return static_cast<double>(*static_cast<const T*>(body.data()));
  });
}

Tensor Tensor::clone() const {
  Tensor copy = empty_like(*this);
  if (numel() > 0) std::memcpy(detail::raw(copy), detail::data(*this), detail::byte_count(*this));
  detail::note_creation("clone", numel() * item_size(dtype()));
  return copy;
}

Tensor Tensor::detach() const { return Access::view(*this, 0, shape()); }

Tensor Tensor::to(DType type) const {
  if (type == dtype()) return *this;
  Tensor result = empty(shape(), type);
  detail::dispatch(dtype(), [&]<class From>(From) {
    detail::dispatch(type, [&]<class To>(To) {
      kernels::convert(data<From>(), static_cast<To*>(detail::raw(result)), numel());
    });
  });
  if (!is_floating(type) || !is_floating(dtype())) return result;
  return record("to", result, vjp(*this, [from = dtype()](const Tensor& g) { return g.to(from); }));
}

const Tensor& Tensor::copy_(const Tensor& source) const {
  detail::check_same(*this, source, "copy_");
  Body& body = detail::writable(*this, "copy_");
  body.storage->bump_version();
  if (numel() > 0) std::memmove(body.data(), detail::data(source), detail::byte_count(*this));
  return *this;
}

const Tensor& Tensor::fill_(double value) const {
  Body& body = detail::writable(*this, "fill_");
  body.storage->bump_version();
  detail::dispatch(body.dtype, [&]<class T>(T) {
    kernels::fill(static_cast<T*>(body.data()), static_cast<T>(value), body.shape.numel());
  });
  return *this;
}

const Tensor& Tensor::zero_() const { return fill_(0.0); }

namespace {

// Calls f(T{}) with the element type of a dtype that has arithmetic.
template <class F>
void dispatch_number(DType dtype, const char* operation, F&& f) {
  if (dtype == DType::boolean) {
    throw DTypeError(fmt::format("{}: not defined for boolean tensors", operation));
  }
  if (dtype == DType::int64) return f(std::int64_t{});
  detail::dispatch_float(dtype, operation, f);
}

}  // namespace

const Tensor& Tensor::add_(const Tensor& other, Number alpha) const {
  detail::check_same(*this, other, "add_");
  Body& body = detail::writable(*this, "add_");
  dispatch_number(body.dtype, "add_", [&]<class T>(T) {
    const T factor = detail::to_element<T>("add_", alpha);
    body.storage->bump_version();
    kernels::axpy(factor, other.data<T>(), static_cast<T*>(body.data()), numel());
  });
  return *this;
}

const Tensor& Tensor::mul_(Number factor) const {
  Body& body = detail::writable(*this, "mul_");
  dispatch_number(body.dtype, "mul_", [&]<class T>(T) {
    const T value = detail::to_element<T>("mul_", factor);
    body.storage->bump_version();
    kernels::scale(value, static_cast<T*>(body.data()), numel());
  });
  return *this;
}

const Tensor& Tensor::mul_(const Tensor& other) const {
  detail::check_same(*this, other, "mul_");
  Body& body = detail::writable(*this, "mul_");
  dispatch_number(body.dtype, "mul_", [&]<class T>(T) {
    body.storage->bump_version();
    T* values = static_cast<T*>(body.data());
    kernels::run(kernels::mul, static_cast<const T*>(values), 1, other.data<T>(), 1, values,
                 numel());
  });
  return *this;
}

const Tensor& Tensor::set_row(std::int64_t index, const Tensor& values) const {
  return set_rows(tensor({index}), Access::view(values, 0, [&] {
                    std::vector<std::int64_t> sizes{1};
                    sizes.insert(sizes.end(), values.shape().begin(), values.shape().end());
                    return Shape(sizes);
                  }()));
}

const Tensor& Tensor::set_rows(const Tensor& ids, const Tensor& values) const {
  if (ids.dtype() != DType::int64 || values.dtype() != dtype()) {
    throw DTypeError(
        fmt::format("set_rows: ids are {} (int64 is needed), values {} for a {} tensor",
                    name(ids.dtype()), name(values.dtype()), name(dtype())));
  }
  bool fits =
      dim() > 0 && ids.dim() == 1 && values.dim() == dim() && values.shape()[0] == ids.numel();
  for (int i = 1; fits && i < dim(); ++i) fits = values.shape()[i] == shape()[i];
  if (!fits) {
    throw ShapeError(fmt::format("set_rows: ids {} and values {} for a tensor {}",
                                 ids.shape().str(), values.shape().str(), shape().str()));
  }
  const std::int64_t bad =
      kernels::first_outside(ids.data<std::int64_t>(), ids.numel(), 0, shape()[0]);
  if (bad >= 0) {
    throw IndexError(fmt::format("set_rows: index {} at position {} is outside [0, {})",
                                 ids.data<std::int64_t>()[bad], bad, shape()[0]));
  }
  Body& body = detail::writable(*this, "set_rows");
  body.storage->bump_version();
  const auto row = static_cast<std::size_t>(shape().numel(1, dim()) * item_size(dtype()));
  if (row == 0) return *this;
  const auto* source = static_cast<const char*>(detail::data(values));
  auto* target = static_cast<char*>(body.data());
  for (const std::int64_t id : ids.span<std::int64_t>()) {
    std::memcpy(target + static_cast<std::size_t>(id) * row, source, row);
    source += row;
  }
  return *this;
}

bool Tensor::is_leaf() const { return !Access::body(*this).node; }

bool Tensor::trainable() const {
  const Body& body = Access::body(*this);
  return body.leaf && body.leaf->trainable;
}

const Tensor& Tensor::set_trainable(bool trainable) const {
  Body& body = Access::body(*this);
  if (body.node) {
    throw AutogradError(fmt::format(
        "set_trainable: the tensor {} was made by {}: only leaves can be trainable (detach() it)",
        body.shape.str(), body.node->name()));
  }
  if (trainable && !is_floating(body.dtype)) {
    throw DTypeError(
        fmt::format("set_trainable: a {} tensor cannot have a gradient", name(body.dtype)));
  }
  if (trainable && is_read_only()) {
    throw ValueError(fmt::format(
        "set_trainable: the tensor {} is mapped from a file, read-only: train a clone()",
        body.shape.str()));
  }
  if (!body.leaf) body.leaf = std::make_unique<detail::Leaf>();
  body.leaf->trainable = trainable;
  return *this;
}

bool Tensor::requires_grad() const { return Access::body(*this).requires_grad(); }

const Gradient& Tensor::grad() const {
  static const Gradient none;
  const Body& body = Access::body(*this);
  return body.leaf ? body.leaf->gradient : none;
}

void Tensor::set_grad(Gradient gradient) const {
  Body& body = Access::body(*this);
  if (body.node) {
    throw AutogradError(
        fmt::format("set_grad: the tensor {} was made by {}: only leaves have a gradient",
                    body.shape.str(), body.node->name()));
  }
  if (!gradient.empty()) {
    const bool sparse = gradient.is_sparse();
    const Shape& got = sparse ? gradient.sparse().shape() : gradient.dense().shape();
    const DType type = sparse ? gradient.sparse().dtype() : gradient.dense().dtype();
    if (got != body.shape) {
      throw ShapeError(
          fmt::format("set_grad: gradient {} for a tensor {}", got.str(), body.shape.str()));
    }
    if (type != body.dtype) {
      throw DTypeError(fmt::format("set_grad: gradient of dtype {} for a {} tensor", name(type),
                                   name(body.dtype)));
    }
  }
  if (!body.leaf) body.leaf = std::make_unique<detail::Leaf>();
  body.leaf->gradient = std::move(gradient);
}

void Tensor::clear_grad() const {
  Body& body = Access::body(*this);
  if (body.leaf) body.leaf->gradient = Gradient();
}

void Tensor::backward() const { backward(BackwardOptions{}); }

void Tensor::backward(const BackwardOptions& options) const {
  if (numel() != 1) {
    throw ShapeError(
        fmt::format("backward: the tensor {} has {} elements: reduce it to one (sum, mean), or "
                    "pass a cotangent",
                    shape().str(), numel()));
  }
  detail::run_backward(*this, ones_like(*this), options);
}

void Tensor::backward(const Tensor& cotangent) const { backward(cotangent, BackwardOptions{}); }

void Tensor::backward(const Tensor& cotangent, const BackwardOptions& options) const {
  detail::run_backward(*this, cotangent.detach(), options);
}

}  // namespace gradus
