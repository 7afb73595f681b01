#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/kernels/nn/cross_entropy.h>
#include <gradus/framework/kernels/nn/softmax_rows.h>

#include <algorithm>
#include <cmath>

namespace gradus::kernels {
namespace {

/// factor where q is not 0, times q: an infinite factor does not matter where q is 0.
template <class B>
B weighed(const B& q, const B& factor) {
  const B zero(typename B::value_type{0});
  const auto nothing = q == zero;
  // Selected twice: 0 times infinity would raise a floating-point exception.
  return detail::select(nothing, zero, q * detail::select(nothing, zero, factor));
}

/// q of one row with a label: `label` at the label, and `even` times the weight everywhere.
template <class T>
struct LabelRow {
  LabelRow(const ClassLabels<T>& all, int64_t row, int64_t C)
      : at(all.labels[row]), weight(all.weight) {
    if (at == all.ignore_index) return;
    label = (1 - all.smoothing) * (weight ? static_cast<double>(weight[at]) : 1.0);
    even = all.smoothing / static_cast<double>(C);
    total = label + even * (all.smoothing > 0 ? all.total_weight : 0.0);
  }
  int64_t at;
  const T* weight;
  double label = 0, even = 0, total = 0;  // total: the sum of q
};

/// The sum over the classes of weight (shift - x).
template <class T>
double weighed_shortfall(const T* x, const T* weight, T shift, int64_t C) {
  const Batch<T> shifts(shift);
  if (!weight) {
    return sum_row(
        C, shift, [&](const Batch<T>& v) { return shifts - v; }, x);
  }
  return sum_row(
      C, T{0},
      [&](const Batch<T>& w, const Batch<T>& v) { return weighed<Batch<T>>(w, shifts - v); },
      weight, x);
}

/// What the loss needs of the scores beside log(sum(exp(x - shift))).
template <class T>
struct LabelScores {
  LabelScores(const LabelRow<T>& q, const T* x, T shift, int64_t C) {
    if (q.label != 0) label = static_cast<double>(shift) - static_cast<double>(x[q.at]);
    if (q.even != 0) all = weighed_shortfall(x, q.weight, shift, C);
  }
  double label = 0, all = 0;  // shift - x, at the label and weighed over all classes
};

template <class T>
T loss_of(const LabelRow<T>& q, const LabelScores<T>& scores, double log_sum) {
  if (q.total == 0) return T{0};
  if (log_sum == -infinity<double>) return infinity<T>;  // the same as -log_softmax
  double loss = 0;
  if (q.label != 0) loss = q.label * (log_sum + scores.label);
  if (q.even != 0) loss += (q.total - q.label) * log_sum + q.even * scores.all;
  return static_cast<T>(loss);
}

/// dx = scale (total p - q), where p(batch of x) gives total scale softmax(x).
template <class T, class P>
void differentiate(const LabelRow<T>& q, T scale, const T* x, T* dx, int64_t C, const P& p) {
  const Batch<T> even(static_cast<T>(static_cast<double>(scale) * q.even));
  if (q.even == 0) {
    map_row(C, dx, T{0}, p, x);
  } else if (!q.weight) {
    map_row(
        C, dx, T{0}, [&](const Batch<T>& v) { return p(v) - even; }, x);
  } else {
    map_row(
        C, dx, T{0}, [&](const Batch<T>& v, const Batch<T>& w) { return p(v) - even * w; }, x,
        q.weight);
  }
  dx[q.at] -= static_cast<T>(static_cast<double>(scale) * q.label);
}

/// factor softmax(x), from lse = log(sum(exp(x))). x - lse takes two steps, as lse has more digits
/// than x; a row that is all -infinity has p = 0.
template <class T>
auto softmax_from(double factor, double lse) {
  if (std::isinf(lse)) lse = 0;
  const T high = static_cast<T>(lse);
  return [factors = Batch<T>(static_cast<T>(factor)), highs = Batch<T>(high),
          lows = Batch<T>(static_cast<T>(lse - static_cast<double>(high)))](const Batch<T>& v) {
    return factors * detail::exp_flushed<T>((v - highs) - lows);
  };
}

template <class T>
double lse_of(const LogSum<T>& sum) {
  return static_cast<double>(sum.shift) + sum.log_sum;
}

}  // namespace

template <class T>
void cross_entropy(const T* x, const ClassLabels<T>& labels, T* row_loss, double* row_lse,
                   int64_t R, int64_t C) {
  for_rows(R, C, 5, [=](int64_t row) {
    const T* from = x + row * C;
    const LogSum<T> sum(from, C, nullptr);
    row_lse[row] = lse_of(sum);
    const LabelRow<T> q(labels, row, C);
    row_loss[row] = loss_of(q, LabelScores<T>(q, from, sum.shift, C), sum.log_sum);
  });
}

template <class T>
void cross_entropy_vjp(const T* x, const ClassLabels<T>& labels, const double* row_lse,
                       const T* row_scale, int64_t scale_stride, T* dx, int64_t R, int64_t C) {
  for_rows(R, C, 4, [=](int64_t row) {
    T* to = dx + row * C;
    const T scale = row_scale[row * scale_stride];
    const LabelRow<T> q(labels, row, C);
    if (q.total == 0 || scale == 0) {
      std::fill(to, to + C, T{0});
      return;
    }
    differentiate(q, scale, x + row * C, to, C,
                  softmax_from<T>(static_cast<double>(scale) * q.total, row_lse[row]));
  });
}

template <class T>
void cross_entropy_in_place(T* x, const T* bias, const ClassLabels<T>& labels, const T* row_scale,
                            T* row_loss, int64_t R, int64_t C) {
  for_rows(R, C, 9, [=](int64_t row) {
    T* values = x + row * C;
    if (bias) {
      map_row(
          C, values, T{0}, [](const Batch<T>& a, const Batch<T>& b) { return a + b; },
          static_cast<const T*>(values), bias);
    }
    const T shift = shift_of(values, C);
    const LabelRow<T> q(labels, row, C);
    const LabelScores<T> scores(q, values, shift, C);
    Ahead<T> next_row(values + C, nullptr);
    const double sum = exp_row<T>(values, values, C, shift, next_row);
    row_loss[row] = loss_of(q, scores, std::log(sum));
    if (!row_scale) return;
    const T scale = row_scale[row];
    if (q.total == 0 || scale == 0) {
      std::fill(values, values + C, T{0});
      return;
    }
    const double factor = sum == 0 ? 0 : static_cast<double>(scale) * q.total / sum;
    const Batch<T> factors(static_cast<T>(factor));
    differentiate(q, scale, values, values, C, [&](const Batch<T>& e) { return e * factors; });
  });
}

namespace {

/// One row of probabilities.
template <class T>
class ProbabilityRow {
 public:
  ProbabilityRow(const ClassProbabilities<T>& all, int64_t row, int64_t C)
      : target_(all.target + row * C),
        weight_(all.weight),
        C_(C),
        given_(1 - all.smoothing),
        even_(all.smoothing / static_cast<double>(C)),
        even_total_(all.smoothing > 0 ? even_ * all.total_weight : 0.0) {}

  double sum() const {
    return given_ * sum_targets([](const Batch<T>& q, const Batch<T>&) { return q; }, target_) +
           even_total_;
  }

  /// Whether every share is 0, not only their sum.
  bool empty() const {
    if (even_total_ != 0) return false;
    if (given_ == 0) return true;
    for (int64_t c = 0; c < C_; ++c) {
      if (target_[c] != 0 && (!weight_ || weight_[c] != 0)) return false;
    }
    return true;
  }

  T loss(const T* x, const LogSum<T>& lse) const {
    const double total = sum();
    if (total == 0 && empty()) return T{0};
    if (lse.log_sum == -infinity<double>) return infinity<T>;
    const Batch<T> shift(lse.shift);
    double loss = total * lse.log_sum;
    loss += given_ * sum_targets([&](const Batch<T>& q,
                                     const Batch<T>& v) { return weighed<Batch<T>>(q, shift - v); },
                                 x);
    if (even_ != 0) loss += even_ * weighed_shortfall(x, weight_, lse.shift, C_);
    return static_cast<T>(loss);
  }

  /// dx = p(batch of x) - scale q.
  template <class P>
  void differentiate(T scale, const T* x, T* dx, const P& p) const {
    const Batch<T> given(static_cast<T>(given_ * static_cast<double>(scale))),
        even(static_cast<T>(even_ * static_cast<double>(scale)));
    if (weight_) {
      map_row(
          C_, dx, T{0},
          [&](const Batch<T>& v, const Batch<T>& t, const Batch<T>& w) {
            return p(v) - w * detail::fma(given, t, even);
          },
          x, target_, weight_);
    } else {
      map_row(
          C_, dx, T{0},
          [&](const Batch<T>& v, const Batch<T>& t) { return p(v) - detail::fma(given, t, even); },
          x, target_);
    }
  }

  /// dt = scale (1 - smoothing) weight (lse - x).
  void differentiate_target(T scale, const T* x, double lse, T* dt) const {
    if (std::isinf(lse)) lse = 0;  // x is -infinity, dt infinite
    const T high = static_cast<T>(lse);
    const Batch<T> factor(static_cast<T>(given_ * static_cast<double>(scale))), highs(high),
        lows(static_cast<T>(lse - static_cast<double>(high)));
    const auto derivative = [&](const Batch<T>& v, const Batch<T>& w) {
      return weighed<Batch<T>>(factor * w, (highs - v) + lows);
    };
    if (weight_) {
      map_row(C_, dt, T{0}, derivative, x, weight_);
    } else {
      const Batch<T> one(T{1});
      map_row(
          C_, dt, T{0}, [&](const Batch<T>& v) { return derivative(v, one); }, x);
    }
  }

 private:
  /// The sum of f(weight target, batch of x), which is 0 for a target of 0.
  template <class F>
  double sum_targets(const F& f, const T* x) const {
    if (!weight_) return sum_row(C_, T{0}, f, target_, x);
    return sum_row(
        C_, T{0},
        [&](const Batch<T>& t, const Batch<T>& v, const Batch<T>& w) { return f(t * w, v); },
        target_, x, weight_);
  }

  const T *target_, *weight_;
  int64_t C_;
  double given_, even_, even_total_;
};

}  // namespace

template <class T>
void cross_entropy(const T* x, const ClassProbabilities<T>& probabilities, T* row_loss,
                   double* row_lse, int64_t R, int64_t C) {
  for_rows(R, C, 8, [=](int64_t row) {
    const T* from = x + row * C;
    const LogSum<T> sum(from, C, nullptr);
    row_lse[row] = lse_of(sum);
    row_loss[row] = ProbabilityRow<T>(probabilities, row, C).loss(from, sum);
  });
}

template <class T>
void cross_entropy_vjp(const T* x, const ClassProbabilities<T>& probabilities,
                       const double* row_lse, const T* row_scale, int64_t scale_stride, T* dx,
                       T* dt, int64_t R, int64_t C) {
  for_rows(R, C, 7, [=](int64_t row) {
    const T scale = row_scale[row * scale_stride];
    const T* from = x + row * C;
    if (scale == 0) {
      if (dx) std::fill_n(dx + row * C, C, T{0});
      if (dt) std::fill_n(dt + row * C, C, T{0});
      return;
    }
    const ProbabilityRow<T> q(probabilities, row, C);
    if (dx) {
      const double total = q.sum();
      if (total == 0 && q.empty()) {
        std::fill_n(dx + row * C, C, T{0});
      } else {
        const auto p = softmax_from<T>(static_cast<double>(scale) * total, row_lse[row]);
        q.differentiate(scale, from, dx + row * C, p);
      }
    }
    if (dt) q.differentiate_target(scale, from, row_lse[row], dt + row * C);
  });
}

template <class T>
void nll(const T* x, const ClassLabels<T>& labels, T* row_loss, int64_t R, int64_t C) {
  parallel_for_each(R, 16, [=](int64_t row) {
    const LabelRow<T> q(labels, row, C);
    row_loss[row] = q.label == 0 ? T{0} : -static_cast<T>(q.label) * x[row * C + q.at];
  });
}

template <class T>
void nll_vjp(const ClassLabels<T>& labels, const T* row_scale, int64_t scale_stride, T* sum,
             int64_t R, int64_t C) {
  parallel_for_each(R, 16, [=](int64_t row) {
    const LabelRow<T> q(labels, row, C);
    if (q.label == 0) return;
    sum[row * C + q.at] -= static_cast<T>(q.label) * row_scale[row * scale_stride];
  });
}

#define GRADUS_CROSS_ENTROPY(T)                                                                    \
  template void cross_entropy(const T*, const ClassLabels<T>&, T*, double*, int64_t, int64_t);     \
  template void cross_entropy(const T*, const ClassProbabilities<T>&, T*, double*, int64_t,        \
                              int64_t);                                                            \
  template void cross_entropy_vjp(const T*, const ClassLabels<T>&, const double*, const T*,        \
                                  int64_t, T*, int64_t, int64_t);                                  \
  template void cross_entropy_vjp(const T*, const ClassProbabilities<T>&, const double*, const T*, \
                                  int64_t, T*, T*, int64_t, int64_t);
GRADUS_CROSS_ENTROPY(float)
GRADUS_CROSS_ENTROPY(double)
#undef GRADUS_CROSS_ENTROPY
GRADUS_INSTANTIATE_FLOATS(cross_entropy_in_place)
GRADUS_INSTANTIATE_FLOATS(nll)
GRADUS_INSTANTIATE_FLOATS(nll_vjp)

}  // namespace gradus::kernels
