#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/nn/channel_norm.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/simd/lanes.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace gradus::kernels {

namespace {

using detail::Batch;
using detail::for_batches;
using detail::load;
using detail::store;

/// The rows that take part, numbered in order, and where they lie.
class NumberedRows {
 public:
  explicit NumberedRows(const ChannelLayout& layout) : T_(layout.T) {
    if (!layout.lengths) return;
    ends_.resize(static_cast<size_t>(layout.B));
    int64_t end = 0;
    for (size_t b = 0; b < ends_.size(); ++b) ends_[b] = end += layout.lengths[b];
  }

  /// The number of rows before sequence b.
  int64_t before(int64_t b) const {
    if (ends_.empty()) return b * T_;
    return b == 0 ? 0 : ends_[static_cast<size_t>(b - 1)];
  }

  /// Calls f(row) for the rows with the numbers [begin, end); row counts padding too.
  template <class F>
  void for_each(int64_t begin, int64_t end, const F& f) const {
    if (ends_.empty()) {
      for (int64_t row = begin; row < end; ++row) f(row);
      return;
    }
    int64_t b = std::upper_bound(ends_.begin(), ends_.end(), begin) - ends_.begin();
    for (int64_t i = begin; i < end; ++b) {
      const int64_t shift = b * T_ - before(b);
      for (const int64_t stop = std::min(end, before(b + 1)); i < stop; ++i) f(i + shift);
    }
  }

 private:
  const int64_t T_;
  std::vector<int64_t> ends_;
};

/// Rows of one instance, which one thread runs through.
struct Chunk {
  int64_t instance, begin, end;
};

/// The instances of a layout, cut into chunks of about 64K elements, at most 256 of an instance.
class Cut {
 public:
  explicit Cut(const ChannelLayout& layout)
      : C(layout.C), groups(layout.groups), width(C / groups), rows_(layout) {
    for (int64_t i = 0; i < layout.instances(); ++i) {
      const int64_t begin = rows_.before(layout.whole_batch ? 0 : i);
      const int64_t end = rows_.before(layout.whole_batch ? layout.B : i + 1);
      counts_.push_back(end - begin);
      const int64_t length = std::max({int64_t{8}, 65536 / C, (end - begin + 255) / 256});
      for (int64_t at = begin; at < end; at += length)
        chunks_.push_back({i, at, std::min(end, at + length)});
      longest_ = std::max(longest_, std::min(end - begin, length));
    }
  }

  int64_t size() const { return static_cast<int64_t>(chunks_.size()); }
  const Chunk& operator[](int64_t i) const { return chunks_[static_cast<size_t>(i)]; }
  /// The number of values of a set.
  double values_of(int64_t instance) const {
    return static_cast<double>(counts_[static_cast<size_t>(instance)]) * static_cast<double>(width);
  }
  /// The work for a chunk, in additions.
  int64_t cost() const { return (longest_ + 2) * 8 * C; }
  template <class F>
  void for_each_row(const Chunk& chunk, const F& f) const {
    rows_.for_each(chunk.begin, chunk.end, f);
  }

  const int64_t C, groups, width;  ///< width: of a group, in channels

 private:
  const NumberedRows rows_;
  std::vector<Chunk> chunks_;
  std::vector<int64_t> counts_;
  int64_t longest_ = 0;
};

/// sums [groups] of values [C], each of which has the factor weight[c] if there are weights. A
/// value of 0 adds 0 for any weight.
template <class T>
void sum_groups(const double* values, const T* weight, const Cut& cut, double* sums) {
  const int64_t width = cut.width;
  for (int64_t k = 0; k < cut.groups; ++k) {
    double sum = 0;
    for (int64_t c = k * width; c < (k + 1) * width; ++c) {
      if (values[c] != 0) sum += weight ? values[c] * static_cast<double>(weight[c]) : values[c];
    }
    sums[k] = sum;
  }
}

/// The deviations of rows from the moments of their instance.
class Deviations {
 public:
  Deviations(const SetMoments* moments, const Cut& cut) : values_(2 * cut.C) {
    for (int64_t c = 0; c < cut.C; ++c) {
      values_[c] = moments[c / cut.width].mean;
      values_[cut.C + c] = moments[c / cut.width].rest;
    }
    mean_ = values_.data(), rest_ = values_.data() + cut.C;
  }
  template <class T>
  double operator()(const T* row, int64_t c) const {
    return (static_cast<double>(row[c]) - mean_[c]) - rest_[c];
  }

 private:
  const Scratch<double> values_;
  const double *mean_, *rest_;
};

/// sums [instances, groups] of f(deviation) over the values of each set.
template <class T, class F>
std::vector<double> sum_sets(const T* x, const SetMoments* moments, const Cut& cut,
                             int64_t instances, const F& f) {
  const int64_t C = cut.C, groups = cut.groups;
  const Scratch<double> parts(cut.size() * groups);
  parallel_for_each(cut.size(), cut.cost(), [&](int64_t i) {
    const Deviations deviation(moments + cut[i].instance * groups, cut);
    const Scratch<double> columns(C);
    double* const sums = columns.data();
    std::fill(sums, sums + C, 0.0);
    cut.for_each_row(cut[i], [&](int64_t r) {
      const T* row = x + r * C;
      for (int64_t c = 0; c < C; ++c) sums[c] += f(deviation(row, c));
    });
    sum_groups<double>(sums, nullptr, cut, parts.data() + i * groups);
  });
  std::vector<double> totals(static_cast<size_t>(instances * groups), 0.0);
  for (int64_t i = 0; i < cut.size(); ++i) {
    for (int64_t k = 0; k < groups; ++k)
      totals[static_cast<size_t>(cut[i].instance * groups + k)] += parts[i * groups + k];
  }
  return totals;
}

/// Starts from the first value of each set, from which the differences of equal values are 0.
template <class T>
void set_pivots(const T* x, SetMoments* moments, const Cut& cut) {
  for (int64_t i = 0; i < cut.size(); ++i) {
    const Chunk& chunk = cut[i];
    if (i > 0 && cut[i - 1].instance == chunk.instance) continue;
    cut.for_each_row({chunk.instance, chunk.begin, chunk.begin + 1}, [&](int64_t row) {
      for (int64_t k = 0; k < cut.groups; ++k)
        moments[chunk.instance * cut.groups + k].mean =
            static_cast<double>(x[row * cut.C + k * cut.width]);
    });
  }
}

/// y [R, C] = 0 for the rows after the end of each sequence.
template <class T>
void clear_padding(T* y, const ChannelLayout& layout) {
  if (!layout.lengths) return;
  parallel_for_each(layout.B, layout.T * layout.C / 4 + 1, [&](int64_t b) {
    T* const sequence = y + b * layout.T * layout.C;
    std::fill(sequence + layout.lengths[b] * layout.C, sequence + layout.T * layout.C, T{0});
  });
}

/// What a chunk's elements are multiplied with and what is added, by channel, in T.
template <class T>
class Coefficients {
 public:
  Coefficients(int64_t C, int64_t kinds) : C_(C), values_(C * kinds) {}
  T* operator[](int64_t kind) const { return values_.data() + kind * C_; }
  template <class Lanes>
  Batch<T> at(int64_t kind, int64_t c, Lanes lanes) const {
    return load((*this)[kind] + c, lanes);
  }

 private:
  const int64_t C_;
  const Scratch<T> values_;
};

template <class T>
double weight_at(const T* weight, int64_t c) {
  return weight ? static_cast<double>(weight[c]) : 1;
}

}  // namespace

int64_t ChannelLayout::rows() const {
  if (!lengths) return B * T;
  int64_t total = 0;
  for (int64_t b = 0; b < B; ++b) total += lengths[b];
  return total;
}

double scale_of(double variance, double eps) {
  const double square = variance + eps;
  return square == 0 ? 0 : 1 / std::sqrt(square);
}

template <class T>
void channel_moments(const T* x, double eps, SetMoments* moments, const ChannelLayout& layout) {
  if (layout.C == 0) return;
  std::fill(moments, moments + layout.sets(), SetMoments{});
  const Cut cut(layout);
  set_pivots(x, moments, cut);
  const auto for_each_set = [&](const std::vector<double>& sums, const auto& f) {
    for (int64_t set = 0; set < layout.sets(); ++set) {
      const double n = cut.values_of(set / layout.groups);
      if (n > 0) f(moments[set], sums[static_cast<size_t>(set)] / n);
    }
  };
  const auto value = [](double deviation) { return deviation; };
  const auto square = [](double deviation) { return deviation * deviation; };
  for_each_set(sum_sets(x, moments, cut, layout.instances(), value),
               [](SetMoments& m, double offset) {
                 const double pivot = m.mean;
                 m.mean = static_cast<double>(static_cast<T>(pivot + offset));
                 m.rest = (pivot - m.mean) + offset;
               });
  for_each_set(sum_sets(x, moments, cut, layout.instances(), square),
               [eps](SetMoments& m, double variance) {
                 m.variance = variance;
                 m.scale = scale_of(variance, eps);
               });
}

template <class T>
void channel_normalize(const T* x, const T* weight, const T* bias, const SetMoments* moments, T* y,
                       const ChannelLayout& layout) {
  if (layout.C == 0) return;
  const Cut cut(layout);
  const int64_t C = layout.C, width = cut.width;
  enum { mean, factor, shift, kinds };
  parallel_for_each(cut.size(), cut.cost(), [&](int64_t i) {
    const Coefficients<T> of(C, kinds);
    for (int64_t c = 0; c < C; ++c) {
      const SetMoments& m = moments[cut[i].instance * layout.groups + c / width];
      const double scaled = m.scale * weight_at(weight, c);
      of[mean][c] = static_cast<T>(m.mean);
      of[factor][c] = static_cast<T>(scaled);
      of[shift][c] = static_cast<T>((bias ? static_cast<double>(bias[c]) : 0) - m.rest * scaled);
    }
    cut.for_each_row(cut[i], [&](int64_t r) {
      const T* from = x + r * C;
      T* to = y + r * C;
      for_batches<T>(0, C, [&](int64_t c, auto lanes) {
        const Batch<T> deviation = load(from + c, lanes) - of.at(mean, c, lanes);
        store(to + c, detail::fma(deviation, of.at(factor, c, lanes), of.at(shift, c, lanes)),
              lanes);
      });
    });
  });
  clear_padding(y, layout);
}

namespace {

/// The sums of g and of g n by channel, n = ((x - mean) - rest) scale; 0 times anything is 0.
template <class T>
class CotangentSums {
 public:
  explicit CotangentSums(int64_t C) : C_(C), sums_(2 * C) { clear(); }

  double* of_g() const { return sums_.data(); }
  double* of_products() const { return sums_.data() + C_; }
  void clear() { std::fill(sums_.data(), sums_.data() + 2 * C_, 0.0); }
  /// Adds sums [2, C].
  void add(const double* other) {
    for (int64_t c = 0; c < 2 * C_; ++c) sums_[c] += other[c];
  }
  void add_chunk(const T* g, const T* x, const SetMoments* moments, const Chunk& chunk,
                 const Cut& cut) {
    const Deviations deviation(moments, cut);
    double *const sum = of_g(), *const products = of_products();
    cut.for_each_row(chunk, [&](int64_t r) {
      const T *grow = g + r * C_, *row = x + r * C_;
      for (int64_t c = 0; c < C_; ++c) {
        const double cotangent = static_cast<double>(grow[c]);
        sum[c] += cotangent;
        products[c] += cotangent == 0 ? 0 : cotangent * deviation(row, c);
      }
    });
    for (int64_t c = 0; c < C_; ++c)
      if (products[c] != 0) products[c] *= moments[c / cut.width].scale;
  }

 private:
  const int64_t C_;
  const Scratch<double> sums_;
};

/// The means of g weight and of g weight n over each set: what computed moments take from dx.
struct CotangentMeans {
  std::vector<double> plain, products;  ///< [instances, groups]
};

/// Fills dweight and dbias, and gives the means if they are wanted. A task sums chunks in order;
/// there are at most 256 tasks.
template <class T>
CotangentMeans sum_cotangents(const T* g, const T* x, const T* weight, const SetMoments* moments,
                              bool means, T* dweight, T* dbias, const ChannelLayout& layout,
                              const Cut& cut) {
  const int64_t C = cut.C, groups = cut.groups;
  const int64_t length = (cut.size() + 255) / 256,
                tasks = length ? (cut.size() - 1) / length + 1 : 0;
  const Scratch<double> totals(tasks * 2 * C), parts(means ? cut.size() * 2 * groups : 0);
  parallel_for_each(tasks, length * cut.cost(), [&](int64_t task) {
    CotangentSums<T> total(C), chunk(C);
    for (int64_t i = task * length; i < std::min(cut.size(), (task + 1) * length); ++i) {
      chunk.clear();
      chunk.add_chunk(g, x, moments + cut[i].instance * groups, cut[i], cut);
      total.add(chunk.of_g());
      if (!means) continue;
      sum_groups(chunk.of_g(), weight, cut, parts.data() + 2 * i * groups);
      sum_groups(chunk.of_products(), weight, cut, parts.data() + (2 * i + 1) * groups);
    }
    std::copy(total.of_g(), total.of_g() + 2 * C, totals.data() + task * 2 * C);
  });
  CotangentSums<T> all(C);
  for (int64_t task = 0; task < tasks; ++task) all.add(totals.data() + task * 2 * C);
  const auto narrow = [](double sum) { return static_cast<T>(sum); };
  if (dbias) std::transform(all.of_g(), all.of_g() + C, dbias, narrow);
  if (dweight) std::transform(all.of_products(), all.of_products() + C, dweight, narrow);
  CotangentMeans result;
  if (!means) return result;
  result.plain.resize(static_cast<size_t>(layout.sets()));
  result.products.resize(result.plain.size());
  for (int64_t i = 0; i < cut.size(); ++i) {
    const double n = cut.values_of(cut[i].instance);
    for (int64_t k = 0; k < groups; ++k) {
      const auto set = static_cast<size_t>(cut[i].instance * groups + k);
      result.plain[set] += parts[2 * i * groups + k] / n;
      result.products[set] += parts[(2 * i + 1) * groups + k] / n;
    }
  }
  return result;
}

/// dx = scale weight g, for moments that are constants.
template <class T>
void scale_cotangents(const T* g, const T* weight, const SetMoments* moments, T* dx,
                      const Cut& cut) {
  const int64_t C = cut.C, width = cut.width;
  parallel_for_each(cut.size(), cut.cost(), [&](int64_t i) {
    const Coefficients<T> factor(C, 1);
    for (int64_t c = 0; c < C; ++c) {
      factor[0][c] = static_cast<T>(moments[cut[i].instance * cut.groups + c / width].scale *
                                    weight_at(weight, c));
    }
    cut.for_each_row(cut[i], [&](int64_t r) {
      for_batches<T>(0, C, [&](int64_t c, auto lanes) {
        const Batch<T> cotangent = load(g + r * C + c, lanes), zero(T{0});
        store(dx + r * C + c, select(cotangent == zero, zero, cotangent * factor.at(0, c, lanes)),
              lanes);
      });
    });
  });
}

/// dx = scale (weight g - mean(weight g) - n mean(weight g n)), n = ((x - mean) - rest) scale. A
/// set whose means are both 0 has the first term alone: n may be NaN there.
template <class T>
void centered_cotangents(const T* g, const T* x, const T* weight, const SetMoments* moments,
                         const CotangentMeans& means, T* dx, const Cut& cut) {
  const int64_t C = cut.C, width = cut.width;
  enum { mean, scale, shift, factor, slope, offset, quiet, kinds };
  parallel_for_each(cut.size(), cut.cost(), [&](int64_t i) {
    const Coefficients<T> of(C, kinds);
    for (int64_t c = 0; c < C; ++c) {
      const int64_t set = cut[i].instance * cut.groups + c / width;
      const SetMoments& m = moments[set];
      const double plain = means.plain[static_cast<size_t>(set)];
      const double products = means.products[static_cast<size_t>(set)];
      of[mean][c] = static_cast<T>(m.mean);
      of[scale][c] = static_cast<T>(m.scale);
      of[shift][c] = static_cast<T>(-m.rest * m.scale);
      of[factor][c] = static_cast<T>(m.scale * weight_at(weight, c));
      of[slope][c] = static_cast<T>(-m.scale * products);
      of[offset][c] = static_cast<T>(-m.scale * plain);
      of[quiet][c] = plain == 0 && products == 0 ? 1 : 0;
    }
    cut.for_each_row(cut[i], [&](int64_t r) {
      for_batches<T>(0, C, [&](int64_t c, auto lanes) {
        const Batch<T> cotangent = load(g + r * C + c, lanes), zero(T{0});
        const Batch<T> deviation = load(x + r * C + c, lanes) - of.at(mean, c, lanes);
        const Batch<T> normal =
            detail::fma(deviation, of.at(scale, c, lanes), of.at(shift, c, lanes));
        const Batch<T> rest = detail::fma(normal, of.at(slope, c, lanes), of.at(offset, c, lanes));
        const Batch<T> full = detail::fma(cotangent, of.at(factor, c, lanes), rest);
        const auto nothing = (cotangent == zero) & (of.at(quiet, c, lanes) != zero);
        store(dx + r * C + c, select(nothing, zero, full), lanes);
      });
    });
  });
}

}  // namespace

template <class T>
void channel_norm_vjp(const T* g, const T* x, const T* weight, const SetMoments* moments,
                      bool computed, T* dx, T* dweight, T* dbias, const ChannelLayout& layout) {
  if (layout.C == 0) return;
  const Cut cut(layout);
  const bool centered = computed && dx;
  CotangentMeans means;
  if (centered || dweight || dbias)
    means = sum_cotangents(g, x, weight, moments, centered, dweight, dbias, layout, cut);
  if (!dx) return;
  if (computed)
    centered_cotangents(g, x, weight, moments, means, dx, cut);
  else
    scale_cotangents(g, weight, moments, dx, cut);
  clear_padding(dx, layout);
}

GRADUS_INSTANTIATE_FLOATS(channel_moments)
GRADUS_INSTANTIATE_FLOATS(channel_normalize)
GRADUS_INSTANTIATE_FLOATS(channel_norm_vjp)

}  // namespace gradus::kernels
