#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/detail/growing_matrix.h>

#include <algorithm>
#include <utility>

namespace gradus::detail {
namespace {

// Of a block, in numbers. Memory of the largest goes back to the system when it is freed.
constexpr std::int64_t least_block = std::int64_t{1} << 14U, largest_block = std::int64_t{1} << 24U;

}  // namespace

GrowingMatrix::GrowingMatrix(std::int64_t columns, std::int64_t expected)
    : columns_(columns), first_rows_(expected) {
  if (expected == 0) return;
  first_ = empty({expected, columns_});
  block_ = first_.mutable_data<float>();
  room_ = expected;
}

void GrowingMatrix::grow() {
  const std::int64_t numbers = std::clamp(rows_ * columns_ / 2, least_block, largest_block);
  const std::int64_t rows = std::max<std::int64_t>(numbers / columns_, 1);
  others_.push_back(
      {std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(rows * columns_)), rows});
  block_ = others_.back().values.get();
  room_ = rows;
  used_ = 0;
}

// All rows in new memory. Each block is freed as soon as it is copied.
Tensor GrowingMatrix::joined() {
  Tensor all = empty({rows_, columns_});
  float* to = all.mutable_data<float>();
  std::int64_t left = rows_;
  const auto copy = [&](const float* from, std::int64_t rows) {
    rows = std::min(rows, left);
    to = std::copy_n(from, rows * columns_, to);
    left -= rows;
  };
  if (first_rows_ > 0) copy(first_.data<float>(), first_rows_);
  first_ = Tensor();
  for (Block& block : others_) {
    copy(block.values.get(), block.rows);
    block.values.reset();
  }
  return all;
}

Tensor GrowingMatrix::finish() {
  if (rows_ == 0) return empty({0, columns_});
  // Memory of a few rows more is kept: it was never touched.
  const bool is_first = others_.empty() && first_rows_ - rows_ <= rows_ / 8;
  if (!is_first) return joined();
  if (rows_ == first_rows_) return std::move(first_);
  return Access::make(Access::body(first_).storage, 0, Shape{rows_, columns_}, DType::float32);
}

}  // namespace gradus::detail
