// The functions that change a tensor in place.
#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/writable.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/rows.h>

#include <algorithm>
#include <cstring>

namespace gradus {

using detail::Access;
using detail::Body;

namespace {

void check_same(const Tensor& tensor, const Tensor& other, const char* operation) {
  detail::check_defined(operation, {{"this", tensor}, {"the argument", other}});
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
  return detail::data(other) == detail::data(target) ? other : Access::apart(other, target);
}

}  // namespace

const Tensor& Tensor::copy_(const Tensor& source) const {
  check_same(*this, source, "copy_");
  Body& body = detail::writable(*this, "copy_");
  body.storage->bump_version();
  if (numel() > 0)
    std::memmove(body.data(), detail::data(source),
                 static_cast<std::size_t>(numel() * item_size(dtype())));
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

const Tensor& Tensor::add_(const Tensor& other, Number alpha) const {
  check_same(*this, other, "add_");
  Body& body = detail::writable(*this, "add_");
  detail::dispatch_number("add_", body.dtype, [&]<class T>(T) {
    const T factor = detail::to_element<T>("add_", alpha);
    const Tensor term = aligned(other, *this);
    body.storage->bump_version();
    kernels::axpy(factor, term.data<T>(), static_cast<T*>(body.data()), numel());
  });
  return *this;
}

const Tensor& Tensor::mul_(Number factor) const {
  Body& body = detail::writable(*this, "mul_");
  detail::dispatch_number("mul_", body.dtype, [&]<class T>(T) {
    const T value = detail::to_element<T>("mul_", factor);
    body.storage->bump_version();
    kernels::scale(value, static_cast<T*>(body.data()), numel());
  });
  return *this;
}

const Tensor& Tensor::mul_(const Tensor& other) const {
  check_same(*this, other, "mul_");
  Body& body = detail::writable(*this, "mul_");
  detail::dispatch_number("mul_", body.dtype, [&]<class T>(T) {
    const Tensor factors = aligned(other, *this);
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

// True if `rows` has the shape of entries of the first axis of `table`, after `leading` axes.
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

}  // namespace gradus
