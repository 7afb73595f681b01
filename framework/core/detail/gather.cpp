#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/cotangent.h>
#include <gradus/framework/core/detail/gather.h>
#include <gradus/framework/kernels/elementwise.h>

#include <utility>
#include <vector>

namespace gradus::detail {
namespace {

void add_in_place(const Tensor& sum, const Tensor& term) {
  dispatch_float("backward", sum.dtype(), [&]<class T>(T) {
    kernels::axpy(T{1}, static_cast<const T*>(data(term)), static_cast<T*>(raw(sum)), sum.numel());
  });
}

}  // namespace

void gather(Tensor& gathered, Tensor contribution) {
  if (!gathered.defined()) {
    gathered = std::move(contribution);
    return;
  }
  if (!Access::sole_owner(gathered)) {
    if (Access::sole_owner(contribution)) {
      std::swap(gathered, contribution);
    } else {
      gathered = gathered.clone();
    }
  }
  add_in_place(gathered, contribution);
}

void gather(Output& output, Tensor contribution) {
  Tensor& gathered = output.cotangent;
  if (gathered.defined() && gathered.shape() != contribution.shape()) {
    if (gathered.shape() != output.shape) gathered = repeat_to(gathered, output.shape);
    if (contribution.shape() != output.shape) contribution = repeat_to(contribution, output.shape);
  }
  gather(gathered, std::move(contribution));
}

void make_owned(Tensor& gathered, const Shape& shape, DType dtype) {
  if (!gathered.defined()) {
    gathered = zeros(shape, dtype);
  } else if (gathered.shape() != shape) {
    gathered = repeat_to(gathered, shape);
  } else if (!Access::sole_owner(gathered)) {
    gathered = gathered.clone();
  }
}

Gradient merge(Leaf& leaf) {
  const Gradient& old = leaf.gradient;
  if (!leaf.dense.defined() && !old.is_dense()) {
    std::vector<SparseGrad> parts = std::move(leaf.sparse);
    if (old.is_sparse()) parts.insert(parts.begin(), old.sparse());
    SparseGrad sum = Access::concatenated(parts);
    if (parts.size() > 1 && sum.nnz() > sum.shape()[0]) return sum.coalesce();
    parts.clear();
    leaf.gradient = Gradient();
    return Access::owned(std::move(sum));
  }
  Tensor dense = std::move(leaf.dense);
  if (old.is_dense()) {
    Tensor sum = old.dense();
    leaf.gradient = Gradient();
    if (dense.defined()) gather(sum, std::move(dense));
    dense = std::move(sum);
  }
  if (!Access::sole_owner(dense)) dense = dense.clone();
  if (leaf.gradient.is_sparse()) leaf.gradient.sparse().add_to(dense);
  for (const SparseGrad& part : leaf.sparse) part.add_to(dense);
  return dense;
}

}  // namespace gradus::detail
