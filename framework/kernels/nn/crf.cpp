#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/nn/crf.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/simd/math.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus::kernels {

namespace {

using Lanes = detail::Batch<double>;
constexpr int64_t width = detail::batch_size<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// A sum of exponentials below this, where the largest possible is 1, may have lost terms.
constexpr double smallest_sum = 1e-200;

Lanes at(const double* x) { return Lanes::load_unaligned(x); }

/// The largest of n elements, or 0 if all are -infinity; n is a multiple of `width`.
double shift_of(const double* x, int64_t n) {
  Lanes most = at(x);
  for (int64_t i = width; i < n; i += width) most = detail::max(at(x + i), most);
  const double greatest = detail::reduce_max(most);
  return greatest == -infinity ? 0 : greatest;
}

/// y = exp(x - shift)
void shifted_exp(const double* x, double shift, double* y, int64_t n) {
  const Lanes shifts(shift);
  for (int64_t i = 0; i < n; i += width) {
    detail::exp_flushed<double>(at(x + i) - shifts).store_unaligned(y + i);
  }
}

/// y = exp(x) / sum(exp(x)), or zeros if all x are -infinity. Returns log(sum(exp(x))).
double normalize(const double* x, double* y, int64_t n) {
  const double shift = shift_of(x, n);
  shifted_exp(x, shift, y, n);
  Lanes sums(0.0);
  for (int64_t i = 0; i < n; i += width) sums += at(y + i);
  const double sum = detail::reduce_add(sums);
  if (sum == 0) return -infinity;
  const Lanes factor(1 / sum);
  for (int64_t i = 0; i < n; i += width) (at(y + i) * factor).store_unaligned(y + i);
  return shift + std::log(sum);
}

/// z = x + y
void add(const double* x, const double* y, double* z, int64_t n) {
  for (int64_t i = 0; i < n; i += width) (at(x + i) + at(y + i)).store_unaligned(z + i);
}

/// y[to] = the sum of x[from] matrix[from, to] over from, for `blocks` registers of y.
template <int blocks>
void product(const double* x, const double* matrix, int64_t C, int64_t stride, double* y) {
  Lanes sums[blocks];
  for (Lanes& sum : sums) sum = Lanes(0.0);
  for (int64_t from = 0; from < C; ++from, matrix += stride) {
    const Lanes factor(x[from]);
    for (int k = 0; k < blocks; ++k) {
      sums[k] = detail::multiply_add(factor, at(matrix + k * width), sums[k]);
    }
  }
  for (int k = 0; k < blocks; ++k) sums[k].store_unaligned(y + k * width);
}

void product(const double* x, const double* matrix, int64_t C, int64_t stride, double* y) {
  int64_t to = 0;
  for (; to + 4 * width <= stride; to += 4 * width) product<4>(x, matrix + to, C, stride, y + to);
  for (; to + 2 * width <= stride; to += 2 * width) product<2>(x, matrix + to, C, stride, y + to);
  if (to < stride) product<1>(x, matrix + to, C, stride, y + to);
}

std::vector<double> transposed(const CrfTransfer& transfer, int64_t C, int64_t stride) {
  std::vector<double> result(static_cast<size_t>(C * stride), -infinity);
  for (int64_t from = 0; from < C; ++from) {
    const double* row = transfer.scores(from);
    for (int64_t to = 0; to < C; ++to) result[static_cast<size_t>(to * stride + from)] = row[to];
  }
  return result;
}

/// A row of C scores, with -infinity where it is not allowed and up to `stride`.
template <class T>
void copy_scores(const T* scores, const bool* allowed, int64_t C, double* to) {
  for (int64_t i = 0; i < C; ++i) {
    if (allowed != nullptr && !allowed[i]) continue;
    to[i] = scores != nullptr ? static_cast<double>(scores[i]) : 0;
  }
}

template <class T>
std::vector<double> matrix_of(const CrfScores<T>& s, int64_t stride) {
  std::vector<double> result(static_cast<size_t>(s.C * stride), -infinity);
  for (int64_t i = 0; i < s.C; ++i) {
    copy_scores(s.transitions ? s.transitions + i * s.C : nullptr,
                s.allowed_transitions ? s.allowed_transitions + i * s.C : nullptr, s.C,
                result.data() + i * stride);
  }
  return result;
}

template <class T>
std::vector<double> vector_of(const T* scores, const bool* allowed, int64_t C, int64_t stride) {
  std::vector<double> result(static_cast<size_t>(stride), -infinity);
  copy_scores(scores, allowed, C, result.data());
  return result;
}

/// The work of one sequence in float additions.
int64_t cost_of(const CrfChain& chain, int64_t steps) {
  constexpr int64_t many = int64_t{1} << 20;  // enough for a chunk, and nothing overflows
  return 1 + std::min(steps, many) * std::min(many, chain.stride * (chain.C / 2 + 40));
}

}  // namespace

CrfTransfer::CrfTransfer(std::vector<double> scores, int64_t C, int64_t stride)
    : scores_(std::move(scores)),
      factors_(scores_.size()),
      greatest_(static_cast<size_t>(stride), -infinity),
      C_(C),
      stride_(stride) {
  double* most = greatest_.data();
  for (int64_t from = 0; from < C; ++from) {
    const double* row = this->scores(from);
    for (int64_t to = 0; to < stride; ++to) most[to] = std::max(most[to], row[to]);
  }
  std::vector<double> shift = greatest_;
  for (double& value : shift) value = value == -infinity ? 0 : value;
  for (int64_t from = 0; from < C; ++from) {
    for (int64_t to = 0; to < stride; to += width) {
      const Lanes scaled = at(this->scores(from) + to) - at(shift.data() + to);
      detail::exp_flushed<double>(scaled).store_unaligned(factors_.data() + from * stride + to);
    }
  }
}

double CrfTransfer::exact(const double* x, double shift, int64_t to) const {
  double most = -infinity;
  for (int64_t from = 0; from < C_; ++from) most = std::max(most, x[from] + scores(from)[to]);
  if (most == -infinity) return -infinity;
  double sum = 0;
  for (int64_t from = 0; from < C_; ++from) sum += std::exp(x[from] + scores(from)[to] - most);
  return most - shift + std::log(sum);
}

// The sums are of products of exponentials, C^2 multiplications and C exponentials. A sum that is
// so small that products may have been lost is computed again term by term.
void CrfTransfer::operator()(const double* x, double shift, double* powers, double* y) const {
  shifted_exp(x, shift, powers, stride_);
  product(powers, factors_.data(), C_, stride_, y);
  const Lanes small(smallest_sum);
  for (int64_t to = 0; to < stride_; to += width) {
    const Lanes sum = at(y + to);
    (detail::log<double>(sum) + at(greatest_.data() + to)).store_unaligned(y + to);
    if (!detail::any(sum < small)) continue;
    for (int64_t i = to; i < std::min(to + width, C_); ++i) {
      if (sum.lanes()[static_cast<size_t>(i - to)] < smallest_sum) y[i] = exact(x, shift, i);
    }
  }
}

int64_t CrfChain::stride_of(int64_t C) { return (C + width - 1) / width * width; }

template <class T>
CrfChain::CrfChain(const CrfScores<T>& s)
    : C(s.C),
      stride(stride_of(s.C)),
      forward(matrix_of(s, stride), C, stride),
      back(transposed(forward, C, stride), C, stride),
      start(vector_of(s.start, s.allowed_start, C, stride)),
      end(vector_of(s.end, s.allowed_end, C, stride)) {}

namespace {

/// One sequence: its emissions in double, with 0 after C.
template <class T>
class Sequence {
 public:
  Sequence(const CrfChain& chain, const CrfSequences<T>& sequences, int64_t b)
      : chain_(chain),
        emissions_(sequences.emissions + b * sequences.steps * chain.C),
        length_(sequences.length(b)),
        row_(chain.stride) {
    std::fill_n(row_.data(), chain.stride, 0.0);
  }

  int64_t length() const { return length_; }
  /// Valid until the next call.
  const double* emissions(int64_t t) const {
    const T* from = emissions_ + t * chain_.C;
    for (int64_t i = 0; i < chain_.C; ++i) row_[i] = static_cast<double>(from[i]);
    return row_.data();
  }
  double emission(int64_t t, int64_t label) const {
    return static_cast<double>(emissions_[t * chain_.C + label]);
  }

 private:
  const CrfChain& chain_;
  const T* emissions_;
  int64_t length_;
  Scratch<double> row_;
};

/// The forward variables of a sequence: for each element t and each label, log(sum of exp(score))
/// over all labelings up to t that end in the label, less the shifts so far. Row t is rows + t *
/// step; with a step of 0 there is only one. Returns log Z.
template <class T>
double run_forward(const CrfChain& chain, const Sequence<T>& sequence, double* rows, int64_t step) {
  if (sequence.length() == 0) return 0;
  const int64_t n = chain.stride;
  const Scratch<double> memory(3 * n);
  double *const powers = memory.data(), *const next = powers + n, *const last = next + n;
  add(chain.start.data(), sequence.emissions(0), rows, n);
  double shifts = 0;
  double* now = rows;
  for (int64_t t = 1; t < sequence.length(); ++t) {
    const double shift = shift_of(now, n);
    shifts += shift;
    chain.forward(now, shift, powers, next);
    now += step;
    add(next, sequence.emissions(t), now, n);
  }
  add(now, chain.end.data(), last, n);
  return shifts + normalize(last, powers, n);
}

/// Sums of the probabilities of pairs of labels, each times a factor. Those of labels i at t - 1
/// and j at t are exp(before[i] - shift + scores[i, j] + next[j] - log_z).
class PairSums {
 public:
  /// Adds to sums [C, stride].
  PairSums(const CrfChain& chain, double factor, double* sums)
      : chain_(chain), factor_(factor), sums_(sums), memory_(chain.stride * (chain.C + 2)) {
    std::fill_n(products(), chain.C * chain.stride, 0.0);
  }

  void add_pair(const double* before, const double* next, double log_z) {
    const int64_t n = chain_.stride;
    double *const powers = products() + chain_.C * n, *const weights = powers + n;
    const double shift = shift_of(before, n);
    shifted_exp(before, shift, powers, n);
    add(next, chain_.forward.greatest(), weights, n);
    shifted_exp(weights, log_z, weights, n);
    for (int64_t j = 0; j < chain_.C; ++j) {
      if (weights[j] < 1 / smallest_sum) continue;  // else products with it may have been lost
      weights[j] = 0;
      add_exactly(before, j, next[j] - shift - log_z);
    }
    add_products(powers, weights);
  }

  /// Call it once, after the last pair.
  void finish() const {
    for (int64_t i = 0; i < chain_.C; ++i) {
      const double *row = products() + i * chain_.stride, *factors = chain_.forward.factors(i);
      for (int64_t j = 0; j < chain_.C; ++j) sum(i, j) += factor_ * factors[j] * row[j];
    }
  }

 private:
  double* products() const { return memory_.data(); }
  double& sum(int64_t i, int64_t j) const { return sums_[i * chain_.stride + j]; }

  void add_exactly(const double* before, int64_t j, double rest) const {
    for (int64_t i = 0; i < chain_.C; ++i) {
      sum(i, j) += factor_ * std::exp(before[i] + chain_.forward.scores(i)[j] + rest);
    }
  }

  void add_products(const double* powers, const double* weights) const {
    for (int64_t i = 0; i < chain_.C; ++i) {
      const Lanes power(powers[i]);
      double* const row = products() + i * chain_.stride;
      for (int64_t j = 0; j < chain_.stride; j += width) {
        detail::multiply_add(power, at(weights + j), at(row + j)).store_unaligned(row + j);
      }
    }
  }

  const CrfChain& chain_;
  double factor_;
  double* sums_;
  Scratch<double> memory_;  // [C, stride]: exp(before - shift) weights; then two vectors
};

/// Calls at_element(t, p) with the probability of each label for t = length - 1, ..., 0, each
/// followed by at_pair(before, next, log_z), as PairSums takes it, if t > 0. Neither is called if
/// no labeling is allowed. `rows` is what run_forward() left.
template <class T, class AtElement, class AtPair>
void run_back(const CrfChain& chain, const Sequence<T>& sequence, const double* rows,
              const AtElement& at_element, const AtPair& at_pair) {
  const int64_t n = chain.stride;
  const Scratch<double> memory(4 * n);
  double *const back = memory.data(), *const joint = back + n;
  double *const p = joint + n, *const next = p + n;
  std::copy_n(chain.end.data(), n, back);
  for (int64_t t = sequence.length() - 1; t >= 0; --t) {
    const double* now = rows + t * n;
    add(now, back, joint, n);
    const double log_z = normalize(joint, p, n);
    if (log_z == -infinity) return;
    at_element(t, p);
    if (t == 0) return;
    add(sequence.emissions(t), back, next, n);
    at_pair(now - n, next, log_z);
    chain.back(next, shift_of(next, n), p, back);
  }
}

/// What the gradients of the scores are: sums over sequences.
struct ScoreSums {
  ScoreSums(double* memory, const CrfChain& chain)
      : pairs(memory), start(pairs + chain.C * chain.stride), end(start + chain.stride) {}
  static int64_t size(const CrfChain& chain) { return (chain.C + 2) * chain.stride; }
  double *pairs, *start, *end;
};

/// The gradient of one sequence.
template <class T>
class SequenceVjp {
 public:
  SequenceVjp(const CrfChain& chain, const CrfSequences<T>& sequences, const CrfVjp<T>& vjp,
              int64_t b, const ScoreSums& sums)
      : chain_(chain),
        sequence_(chain, sequences, b),
        rows_(vjp.forward + b * sequences.steps * chain.stride),
        labels_(vjp.labels ? vjp.labels + b * sequences.steps : nullptr),
        d_(vjp.d_emissions ? vjp.d_emissions + b * sequences.steps * chain.C : nullptr),
        needs_pairs_(vjp.d_transitions != nullptr),
        g_(static_cast<double>(vjp.g[b])),
        factor_(labels_ ? -g_ : g_),
        sums_(sums) {}

  /// d_emissions holds zeros.
  void run() const {
    if (g_ == 0) return;
    PairSums pairs(chain_, factor_, sums_.pairs);
    run_back(
        chain_, sequence_, rows_, [&](int64_t t, const double* p) { add_element(t, p); },
        [&](const double* before, const double* next, double log_z) {
          if (needs_pairs_) pairs.add_pair(before, next, log_z);
        });
    pairs.finish();
  }

 private:
  void add_element(int64_t t, const double* p) const {
    const int64_t C = chain_.C, last = sequence_.length() - 1;
    const int64_t label = labels_ ? labels_[t] : -1;
    const auto value = [&](int64_t i) { return factor_ * p[i] + (i == label ? g_ : 0); };
    if (d_ != nullptr) {
      for (int64_t i = 0; i < C; ++i) d_[t * C + i] = static_cast<T>(value(i));
    }
    if (t == 0) {
      for (int64_t i = 0; i < C; ++i) sums_.start[i] += value(i);
    }
    if (t == last) {
      for (int64_t i = 0; i < C; ++i) sums_.end[i] += value(i);
    }
    if (t > 0 && labels_) sums_.pairs[labels_[t - 1] * chain_.stride + label] += g_;
  }

  const CrfChain& chain_;
  Sequence<T> sequence_;
  const double* rows_;
  const int64_t* labels_;
  T* d_;
  bool needs_pairs_;
  double g_, factor_;
  ScoreSums sums_;
};

/// Sequences share the memory of their sums in this many groups at most.
constexpr int64_t most_groups = 16;

/// d = the sums of all groups, in order.
template <class T>
void add_groups(const double* sums, int64_t groups, int64_t size, int64_t rows, int64_t C,
                int64_t stride, T* d) {
  if (d == nullptr) return;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < C; ++j) {
      double total = 0;
      for (int64_t k = 0; k < groups; ++k) total += sums[k * size + i * stride + j];
      d[i * C + j] = static_cast<T>(total);
    }
  }
}

}  // namespace

template <class T>
void crf_log_partition(const CrfChain& chain, const CrfSequences<T>& sequences, double* log_z,
                       double* forward) {
  parallel_for_each(sequences.B, cost_of(chain, sequences.steps), [&](int64_t b) {
    const Sequence<T> sequence(chain, sequences, b);
    if (forward != nullptr) {
      double* const rows = forward + b * sequences.steps * chain.stride;
      log_z[b] = run_forward(chain, sequence, rows, chain.stride);
    } else {
      const Scratch<double> row(chain.stride);
      log_z[b] = run_forward(chain, sequence, row.data(), 0);
    }
  });
}

template <class T>
void crf_score(const CrfChain& chain, const CrfSequences<T>& sequences, const int64_t* labels,
               double* scores) {
  for (int64_t b = 0; b < sequences.B; ++b) {
    const T* emissions = sequences.emissions + b * sequences.steps * chain.C;
    const int64_t* y = labels + b * sequences.steps;
    const int64_t length = sequences.length(b);
    double sum = length > 0 ? chain.start[static_cast<size_t>(y[0])] +
                                  chain.end[static_cast<size_t>(y[length - 1])]
                            : 0;
    for (int64_t t = 0; t < length; ++t) {
      sum += static_cast<double>(emissions[t * chain.C + y[t]]);
      if (t > 0) sum += chain.forward.scores(y[t - 1])[y[t]];
    }
    scores[b] = sum;
  }
}

template <class T>
void crf_vjp(const CrfChain& chain, const CrfSequences<T>& sequences, const CrfVjp<T>& vjp) {
  const int64_t B = sequences.B, groups = std::min(B, most_groups);
  const int64_t size = ScoreSums::size(chain);
  const Scratch<double> memory(std::max<int64_t>(1, groups * size));
  std::fill_n(memory.data(), groups * size, 0.0);
  const int64_t elements = sequences.steps * chain.C;
  parallel_for_each(groups,
                    3 * cost_of(chain, sequences.steps) * (B / std::max<int64_t>(1, groups)),
                    [&](int64_t k) {
                      const ScoreSums sums(memory.data() + k * size, chain);
                      for (int64_t b = k * B / groups; b < (k + 1) * B / groups; ++b) {
                        if (vjp.d_emissions) {
                          std::fill_n(vjp.d_emissions + b * elements, elements, T{0});
                        }
                        SequenceVjp<T>(chain, sequences, vjp, b, sums).run();
                      }
                    });
  const ScoreSums first(memory.data(), chain);
  const int64_t C = chain.C;
  add_groups(first.pairs, groups, size, C, C, chain.stride, vjp.d_transitions);
  add_groups(first.start, groups, size, 1, C, chain.stride, vjp.d_start);
  add_groups(first.end, groups, size, 1, C, chain.stride, vjp.d_end);
}

template <class T>
void crf_marginals(const CrfChain& chain, const CrfSequences<T>& sequences, T* marginals) {
  const int64_t elements = sequences.steps * chain.C;
  if (elements == 0) return;
  parallel_for_each(sequences.B, 2 * cost_of(chain, sequences.steps), [&](int64_t b) {
    T* const to = marginals + b * elements;
    std::fill_n(to, elements, T{0});
    const Sequence<T> sequence(chain, sequences, b);
    const Scratch<double> rows(std::max<int64_t>(1, sequence.length() * chain.stride));
    run_forward(chain, sequence, rows.data(), chain.stride);
    run_back(
        chain, sequence, rows.data(),
        [&](int64_t t, const double* p) {
          for (int64_t i = 0; i < chain.C; ++i) to[t * chain.C + i] = static_cast<T>(p[i]);
        },
        [](const double*, const double*, double) {});
  });
}

namespace {

/// The best labeling of one sequence, which is not empty.
template <class T>
class Viterbi {
 public:
  Viterbi(const CrfChain& chain, const Sequence<T>& sequence)
      : chain_(chain),
        sequence_(sequence),
        from_(sequence.length() * chain.stride),
        memory_(2 * chain.stride) {}

  /// Returns the score; writes nothing if no labeling is allowed.
  double run(int64_t* labels) const {
    const int64_t n = chain_.stride, length = sequence_.length();
    double *const now = memory_.data(), *const next = now + n;
    add(chain_.start.data(), sequence_.emissions(0), now, n);
    for (int64_t t = 1; t < length; ++t) {
      step(now, next, from_.data() + t * n);
      add(next, sequence_.emissions(t), now, n);
    }
    add(now, chain_.end.data(), now, n);
    const int64_t last = std::max_element(now, now + chain_.C) - now;
    if (now[last] == -infinity) return -infinity;
    labels[length - 1] = last;
    for (int64_t t = length - 1; t > 0; --t) {
      labels[t - 1] = static_cast<int64_t>(from_[t * n + labels[t]]);
    }
    return now[last];
  }

 private:
  /// best[j] = the largest now[i] + scores[i, j], and from[j] the first such i.
  void step(const double* now, double* best, double* from) const {
    for (int64_t j = 0; j < chain_.stride; j += width) {
      Lanes greatest(-infinity), first(0.0);
      for (int64_t i = 0; i < chain_.C; ++i) {
        const Lanes score = Lanes(now[i]) + at(chain_.forward.scores(i) + j);
        const auto better = score > greatest;
        greatest = detail::select(better, score, greatest);
        first = detail::select(better, Lanes(static_cast<double>(i)), first);
      }
      greatest.store_unaligned(best + j);
      first.store_unaligned(from + j);
    }
  }

  const CrfChain& chain_;
  const Sequence<T>& sequence_;
  Scratch<double> from_;  // labels, as doubles
  Scratch<double> memory_;
};

/// The n best labelings of one sequence, which is not empty.
template <class T>
class BestPaths {
 public:
  BestPaths(const CrfChain& chain, const Sequence<T>& sequence, int64_t n)
      : chain_(chain), sequence_(sequence), n_(n) {}

  /// Writes as many as there are: row r of labels is `step` elements after the one before.
  void run(int64_t* labels, int64_t step, T* scores) {
    const int64_t C = chain_.C, length = sequence_.length();
    std::vector<std::vector<Ends>> ends(static_cast<size_t>(length));  // by element and label
    for (int64_t t = 0; t < length; ++t) {
      auto& now = ends[static_cast<size_t>(t)];
      for (int64_t j = 0; j < C; ++j) {
        now.push_back(t == 0 ? first(j) : following(ends[static_cast<size_t>(t - 1)], t, j));
      }
    }
    const Ends last = chosen(ends.back(), [&](double score, int64_t i) {
      return score + chain_.end[static_cast<size_t>(i)];
    });
    for (size_t r = 0; r < last.size(); ++r) {
      scores[r] = static_cast<T>(last[r].score);
      int64_t* const row = labels + static_cast<int64_t>(r) * step;
      End end = last[r];
      for (int64_t t = length - 1; t >= 0; --t) {
        row[t] = end.label;
        end = ends[static_cast<size_t>(t)][static_cast<size_t>(end.label)]
                  [static_cast<size_t>(end.rank)];
      }
    }
  }

 private:
  /// Of a labeling: its score, and the end of the one without its last element: its label, and its
  /// place among the best that end in it.
  struct End {
    double score;
    int64_t label, rank;
  };
  using Ends = std::vector<End>;  // the best, falling

  Ends first(int64_t j) const {
    const double score = chain_.start[static_cast<size_t>(j)] + sequence_.emission(0, j);
    return score == -infinity ? Ends() : Ends{{score, 0, 0}};
  }

  Ends following(const std::vector<Ends>& before, int64_t t, int64_t j) const {
    const double emission = sequence_.emission(t, j);
    return chosen(before, [&](double score, int64_t i) {
      return score + chain_.forward.scores(i)[j] + emission;
    });
  }

  /// The n best of `before` with the scores extended(score, label), which does not change the order
  /// of the scores of a label: a merge of falling lists.
  template <class Extended>
  Ends chosen(const std::vector<Ends>& before, const Extended& extended) const {
    const auto worse = [](const End& a, const End& b) {
      return a.score != b.score ? a.score < b.score : a.label > b.label;
    };
    Ends heads, best;  // heads: a heap of the best of each list that is not chosen yet
    const auto offer = [&](int64_t i, int64_t rank) {
      const Ends& ends = before[static_cast<size_t>(i)];
      if (rank == static_cast<int64_t>(ends.size())) return;
      const double score = extended(ends[static_cast<size_t>(rank)].score, i);
      if (score == -infinity) return;
      heads.push_back({score, i, rank});
      std::push_heap(heads.begin(), heads.end(), worse);
    };
    for (int64_t i = 0; i < chain_.C; ++i) offer(i, 0);
    while (!heads.empty() && static_cast<int64_t>(best.size()) < n_) {
      std::pop_heap(heads.begin(), heads.end(), worse);
      best.push_back(heads.back());
      heads.pop_back();
      offer(best.back().label, best.back().rank + 1);
    }
    return best;
  }

  const CrfChain& chain_;
  const Sequence<T>& sequence_;
  int64_t n_;
};

}  // namespace

template <class T>
void crf_best(const CrfChain& chain, const CrfSequences<T>& sequences, int64_t n, int64_t* labels,
              T* scores) {
  const int64_t cost = cost_of(chain, sequences.steps) * (n == 1 ? 1 : 8 * n);
  parallel_for_each(sequences.B, cost, [&](int64_t b) {
    const Sequence<T> sequence(chain, sequences, b);
    int64_t* const rows = labels + b * n * sequences.steps;
    T* const score = scores + b * n;
    std::fill_n(rows, n * sequences.steps, 0);
    std::fill_n(score, n, static_cast<T>(-infinity));
    if (sequence.length() == 0) {
      score[0] = 0;
    } else if (n == 1) {
      score[0] = static_cast<T>(Viterbi<T>(chain, sequence).run(rows));
    } else {
      BestPaths<T>(chain, sequence, n).run(rows, sequences.steps, score);
    }
  });
}

template CrfChain::CrfChain(const CrfScores<float>&);
template CrfChain::CrfChain(const CrfScores<double>&);
GRADUS_INSTANTIATE_FLOATS(crf_log_partition)
GRADUS_INSTANTIATE_FLOATS(crf_score)
GRADUS_INSTANTIATE_FLOATS(crf_vjp)
GRADUS_INSTANTIATE_FLOATS(crf_marginals)
GRADUS_INSTANTIATE_FLOATS(crf_best)

}  // namespace gradus::kernels
