#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/shape.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/backward.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/inspect/gradcheck.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>

namespace gradus {
namespace {

using Function = detail::GradcheckFunction;
using detail::Node;

// The results that can carry a gradient.
std::vector<Tensor> float_results(const Function& function, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> results;
  for (const Tensor& result : function(inputs)) {
    detail::check_defined("gradcheck", "a result of the function", result);
    if (!is_floating(result.dtype())) continue;
    if (result.dtype() != DType::float64) {
      throw DTypeError(
          fmt::format("gradcheck: the function returns {} {}: float64 is needed to tell a wrong "
                      "gradient from rounding",
                      name(result.dtype()), result.shape().str()));
    }
    results.push_back(result);
  }
  if (results.empty()) throw DTypeError("gradcheck: the function returns no float64 tensor");
  return results;
}

double weighted_sum(const Tensor& value, const Tensor& cotangent) {
  long double sum = 0;
  const double* v = value.data<double>();
  const double* c = cotangent.data<double>();
  for (std::int64_t i = 0; i < value.numel(); ++i) {
    sum += static_cast<long double>(v[i]) * static_cast<long double>(c[i]);
  }
  return static_cast<double>(sum);
}

// Which results have a cotangent; the others are unused.
struct Selection {
  std::size_t first, last;

  std::string text(std::size_t results) const {
    if (results == 1) return "";
    return last - first == 1 ? fmt::format("result {} alone, ", first)
                             : fmt::format("results 0 to {}, ", last - 1);
  }
};

// Each result alone, and all of them.
std::vector<Selection> selections(std::size_t results) {
  std::vector<Selection> all;
  for (std::size_t i = 0; i < results; ++i) all.push_back({i, i + 1});
  if (results > 1) all.push_back({0, results});
  return all;
}

class Check {
 public:
  // names[i] is what messages call input i.
  Check(const Function& function, const std::vector<Tensor>& inputs,
        const std::vector<std::string>& names, const GradcheckOptions& options)
      : function_(function), inputs_(inputs), names_(names), options_(options) {}

  GradcheckResult run();

 private:
  std::vector<Tensor> results() const;
  std::vector<double> sums_at(const Tensor& input, std::int64_t element, double x) const;
  std::vector<std::vector<double>> numeric_gradients(const Tensor& input) const;
  void put_back(const std::vector<Gradient>& gradients) const;
  std::vector<Gradient> analytic_gradients(const Selection& selection) const;
  void backward(const std::vector<Tensor>& results, const Selection& selection) const;
  void compare(std::size_t input, const Selection& selection, const Gradient& gradient,
               const std::vector<std::vector<double>>& numeric, GradcheckResult& found) const;
  std::string ops_between(std::size_t input, const Selection& selection) const;

  const Function& function_;
  const std::vector<Tensor>& inputs_;
  const std::vector<std::string>& names_;
  const GradcheckOptions& options_;
  std::vector<Tensor> cotangents_;  // of the results
};

// The results; throws unless they have the shapes that they had at first.
std::vector<Tensor> Check::results() const {
  std::vector<Tensor> now = float_results(function_, inputs_);
  const auto alike = [](const Tensor& a, const Tensor& b) { return a.shape() == b.shape(); };
  if (std::equal(now.begin(), now.end(), cotangents_.begin(), cotangents_.end(), alike)) return now;
  const auto shapes = [](const std::vector<Tensor>& all) {
    std::string text;
    for (const Tensor& tensor : all) text += (text.empty() ? "" : ", ") + tensor.shape().str();
    return text;
  };
  throw ShapeError(
      fmt::format("gradcheck: the function returned {} at first and {} later: its results must "
                  "have shapes that do not depend on the values of the inputs",
                  shapes(cotangents_), shapes(now)));
}

// Sets one element of an input to x, and leaves it so; returns the sum of cotangent * result for
// each result.
std::vector<double> Check::sums_at(const Tensor& input, std::int64_t element, double x) const {
  input.mutable_data<double>()[element] = x;
  const std::vector<Tensor> now = results();
  std::vector<double> sums;
  for (std::size_t r = 0; r < now.size(); ++r) {
    sums.push_back(weighted_sum(now[r], cotangents_[r]));
  }
  return sums;
}

// For each result d(sum of cotangent * result) / d(input), by central differences.
std::vector<std::vector<double>> Check::numeric_gradients(const Tensor& input) const {
  const NoGradGuard no_grad;
  std::vector<std::vector<double>> gradients(cotangents_.size());
  for (std::int64_t i = 0; i < input.numel(); ++i) {
    const double x = input.data<double>()[i];
    const double h = options_.step * std::max(1.0, std::abs(x));
    std::vector<double> above, below;
    try {
      above = sums_at(input, i, x + h);
      below = sums_at(input, i, x - h);
    } catch (...) {
      input.mutable_data<double>()[i] = x;
      throw;
    }
    input.mutable_data<double>()[i] = x;
    for (std::size_t r = 0; r < gradients.size(); ++r) {
      gradients[r].push_back((above[r] - below[r]) / ((x + h) - (x - h)));
    }
  }
  return gradients;
}

// One backward pass for all results of a selection, so that an op gets their cotangents together.
void Check::backward(const std::vector<Tensor>& results, const Selection& selection) const {
  const auto part = [&](const std::vector<Tensor>& all) {
    return std::vector<Tensor>(all.begin() + static_cast<std::ptrdiff_t>(selection.first),
                               all.begin() + static_cast<std::ptrdiff_t>(selection.last));
  };
  const std::vector<Tensor> used = part(results);
  if (!detail::any_requires_grad(used)) return;
  if (used.size() == 1) return used[0].backward(cotangents_[selection.first]);
  const auto pull = [cotangents = part(cotangents_)](Cotangents, Needs) {
    return std::vector<Gradient>(cotangents.begin(), cotangents.end());
  };
  const Tensor root = zeros({}, DType::float64);
  detail::attach(
      detail::Ref<Node>::adopt(new detail::JointNode<decltype(pull)>("gradcheck", used, pull)),
      {&root, 1});
  root.backward();
}

void Check::put_back(const std::vector<Gradient>& gradients) const {
  for (std::size_t i = 0; i < inputs_.size(); ++i) inputs_[i].set_grad(gradients[i]);
}

// The gradients of the inputs by backward; the inputs get back the ones they had.
std::vector<Gradient> Check::analytic_gradients(const Selection& selection) const {
  std::vector<Gradient> before, gradients;
  for (const Tensor& input : inputs_) before.push_back(input.grad());
  for (const Tensor& input : inputs_) input.clear_grad();
  try {
    backward(results(), selection);
    for (const Tensor& input : inputs_) gradients.push_back(input.grad());
  } catch (...) {
    put_back(before);
    throw;
  }
  put_back(before);
  return gradients;
}

// The names of ops in the order in which the walk leaves them, each once.
class OpNames {
 public:
  explicit OpNames(const Tensor& input) : input_(input) {}

  // Adds the ops on all paths from the input to `result`. A depth-first walk without recursion.
  void walk(const Tensor& result) {
    struct Place {
      Node* node;
      std::size_t next;  // edge
    };
    std::vector<Place> path;
    const auto enter = [&](Node* node) {
      if (node != nullptr && leads_.try_emplace(node, false).second) path.push_back({node, 0});
    };
    enter(detail::Access::body(result).node.get());
    while (!path.empty()) {
      Node* node = path.back().node;
      if (path.back().next < node->edges().size()) {
        enter(node->edges()[path.back().next++].node.get());
        continue;
      }
      path.pop_back();
      bool& leads = leads_[node];
      for (const detail::Edge& edge : node->edges()) {
        leads = leads || (edge.node ? leads_[edge.node.get()]
                                    : edge.leaf.defined() && edge.leaf.is_same(input_));
      }
      if (leads && std::find(names_.begin(), names_.end(), node->name()) == names_.end()) {
        names_.emplace_back(node->name());
      }
    }
  }

  std::string str() const {
    constexpr std::size_t most = 6;
    std::string text;
    for (std::size_t i = 0; i < std::min(most, names_.size()); ++i) {
      text += (i > 0 ? ", " : "") + names_[i];
    }
    return names_.size() > most ? text + ", ..." : text;
  }

 private:
  const Tensor& input_;
  std::unordered_map<const Node*, bool> leads_;  // whether the input leads to a node
  std::vector<std::string> names_;
};

std::string Check::ops_between(std::size_t input, const Selection& selection) const {
  const std::vector<Tensor> now = results();
  const detail::GraphLock lock("gradcheck");
  OpNames ops(inputs_[input]);
  for (std::size_t r = selection.first; r < selection.last; ++r) ops.walk(now[r]);
  const std::string names = ops.str();
  return names.empty() ? "no recorded op leads from it to the result: "
                       : fmt::format("through {}: ", names);
}

void Check::compare(std::size_t input, const Selection& selection, const Gradient& gradient,
                    const std::vector<std::vector<double>>& numeric, GradcheckResult& found) const {
  const Tensor& x = inputs_[input];
  const Tensor analytic = gradient.empty() ? zeros_like(x) : gradient.to_dense();
  std::vector<double> expected(static_cast<std::size_t>(x.numel()));
  for (std::size_t r = selection.first; r < selection.last; ++r) {
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += numeric[r][i];
  }
  double largest = 0;
  for (const double n : expected) largest = std::max(largest, std::abs(n));
  std::optional<std::size_t> worst;
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double a = analytic.data<double>()[i];
    const double n = expected[i];
    const double scale = std::max({std::abs(a), std::abs(n), 1e-3 * largest});
    double error = a == n ? 0.0 : std::abs(a - n) / scale;
    if (std::isnan(error)) error = INFINITY;
    if (error > options_.tolerance) ++wrong;
    if (error <= found.error) continue;
    found.error = error;
    if (error > options_.tolerance) worst = i;
  }
  if (!worst) return;
  found.ok = false;
  found.message = fmt::format(
      "{}{} of shape {}, element {}: {}backward gives {}, central differences {} (error {:.3g}; {} "
      "of {} elements are wrong)",
      selection.text(cotangents_.size()), names_[input], x.shape().str(),
      detail::position(x.shape(), static_cast<std::int64_t>(*worst)), ops_between(input, selection),
      analytic.data<double>()[*worst], expected[*worst], found.error, wrong, x.numel());
}

GradcheckResult Check::run() {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].trainable() && inputs_[i].dtype() != DType::float64) {
      throw DTypeError(fmt::format(
          "gradcheck: {} is {}: float64 is needed to tell a wrong gradient from rounding: make the "
          "inputs float64, a model by module.to(DType::float64)",
          names_[i], name(inputs_[i].dtype())));
    }
  }
  Generator generator(options_.seed);
  for (const Tensor& result : float_results(function_, inputs_)) {
    cotangents_.push_back(randn(result.shape(), 0.0, 1.0, result.dtype(), generator));
  }
  std::vector<std::vector<std::vector<double>>> numeric;  // of each input
  for (const Tensor& input : inputs_) {
    numeric.push_back(input.trainable() ? numeric_gradients(input)
                                        : std::vector<std::vector<double>>());
  }
  GradcheckResult found;
  for (const Selection& selection : selections(cotangents_.size())) {
    const std::vector<Gradient> gradients = analytic_gradients(selection);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].trainable()) {
        compare(i, selection, gradients[i], numeric[i], found);
      } else if (!gradients[i].empty()) {
        found.ok = false;
        found.message = fmt::format("{} is frozen but got a {}", names_[i], gradients[i].str());
      }
    }
  }
  return found;
}

}  // namespace

GradcheckResult detail::gradcheck(const GradcheckFunction& function,
                                  const std::vector<Tensor>& inputs,
                                  const GradcheckOptions& options) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < inputs.size(); ++i) names.push_back(fmt::format("input {}", i));
  return Check(function, inputs, names, options).run();
}

GradcheckResult detail::gradcheck(const GradcheckFunction& function,
                                  const std::vector<NamedParameter>& parameters,
                                  const GradcheckOptions& options) {
  std::vector<Tensor> inputs;
  std::vector<std::string> names;
  for (const NamedParameter& named : parameters) {
    inputs.push_back(named.parameter);
    names.push_back(fmt::format("parameter '{}'", named.path));
  }
  return Check(function, inputs, names, options).run();
}

}  // namespace gradus
