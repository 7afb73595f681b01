#include <fmt/format.h>
#include <gradus/framework/autograd.h>
#include <gradus/framework/creation.h>
#include <gradus/framework/error.h>
#include <gradus/framework/gradcheck.h>

#include <algorithm>
#include <cmath>

namespace gradus {
namespace {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

double weighted_sum(const Tensor& value, const Tensor& cotangent) {
  long double sum = 0;
  const double* v = value.data<double>();
  const double* c = cotangent.data<double>();
  for (std::int64_t i = 0; i < value.numel(); ++i) {
    sum += static_cast<long double>(v[i]) * static_cast<long double>(c[i]);
  }
  return static_cast<double>(sum);
}

// d(sum of cotangent * function) / d(input), by central differences.
std::vector<double> numeric_gradient(const Function& function, const std::vector<Tensor>& inputs,
                                     const Tensor& input, const Tensor& cotangent, double step) {
  const NoGradGuard no_grad;
  std::vector<double> gradient;
  for (std::int64_t i = 0; i < input.numel(); ++i) {
    const double x = input.data<double>()[i];
    const double h = step * std::max(1.0, std::abs(x));
    input.mutable_data<double>()[i] = x + h;
    const double above = weighted_sum(function(inputs), cotangent);
    input.mutable_data<double>()[i] = x - h;
    const double below = weighted_sum(function(inputs), cotangent);
    input.mutable_data<double>()[i] = x;
    gradient.push_back((above - below) / ((x + h) - (x - h)));
  }
  return gradient;
}

// The gradients of the inputs by backward; the ones that the inputs had are put back.
std::vector<Gradient> analytic_gradients(const Function& function,
                                         const std::vector<Tensor>& inputs, Tensor& cotangent,
                                         std::uint64_t seed) {
  std::vector<Gradient> before;
  for (const Tensor& input : inputs) {
    before.push_back(input.grad());
    input.clear_grad();
  }
  Tensor value = function(inputs);
  Generator generator(seed);
  cotangent = randn(value.shape(), 0.0, 1.0, value.dtype(), generator);
  if (value.requires_grad()) value.backward(cotangent);
  std::vector<Gradient> gradients;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    gradients.push_back(inputs[i].grad());
    inputs[i].set_grad(before[i]);
  }
  return gradients;
}

// "[1, 3]": where the element with that number is in a tensor of that shape.
std::string position(const Shape& shape, std::int64_t element) {
  std::string text;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    text = fmt::format("{}{}{}", element % shape[axis], text.empty() ? "" : ", ", text);
    element /= shape[axis];
  }
  return "[" + text + "]";
}

void compare(const std::string& who, const Tensor& input, const Gradient& gradient,
             const std::vector<double>& numeric, double tolerance, GradcheckResult& result) {
  const Tensor analytic = gradient.empty() ? zeros_like(input) : gradient.to_dense();
  double largest = 0;
  for (const double n : numeric) largest = std::max(largest, std::abs(n));
  for (std::size_t i = 0; i < numeric.size(); ++i) {
    const double a = analytic.data<double>()[i];
    const double n = numeric[i];
    const double scale = std::max({std::abs(a), std::abs(n), 1e-3 * largest});
    const double error = a == n ? 0.0 : std::abs(a - n) / scale;
    if (error <= result.error) continue;  // a NaN is no <=
    result.error = std::isnan(error) ? INFINITY : error;
    if (result.error <= tolerance) continue;
    result.ok = false;
    result.message = fmt::format(
        "{} of shape {}, element {}: backward gives {}, central differences {} (error {:.3g})", who,
        input.shape().str(), position(input.shape(), static_cast<std::int64_t>(i)), a, n, error);
  }
}

// names[i] is what messages call input i.
GradcheckResult check(const Function& function, const std::vector<Tensor>& inputs,
                      const std::vector<std::string>& names, const GradcheckOptions& options) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].trainable() && inputs[i].dtype() != DType::float64) {
      throw DTypeError(fmt::format(
          "gradcheck: {} is {}: float64 is needed to tell a wrong gradient from rounding: make the "
          "inputs float64, a model by module.to(DType::float64)",
          names[i], name(inputs[i].dtype())));
    }
  }
  Tensor cotangent;
  const std::vector<Gradient> gradients =
      analytic_gradients(function, inputs, cotangent, options.seed);
  GradcheckResult result;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].trainable()) {
      compare(names[i], inputs[i], gradients[i],
              numeric_gradient(function, inputs, inputs[i], cotangent, options.step),
              options.tolerance, result);
    } else if (!gradients[i].empty()) {
      result.ok = false;
      result.message = fmt::format("{} is frozen but got a {}", names[i], gradients[i].str());
    }
  }
  return result;
}

}  // namespace

GradcheckResult gradcheck(const Function& function, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < inputs.size(); ++i) names.push_back(fmt::format("input {}", i));
  return check(function, inputs, names, options);
}

GradcheckResult gradcheck(const std::function<Tensor()>& function,
                          const std::vector<NamedParameter>& parameters,
                          const GradcheckOptions& options) {
  std::vector<Tensor> inputs;
  std::vector<std::string> names;
  for (const NamedParameter& named : parameters) {
    inputs.push_back(named.parameter);
    names.push_back(fmt::format("parameter '{}'", named.path));
  }
  return check([&function](const std::vector<Tensor>&) { return function(); }, inputs, names,
               options);
}

}  // namespace gradus
