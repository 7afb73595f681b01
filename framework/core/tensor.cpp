#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/backward.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/writable.h>
#include <gradus/framework/core/tensor.h>

#include <cstring>
#include <memory>
#include <utility>

namespace gradus {

using detail::Body;

Tensor::Tensor(const Tensor& other) noexcept : body_(other.body_) {
  if (body_) body_->retain();
}

Tensor& Tensor::operator=(const Tensor& other) & noexcept {
  Tensor copy(other);
  std::swap(body_, copy.body_);
  return *this;
}

Tensor& Tensor::operator=(Tensor&& other) & noexcept {
  Tensor moved(std::move(other));
  std::swap(body_, moved.body_);
  return *this;
}

Tensor::~Tensor() {
  if (body_) body_->release();
}

const Shape& Tensor::shape() const { return detail::body_of(*this, "shape").shape; }
int Tensor::dim() const { return detail::body_of(*this, "dim").shape.rank(); }
std::int64_t Tensor::numel() const { return detail::body_of(*this, "numel").shape.numel(); }
DType Tensor::dtype() const { return detail::body_of(*this, "dtype").dtype; }

std::int64_t Tensor::size(std::int64_t axis) const {
  const Shape& shape = detail::body_of(*this, "size").shape;
  return shape[normalize_axis(axis, shape.rank(), "size")];
}

const void* Tensor::checked_data(DType type) const {
  const Body& body = detail::body_of(*this, "data");
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

bool Tensor::is_read_only() const {
  return detail::body_of(*this, "is_read_only").storage->file() != nullptr;
}

void* Tensor::checked_mutable_data(DType type) const {
  checked_data(type);
  Body& body = detail::writable(*this, "mutable_data");
  body.storage->bump_version();
  return body.data();
}

Tensor Tensor::clone() const {
  detail::check_defined("clone", "this", *this);
  Tensor copy = empty_like(*this);
  if (numel() > 0)
    std::memcpy(detail::raw(copy), detail::data(*this),
                static_cast<std::size_t>(numel() * item_size(dtype())));
  detail::note_creation("clone", numel() * item_size(dtype()));
  return copy;
}

Tensor Tensor::detach() const {
  return detail::Access::view(*this, 0, detail::body_of(*this, "detach").shape);
}

bool Tensor::is_leaf() const { return !detail::body_of(*this, "is_leaf").node; }

bool Tensor::trainable() const {
  const Body& body = detail::body_of(*this, "trainable");
  return body.leaf && body.leaf->trainable;
}

const Tensor& Tensor::set_trainable(bool trainable) const {
  Body& body = detail::body_of(*this, "set_trainable");
  if (body.node) {
    throw AutogradError(fmt::format(
        "set_trainable: the tensor {} was made by {}: only leaves can be trainable (detach() it)",
        body.shape.str(), body.node->name()));
  }
  if (trainable && !is_floating(body.dtype)) {
    throw DTypeError(
        fmt::format("set_trainable: a tensor of dtype {} cannot have a gradient: convert it with "
                    "to(DType::float32)",
                    name(body.dtype)));
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

bool Tensor::requires_grad() const {
  return detail::body_of(*this, "requires_grad").requires_grad();
}

const Gradient& Tensor::grad() const {
  static const Gradient none;
  const Body& body = detail::body_of(*this, "grad");
  return body.leaf ? body.leaf->gradient : none;
}

void Tensor::set_grad(Gradient gradient) const {
  Body& body = detail::body_of(*this, "set_grad");
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
      throw DTypeError(fmt::format("set_grad: gradient of dtype {} for a tensor of dtype {}",
                                   name(type), name(body.dtype)));
    }
  }
  if (!body.leaf) body.leaf = std::make_unique<detail::Leaf>();
  body.leaf->gradient = std::move(gradient);
}

void Tensor::clear_grad() const {
  Body& body = detail::body_of(*this, "clear_grad");
  if (body.leaf) body.leaf->gradient = Gradient();
}

void Tensor::backward() const { backward(BackwardOptions{}); }

void Tensor::backward(const BackwardOptions& options) const {
  detail::check_defined("backward", "this", *this);
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
  detail::check_defined("backward", {{"this", *this}, {"cotangent", cotangent}});
  detail::run_backward(*this, cotangent.detach(), options);
}

}  // namespace gradus
