#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/module/module.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace gradus {

/// How gradcheck() measures.
struct GradcheckOptions {
  double step = 1e-5;       ///< of the central difference, times max(1, |x|)
  double tolerance = 1e-6;  ///< largest gradient error that is accepted
  std::uint64_t seed = 1;   ///< of the random cotangent
};

/// What gradcheck() found.
struct GradcheckResult {
  double error = 0;     ///< the largest gradient error
  std::string message;  ///< where it is, with both values and the ops between; empty if ok
  bool ok = true;       ///< error <= tolerance, and frozen inputs got no gradient

  explicit operator bool() const { return ok; }
};

namespace detail {

/// A function to check; returns its results in order.
using GradcheckFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs)>;

template <class F, class... Arguments>
concept CalledWith = std::invocable<F&, Arguments...>;

GRADUS_API GradcheckResult gradcheck(const GradcheckFunction& function,
                                     const std::vector<Tensor>& inputs,
                                     const GradcheckOptions& options);
GRADUS_API GradcheckResult gradcheck(const GradcheckFunction& function,
                                     const std::vector<NamedParameter>& parameters,
                                     const GradcheckOptions& options);

/// The result of a function (a Tensor, or a vector, pair, tuple or array of them) as a vector.
template <class R>
std::vector<Tensor> tensors_of(R&& result) {
  if constexpr (std::convertible_to<R, std::vector<Tensor>>) {
    return std::forward<R>(result);
  } else if constexpr (std::convertible_to<R, Tensor>) {
    return {std::forward<R>(result)};
  } else {
    return std::apply([](const auto&... tensor) { return std::vector<Tensor>{tensor...}; }, result);
  }
}

}  // namespace detail

/// Compares the gradients that backward computes with central differences of the function, for
/// every element of every trainable input, with a random cotangent for the result.
///
///   const Tensor x = randn({2, 3}, DType::float64).set_trainable(true);
///   const GradcheckResult result = gradcheck([](const auto& in) { return tanh(in[0]); }, {x});
///
/// The function takes the inputs as std::vector<Tensor> and returns a Tensor, or a vector, pair,
/// tuple or array of them: then each result is checked alone, with the others unused, and then all
/// together. Results of int64 and boolean are skipped. Inputs are float64 or integer leaves; the
/// trainable ones are checked, the others must get no gradient. The gradient error of an element is
/// |a - n| / max(|a|, |n|, 1e-3 max|n|). Inputs keep their values and gradients, even if the
/// function throws. Throws DTypeError for a trainable input or a result that is float32, ShapeError
/// for results whose shapes depend on the values of the inputs.
template <detail::CalledWith<const std::vector<Tensor>&> F>
GradcheckResult gradcheck(F function, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {}) {
  const auto call = [&](const std::vector<Tensor>& in) { return detail::tensors_of(function(in)); };
  return detail::gradcheck(call, inputs, options);
}

/// The same for the parameters of a module, `gradcheck([&] { return loss(model); },
/// model.parameters())`: messages name the parameter by its path.
template <detail::CalledWith<> F>
GradcheckResult gradcheck(F function, const std::vector<NamedParameter>& parameters,
                          const GradcheckOptions& options = {}) {
  const auto call = [&](const std::vector<Tensor>&) { return detail::tensors_of(function()); };
  return detail::gradcheck(call, parameters, options);
}

}  // namespace gradus
