#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/text/tag_scheme.h>

#include <cstdint>
#include <span>
#include <string>

namespace gradus {

// Linear-chain conditional random fields: distributions over the labels of a sequence. The score of
// labels y_0 ... y_(L-1) is start[y_0] + the sum of emissions[t, y_t] + the sum of
// transitions[y_(t-1), y_t] + end[y_(L-1)], and their probability exp(score) / Z, Z being the sum
// of exp(score) over all labelings that are allowed. A sequence of length 0 has one labeling, of
// score 0. Sums are in float64: lengths of 10,000 and scores of any size lose no digits. Source:
// Lafferty, McCallum, Pereira, "Conditional Random Fields: Probabilistic Models for Segmenting and
// Labeling Sequence Data", 2001.

/// The scores of a chain of C labels; those that are undefined are 0.
struct CrfScores {
  Tensor transitions = {};  ///< [C, C]: from the label of the row to that of the column
  Tensor start = {};        ///< [C]: of the first label
  Tensor end = {};          ///< [C]: of the last label
};

/// Which labels are allowed, true where they are; what is undefined allows everything.
struct CrfConstraints {
  Tensor transitions = {};  ///< boolean [C, C]: from the label of the row to that of the column
  Tensor start = {};        ///< boolean [C]
  Tensor end = {};          ///< boolean [C]
};

/// What all functions of chains take last.
struct CrfOptions {
  /// The length of each sequence, int64 [B]; undefined if all are T. What emissions and labels hold
  /// from there on has no effect.
  Tensor lengths = {};
  CrfConstraints constraints = {};
};

/// The labelings of highest score.
struct CrfPaths {
  Tensor labels;  ///< int64 [B, T], or [B, n, T]; 0 after the end of a sequence
  Tensor scores;  ///< [B], or [B, n]; without a gradient
};

/// What a scheme of tags allows: for tags = {"O", "B-PER", "I-PER"} in IOB2, I-PER only after B-PER
/// and I-PER. Label k is tags[k]. Throws FormatError for a tag that the scheme does not have,
/// ValueError without tags.
GRADUS_API CrfConstraints crf_constraints(std::span<const std::string> tags, TagScheme scheme);

// Each takes emissions [B, T, C], float32 or float64, C > 0, and scores of that dtype. Throws
// ShapeError, DTypeError, and IndexError for a length outside [0, T].

/// The logarithm of the probability of labels, int64 [B, T] -> [B]; at most 0. Minus its mean is
/// the loss. Throws IndexError for a label outside [0, C), ValueError for labels that the
/// constraints do not allow.
GRADUS_API Tensor crf_log_likelihood(const Tensor& emissions, const Tensor& labels,
                                     const CrfScores& scores = {}, const CrfOptions& options = {});

/// log Z [B], whose gradients are expectations: that of the emissions is crf_marginals(). It is
/// -infinity, with gradient 0, where no labeling is allowed.
GRADUS_API Tensor crf_log_partition(const Tensor& emissions, const CrfScores& scores = {},
                                    const CrfOptions& options = {});

/// The probability of each label at each element: [B, T, C]; 0 after the end of a sequence, and
/// where no labeling is allowed. Has no derivative: throws AutogradError if it would need one.
GRADUS_API Tensor crf_marginals(const Tensor& emissions, const CrfScores& scores = {},
                                const CrfOptions& options = {});

/// The most probable labels, by Viterbi's algorithm. Ties go to the lower label at the last place
/// where they differ. Where no labeling is allowed the score is -infinity and the labels are 0.
/// Throws ValueError for a score that is NaN.
GRADUS_API CrfPaths crf_decode(const Tensor& emissions, const CrfScores& scores = {},
                               const CrfOptions& options = {});

/// The n most probable labelings, falling. If there are fewer, the rest have the score -infinity
/// and labels 0. Throws ValueError unless n > 0, and for a score that is NaN.
GRADUS_API CrfPaths crf_n_best(const Tensor& emissions, std::int64_t n,
                               const CrfScores& scores = {}, const CrfOptions& options = {});

}  // namespace gradus
