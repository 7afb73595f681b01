#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/backward.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/writable.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/rows.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace gradus {

using detail::Access;
using detail::Body;

namespace detail {

namespace {

// The body of a tensor whose member function `operation` runs.
Body& body_of(const Tensor& tensor, const char* operation) {
  check_defined(operation, "this", tensor);
  return Access::body(tensor);
}

// The same if the function is about to change the tensor.
Body& writable(const Tensor& tensor, const char* operation) {
  Body& body = body_of(tensor, operation);
  check_writable(operation, tensor);
  return body;
}

void check_same(const Tensor& tensor, const Tensor& other, const char* operation) {
  check_defined(operation, {{"this", tensor}, {"the argument", other}});
  if (tensor.dtype() != other.dtype()) {
    throw DTypeError(fmt::format("{}: dtypes differ: this is {}, the argument is {}", operation,
                                 name(tensor.dtype()), name(other.dtype())));
  }
  if (tensor.shape() != other.shape()) {
    throw ShapeError(fmt::format("{}: shapes differ: this is {}, the argument is {}", operation,
                                 tensor.shape().str(), other.shape().str()));
  }
}

// The values of `other`, which has the shape and dtype of `target`, for a function that reads and
// writes element by element: a copy if the two overlap and are not the same elements.
Tensor aligned(const Tensor& other, const Tensor& target) {
  return data(other) == data(target) ? other : Access::apart(other, target);
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

namespace detail {
namespace {

// Calls f with the value of a tensor that has one element.
template <class R, class F>
R with_item(const Tensor& tensor, const F& f) {
  const Body& body = body_of(tensor, "item");
  if (body.shape.numel() != 1) {
    throw ShapeError(fmt::format("item: the tensor {} has {} elements, not one", body.shape.str(),
                                 body.shape.numel()));
  }
  return dispatch(body.dtype, [&]<class T>(T) -> R {
    T value;
    std::memcpy(&value, body.data(), sizeof(T));  // of any alignment
    return f(value);
  });
}

[[noreturn]] void throw_no_integer(const std::string& value, const std::string& least,
                                   const std::string& greatest) {
  throw ValueError(fmt::format("item: the value {} does not fit an integer type from {} to {}",
                               value, least, greatest));
}

// The value as an integer in [least, greatest]; fractions are cut off.
template <class Integer, class T>
Integer checked_integer(T value, Integer least, Integer greatest) {
  const auto refuse = [&] {
    throw_no_integer(fmt::to_string(value), fmt::to_string(least), fmt::to_string(greatest));
  };
  if constexpr (std::is_floating_point_v<T>) {
    const double whole = std::trunc(static_cast<double>(value));
    const double limit = std::is_signed_v<Integer> ? 0x1p63 : 0x1p64;
    if (!(whole >= static_cast<double>(least) && whole < limit)) refuse();
    const auto integer = static_cast<Integer>(whole);
    if (integer > greatest) refuse();
    return integer;
  } else {
    const auto wide = static_cast<std::int64_t>(value);
    if (std::cmp_less(wide, least) || std::cmp_greater(wide, greatest)) refuse();
    return static_cast<Integer>(wide);
  }
}

}  // namespace
}  // namespace detail

bool Tensor::item_is_floating() const { return is_floating(detail::body_of(*this, "item").dtype); }

double Tensor::item_as_double() const {
  return detail::with_item<double>(*this, [](auto value) { return static_cast<double>(value); });
}

std::int64_t Tensor::item_as_signed(std::int64_t least, std::int64_t greatest) const {
  return detail::with_item<std::int64_t>(
      *this, [&](auto value) { return detail::checked_integer(value, least, greatest); });
}

std::uint64_t Tensor::item_as_unsigned(std::uint64_t greatest) const {
  return detail::with_item<std::uint64_t>(*this, [&](auto value) {
    return detail::checked_integer(value, std::uint64_t{0}, greatest);
  });
}

Tensor Tensor::clone() const {
  detail::check_defined("clone", "this", *this);
  Tensor copy = empty_like(*this);
  if (numel() > 0) std::memcpy(detail::raw(copy), detail::data(*this), detail::byte_count(*this));
  detail::note_creation("clone", numel() * item_size(dtype()));
  return copy;
}

Tensor Tensor::detach() const {
  return Access::view(*this, 0, detail::body_of(*this, "detach").shape);
}

namespace {

// Throws unless every value of a float tensor, its fraction cut off, is an int64.
template <class T>
void check_fits_int64(const Tensor& x) {
  const auto values = x.span<T>();
  const auto bad = std::find_if(values.begin(), values.end(),
                                [](T v) { return !(v >= T{-0x1p63} && v < T{0x1p63}); });
  if (bad == values.end()) return;
  throw ValueError(fmt::format("to: {} at element {} of {} does not fit int64", *bad,
                               bad - values.begin(), x.shape().str()));
}

}  // namespace

Tensor Tensor::to(DType type) const {
  if (type == detail::body_of(*this, "to").dtype) return *this;
  if (type == DType::int64 && dtype() == DType::float32) check_fits_int64<float>(*this);
  if (type == DType::int64 && dtype() == DType::float64) check_fits_int64<double>(*this);
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

namespace {

void fill(const Tensor& tensor, const Number& value, const char* operation) {
  Body& body = detail::writable(tensor, operation);
  detail::dispatch(body.dtype, [&]<class T>(T) {
    const T element = detail::to_element<T>(operation, value);
    body.storage->bump_version();
    kernels::fill(static_cast<T*>(body.data()), element, body.shape.numel());
  });
}

}  // namespace

const Tensor& Tensor::fill_(Number value) const {
  fill(*this, value, "fill_");
  return *this;
}

const Tensor& Tensor::zero_() const {
  fill(*this, 0, "zero_");
  return *this;
}

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
    const Tensor term = detail::aligned(other, *this);
    body.storage->bump_version();
    kernels::axpy(factor, term.data<T>(), static_cast<T*>(body.data()), numel());
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
    const Tensor factors = detail::aligned(other, *this);
    body.storage->bump_version();
    T* values = static_cast<T*>(body.data());
    kernels::run(kernels::mul, static_cast<const T*>(values), 1, factors.data<T>(), 1, values,
                 numel());
  });
  return *this;
}

namespace {

// Overwrites rows ids[0, n) of the first axis with the rows of `values`.
void write_rows(const Tensor& tensor, std::span<const std::int64_t> ids, const Tensor& values,
                const char* operation) {
  Body& body = detail::writable(tensor, operation);
  const Tensor rows = Access::apart(values, tensor);
  body.storage->bump_version();
  const std::int64_t width = tensor.shape().numel(1, tensor.dim());
  const auto row = static_cast<std::size_t>(width * item_size(tensor.dtype()));
  if (row == 0) return;
  const auto* source = static_cast<const char*>(detail::data(rows));
  auto* target = static_cast<char*>(body.data());
  for (const std::int64_t id : ids) {
    std::memcpy(target + static_cast<std::size_t>(id) * row, source, row);
    source += row;
  }
}

// True if `rows` has the shape of entries of the first axis of `table`, `leading` axes before it.
bool fits_rows(const Shape& rows, const Shape& table, int leading) {
  if (table.rank() == 0 || rows.rank() != leading + table.rank() - 1) return false;
  return std::equal(table.begin() + 1, table.end(), rows.begin() + leading);
}

}  // namespace

const Tensor& Tensor::set_row(std::int64_t index, const Tensor& values) const {
  detail::check_defined("set_row", {{"this", *this}, {"values", values}});
  if (values.dtype() != dtype()) {
    throw DTypeError(fmt::format("set_row: values of dtype {} for a tensor of dtype {}",
                                 name(values.dtype()), name(dtype())));
  }
  if (!fits_rows(values.shape(), shape(), 0)) {
    throw ShapeError(
        fmt::format("set_row: values {} for a tensor {}", values.shape().str(), shape().str()));
  }
  if (index < 0 || index >= shape()[0]) {
    throw IndexError(fmt::format("set_row: index {} is outside [0, {})", index, shape()[0]));
  }
  write_rows(*this, {&index, 1}, values, "set_row");
  return *this;
}

const Tensor& Tensor::set_rows(const Tensor& ids, const Tensor& values) const {
  detail::check_defined("set_rows", {{"this", *this}, {"ids", ids}, {"values", values}});
  if (ids.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("set_rows: ids are {}, int64 is needed: convert them with to(DType::int64)",
                    name(ids.dtype())));
  }
  if (values.dtype() != dtype()) {
    throw DTypeError(fmt::format("set_rows: values of dtype {} for a tensor of dtype {}",
                                 name(values.dtype()), name(dtype())));
  }
  const bool fits =
      ids.dim() == 1 && fits_rows(values.shape(), shape(), 1) && values.shape()[0] == ids.numel();
  if (!fits) {
    throw ShapeError(fmt::format("set_rows: ids {} and values {} for a tensor {}",
                                 ids.shape().str(), values.shape().str(), shape().str()));
  }
  const Tensor rows = Access::apart(ids, *this);
  const auto index = rows.span<std::int64_t>();
  const std::int64_t bad = kernels::first_outside(index.data(), ids.numel(), 0, shape()[0]);
  if (bad >= 0) {
    throw IndexError(fmt::format("set_rows: index {} at position {} is outside [0, {})",
                                 index[static_cast<std::size_t>(bad)], bad, shape()[0]));
  }
  write_rows(*this, index, values, "set_rows");
  return *this;
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
