#pragma once
#include <cstdint>
#include <vector>

// Linear-chain conditional random fields over B sequences of up to `steps` elements with C labels.
// The score of labels y_0 ... y_(L-1) is start[y_0] + the sum of emissions[t, y_t] + the sum of
// transitions[y_(t-1), y_t] + end[y_(L-1)]; an empty sequence has one labeling, of score 0. All
// sums are in double, in logarithms: no score is too large or too small. Nothing depends on the
// number of threads. T is float or double. Source: Lafferty, McCallum, Pereira 2001, "Conditional
// random fields: probabilistic models for segmenting and labeling sequence data"; Rabiner 1989, "A
// tutorial on hidden Markov models and selected applications in speech recognition".
namespace gradus::kernels {

/// The scores of a chain as the caller has them. Null scores are 0; null masks allow everything.
template <class T>
struct CrfScores {
  int64_t C;
  const T* transitions;  ///< [C, C], from row to column
  const T* start;        ///< [C]
  const T* end;          ///< [C]
  const bool* allowed_transitions;
  const bool* allowed_start;
  const bool* allowed_end;
};

/// y[to] = log(sum over from of exp(x[from] + scores[from, to])) for a fixed matrix of scores. All
/// vectors have `stride` elements, those after C being -infinity.
class CrfTransfer {
 public:
  /// scores: [C, stride].
  CrfTransfer(std::vector<double> scores, int64_t C, int64_t stride);

  /// y - shift, shift being the largest x. `powers` gets exp(x - shift).
  void operator()(const double* x, double shift, double* powers, double* y) const;

  const double* scores(int64_t from) const { return scores_.data() + from * stride_; }
  /// exp(scores - greatest), and the greatest of each column.
  const double* factors(int64_t from) const { return factors_.data() + from * stride_; }
  const double* greatest() const { return greatest_.data(); }

 private:
  double exact(const double* x, double shift, int64_t to) const;

  std::vector<double> scores_, factors_, greatest_;
  int64_t C_, stride_;
};

/// The scores of a chain, -infinity where a mask does not allow them.
class CrfChain {
 public:
  template <class T>
  explicit CrfChain(const CrfScores<T>& scores);

  /// The elements of a vector over labels: C, rounded up to whole registers.
  static int64_t stride_of(int64_t C);

  const int64_t C, stride;
  const CrfTransfer forward;  ///< from a label to the next
  const CrfTransfer back;
  const std::vector<double> start, end;  ///< [stride]
};

template <class T>
struct CrfSequences {
  const T* emissions;      ///< [B, steps, C]
  const int64_t* lengths;  ///< [B], in [0, steps]; null if all are `steps`
  int64_t B, steps;

  int64_t length(int64_t b) const { return lengths != nullptr ? lengths[b] : steps; }
};

/// log_z [B]: the logarithm of the sum of exp(score) over all labelings. `forward` [B, steps,
/// stride], which may be null, gets what crf_vjp() needs.
template <class T>
void crf_log_partition(const CrfChain& chain, const CrfSequences<T>& sequences, double* log_z,
                       double* forward);

/// scores [B] of labels [B, steps]; labels after the end of a sequence are not read.
template <class T>
void crf_score(const CrfChain& chain, const CrfSequences<T>& sequences, const int64_t* labels,
               double* scores);

/// The gradients of the sum of g[b] log_z[b]; with labels, of g[b] (score(labels[b]) - log_z[b]).
/// Those that are null are not needed. A sequence without an allowed labeling, and one whose g is
/// 0, adds 0.
template <class T>
struct CrfVjp {
  const double* forward;  ///< as crf_log_partition() left it
  const int64_t* labels;  ///< [B, steps], or null
  const T* g;             ///< [B]
  T* d_emissions;         ///< [B, steps, C]; 0 after the end of a sequence
  T* d_transitions;       ///< [C, C]
  T* d_start;             ///< [C]
  T* d_end;               ///< [C]
};
template <class T>
void crf_vjp(const CrfChain& chain, const CrfSequences<T>& sequences, const CrfVjp<T>& vjp);

/// marginals [B, steps, C]: the probability of each label at each element; 0 after the end of a
/// sequence, and where no labeling is allowed.
template <class T>
void crf_marginals(const CrfChain& chain, const CrfSequences<T>& sequences, T* marginals);

/// The n labelings of the highest scores, falling: labels [B, n, steps] and scores [B, n]. Of equal
/// scores, the one comes first whose last differing label is lower. Labels after the end of a
/// sequence are 0, and so are all where there are fewer labelings; their score is -infinity. No
/// score may be NaN.
template <class T>
void crf_best(const CrfChain& chain, const CrfSequences<T>& sequences, int64_t n, int64_t* labels,
              T* scores);

}  // namespace gradus::kernels
