#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/positions.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/positions.h>

namespace gradus {
namespace {

Tensor new_table(std::int64_t max_length, std::int64_t d_model,
                 const LearnedPositionsOptions& options, Generator& generator) {
  if (max_length < 0 || d_model < 0) {
    throw ValueError(
        fmt::format("LearnedPositions: max_length is {}, d_model is {}: sizes cannot be negative",
                    max_length, d_model));
  }
  const DType dtype = detail::layer_dtype("LearnedPositions", options.dtype);
  return normal_(detail::empty_sized("LearnedPositions", Shape{max_length, d_model}, dtype), 0,
                 0.02, generator);
}

Tensor add_rows(const char* operation, const Tensor& x, const Tensor& table, std::int64_t first) {
  if (x.dim() != 3 || x.size(2) != table.size(1)) {
    throw ShapeError(fmt::format("{}: x is {}, it must be [batch, time, {}]", operation,
                                 x.shape().str(), table.size(1)));
  }
  if (x.dtype() != table.dtype()) {
    throw DTypeError(fmt::format("{}: x is {}, the table is {}: convert x with to()", operation,
                                 name(x.dtype()), name(table.dtype())));
  }
  if (first < 0 || first > table.size(0)) {
    throw ValueError(
        fmt::format("{}: first is {}, it must be in [0, {}]", operation, first, table.size(0)));
  }
  const std::int64_t end = first + x.size(1);
  if (end > table.size(0)) {
    throw ValueError(fmt::format("{}: positions [{}, {}) are outside [0, {})", operation, first,
                                 end, table.size(0)));
  }
  return x + slice(table, 0, first, end);
}

}  // namespace

LearnedPositions::LearnedPositions(std::int64_t max_length, std::int64_t d_model,
                                   const LearnedPositionsOptions& options, Generator& generator)
    : weight(add_parameter("weight", new_table(max_length, d_model, options, generator))) {
  set_description([=] { return fmt::format("LearnedPositions({}, {})", max_length, d_model); });
}

Tensor LearnedPositions::operator()(const Tensor& x, std::int64_t first) const {
  detail::check_defined("learned_positions", {{"x", x}, {"weight", weight}});
  return add_rows("learned_positions", x, weight, first);
}

SinusoidalPositions::SinusoidalPositions(std::int64_t max_length, std::int64_t d_model)
    : single_(sinusoidal_positions(max_length, d_model)),
      double_(sinusoidal_positions(max_length, d_model, DType::float64)) {
  set_description([=] { return fmt::format("SinusoidalPositions({}, {})", max_length, d_model); });
}

Tensor SinusoidalPositions::operator()(const Tensor& x, std::int64_t first) const {
  const Tensor& table = x.defined() && x.dtype() == DType::float64 ? double_ : single_;
  detail::check_defined("sinusoidal_positions", {{"x", x}, {"the table", table}});
  return add_rows("sinusoidal_positions", x, table, first);
}

}  // namespace gradus
