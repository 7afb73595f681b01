#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/nn/ctc.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/simd/math.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <vector>

namespace gradus::kernels {

namespace {

using Lanes = detail::Batch<double>;
constexpr int64_t width_of_register = detail::batch_size<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();

Lanes at(const double* x) { return Lanes::load_unaligned(x); }

int64_t padded(int64_t n) {
  return (n + width_of_register - 1) / width_of_register * width_of_register;
}

/// y = log_softmax(x) of C elements, as log_softmax() has it; y has padded(C) elements. Returns
/// false if x has a NaN or +infinity.
template <class T>
bool log_softmax_row(const T* x, int64_t C, double* y) {
  const int64_t n = padded(C);
  for (int64_t i = 0; i < C; ++i) y[i] = static_cast<double>(x[i]);
  std::fill(y + C, y + n, -infinity);
  Lanes most(-infinity);
  for (int64_t i = 0; i < n; i += width_of_register) most = detail::max(at(y + i), most);
  const double greatest = detail::reduce_max(most);
  const double shift = greatest == -infinity ? 0 : greatest;
  Lanes sums(0.0);
  for (int64_t i = 0; i < n; i += width_of_register) {
    const Lanes shifted = at(y + i) - Lanes(shift);
    shifted.store_unaligned(y + i);
    sums += detail::exp_flushed<double>(shifted);
  }
  const double log_sum = std::log(detail::reduce_add(sums));
  if (std::isnan(log_sum) || std::isinf(shift)) return false;
  if (log_sum == -infinity) return true;  // all are -infinity
  for (int64_t i = 0; i < n; i += width_of_register) {
    (at(y + i) - Lanes(log_sum)).store_unaligned(y + i);
  }
  return true;
}

/// log(exp(a) + exp(b) + exp(c)).
Lanes log_sum_exp(const Lanes& a, const Lanes& b, const Lanes& c) {
  const Lanes low = detail::min(a, b), high = detail::max(a, b);
  const Lanes most = detail::max(high, c), least = detail::min(low, c);
  const Lanes middle = detail::max(low, detail::min(high, c));
  const Lanes shift = detail::select(most == Lanes(-infinity), Lanes(0.0), most);
  const Lanes rest =
      detail::exp_flushed<double>(middle - shift) + detail::exp_flushed<double>(least - shift);
  const Lanes first = detail::select(most == Lanes(-infinity), Lanes(0.0), Lanes(1.0));
  return shift + detail::log<double>(first + rest);
}

double log_add(double a, double b) {
  const double most = std::max(a, b), least = std::min(a, b);
  return most == -infinity ? most : most + std::log1p(std::exp(least - most));
}

/// The states that a target runs through: blank, label, blank, ..., label, blank. Vectors over
/// states have `before` elements in front and are padded at the end, all of which are -infinity.
class States {
 public:
  static constexpr int64_t before = 2;

  States(const int64_t* labels, int64_t length, int64_t blank)
      : count(2 * length + 1), stride(before + padded(count + before)) {
    labels_.reserve(static_cast<size_t>(count));
    for (int64_t s = 0; s < length; ++s) {
      labels_.push_back(blank);
      labels_.push_back(labels[s]);
    }
    labels_.push_back(blank);
    skips_.assign(static_cast<size_t>(stride), -infinity);
    for (int64_t s = 3; s < count; s += 2) {
      if (label(s) != label(s - 2)) skips_[static_cast<size_t>(s)] = 0;
    }
  }

  int64_t label(int64_t s) const { return labels_[static_cast<size_t>(s)]; }
  /// 0 where state s may follow s - 2, else -infinity.
  const double* skips() const { return skips_.data(); }

  const int64_t count, stride;

 private:
  std::vector<int64_t> labels_;
  std::vector<double> skips_;
};

/// The loss and the derivative of one sequence.
template <class T>
class Alignment {
 public:
  Alignment(const CtcSequences<T>& sequences, const CtcTargets& targets, int64_t b, bool keep)
      : logits_(sequences.logits + b * sequences.steps * sequences.C),
        C_(sequences.C),
        steps_(sequences.length(b)),
        states_(targets.labels + b * targets.size, targets.length(b), sequences.blank),
        row_(padded(C_)),
        keep_(keep),
        log_p_((keep ? std::max<int64_t>(1, steps_) : 1) * row_),
        forward_((keep ? std::max<int64_t>(1, steps_) : 2) * states_.stride),
        emitted_(states_.stride) {}

  /// Minus the logarithm of the probability of the target.
  double loss() {
    if (steps_ == 0) return states_.count == 1 ? 0 : infinity;
    for (int64_t t = 0; t < steps_; ++t) {
      if (!log_softmax_row(logits_ + t * C_, C_, log_p(t))) return not_a_number;
      emit(t);
      double* const now = row(t);
      std::fill_n(now, states_.stride, -infinity);
      if (t == 0) {
        for (int64_t s = 0; s < std::min<int64_t>(2, states_.count); ++s)
          now[at_state(s)] = emitted(s);
      } else {
        advance(row(t - 1), now);
      }
    }
    const double* last = row(steps_ - 1);
    double log_z = last[at_state(states_.count - 1)];
    if (states_.count > 1) log_z = log_add(log_z, last[at_state(states_.count - 2)]);
    return -log_z;
  }

  /// d [steps, C] of a finite loss, after loss() with `keep`: softmax - the probability of each
  /// label at each step given the target.
  void differentiate(double loss, T* d) {
    const Scratch<double> memory(2 * states_.stride), gradient(row_);
    double* const next = memory.data();  // of the states at t + 1, with their emissions
    double* const after = next + states_.stride;
    for (int64_t t = steps_ - 1; t >= 0; --t) {
      if (t == steps_ - 1) {
        std::fill_n(after, states_.stride, -infinity);
        for (int64_t s = std::max<int64_t>(0, states_.count - 2); s < states_.count; ++s)
          after[s] = 0;
      } else {
        retreat(next, after);
      }
      softmax(t, gradient.data());
      subtract_posterior(row(t) + States::before, after, loss, gradient.data());
      for (int64_t c = 0; c < C_; ++c) d[t * C_ + c] = static_cast<T>(gradient[c]);
      emit(t);
      std::fill_n(next, states_.stride, -infinity);
      for (int64_t s = 0; s < states_.count; ++s) next[s] = after[s] + emitted(s);
    }
  }

 private:
  static constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
  static int64_t at_state(int64_t s) { return States::before + s; }

  double* log_p(int64_t t) const { return log_p_.data() + (keep_ ? t : 0) * row_; }
  double* row(int64_t t) const { return forward_.data() + (keep_ ? t : t % 2) * states_.stride; }
  double emitted(int64_t s) const { return emitted_[s]; }

  /// The log-probability of the label of each state at t.
  void emit(int64_t t) const {
    const double* p = log_p(t);
    for (int64_t s = 0; s < states_.count; ++s) emitted_[s] = p[states_.label(s)];
    std::fill(emitted_.data() + states_.count, emitted_.data() + states_.stride, -infinity);
  }

  void advance(const double* last, double* now) const {
    const double* const skips = states_.skips();
    for (int64_t s = 0; s < states_.count; s += width_of_register) {
      const double* from = last + at_state(s);
      const Lanes sum = log_sum_exp(at(from), at(from - 1), at(from - 2) + at(skips + s));
      (sum + at(emitted_.data() + s)).store_unaligned(now + at_state(s));
    }
  }

  /// after[s]: the sum over the states that may follow s.
  void retreat(const double* next, double* after) const {
    const double* const skips = states_.skips();
    for (int64_t s = 0; s < states_.count; s += width_of_register) {
      log_sum_exp(at(next + s), at(next + s + 1), at(next + s + 2) + at(skips + s + 2))
          .store_unaligned(after + s);
    }
  }

  void softmax(int64_t t, double* p) const {
    for (int64_t i = 0; i < row_; i += width_of_register) {
      detail::exp_flushed<double>(at(log_p(t) + i)).store_unaligned(p + i);
    }
  }

  void subtract_posterior(const double* now, double* after, double loss, double* d) const {
    for (int64_t s = 0; s < states_.count; s += width_of_register) {
      const Lanes p = detail::exp_flushed<double>(at(now + s) + at(after + s) + Lanes(loss));
      p.store_unaligned(emitted_.data() + s);
    }
    for (int64_t s = 0; s < states_.count; ++s) d[states_.label(s)] -= emitted_[s];
  }

  const T* logits_;
  int64_t C_, steps_;
  const States states_;
  int64_t row_;  // elements of a row of log_p
  bool keep_;    // all steps, not only the last ones
  Scratch<double> log_p_, forward_, emitted_;
};

/// The work of one sequence in float additions, of which `each` a step.
int64_t cost_of(int64_t steps, int64_t each) {
  constexpr int64_t many = int64_t{1} << 20;  // enough for a chunk, and nothing overflows
  return 1 + std::min(steps, many) * std::min(each, many);
}

/// Where the labels of steps go: repeats merged, blanks removed, the rest of `labels` the blank.
/// Returns how many there are.
template <class Label>
int64_t collapse(int64_t steps, int64_t blank, const Label& label_of, int64_t* labels) {
  int64_t count = 0, last = blank;
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t label = label_of(t);
    if (label != blank && label != last) labels[count++] = label;
    last = label;
  }
  return count;
}

/// Prefixes of targets, each being a shorter one and a label. Number 0 is the empty one.
class Prefixes {
 public:
  explicit Prefixes(int64_t C) : C_(C) {}

  int64_t extended(int64_t prefix, int64_t label) {
    const auto [found, is_new] =
        children_.try_emplace(prefix * C_ + label, static_cast<int64_t>(nodes_.size()));
    if (is_new) nodes_.push_back({prefix, label});
    return found->second;
  }
  /// -1 of the empty prefix.
  int64_t parent(int64_t prefix) const { return nodes_[static_cast<size_t>(prefix)].parent; }
  int64_t last_label(int64_t prefix) const { return nodes_[static_cast<size_t>(prefix)].label; }
  /// Writes its labels and returns their number.
  int64_t write(int64_t prefix, int64_t* labels) const {
    int64_t length = 0;
    for (int64_t p = prefix; p != 0; p = parent(p)) ++length;
    int64_t* to = labels + length;
    for (int64_t p = prefix; p != 0; p = parent(p)) *--to = last_label(p);
    return length;
  }

 private:
  struct Node {
    int64_t parent, label;
  };
  int64_t C_;
  std::vector<Node> nodes_{{-1, -1}};
  std::unordered_map<int64_t, int64_t> children_;
};

/// A prefix, and the logarithms of the probabilities of its alignments so far that end in a blank
/// and that end in its last label.
struct Beam {
  int64_t prefix;
  double blank = -infinity, label = -infinity;
  double total() const { return log_add(blank, label); }
};

/// The beams of one sequence.
template <class T>
class BeamSearch {
 public:
  BeamSearch(const CtcSequences<T>& sequences, int64_t b, int64_t width)
      : logits_(sequences.logits + b * sequences.steps * sequences.C),
        steps_(sequences.length(b)),
        C_(sequences.C),
        blank_(sequences.blank),
        width_(width),
        log_p_(padded(C_)),
        prefixes_(C_) {}

  /// The most probable prefixes, falling.
  const std::vector<Beam>& run() {
    beams_ = {{.prefix = 0, .blank = 0}};
    for (int64_t t = 0; t < steps_; ++t) {
      log_softmax_row(logits_ + t * C_, C_, log_p_.data());
      stay();
      extend();
      keep_best();
    }
    return beams_;
  }
  const Prefixes& prefixes() const { return prefixes_; }

 private:
  /// Of a beam after this step: it is an old one, or that and a label.
  struct Candidate {
    double score;
    size_t beam;
    int64_t label;  // -1 for none
  };

  /// A label is repeated only after a blank.
  double extension(const Beam& beam, int64_t label) const {
    const bool repeats = label == prefixes_.last_label(beam.prefix);
    return (repeats ? beam.blank : beam.total()) + log_p_[label];
  }

  /// The beams whose prefixes stay what they are, or are reached from a shorter one.
  void stay() {
    stayed_.clear();
    places_.clear();
    for (const Beam& beam : beams_) {
      places_.emplace(beam.prefix, stayed_.size());
      const int64_t last = prefixes_.last_label(beam.prefix);
      stayed_.push_back({.prefix = beam.prefix, .blank = beam.total() + log_p_[blank_]});
      if (last >= 0) stayed_.back().label = beam.label + log_p_[last];
    }
    reached_.assign(beams_.size() * static_cast<size_t>(C_), false);
    for (Beam& beam : stayed_) {
      const auto shorter = places_.find(prefixes_.parent(beam.prefix));
      if (shorter == places_.end()) continue;
      const int64_t last = prefixes_.last_label(beam.prefix);
      beam.label = log_add(beam.label, extension(beams_[shorter->second], last));
      reached_[shorter->second * static_cast<size_t>(C_) + static_cast<size_t>(last)] = true;
    }
  }

  /// All candidates.
  void extend() {
    candidates_.clear();
    for (size_t i = 0; i < beams_.size(); ++i) {
      const Beam& beam = beams_[i];
      const double total = beam.total();
      const int64_t last = prefixes_.last_label(beam.prefix);
      candidates_.push_back({stayed_[i].total(), i, -1});
      for (int64_t c = 0; c < C_; ++c) {
        if (c == blank_ || reached_[i * static_cast<size_t>(C_) + static_cast<size_t>(c)]) continue;
        candidates_.push_back({(c == last ? beam.blank : total) + log_p_[c], i, c});
      }
    }
  }

  void keep_best() {
    const auto count = std::min(static_cast<int64_t>(candidates_.size()), width_);
    std::partial_sort(candidates_.begin(), candidates_.begin() + count, candidates_.end(),
                      [](const Candidate& a, const Candidate& b) {
                        if (a.score != b.score) return a.score > b.score;
                        return a.beam != b.beam ? a.beam < b.beam : a.label < b.label;
                      });
    std::vector<Beam> best;
    for (int64_t i = 0; i < count; ++i) {
      const Candidate& candidate = candidates_[static_cast<size_t>(i)];
      if (candidate.score == -infinity) break;
      if (candidate.label < 0) {
        best.push_back(stayed_[candidate.beam]);
      } else {
        const int64_t prefix = beams_[candidate.beam].prefix;
        best.push_back(
            {.prefix = prefixes_.extended(prefix, candidate.label), .label = candidate.score});
      }
    }
    beams_ = std::move(best);
  }

  const T* logits_;
  int64_t steps_, C_, blank_, width_;
  Scratch<double> log_p_;
  Prefixes prefixes_;
  std::vector<Beam> beams_, stayed_;
  std::vector<bool> reached_;  // [beams, C]: whether a beam and a label is another beam
  std::vector<Candidate> candidates_;
  std::unordered_map<int64_t, size_t> places_;  // of prefixes in beams_
};

}  // namespace

template <class T>
void ctc_loss(const CtcSequences<T>& sequences, const CtcTargets& targets, double* losses,
              T* d_logits) {
  const int64_t elements = sequences.steps * sequences.C;
  const int64_t each = 10 * sequences.C + 60 * std::min(targets.size, int64_t{1} << 20);
  parallel_for_each(sequences.B, cost_of(sequences.steps, each), [&](int64_t b) {
    Alignment<T> alignment(sequences, targets, b, d_logits != nullptr);
    losses[b] = alignment.loss();
    if (d_logits == nullptr) return;
    T* const d = d_logits + b * elements;
    std::fill_n(d, elements, T{0});
    if (std::isnan(losses[b])) {
      std::fill_n(d, sequences.length(b) * sequences.C, std::numeric_limits<T>::quiet_NaN());
    } else if (losses[b] != infinity) {
      alignment.differentiate(losses[b], d);
    }
  });
}

template <class T>
void ctc_greedy(const CtcSequences<T>& sequences, int64_t* labels, int64_t* lengths, T* scores) {
  const int64_t steps = sequences.steps, C = sequences.C;
  parallel_for_each(sequences.B, cost_of(steps, 10 * C), [&](int64_t b) {
    const T* const logits = sequences.logits + b * steps * C;
    const Scratch<double> log_p(padded(C));
    double score = 0;
    std::fill_n(labels + b * steps, steps, sequences.blank);
    const auto label_of = [&](int64_t t) {
      log_softmax_row(logits + t * C, C, log_p.data());
      const double* const best = std::max_element(log_p.data(), log_p.data() + C);
      score += *best;
      return static_cast<int64_t>(best - log_p.data());
    };
    lengths[b] = collapse(sequences.length(b), sequences.blank, label_of, labels + b * steps);
    scores[b] = static_cast<T>(score);
  });
}

template <class T>
void ctc_beam(const CtcSequences<T>& sequences, int64_t width, int64_t n, int64_t* labels,
              int64_t* lengths, T* scores) {
  const int64_t each = 100 * sequences.C * std::min(width, int64_t{1} << 10);
  parallel_for_each(sequences.B, cost_of(sequences.steps, each), [&](int64_t b) {
    int64_t* row = labels + b * n * sequences.steps;
    std::fill_n(row, n * sequences.steps, sequences.blank);
    std::fill_n(lengths + b * n, n, 0);
    std::fill_n(scores + b * n, n, static_cast<T>(-infinity));
    BeamSearch<T> search(sequences, b, width);
    const std::vector<Beam>& beams = search.run();
    const auto count = std::min(n, static_cast<int64_t>(beams.size()));
    for (int64_t i = 0; i < count; ++i, row += sequences.steps) {
      const Beam& beam = beams[static_cast<size_t>(i)];
      lengths[b * n + i] = search.prefixes().write(beam.prefix, row);
      scores[b * n + i] = static_cast<T>(beam.total());
    }
  });
}

GRADUS_INSTANTIATE_FLOATS(ctc_loss)
GRADUS_INSTANTIATE_FLOATS(ctc_greedy)
GRADUS_INSTANTIATE_FLOATS(ctc_beam)

}  // namespace gradus::kernels
