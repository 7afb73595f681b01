#include <fmt/format.h>
#include <gradus/framework/creation.h>
#include <gradus/framework/detail/body.h>
#include <gradus/framework/detail/dispatch.h>
#include <gradus/framework/error.h>
#include <gradus/framework/gradient.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/sparse_grad.h>

#include <utility>
#include <vector>

namespace gradus {

SparseGrad::SparseGrad(Tensor ids, Tensor values, const Shape& shape, bool coalesced)
    : ids_(std::move(ids)), values_(std::move(values)), shape_(shape), coalesced_(coalesced) {}

SparseGrad::SparseGrad(Tensor ids, Tensor values, const Shape& shape)
    : ids_(std::move(ids)), values_(std::move(values)), shape_(shape) {
  if (ids_.dtype() != DType::int64 || !is_floating(values_.dtype())) {
    throw DTypeError(
        fmt::format("SparseGrad: ids are {} (int64 is needed), values {} (a float type)",
                    name(ids_.dtype()), name(values_.dtype())));
  }
  bool fits = shape_.rank() > 0 && ids_.dim() == 1 && values_.dim() == shape_.rank() &&
              values_.shape()[0] == ids_.numel();
  for (int i = 1; fits && i < shape_.rank(); ++i) fits = values_.shape()[i] == shape_[i];
  if (!fits) {
    throw ShapeError(fmt::format("SparseGrad: ids {} and values {} for the dense shape {}",
                                 ids_.shape().str(), values_.shape().str(), shape_.str()));
  }
  const std::int64_t* id = ids_.data<std::int64_t>();
  const std::int64_t bad = kernels::first_outside(id, ids_.numel(), 0, shape_[0]);
  if (bad >= 0) {
    throw IndexError(fmt::format("SparseGrad: index {} at position {} is outside [0, {})", id[bad],
                                 bad, shape_[0]));
  }
}

SparseGrad SparseGrad::coalesce() const {
  if (coalesced_) return *this;
  std::vector<std::int64_t> unique;
  std::vector<std::int64_t> slot;
  kernels::unique_rows(ids_.data<std::int64_t>(), nnz(), shape_[0], unique, slot);
  const auto rows = static_cast<std::int64_t>(unique.size());
  std::vector<std::int64_t> sizes(shape_.begin(), shape_.end());
  sizes[0] = rows;
  Tensor sums = zeros(Shape(sizes), dtype());
  detail::dispatch_float(dtype(), "coalesce", [&]<class T>(T) {
    kernels::scatter_add_rows(values_.data<T>(), slot.data(), nnz(), row_size(), T{1},
                              static_cast<T*>(detail::raw(sums)), rows);
  });
  return {tensor(unique), std::move(sums), shape_, true};
}

void SparseGrad::add_to(const Tensor& dense, double alpha) const {
  if (dense.shape() != shape_) {
    throw ShapeError(
        fmt::format("SparseGrad: cannot be added to a tensor {}, its dense shape is {}",
                    dense.shape().str(), shape_.str()));
  }
  detail::dispatch_float(dtype(), "SparseGrad", [&]<class T>(T) {
    kernels::scatter_add_rows(values_.data<T>(), ids_.data<std::int64_t>(), nnz(), row_size(),
                              static_cast<T>(alpha), dense.mutable_data<T>(), shape_[0]);
  });
}

Tensor SparseGrad::to_dense() const {
  Tensor dense = zeros(shape_, dtype());
  add_to(dense);
  return dense;
}

std::string SparseGrad::str() const {
  return fmt::format("SparseGrad(nnz={}, shape={}, {}, {})", nnz(), shape_.str(), name(dtype()),
                     coalesced_ ? "coalesced" : "uncoalesced");
}

const Tensor& Gradient::dense() const {
  if (const auto* dense = std::get_if<Tensor>(&value_)) return *dense;
  throw AutogradError(
      fmt::format("gradient: a dense gradient was asked for, there is {}{}", str(),
                  is_sparse() ? ": use sparse() or to_dense()" : ": call backward() first"));
}

Tensor Gradient::take_dense() && {
  dense();
  Tensor taken = std::move(std::get<Tensor>(value_));
  value_ = std::monostate();
  return taken;
}

const SparseGrad& Gradient::sparse() const {
  if (const auto* sparse = std::get_if<SparseGrad>(&value_)) return *sparse;
  throw AutogradError(fmt::format("gradient: a sparse gradient was asked for, there is {}", str()));
}

Tensor Gradient::to_dense() const { return is_sparse() ? sparse().to_dense() : dense(); }

std::string Gradient::str() const {
  if (empty()) return "no gradient";
  return is_sparse() ? sparse().str() : "dense gradient " + dense().shape().str();
}

}  // namespace gradus
