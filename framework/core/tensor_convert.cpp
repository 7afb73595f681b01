// Conversions of a tensor's values: of one to a C++ number, of all to another dtype.
#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/writable.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/kernels/elementwise.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace gradus {

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

// The value as an integer in [least, greatest]; fractions are truncated.
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

namespace {

// Throws unless every value of a float tensor, truncated, fits int64.
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

}  // namespace gradus
