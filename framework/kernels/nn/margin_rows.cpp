#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/nn/margin_rows.h>

#include <algorithm>
#include <vector>

namespace gradus::kernels {
namespace {

/// True for what a margin lacks: above 0, or NaN.
template <class T>
bool lacks(T z) {
  return !(z <= 0);
}

/// What all terms of a row are multiplied by.
template <class T>
double factor_of(const Margins<T>& margins, int64_t label, int64_t C) {
  return (margins.weight ? static_cast<double>(margins.weight[label]) : 1.0) /
         static_cast<double>(C);
}

/// The classes of one row that are labels: ids [count], and a flag for each class.
class LabelSetOfRow {
 public:
  explicit LabelSetOfRow(int64_t C) : is_label_(static_cast<size_t>(C)) {}
  void read(const int64_t* labels) {
    const auto C = static_cast<int64_t>(is_label_.size());
    std::fill(is_label_.begin(), is_label_.end(), false);
    for (count = 0; count < C && labels[count] != -1; ++count) {
      is_label_[static_cast<size_t>(labels[count])] = true;
    }
  }
  bool has(int64_t c) const { return is_label_[static_cast<size_t>(c)]; }
  int64_t count = 0;

 private:
  std::vector<char> is_label_;
};

/// Calls f(row, labels) for each row.
template <class F>
void for_label_rows(const int64_t* labels, int64_t R, int64_t C, const F& f) {
  parallel_for(R, 4 * C + 64, [&](int64_t begin, int64_t end) {
    LabelSetOfRow set(C);
    for (int64_t row = begin; row < end; ++row) {
      set.read(labels + row * C);
      f(row, set);
    }
  });
}

}  // namespace

template <class T>
void multi_margin(const T* x, const Margins<T>& margins, T* row_loss, int64_t R, int64_t C) {
  parallel_for_each(R, 2 * C + 16, [=](int64_t row) {
    const T* values = x + row * C;
    const int64_t label = margins.labels[row];
    const double factor = factor_of(margins, label, C);
    const T start = static_cast<T>(margins.margin) - values[label];
    double total = 0;
    for (int64_t c = 0; c < C; ++c) {
      const T z = start + values[c];
      if (c == label || !lacks(z)) continue;
      total += static_cast<double>(margins.p == 1 ? z : z * z);
    }
    row_loss[row] = factor == 0 ? T{0} : static_cast<T>(factor * total);
  });
}

template <class T>
void multi_margin_vjp(const T* x, const Margins<T>& margins, const T* row_scale,
                      int64_t scale_stride, T* dx, int64_t R, int64_t C) {
  parallel_for_each(R, 2 * C + 16, [=](int64_t row) {
    const T* values = x + row * C;
    T* to = dx + row * C;
    const int64_t label = margins.labels[row];
    const double scale = static_cast<double>(row_scale[row * scale_stride]);
    const double factor = scale * factor_of(margins, label, C);
    std::fill_n(to, C, T{0});
    if (scale == 0 || factor == 0) return;
    const T start = static_cast<T>(margins.margin) - values[label];
    double total = 0;
    for (int64_t c = 0; c < C; ++c) {
      const T z = start + values[c];
      if (c == label || !lacks(z)) continue;
      const double slope = factor * (margins.p == 2 ? 2 * static_cast<double>(z)
                                     : z == z       ? 1.0
                                                    : static_cast<double>(z));
      to[c] = static_cast<T>(slope);
      total += slope;
    }
    to[label] = static_cast<T>(-total);
  });
}

template <class T>
void multilabel_margin(const T* x, const int64_t* labels, T* row_loss, int64_t R, int64_t C) {
  for_label_rows(labels, R, C, [=](int64_t row, const LabelSetOfRow& set) {
    const T* values = x + row * C;
    double total = 0;
    for (int64_t k = 0; k < set.count; ++k) {
      const T start = T{1} - values[labels[row * C + k]];
      for (int64_t c = 0; c < C; ++c) {
        const T z = start + values[c];
        if (!set.has(c) && lacks(z)) total += static_cast<double>(z);
      }
    }
    row_loss[row] = C == 0 ? T{0} : static_cast<T>(total / static_cast<double>(C));
  });
}

template <class T>
void multilabel_margin_vjp(const T* x, const int64_t* labels, const T* row_scale,
                           int64_t scale_stride, T* dx, int64_t R, int64_t C) {
  for_label_rows(labels, R, C, [=](int64_t row, const LabelSetOfRow& set) {
    const T* values = x + row * C;
    T* to = dx + row * C;
    std::fill_n(to, C, T{0});
    const T slope = row_scale[row * scale_stride] / static_cast<T>(C);
    if (slope == 0) return;
    for (int64_t k = 0; k < set.count; ++k) {
      const int64_t label = labels[row * C + k];
      const T start = T{1} - values[label];
      for (int64_t c = 0; c < C; ++c) {
        const T z = start + values[c];
        if (set.has(c) || !lacks(z)) continue;
        const T step = z == z ? slope : z;
        to[c] += step;
        to[label] -= step;
      }
    }
  });
}

GRADUS_INSTANTIATE_FLOATS(multi_margin)
GRADUS_INSTANTIATE_FLOATS(multi_margin_vjp)
GRADUS_INSTANTIATE_FLOATS(multilabel_margin)
GRADUS_INSTANTIATE_FLOATS(multilabel_margin_vjp)

}  // namespace gradus::kernels
