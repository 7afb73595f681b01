#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/crf.h>
#include <gradus/layers/detail/weights.h>

namespace gradus {
namespace {

std::int64_t checked(std::int64_t num_labels) {
  if (num_labels >= 1) return num_labels;
  throw ValueError(fmt::format("CRF: num_labels is {}, it must be at least 1", num_labels));
}

void check_mask(const char* name, const Tensor& mask, const Shape& shape) {
  if (!mask.defined()) return;
  if (mask.dtype() != DType::boolean) {
    throw DTypeError(
        fmt::format("CRF: {} is {}, boolean is needed", name, gradus::name(mask.dtype())));
  }
  if (mask.shape() == shape) return;
  throw ShapeError(fmt::format("CRF: {} is {}, it must be {}: see crf_constraints()", name,
                               mask.shape().str(), shape.str()));
}

const CrfConstraints& checked(const CrfConstraints& constraints, std::int64_t num_labels) {
  check_mask("constraints.transitions", constraints.transitions, {num_labels, num_labels});
  check_mask("constraints.start", constraints.start, {num_labels});
  check_mask("constraints.end", constraints.end, {num_labels});
  return constraints;
}

Tensor new_scores(const Shape& shape, const CRFOptions& options, Generator& generator) {
  const DType dtype = detail::layer_dtype("CRF", options.dtype);
  return uniform_(detail::empty_sized("CRF", shape, dtype), -0.1, 0.1, generator);
}

bool any_defined(const CrfConstraints& constraints) {
  return constraints.transitions.defined() || constraints.start.defined() ||
         constraints.end.defined();
}

Tensor mean_loss(const Tensor& log_likelihood) {
  return log_likelihood.numel() == 0 ? -sum(log_likelihood) : -mean(log_likelihood);
}

}  // namespace

CRF::CRF(std::int64_t num_labels, const CRFOptions& options, Generator& generator)
    : num_labels_(checked(num_labels)),
      constraints_(checked(options.constraints, num_labels)),
      transitions(options.transitions
                      ? add_parameter("transitions",
                                      new_scores({num_labels, num_labels}, options, generator))
                      : Parameter(Tensor())),
      start_transitions(options.start ? add_parameter("start_transitions",
                                                      new_scores({num_labels}, options, generator))
                                      : Parameter(Tensor())),
      end_transitions(options.end ? add_parameter("end_transitions",
                                                  new_scores({num_labels}, options, generator))
                                  : Parameter(Tensor())) {
  set_description([num_labels, options] {
    return fmt::format("CRF({}, transitions={}, start={}, end={}, constraints={})", num_labels,
                       options.transitions, options.start, options.end,
                       any_defined(options.constraints));
  });
}

void CRF::check(const char* operation, const Tensor& emissions) const {
  detail::check_defined(operation, "emissions", emissions);
  if (emissions.dim() == 3 && emissions.size(2) == num_labels_) return;
  throw ShapeError(fmt::format("{}: emissions are {}, they must be [batch, time, {}]: layer {}",
                               operation, emissions.shape().str(), num_labels_, str()));
}

Tensor CRF::log_likelihood(const Tensor& emissions, const Tensor& labels,
                           const Tensor& lengths) const {
  check("crf_log_likelihood", emissions);
  return crf_log_likelihood(emissions, labels, scores(), {lengths, constraints_});
}

Tensor CRF::operator()(const Tensor& emissions, const Tensor& labels,
                       const CrfInputs& inputs) const {
  const Tensor y = log_likelihood(emissions, labels, inputs.lengths);
  if (inputs.reduction == Reduction::none) return -y;
  return inputs.reduction == Reduction::sum ? -sum(y) : mean_loss(y);
}

CrfPaths CRF::decode(const Tensor& emissions, const Tensor& lengths) const {
  check("crf_decode", emissions);
  return crf_decode(emissions, scores(), {lengths, constraints_});
}

CrfPaths CRF::n_best(const Tensor& emissions, std::int64_t n, const Tensor& lengths) const {
  check("crf_n_best", emissions);
  return crf_n_best(emissions, n, scores(), {lengths, constraints_});
}

Tensor CRF::marginals(const Tensor& emissions, const Tensor& lengths) const {
  check("crf_marginals", emissions);
  return crf_marginals(emissions, scores(), {lengths, constraints_});
}

}  // namespace gradus
