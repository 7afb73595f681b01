#pragma once
#include <gradus/framework/module.h>
#include <gradus/framework/tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace gradus {

/// How gradcheck() measures.
struct GradcheckOptions {
  double step = 1e-5;       ///< of the central difference, times max(1, |x|)
  double tolerance = 1e-6;  ///< largest gradient error that counts as right
  std::uint64_t seed = 1;   ///< of the random cotangent
};

/// What gradcheck() found.
struct GradcheckResult {
  double error = 0;     ///< the largest gradient error
  std::string message;  ///< where it is, with both values; empty if ok
  bool ok = true;       ///< error <= tolerance, and frozen inputs got no gradient

  explicit operator bool() const { return ok; }
};

/// Compares the gradients that backward computes with central differences of the function, for
/// every element of every trainable input, with a random cotangent for the result. Inputs are
/// float64 or integer leaves; the trainable ones are checked, the others must get no gradient. The
/// gradient error of an element is |a - n| / max(|a|, |n|, 1e-3 max|n|). Inputs keep values and
/// gradients. Throws DTypeError for a trainable input that is not float64.
GRADUS_API GradcheckResult
gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& function,
          const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

/// The same for the parameters of a module, `gradcheck([&] { return loss(model); },
/// model.parameters())`: messages name the parameter by its path.
GRADUS_API GradcheckResult gradcheck(const std::function<Tensor()>& function,
                                     const std::vector<NamedParameter>& parameters,
                                     const GradcheckOptions& options = {});

}  // namespace gradus
