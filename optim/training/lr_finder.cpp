#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/random.h>
#include <gradus/optim/detail/optimizer_state.h>
#include <gradus/optim/options.h>
#include <gradus/optim/training/lr_finder.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

namespace gradus {
namespace {

constexpr const char* operation = "find_lr";

void check(const LrFinderOptions& options) {
  detail::require_positive(operation, "min_lr", options.min_lr);
  detail::require_positive(operation, "max_lr", options.max_lr);
  detail::require_at_least(operation, "steps", options.steps, 2);
  detail::require_below_one(operation, "smoothing", options.smoothing);
  if (!(options.max_lr > options.min_lr)) {
    throw ValueError(fmt::format("find_lr: max_lr is {}, it must be above min_lr, {}",
                                 options.max_lr, options.min_lr));
  }
  if (!(options.divergence > 1)) {
    throw ValueError(
        fmt::format("find_lr: divergence is {}, it must be above 1", options.divergence));
  }
}

// What is not part of the model would not be restored.
void check_parameters(const Module& model, const Optimizer& optimizer) {
  const auto known = model.parameters();
  for (const NamedParameter& trained : detail::OptimizerState::parameters(optimizer)) {
    const bool found = std::any_of(known.begin(), known.end(), [&](const NamedParameter& each) {
      return each.parameter.is_same(trained.parameter);
    });
    if (found) continue;
    throw ValueError(
        fmt::format("find_lr: '{}', which the optimizer trains, is no parameter of the model: its "
                    "values would not be restored: pass the whole model",
                    trained.path));
  }
}

// Everything that a sweep changes, as it was.
class Before {
 public:
  Before(const Module& model, Optimizer& optimizer)
      : model_(model), optimizer_(optimizer), weights_(snapshot(model)) {
    const StateDict state = optimizer.state_dict();
    for (const StateEntry& entry : state) state_.set(entry.name, entry.tensor.clone());
    state_.metadata = state.metadata;
  }

  void restore() const {
    gradus::restore(model_, weights_);
    optimizer_.load_state_dict(state_);
    optimizer_.zero_grad();
    default_generator() = generator_;
  }

 private:
  const Module& model_;
  Optimizer& optimizer_;
  StateDict weights_, state_;
  Generator generator_ = default_generator();
};

double rate(const LrFinderOptions& options, std::int64_t i) {
  const double part = static_cast<double>(i) / static_cast<double>(options.steps - 1);
  return options.min_lr * std::pow(options.max_lr / options.min_lr, part);
}

// Adds a point to the curve; true if the loss diverges there. A best loss below 0 is taken by its
// size.
bool add_point(LrCurve& curve, double lr, double loss, const LrFinderOptions& options) {
  const double beta = options.smoothing, n = static_cast<double>(curve.loss.size());
  const double mean = curve.smoothed.empty() ? 0 : curve.smoothed.back() * (1 - std::pow(beta, n));
  curve.lr.push_back(lr);
  curve.loss.push_back(loss);
  curve.smoothed.push_back((beta * mean + (1 - beta) * loss) / (1 - std::pow(beta, n + 1)));
  const double best = *std::min_element(curve.smoothed.begin(), curve.smoothed.end());
  return curve.smoothed.back() > best + (options.divergence - 1) * std::abs(best);
}

void sweep(LrCurve& curve, Optimizer& optimizer, const std::function<Tensor()>& closure,
           const LrFinderOptions& options) {
  for (std::int64_t i = 0; i < options.steps; ++i) {
    const double lr = rate(options, i);
    optimizer.set_lr(lr);
    const Tensor result = closure();
    detail::check_defined(operation, "the result of the closure", result);
    const double loss = result.item();
    if (!std::isfinite(loss)) return;
    if (add_point(curve, lr, loss, options)) return;
    optimizer.step();
  }
}

void check_sizes(const char* function, const LrCurve& curve) {
  if (curve.lr.size() == curve.smoothed.size()) return;
  throw ValueError(fmt::format("{}: there are {} rates and {} smoothed losses", function,
                               curve.lr.size(), curve.smoothed.size()));
}

// A plot with a logarithmic axis for rates.
class Plot {
 public:
  explicit Plot(const LrCurve& curve) : curve_(curve) {
    const auto [least, most] = std::minmax_element(curve.smoothed.begin(), curve.smoothed.end());
    low_ = *least;
    high_ = *most > low_ ? *most : low_ + 1;
    first_ = std::log10(curve.lr.front());
    last_ = std::max(std::log10(curve.lr.back()), first_ + 1e-9);
  }

  std::string text() const {
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
               "viewBox=\"0 0 {0} {1}\" role=\"img\">\n<title>Loss by learning rate</title>\n"
               "<style>\n  text {{ font: 11px sans-serif; fill: #444 }}\n"
               "  .grid {{ stroke: #ddd }}\n"
               "  .loss {{ stroke: #1f5fa8; stroke-width: 1.6; fill: none }}\n"
               "  .mark {{ fill: #c8442c }}\n</style>\n"
               "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
               width, height) +
           grid() + line() + mark() + "</svg>\n";
  }

 private:
  static constexpr double width = 560, height = 300, left = 56, right = 16, top = 28, bottom = 40;

  double x(double lr) const {
    return left + (width - left - right) * (std::log10(lr) - first_) / (last_ - first_);
  }
  double y(double loss) const {
    return height - bottom - (height - top - bottom) * (loss - low_) / (high_ - low_);
  }

  std::string grid() const {
    std::string out;
    for (int decade = static_cast<int>(std::ceil(first_ - 1e-9)); decade <= last_ + 1e-9;
         ++decade) {
      const double at = x(std::pow(10.0, decade));
      out += fmt::format(
          "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
          "<text text-anchor=\"middle\" x=\"{0:.1f}\" y=\"{3}\">1e{4}</text>\n",
          at, top, height - bottom, height - bottom + 15, decade);
    }
    for (const double part : {0.0, 0.25, 0.5, 0.75, 1.0}) {
      const double loss = low_ + part * (high_ - low_);
      out += fmt::format(
          "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
          "<text text-anchor=\"end\" x=\"{}\" y=\"{:.1f}\">{:.3g}</text>\n",
          left, width - right, y(loss), y(loss), left - 6, y(loss) + 4, loss);
    }
    return out + fmt::format(
                     "<text text-anchor=\"middle\" x=\"{}\" y=\"{}\">learning rate</text>\n"
                     "<text x=\"{}\" y=\"16\">loss, smoothed</text>\n",
                     (left + width - right) / 2, height - 8, left);
  }

  std::string line() const {
    std::string points;
    for (std::size_t i = 0; i < curve_.lr.size(); ++i) {
      points +=
          fmt::format("{}{:.1f},{:.1f}", i == 0 ? "" : " ", x(curve_.lr[i]), y(curve_.smoothed[i]));
    }
    return fmt::format("<polyline class=\"loss\" points=\"{}\"/>\n", points);
  }

  std::string mark() const {
    double lr = 0;
    try {
      lr = curve_.suggestion();
    } catch (const ValueError&) {  // no rate to mark
      return "";
    }
    const auto place = std::find(curve_.lr.begin(), curve_.lr.end(), lr) - curve_.lr.begin();
    const double loss = curve_.smoothed[static_cast<std::size_t>(place)];
    return fmt::format(
        "<circle class=\"mark\" cx=\"{0:.1f}\" cy=\"{1:.1f}\" r=\"4\"/>"
        "<text x=\"{2:.1f}\" y=\"{3:.1f}\">{4:.2g}</text>\n",
        x(lr), y(loss), x(lr) + 8, y(loss) - 6, lr);
  }

  const LrCurve& curve_;
  double low_, high_, first_, last_;
};

}  // namespace

double LrCurve::suggestion(std::int64_t skip_begin, std::int64_t skip_end) const {
  check_sizes("LrCurve::suggestion", *this);
  detail::require_at_least("LrCurve::suggestion", "skip_begin", skip_begin, 0);
  detail::require_at_least("LrCurve::suggestion", "skip_end", skip_end, 0);
  const std::int64_t begin = skip_begin, last = std::ssize(smoothed) - skip_end - 1;
  if (last <= begin) {
    throw ValueError(
        fmt::format("LrCurve::suggestion: of {} points, {} at the start and {} at the end are left "
                    "out: start from a lower min_lr or make more steps",
                    smoothed.size(), skip_begin, skip_end));
  }
  const auto at = [&](std::int64_t i) { return smoothed[static_cast<std::size_t>(i)]; };
  double steepest = 0;
  std::int64_t best = -1;
  for (std::int64_t i = begin; i <= last; ++i) {
    const std::int64_t before = std::max(i - 1, begin), after = std::min(i + 1, last);
    const double slope = (at(after) - at(before)) / static_cast<double>(after - before);
    if (slope >= steepest) continue;
    steepest = slope;
    best = i;
  }
  if (best >= 0) return lr[static_cast<std::size_t>(best)];
  throw ValueError(
      fmt::format("LrCurve::suggestion: the loss falls nowhere between the rates {} and {}: look "
                  "at the curve, and try others",
                  lr[static_cast<std::size_t>(begin)], lr[static_cast<std::size_t>(last)]));
}

void LrCurve::write_svg(const std::string& path) const {
  check_sizes("LrCurve::write_svg", *this);
  if (lr.empty()) throw ValueError("LrCurve::write_svg: the curve has no points");
  AtomicFile file(path, "LrCurve::write_svg");
  file.write(Plot(*this).text());
  file.commit();
}

LrCurve find_lr(const Module& model, Optimizer& optimizer, const std::function<Tensor()>& closure,
                const LrFinderOptions& options) {
  check(options);
  if (!closure) throw ValueError("find_lr: the closure is empty: pass one that returns the loss");
  check_parameters(model, optimizer);
  const Before before(model, optimizer);
  LrCurve curve;
  try {
    sweep(curve, optimizer, closure, options);
  } catch (...) {
    before.restore();
    throw;
  }
  before.restore();
  if (!curve.lr.empty()) return curve;
  throw ValueError("find_lr: the first loss is not finite: look at the data and the weights");
}

}  // namespace gradus
