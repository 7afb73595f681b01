#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/bags.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/nn/embedding_bag.h>

#include <algorithm>
#include <string>
#include <utility>

namespace gradus {

using detail::data_or_null;

const char* name(BagMode mode) {
  return mode == BagMode::sum ? "sum" : mode == BagMode::mean ? "mean" : "max";
}

void detail::check_bag_options(const char* operation, const EmbeddingBagLookup& lookup) {
  if (lookup.mode != BagMode::max) return;
  if (lookup.sparse) {
    throw ValueError(fmt::format(
        "{}: mode max has no sparse gradients: use sum or mean, or .sparse = false", operation));
  }
  if (lookup.scale_grad_by_freq) {
    throw ValueError(fmt::format(
        "{}: scale_grad_by_freq does not apply to mode max: use sum or mean", operation));
  }
}

namespace {

const std::int64_t* values(const Tensor& ids) { return ids.data<std::int64_t>(); }

void check_table(const Tensor& weight, const EmbeddingBagLookup& lookup) {
  const Shape& shape = weight.shape();
  if (shape.rank() != 2) {
    throw ShapeError(
        fmt::format("embedding_bag: weight is {}: a matrix [V, D] is needed", shape.str()));
  }
  if (!is_floating(weight.dtype())) detail::throw_not_floating("embedding_bag", weight.dtype());
  if (lookup.padding_idx < -1 || lookup.padding_idx >= shape[0]) {
    throw IndexError(
        fmt::format("embedding_bag: padding_idx {} is outside [0, {}): -1 stands for none",
                    lookup.padding_idx, shape[0]));
  }
  detail::check_bag_options("embedding_bag", lookup);
}

[[noreturn]] void throw_bad_offset(const Tensor& offsets, std::int64_t i, std::int64_t n) {
  const std::int64_t* offset = values(offsets);
  std::string rule = "is not 0, where the first bag starts";
  if (i > 0 && offset[i] < offset[i - 1]) {
    rule = fmt::format("is below the {} before it: offsets never decrease", offset[i - 1]);
  } else if (i > 0) {
    rule = fmt::format("is above {}, the number of ids", n);
  }
  throw IndexError(fmt::format("embedding_bag: offset {} at position {} {}", offset[i], i, rule));
}

void check_offsets(const Tensor& offsets, std::int64_t n, bool include_last) {
  if (offsets.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("embedding_bag: offsets are {}, int64 is needed: convert them "
                    "with to(DType::int64)",
                    name(offsets.dtype())));
  }
  const std::int64_t count = offsets.numel();
  const std::int64_t bad = kernels::first_bad_offset(values(offsets), count, n);
  if (bad >= 0) throw_bad_offset(offsets, bad, n);
  if (count == 0 && (include_last || n > 0)) {
    throw IndexError(fmt::format(
        "embedding_bag: there are {} ids and no offsets: {}", n,
        include_last ? "include_last_offset needs the last one" : "the first bag starts at 0"));
  }
  if (include_last && values(offsets)[count - 1] != n) {
    throw IndexError(
        fmt::format("embedding_bag: offset {} at position {}, the last, is not {}, "
                    "the number of ids, as include_last_offset says",
                    values(offsets)[count - 1], count - 1, n));
  }
}

void check_shapes(const Tensor& ids, const Tensor& offsets) {
  if (ids.dim() == 2 && offsets.defined()) {
    throw ShapeError(
        fmt::format("embedding_bag: ids are {} and offsets {}: each row of ids is a "
                    "bag, which needs no offsets",
                    ids.shape().str(), offsets.shape().str()));
  }
  if (ids.dim() == 1 && !offsets.defined()) {
    throw ShapeError(
        fmt::format("embedding_bag: ids are {} without offsets: give the position "
                    "where each bag starts, or ids [B, T]",
                    ids.shape().str()));
  }
  if (ids.dim() != 1 && ids.dim() != 2) {
    throw ShapeError(fmt::format(
        "embedding_bag: ids are {}: [B, T], or [n] with offsets, is needed", ids.shape().str()));
  }
  if (offsets.defined() && offsets.dim() != 1) {
    throw ShapeError(
        fmt::format("embedding_bag: offsets are {}: a vector is needed", offsets.shape().str()));
  }
}

void check_factors(const Tensor& weight, const Tensor& ids, BagMode mode, const Tensor& factors) {
  if (!factors.defined()) return;
  if (mode != BagMode::sum) {
    throw ValueError(fmt::format(
        "embedding_bag: per_sample_weights do not apply to mode {}: use sum", name(mode)));
  }
  if (factors.shape() != ids.shape()) {
    throw ShapeError(
        fmt::format("embedding_bag: per_sample_weights are {}, ids {}: the shapes "
                    "must be equal",
                    factors.shape().str(), ids.shape().str()));
  }
  if (factors.dtype() != weight.dtype()) {
    throw DTypeError(
        fmt::format("embedding_bag: per_sample_weights are {}, weight is {}: convert "
                    "with to()",
                    name(factors.dtype()), name(weight.dtype())));
  }
}

// The members of the bags that count: those of bag b are at starts[b] to starts[b + 1].
struct Bags {
  Tensor ids, starts;
  Tensor factors;    // per_sample_weights, or undefined
  Tensor positions;  // of the members among all ids, or undefined if all count

  std::int64_t count() const { return ids.numel(); }
  std::int64_t size() const { return starts.numel() - 1; }
};

Tensor starts_of(const Tensor& ids, const Tensor& offsets, bool include_last) {
  const std::int64_t bags = ids.dim() == 2 ? ids.size(0) : offsets.numel() - (include_last ? 1 : 0);
  Tensor starts = empty({bags + 1}, DType::int64);
  auto* start = starts.mutable_data<std::int64_t>();
  if (ids.dim() == 2) {
    for (std::int64_t b = 0; b <= bags; ++b) start[b] = b * ids.size(1);
  } else {
    std::copy_n(values(offsets), bags, start);
    start[bags] = ids.numel();
  }
  return starts;
}

// Elements `positions` of x.
Tensor taken(const Tensor& x, const Tensor& positions) {
  if (!x.defined()) return x;
  Tensor y = empty(positions.shape(), x.dtype());
  detail::dispatch(x.dtype(), [&]<class T>(T) {
    kernels::gather_rows(x.data<T>(), values(positions), positions.numel(), 1, y.mutable_data<T>());
  });
  return y;
}

Bags without_padding(Bags bags, std::int64_t padding_idx) {
  const auto ids = bags.ids.span<std::int64_t>();
  const auto padding = std::count(ids.begin(), ids.end(), padding_idx);
  if (padding == 0) return bags;
  bags.positions = empty({bags.count() - padding}, DType::int64);
  auto* position = bags.positions.mutable_data<std::int64_t>();
  auto* start = bags.starts.mutable_data<std::int64_t>();
  std::int64_t count = 0, k = 0;
  for (std::int64_t b = 0; b < bags.size(); ++b) {
    const std::int64_t end = start[b + 1];
    start[b] = count;
    for (; k < end; ++k) {
      if (ids[static_cast<std::size_t>(k)] != padding_idx) position[count++] = k;
    }
  }
  start[bags.size()] = count;
  bags.ids = taken(bags.ids, bags.positions);
  bags.factors = taken(bags.factors, bags.positions);
  return bags;
}

Bags bags_of(const Tensor& ids, const Tensor& offsets, const EmbeddingBagLookup& lookup,
             const Tensor& factors) {
  Bags bags{ids, starts_of(ids, offsets, lookup.include_last_offset), factors, {}};
  return lookup.padding_idx < 0 ? bags : without_padding(std::move(bags), lookup.padding_idx);
}

Tensor segments_of(const Tensor& starts, std::int64_t count) {
  Tensor segments = empty({count}, DType::int64);
  kernels::bag_segments(values(starts), starts.numel() - 1, segments.mutable_data<std::int64_t>());
  return segments;
}

// What backward keeps of Bags.
struct SavedBags {
  Saved ids, starts, factors, positions;  // the last two may be undefined

  explicit SavedBags(const Bags& bags)
      : ids(bags.ids), starts(bags.starts), factors(bags.factors), positions(bags.positions) {}
};

// The gradient of each member, as an entry of a SparseGrad: a row of the bag's cotangent, divided
// by its size for a mean, times a factor.
struct MemberGradients {
  SavedBags bags;
  EmbeddingBagLookup lookup;

  Tensor rows(const Tensor& g) const {
    if (lookup.mode == BagMode::sum) return g;
    Tensor shares = empty_like(g);
    visit_float("embedding_bag", g, [&]<class T>(T) {
      kernels::divide_by_bag_sizes(g.data<T>(), values(*bags.starts), g.size(0), g.size(1),
                                   shares.mutable_data<T>());
    });
    return shares;
  }

  Tensor factors(DType dtype, std::int64_t V) const {
    if (!lookup.scale_grad_by_freq) return *bags.factors;
    const Tensor ids = *bags.ids;
    const std::int64_t n = ids.numel();
    Tensor shares = empty({n}, dtype);
    visit_float("embedding_bag", dtype, [&]<class T>(T) {
      T* share = shares.mutable_data<T>();
      kernels::inverse_counts(values(ids), n, V, share);
      if (!bags.factors.defined()) return;
      const Tensor given = *bags.factors;
      for (std::int64_t k = 0; k < n; ++k) share[k] *= given.data<T>()[k];
    });
    return shares;
  }

  SparseGrad operator()(const Tensor& g, const Shape& table) const {
    const Tensor ids = *bags.ids;
    const std::int64_t n = ids.numel();
    return detail::Access::sparse(
        detail::Access::view(ids, 0, {n}),
        {rows(g), segments_of(*bags.starts, n), factors(g.dtype(), table[0])}, table);
  }
};

// g W[id] for each member: the gradient of per_sample_weights, 0 for padding.
Tensor factor_gradient(const Tensor& g, const Tensor& weight, const SavedBags& bags,
                       const Shape& shape) {
  const Tensor ids = *bags.ids, segments = segments_of(*bags.starts, ids.numel());
  return visit_float("embedding_bag", g, [&]<class T>(T) {
    Tensor dots = empty(bags.positions.defined() ? ids.shape() : shape, g.dtype());
    kernels::bag_dots(weight.data<T>(), values(ids), g.data<T>(), values(segments), ids.numel(),
                      g.size(1), dots.mutable_data<T>());
    if (!bags.positions.defined()) return dots;
    Tensor result = zeros(shape, g.dtype());
    kernels::scatter_add_rows(dots.data<T>(), values(*bags.positions), ids.numel(), 1, T{1},
                              result.mutable_data<T>(), result.numel());
    return result;
  });
}

Tensor max_of_bags(const Tensor& weight, const Bags& bags) {
  const std::int64_t D = weight.size(1);
  const Tensor y = empty({bags.size(), D}, weight.dtype());
  const bool recorded = grad_enabled() && weight.requires_grad();
  const Tensor winners = recorded ? empty(y.shape(), DType::int64) : zeros({0}, DType::int64);
  visit_float("embedding_bag", weight, [&]<class T>(T) {
    kernels::bag_maxima(weight.data<T>(), values(bags.ids), values(bags.starts), bags.size(), D,
                        y.mutable_data<T>(),
                        recorded ? winners.mutable_data<std::int64_t>() : nullptr);
  });
  return record("embedding_bag", y,
                vjp(weight, [winners = Saved(winners)](const Tensor& g, const Tensor& sum) {
                  visit_float("embedding_bag", g, [&]<class T>(T) {
                    kernels::scatter_to_winners(g.data<T>(), values(*winners), g.size(0), g.size(1),
                                                sum.mutable_data<T>());
                  });
                }));
}

}  // namespace

void detail::check_bags(const Tensor& weight, const Tensor& ids, const Tensor& offsets,
                        const EmbeddingBagLookup& lookup, const Tensor& per_sample_weights) {
  check_defined("embedding_bag", {{"weight", weight}, {"ids", ids}});
  check_table(weight, lookup);
  check_shapes(ids, offsets);
  if (offsets.defined()) check_offsets(offsets, ids.numel(), lookup.include_last_offset);
  check_factors(weight, ids, lookup.mode, per_sample_weights);
  check_ids("embedding_bag", ids, weight.size(0));
}

Tensor embedding_bag(const Tensor& weight, const Tensor& ids, const Tensor& offsets,
                     const EmbeddingBagLookup& lookup, const Tensor& per_sample_weights) {
  detail::check_bags(weight, ids, offsets, lookup, per_sample_weights);
  const Bags bags = bags_of(ids, offsets, lookup, per_sample_weights);
  if (lookup.mode == BagMode::max) return max_of_bags(weight, bags);
  const std::int64_t D = weight.size(1);
  const Tensor y = empty({bags.size(), D}, weight.dtype());
  visit_float("embedding_bag", weight, [&]<class T>(T) {
    kernels::bag_sums(weight.data<T>(), values(bags.ids), values(bags.starts),
                      data_or_null<T>(bags.factors), bags.size(), D, lookup.mode == BagMode::mean,
                      y.mutable_data<T>());
  });
  const MemberGradients members{SavedBags(bags), lookup};
  const auto recorded = [&](auto dweight) {
    return record("embedding_bag", y, std::move(dweight),
                  vjp(per_sample_weights,
                      [bags = members.bags, weight = Saved(weight), shape = ids.shape()](
                          const Tensor& g) { return factor_gradient(g, *weight, bags, shape); }));
  };
  const Shape table = weight.shape();
  if (lookup.sparse) {
    return recorded(vjp(weight, [members, table](const Tensor& g) { return members(g, table); }));
  }
  return recorded(vjp(weight, [members, table](const Tensor& g, const Tensor& sum) {
    members(g, table).add_to(sum);
  }));
}

}  // namespace gradus
