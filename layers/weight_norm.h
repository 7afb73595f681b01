#pragma once
#include <gradus/framework/module/module.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace gradus {

struct WeightNormOptions {
  std::string name = "weight";          ///< the parameter of the layer
  std::optional<std::int64_t> dim = 0;  ///< the axis that keeps its norms; none for a single norm
};

namespace detail {

/// A parameter of a layer that became NAME_g and NAME_v, and is computed from them.
class GRADUS_API NormalizedWeight {
 public:
  NormalizedWeight(const Module& layer, const WeightNormOptions& options);
  void compute() const;

 private:
  const std::optional<std::int64_t> dim_;
  Tensor weight_, g_, v_;
};

}  // namespace detail

/// A layer one of whose parameters, `weight`, is computed before each call, as weight_norm() of two
/// others that take its place: weight_g, which starts as the norms, and weight_v, which starts as
/// the weight. It is called as the layer; what else the layer has is behind an arrow.
///
///   const WeightNorm conv(Conv1d(100, 10, 3));
///   conv(x), conv->relu_max(x), conv->weight;  // the weight is computed, and not a parameter
///
/// The parameter must not be shared with another layer, and the layer must be called through the
/// WeightNorm alone. As a call writes the weight, two threads cannot make one at the same time.
template <std::derived_from<Module> L>
class WeightNorm : public Module {
 public:
  GRADUS_TOO_LATE WeightNorm();
  template <class M>
  GRADUS_TOO_LATE WeightNorm& operator=(M&&);

  /// Throws ValueError if the layer has no parameter of that name, IndexError for a dim that it
  /// does not have.
  explicit WeightNorm(const L& layer, const WeightNormOptions& options = {})
      : Module(layer), layer_(layer), weight_(layer, options) {}

  /// As the layer. Options in braces need their type: lstm(x, LstmInputs{.lengths = lengths}).
  template <class... Arguments>
  decltype(auto) operator()(Arguments&&... arguments) const {
    weight_.compute();
    return layer_(std::forward<Arguments>(arguments)...);
  }
  /// The layer, with its weight computed.
  const L* operator->() const {
    weight_.compute();
    return &layer_;
  }

 private:
  const L layer_;
  const detail::NormalizedWeight weight_;
};

}  // namespace gradus
