#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/nn/crf.h>
#include <gradus/framework/ops/nn/loss.h>

#include <cstdint>
#include <optional>

namespace gradus {

struct CRFOptions {
  bool transitions = true;  ///< whether there are scores of pairs of labels
  bool start = true;        ///< whether there are scores of first labels
  bool end = true;          ///< whether there are scores of last labels
  CrfConstraints constraints = {};
  std::optional<DType> dtype = std::nullopt;  ///< float32 by default
};

/// What a CRF takes beside emissions and labels.
struct CrfInputs {
  Tensor lengths = {};  ///< the length of each sequence, int64 [B]: see CrfOptions
  Reduction reduction = Reduction::mean;  ///< of the losses of the sequences
};

/// The last layer of a tagger: a distribution over the labels of a sequence, see ops/nn/crf.h, from
/// emissions [B, T, num_labels], such as the output of a Linear. The scores have the names that
/// pytorch-crf gives them and start from U(-0.1, 0.1).
///
///   const CRF crf(tags.size(), {.constraints = crf_constraints(tags, TagScheme::iob2)});
///   crf(emissions, labels, {.lengths = lengths}).backward();
///   const Tensor predicted = crf.decode(emissions, lengths).labels;
class GRADUS_API CRF : public Module {
 public:
  GRADUS_TOO_LATE CRF();
  template <class M>
  GRADUS_TOO_LATE CRF& operator=(M&&);

  /// Throws ValueError for num_labels < 1, ShapeError and DTypeError for constraints that are not
  /// of num_labels, DTypeError for a dtype that is not a float type.
  explicit CRF(std::int64_t num_labels, const CRFOptions& options = {},
               Generator& generator = default_generator());

  /// The loss: -log_likelihood(), reduced over the sequences. Its mean over none is 0.
  Tensor operator()(const Tensor& emissions, const Tensor& labels,
                    const CrfInputs& inputs = {}) const;

  // As the ops of the same names.
  Tensor log_likelihood(const Tensor& emissions, const Tensor& labels,
                        const Tensor& lengths = {}) const;
  CrfPaths decode(const Tensor& emissions, const Tensor& lengths = {}) const;
  CrfPaths n_best(const Tensor& emissions, std::int64_t n, const Tensor& lengths = {}) const;
  Tensor marginals(const Tensor& emissions, const Tensor& lengths = {}) const;

  std::int64_t num_labels() const { return num_labels_; }
  const CrfConstraints& constraints() const { return constraints_; }
  /// The parameters, as the ops take them.
  CrfScores scores() const { return {transitions, start_transitions, end_transitions}; }

 private:
  void check(const char* operation, const Tensor& emissions) const;

  const std::int64_t num_labels_;
  const CrfConstraints constraints_;

 public:
  const Parameter transitions;  ///< [num_labels, num_labels], from row to column; may be undefined
  const Parameter start_transitions;  ///< [num_labels]; undefined without
  const Parameter end_transitions;    ///< [num_labels]; undefined without
};

}  // namespace gradus
