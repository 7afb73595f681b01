#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/scatter.h>
#include <gradus/framework/kernels/sort.h>
#include <gradus/framework/ops/author/reduced_axes.h>
#include <gradus/framework/ops/sort.h>

#include <vector>

namespace gradus {

using detail::AxisView;
using detail::slice_view;

namespace {

const std::int64_t* ids_of(const Tensor& ids) { return ids.data<std::int64_t>(); }

Shape with_size(const Shape& shape, const AxisView& view, std::int64_t k) {
  return shape.rank() == 0 ? shape : detail::splice(shape, view.axis, 1, {k});
}

// The k entries of each row along an axis that kernel(x, R, C, values, index) chooses.
template <class F>
ValuesAndIndices choose(const Tensor& x, const AxisView& view, std::int64_t k, const F& kernel) {
  const Tensor rows = to_rows(x, view);
  const std::int64_t R = rows.size(0);
  const Tensor values = empty({R, k}, x.dtype());
  const Tensor indices = empty({R, k}, DType::int64);
  detail::dispatch(x.dtype(), [&]<class T>(T) {
    kernel(rows.data<T>(), R, view.n, values.mutable_data<T>(),
           indices.mutable_data<std::int64_t>());
  });
  const AxisView chosen{view.axis, view.outer, k, view.inner};
  const Shape shape = with_size(x.shape(), view, k);
  return {from_rows(values, chosen, shape), from_rows(indices, chosen, shape)};
}

// The places that each of k entries along an axis came from.
kernels::Routes routes(const Tensor& indices, const AxisView& view, std::int64_t k) {
  return {ids_of(indices), view.outer, k, view.n, view.inner};
}

}  // namespace

ValuesAndIndices sort(const Tensor& x, std::int64_t axis, bool descending) {
  const AxisView view = slice_view(x, axis, "sort");
  ValuesAndIndices y = choose(x, view, view.n, [descending](auto* in, auto R, auto C, auto... out) {
    kernels::sort_rows(in, R, C, descending, out...);
  });
  const auto derivative = [view, indices = Saved(y.indices)](const Tensor& g) {
    Tensor dx = empty_like(g);  // all of it is written: the indices are a permutation
    visit_float("sort", g, [&]<class T>(T) {
      kernels::scatter(routes(*indices, view, view.n), g.data<T>(), T{0}, dx.mutable_data<T>());
    });
    return dx;
  };
  y.values = record("sort", y.values, vjp(x, derivative));
  return y;
}

Tensor argsort(const Tensor& x, std::int64_t axis, bool descending) {
  const AxisView view = slice_view(x, axis, "argsort");
  const Tensor rows = to_rows(x, view);
  const Tensor indices = empty(rows.shape(), DType::int64);
  detail::dispatch(x.dtype(), [&]<class T>(T) {
    kernels::sort_rows<T>(rows.data<T>(), rows.size(0), view.n, descending, nullptr,
                          indices.mutable_data<std::int64_t>());
  });
  Tensor y = from_rows(indices, view, x.shape());
  detail::note_op("argsort");
  return y;
}

ValuesAndIndices topk(const Tensor& x, std::int64_t k, std::int64_t axis, bool largest,
                      bool sorted) {
  const AxisView view = slice_view(x, axis, "topk");
  if (k < 0 || k > view.n) {
    throw ValueError(fmt::format("topk: k is {}, axis {} of {} has {} elements", k, view.axis,
                                 x.shape().str(), view.n));
  }
  if (x.dim() == 0 && k == 0) throw ValueError("topk: k is 0 for a tensor of rank 0");
  ValuesAndIndices y = choose(x, view, k, [=](auto* in, auto R, auto C, auto... out) {
    kernels::top_rows(in, R, C, k, largest, sorted, out...);
  });
  const auto derivative = [view, k, indices = Saved(y.indices)](const Tensor& g,
                                                                const Tensor& sum) {
    visit_float("topk", g, [&]<class T>(T) {
      kernels::scatter_add(routes(*indices, view, k), g.data<T>(), sum.mutable_data<T>());
    });
  };
  y.values = record("topk", y.values, vjp(x, derivative));
  return y;
}

namespace {

// Where each run of equal values starts in a sorted tensor, and the end of the last run.
std::vector<std::int64_t> run_starts(const Tensor& sorted) {
  std::vector<std::int64_t> starts;
  detail::dispatch(sorted.dtype(), [&]<class T>(T) {
    const T* x = sorted.data<T>();
    for (std::int64_t i = 0; i < sorted.numel(); ++i) {
      if (i == 0 || !(x[i] == x[i - 1])) starts.push_back(i);
    }
  });
  starts.push_back(sorted.numel());
  return starts;
}

// Calls f(run, begin, end) for each run.
template <class F>
void for_runs(const std::vector<std::int64_t>& starts, const F& f) {
  const auto runs = static_cast<std::int64_t>(starts.size()) - 1;
  parallel_for_each(runs, 4 * (starts.back() / std::max<std::int64_t>(runs, 1) + 1),
                    [&](std::int64_t r) {
                      const auto at = static_cast<std::size_t>(r);
                      f(r, starts[at], starts[at + 1]);
                    });
}

// The first element of each run of a sorted tensor.
Tensor first_of_runs(const Tensor& sorted, const std::vector<std::int64_t>& starts) {
  Tensor values = empty({static_cast<std::int64_t>(starts.size()) - 1}, sorted.dtype());
  detail::dispatch(sorted.dtype(), [&]<class T>(T) {
    for_runs(starts,
             [from = sorted.data<T>(), to = values.mutable_data<T>()](
                 std::int64_t run, std::int64_t begin, std::int64_t) { to[run] = from[begin]; });
  });
  return values;
}

Tensor inverse_of_runs(const Tensor& order, const std::vector<std::int64_t>& starts,
                       const Shape& shape) {
  Tensor inverse = empty(shape, DType::int64);
  for_runs(starts, [from = ids_of(order), to = inverse.mutable_data<std::int64_t>()](
                       std::int64_t run, std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[from[i]] = run;
  });
  return inverse;
}

Tensor lengths_of_runs(const std::vector<std::int64_t>& starts) {
  Tensor lengths = empty({static_cast<std::int64_t>(starts.size()) - 1}, DType::int64);
  for_runs(starts,
           [to = lengths.mutable_data<std::int64_t>()](
               std::int64_t run, std::int64_t begin, std::int64_t end) { to[run] = end - begin; });
  return lengths;
}

}  // namespace

Unique unique(const Tensor& x, const UniqueOptions& options) {
  detail::check_defined("unique", "x", x);
  const AxisView all{0, 1, x.numel(), 1};
  const auto [sorted, order] = choose(
      detail::Access::view(x, 0, {x.numel()}), all, x.numel(),
      [](auto* in, auto R, auto C, auto... out) { kernels::sort_rows(in, R, C, false, out...); });
  const std::vector<std::int64_t> starts = run_starts(sorted);
  Unique y;
  if (options.inverse) y.inverse = inverse_of_runs(order, starts, x.shape());
  if (options.counts) y.counts = lengths_of_runs(starts);
  const auto derivative = [starts, saved = Saved(order), shape = x.shape()](const Tensor& g) {
    Tensor dx = empty(shape, g.dtype());
    visit_float("unique", g, [&]<class T>(T) {
      const Tensor places = *saved;
      for_runs(starts, [from = g.data<T>(), to = dx.mutable_data<T>(), at = ids_of(places)](
                           std::int64_t run, std::int64_t begin, std::int64_t end) {
        const T share = from[run] / static_cast<T>(end - begin);
        for (std::int64_t i = begin; i < end; ++i) to[at[i]] = share;
      });
    });
    return dx;
  };
  y.values = record("unique", first_of_runs(sorted, starts), vjp(x, derivative));
  return y;
}

}  // namespace gradus
