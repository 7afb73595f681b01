#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/sparse_grad.h>
#include <gradus/framework/kernels/rows.h>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace gradus {

namespace detail {

// Entries that share rows, until values() expands them.
class LazyValues {
 public:
  explicit LazyValues(SparseEntries entries) : entries_(std::move(entries)) {}

  SparseEntries entries() const {
    const std::lock_guard lock(mutex_);
    return entries_;
  }
  const Tensor& written_out(std::int64_t n, const Shape& table) {
    const std::lock_guard lock(mutex_);
    if (!entries_.sources.defined() && !entries_.factors.defined()) return entries_.rows;
    Tensor values = empty(with_rows(table, n), entries_.rows.dtype());
    dispatch_float("SparseGrad", values.dtype(), [&]<class T>(T) {
      kernels::gather_weighted_rows(entries_.rows.data<T>(),
                                    data_or_null<std::int64_t>(entries_.sources),
                                    data_or_null<T>(entries_.factors), n,
                                    table.numel(1, table.rank()), static_cast<T*>(raw(values)));
    });
    entries_ = {std::move(values), {}, {}};
    return entries_.rows;
  }
  bool is_sole_owner() const {
    const auto sole = [](const Tensor& x) { return !x.defined() || Access::sole_owner(x); };
    return sole(entries_.rows) && sole(entries_.sources) && sole(entries_.factors);
  }
  SparseEntries copy() const {
    const auto clone = [](const Tensor& x) { return x.defined() ? x.clone() : x; };
    return {clone(entries_.rows), clone(entries_.sources), clone(entries_.factors)};
  }

 private:
  mutable std::mutex mutex_;
  SparseEntries entries_;
};

}  // namespace detail

namespace {

// y[ids[k]] += alpha * entry k, for the rows of a table [V, D].
template <class T>
void scatter(const SparseEntries& entries, const std::int64_t* ids, std::int64_t n, std::int64_t D,
             T alpha, T* y, std::int64_t V) {
  kernels::scatter_add_segments(entries.rows.data<T>(),
                                detail::data_or_null<std::int64_t>(entries.sources),
                                detail::data_or_null<T>(entries.factors), ids, n, D, alpha, y, V);
}

}  // namespace

SparseGrad::SparseGrad(Tensor ids, Tensor values, const Shape& shape, bool coalesced)
    : ids_(std::move(ids)), values_(std::move(values)), shape_(shape), coalesced_(coalesced) {}

SparseGrad::SparseGrad(Tensor ids, Tensor values, const Shape& shape)
    : ids_(std::move(ids)), values_(std::move(values)), shape_(shape) {
  detail::check_defined("SparseGrad", {{"ids", ids_}, {"values", values_}});
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

SparseGrad::SparseGrad(Tensor ids, SparseEntries entries, const Shape& shape)
    : ids_(std::move(ids)),
      lazy_(std::make_shared<detail::LazyValues>(std::move(entries))),
      shape_(shape) {}

const Tensor& SparseGrad::values() const {
  return lazy_ ? lazy_->written_out(nnz(), shape_) : values_;
}

SparseEntries SparseGrad::entries() const {
  return lazy_ ? lazy_->entries() : SparseEntries{values_, {}, {}};
}

DType SparseGrad::dtype() const { return lazy_ ? lazy_->entries().rows.dtype() : values_.dtype(); }

SparseGrad SparseGrad::coalesce() const {
  if (coalesced_) return *this;
  std::vector<std::int64_t> unique;
  std::vector<std::int64_t> slot;
  kernels::unique_rows(ids_.data<std::int64_t>(), nnz(), shape_[0], unique, slot);
  const auto rows = static_cast<std::int64_t>(unique.size());
  Tensor sums = zeros(detail::with_rows(shape_, rows), dtype());
  detail::dispatch_float("coalesce", dtype(), [&]<class T>(T) {
    scatter(entries(), slot.data(), nnz(), row_size(), T{1}, static_cast<T*>(detail::raw(sums)),
            rows);
  });
  return {tensor(unique), std::move(sums), shape_, true};
}

void SparseGrad::add_to(const Tensor& dense, double alpha) const {
  detail::check_defined("SparseGrad", {{"dense", dense}, {"this", ids_}});
  if (dense.shape() != shape_) {
    throw ShapeError(
        fmt::format("SparseGrad: cannot be added to a tensor {}: its dense shape is {}",
                    dense.shape().str(), shape_.str()));
  }
  const auto apart = [&](const Tensor& x) {
    return x.defined() ? detail::Access::apart(x, dense) : x;
  };
  SparseEntries own = entries();  // as they are before `dense` is written
  own = {apart(own.rows), apart(own.sources), apart(own.factors)};
  const Tensor ids = apart(ids_);
  detail::dispatch_float("SparseGrad", dtype(), [&]<class T>(T) {
    scatter(own, ids.data<std::int64_t>(), nnz(), row_size(), static_cast<T>(alpha),
            dense.mutable_data<T>(), shape_[0]);
  });
}

void SparseGrad::mul_(double factor) const { entries().rows.mul_(factor); }

Tensor SparseGrad::to_dense() const {
  Tensor dense = zeros(shape_, dtype());
  add_to(dense);
  return dense;
}

std::string SparseGrad::str() const {
  return fmt::format("SparseGrad(nnz={}, shape={}, {}, {})", nnz(), shape_.str(), name(dtype()),
                     coalesced_ ? "coalesced" : "uncoalesced");
}

namespace detail {

SparseGrad Access::sparse(Tensor ids, SparseEntries entries, const Shape& shape) {
  return {std::move(ids), std::move(entries), shape};
}

namespace {

SparseGrad concatenated_values(const std::vector<SparseGrad>& parts, Tensor ids) {
  const SparseGrad& first = parts[0];
  Tensor values = empty(with_rows(first.shape(), ids.numel()), first.dtype());
  auto* value = static_cast<char*>(raw(values));
  for (const SparseGrad& part : parts) {
    const std::int64_t bytes = part.values().numel() * item_size(part.dtype());
    value = std::copy_n(static_cast<const char*>(data(part.values())), bytes, value);
  }
  return Access::sparse(std::move(ids), std::move(values), first.shape(), false);
}

// For parts of which some share rows: concatenates the rows and shifts the sources accordingly.
template <class T>
SparseGrad concatenated_entries(const std::vector<SparseGrad>& parts, Tensor ids) {
  const SparseGrad& first = parts[0];
  std::int64_t m = 0;
  bool weighted = false;
  for (const SparseGrad& part : parts) {
    m += part.entries().rows.shape()[0];
    weighted = weighted || part.entries().factors.defined();
  }
  const SparseEntries all{empty(with_rows(first.shape(), m), first.dtype()), empty_like(ids),
                          weighted ? empty({ids.numel()}, first.dtype()) : Tensor()};
  T* row = static_cast<T*>(raw(all.rows));
  auto* source = static_cast<std::int64_t*>(raw(all.sources));
  T* factor = weighted ? static_cast<T*>(raw(all.factors)) : nullptr;
  std::int64_t before = 0;
  for (const SparseGrad& part : parts) {
    const SparseEntries entries = part.entries();
    const auto* sources = data_or_null<std::int64_t>(entries.sources);
    const auto* factors = data_or_null<T>(entries.factors);
    row = std::copy_n(entries.rows.data<T>(), entries.rows.numel(), row);
    for (std::int64_t k = 0; k < part.nnz(); ++k) {
      *source++ = before + (sources ? sources[k] : k);
      if (factor) *factor++ = factors ? factors[k] : T{1};
    }
    before += entries.rows.shape()[0];
  }
  return Access::sparse(std::move(ids), all, first.shape());
}

}  // namespace

SparseGrad Access::concatenated(const std::vector<SparseGrad>& parts) {
  if (parts.size() == 1) return parts[0];
  std::int64_t n = 0;
  bool lazy = false;
  for (const SparseGrad& part : parts) {
    n += part.nnz();
    lazy = lazy || part.lazy_;
  }
  Tensor ids = empty({n}, DType::int64);
  auto* id = static_cast<std::int64_t*>(raw(ids));
  for (const SparseGrad& part : parts) {
    id = std::copy_n(part.ids().data<std::int64_t>(), part.nnz(), id);
  }
  if (!lazy) return concatenated_values(parts, std::move(ids));
  return parts[0].dtype() == DType::float32 ? concatenated_entries<float>(parts, std::move(ids))
                                            : concatenated_entries<double>(parts, std::move(ids));
}

SparseGrad Access::owned(SparseGrad gradient) {
  if (!sole_owner(gradient.ids_)) gradient.ids_ = gradient.ids_.clone();
  if (!gradient.lazy_) {
    if (!sole_owner(gradient.values_)) gradient.values_ = gradient.values_.clone();
  } else if (gradient.lazy_.use_count() > 1 || !gradient.lazy_->is_sole_owner()) {
    gradient.lazy_ = std::make_shared<LazyValues>(gradient.lazy_->copy());
  }
  return gradient;
}

}  // namespace detail

}  // namespace gradus
