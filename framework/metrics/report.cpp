#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/metrics/detail/pca.h>
#include <gradus/framework/metrics/detail/report_page.h>
#include <gradus/framework/metrics/detail/score_table.h>
#include <gradus/framework/metrics/detail/thin_curve.h>
#include <gradus/framework/metrics/report.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace gradus {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t curve_stretches = 1000;
constexpr std::int64_t most_classes = 100;
constexpr std::size_t most_characters = 1000;
constexpr std::size_t most_mistakes = 8;  // that are listed
constexpr double most_smoothing = 0.1;

// JSON for an element <script>: plain ASCII, in which no tag or comment begins.
std::string script_json(const ordered_json& value) {
  std::string out;
  for (const char c : value.dump(-1, ' ', true, ordered_json::error_handler_t::replace)) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

ordered_json section(const char* kind, const std::string& title) {
  return {{"kind", kind}, {"title", title}};
}

// Eight digits are more than can be seen, and keep files small. NaN becomes null.
double shortened(double value) {
  if (std::isfinite(value)) detail::parse_number(fmt::format("{:.8g}", value), value);
  return value;
}
std::vector<double> shortened(std::vector<double> values) {
  for (double& value : values) value = shortened(value);
  return values;
}

std::string text_of(const Number& value) {
  if (value.is_integer()) return fmt::to_string(value.integer());
  const int digits = std::abs(value.real()) < 1000 ? 4 : 6;
  return fmt::format("{:.{}g}", value.real(), digits);
}

// The first characters of a text; where it is not UTF-8, a byte is a character.
std::string cut(const std::string& text) {
  std::size_t end = 0;
  for (std::size_t count = 0; end < text.size(); ++count) {
    if (count == most_characters) return text.substr(0, end) + "\u2026";
    end += detail::decode_utf8(text, end).length;
  }
  return text;
}

std::string shown(const Curve& curve) { return detail::printable(curve.name); }

void check_curve(const Curve& curve, bool log_x) {
  if (!curve.x.empty() && curve.x.size() != curve.y.size()) {
    throw ShapeError(
        fmt::format("Report: add_curves: the curve '{}' has {} x and {} y: give each value its "
                    "step, or leave x empty",
                    shown(curve), curve.x.size(), curve.y.size()));
  }
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    const double x = curve.x[i];
    const auto refuse = [&](const std::string& problem) {
      throw ValueError(fmt::format("Report: add_curves: x[{}] of the curve '{}' is {}: {}", i,
                                   shown(curve), x, problem));
    };
    if (!std::isfinite(x)) refuse("it must be finite");
    if (i > 0 && x < curve.x[i - 1]) {
      refuse(fmt::format("it is below x[{}], {}: sort the values by x", i - 1, curve.x[i - 1]));
    }
    if (log_x && x <= 0) refuse("with log_x it must be above 0");
  }
  if (log_x && curve.x.empty() && !curve.y.empty()) {
    throw ValueError(
        fmt::format("Report: add_curves: the curve '{}' has no x, and so begins at 0, which log_x "
                    "cannot show: give each value its x",
                    shown(curve)));
  }
}

void check_curves(const std::vector<Curve>& curves, bool log_x) {
  std::unordered_set<std::string> names;
  for (const Curve& curve : curves) {
    check_curve(curve, log_x);
    if (names.insert(curve.name).second) continue;
    throw ValueError(fmt::format(
        "Report: add_curves: two curves have the name '{}': give each its own", shown(curve)));
  }
}

ordered_json curve_json(Curve curve) {
  if (curve.x.empty()) {
    curve.x.resize(curve.y.size());
    std::iota(curve.x.begin(), curve.x.end(), 0.0);
  }
  const detail::ThinCurve thin = detail::thin(curve, curve_stretches);
  const auto not_positive = std::count_if(curve.y.begin(), curve.y.end(),
                                          [](double y) { return std::isfinite(y) && y <= 0; });
  ordered_json json = {{"name", curve.name},      {"points", curve.y.size()},
                       {"gaps", thin.not_finite}, {"not_positive", not_positive},
                       {"x", thin.drawn.x},       {"y", shortened(thin.drawn.y)}};
  if (!thin.means.x.empty()) {
    json["means"] = {{"x", shortened(thin.means.x)}, {"y", shortened(thin.means.y)}};
  }
  return json;
}

// The classes with the most mistakes, in their order.
std::vector<std::size_t> worst_classes(const ConfusionMatrix& matrix) {
  const Tensor counts = matrix.result();
  const auto n = static_cast<std::size_t>(matrix.classes());
  std::vector<std::int64_t> wrong(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) {
      const std::int64_t count = i == k ? 0 : counts.data<std::int64_t>()[i * n + k];
      wrong[i] += count;
      wrong[k] += count;
    }
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (matrix.classes() <= most_classes) return order;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return wrong[a] > wrong[b]; });
  order.resize(static_cast<std::size_t>(most_classes));
  std::sort(order.begin(), order.end());
  return order;
}

// What was mistaken for what most often, first those of the lower label, of all classes.
ordered_json mistakes_json(const ConfusionMatrix& matrix) {
  const Tensor all = matrix.result();
  const auto n = static_cast<std::size_t>(matrix.classes());
  const auto* counts = all.data<std::int64_t>();
  std::vector<std::size_t> places;
  for (std::size_t place = 0; place < n * n; ++place) {
    if (counts[place] > 0 && place / n != place % n) places.push_back(place);
  }
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t a, std::size_t b) { return counts[a] > counts[b]; });
  places.resize(std::min(places.size(), most_mistakes));
  ordered_json json = ordered_json::array();
  for (const std::size_t place : places) {
    const std::int64_t* row = counts + place / n * n;
    json.push_back({{"label", matrix.names()[place / n]},
                    {"predicted", matrix.names()[place % n]},
                    {"count", counts[place]},
                    {"of", std::accumulate(row, row + n, std::int64_t{0})}});
  }
  return json;
}

std::int64_t wrong_of(const std::vector<ReportExample>& examples) {
  return std::count_if(examples.begin(), examples.end(), [](const ReportExample& example) {
    return example.expected != example.predicted;
  });
}

void check_not_negative(const char* operation, const char* name, std::int64_t value) {
  if (value >= 0) return;
  throw ValueError(fmt::format("{}: {} is {}: it must be 0 or more", operation, name, value));
}

void check_labels(const Tensor& rows, const char* name, std::size_t labels) {
  if (static_cast<std::int64_t>(labels) == rows.size(0)) return;
  throw ShapeError(
      fmt::format("Report: add_embeddings: there are {} {} for rows of shape {}: give each row one",
                  labels, name, rows.shape().str()));
}

// Where the first value is that is not finite, or the number of values.
template <class T>
std::int64_t first_odd(std::span<const T> values) {
  const auto odd =
      std::find_if(values.begin(), values.end(), [](T v) { return !std::isfinite(v); });
  return odd - values.begin();
}

void check_rows(const Tensor& rows) {
  detail::check_defined("Report: add_embeddings", "rows", rows);
  if (rows.dtype() != DType::float32 && rows.dtype() != DType::float64) {
    throw DTypeError(
        fmt::format("Report: add_embeddings: rows are {}: they must be float32 or float64",
                    name(rows.dtype())));
  }
  if (rows.dim() != 2) {
    throw ShapeError(fmt::format("Report: add_embeddings: rows have shape {}: it must be [N, D]",
                                 rows.shape().str()));
  }
  const std::int64_t place = rows.dtype() == DType::float32 ? first_odd(rows.span<float>())
                                                            : first_odd(rows.span<double>());
  if (place == rows.numel()) return;
  throw ValueError(fmt::format(
      "Report: add_embeddings: the value at [{}, {}] of rows of shape {} is {}: leave "
      "such rows out",
      place / rows.size(1), place % rows.size(1), rows.shape().str(),
      rows.dtype() == DType::float32 ? rows.data<float>()[place] : rows.data<double>()[place]));
}

}  // namespace

Report::Report(std::string title) : title_(std::move(title)) {}

void Report::add_text(const std::string& title, const std::string& text) {
  ordered_json json = section("text", title);
  json["text"] = text;
  sections_.push_back(script_json(json));
}

void Report::add_values(const std::string& title, const std::vector<NamedValue>& values) {
  ordered_json json = section("values", title);
  json["values"] = ordered_json::array();
  for (const auto& [name, value] : values) {
    json["values"].push_back({{"name", name}, {"value", text_of(value)}});
  }
  sections_.push_back(script_json(json));
}

void Report::add_table(const std::string& title, const std::vector<std::vector<std::string>>& rows,
                       const std::vector<std::string>& columns) {
  const std::size_t size = !columns.empty() ? columns.size() : rows.empty() ? 0 : rows[0].size();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].size() == size) continue;
    throw ShapeError(
        fmt::format("Report: add_table: row {} has {} texts, and {} {}: give each row as many", i,
                    rows[i].size(), columns.empty() ? "row 0 has" : "there are columns for", size));
  }
  ordered_json json = section("table", title);
  json["columns"] = columns;
  json["rows"] = rows;
  sections_.push_back(script_json(json));
}

void Report::add_scores(const std::string& title, const ClassificationScores& scores) {
  std::vector<std::vector<std::string>> rows = detail::score_table(scores);
  const std::vector<std::string> columns = rows.front();
  rows.erase(rows.begin());
  add_table(title, rows, columns);
}

void Report::add_curves(const std::string& title, const std::vector<Curve>& curves,
                        const CurvesOptions& options) {
  if (!(options.smoothing >= 0 && options.smoothing <= most_smoothing)) {
    throw ValueError(fmt::format("Report: add_curves: smoothing is {}: it must be in [0, {}]",
                                 options.smoothing, most_smoothing));
  }
  check_curves(curves, options.log_x);
  ordered_json json = section("curves", title);
  json["x_name"] = options.x_name;
  json["log_x"] = options.log_x;
  json["log_y"] = options.log_y;
  json["smoothing"] = options.smoothing;
  json["most_smoothing"] = most_smoothing;
  json["stretches"] = curve_stretches;
  json["curves"] = ordered_json::array();
  for (const Curve& curve : curves) json["curves"].push_back(curve_json(curve));
  sections_.push_back(script_json(json));
}

void Report::add_confusion_matrix(const std::string& title, const ConfusionMatrix& matrix) {
  const std::vector<std::size_t> shown_classes = worst_classes(matrix);
  const auto n = static_cast<std::size_t>(matrix.classes());
  const bool merged = shown_classes.size() < n;
  const std::size_t size = shown_classes.size() + (merged ? 1 : 0);
  std::vector<std::size_t> place(n, size - 1);
  std::vector<std::string> names;
  for (const std::size_t i : shown_classes) {
    place[i] = names.size();
    names.push_back(matrix.names()[i]);
  }
  if (merged) names.push_back(fmt::format("{} others", n - shown_classes.size()));

  std::vector<std::vector<std::int64_t>> counts(size, std::vector<std::int64_t>(size));
  const Tensor all = matrix.result();
  std::int64_t right = 0;
  for (std::size_t i = 0; i < n; ++i) {
    right += all.data<std::int64_t>()[i * n + i];
    for (std::size_t k = 0; k < n; ++k) {
      counts[place[i]][place[k]] += all.data<std::int64_t>()[i * n + k];
    }
  }
  ordered_json json = section("confusion", title);
  json["classes"] = n;
  json["right"] = right;
  json["merged"] = n - shown_classes.size();
  json["names"] = names;
  json["counts"] = counts;
  json["mistakes"] = mistakes_json(matrix);
  sections_.push_back(script_json(json));
}

void Report::add_examples(const std::string& title, std::vector<ReportExample> examples,
                          const ExamplesOptions& options) {
  check_not_negative("Report: add_examples", "max_rows", options.max_rows);
  const auto place = [](const ReportExample& example) {
    const bool unknown = std::isnan(example.score);
    return std::tuple(example.expected == example.predicted, unknown, unknown ? 0 : -example.score);
  };
  std::stable_sort(examples.begin(), examples.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
  ordered_json json = section("examples", title);
  json["count"] = examples.size();
  json["wrong"] = wrong_of(examples);
  json["rows"] = ordered_json::array();
  const auto rows = std::min(examples.size(), static_cast<std::size_t>(options.max_rows));
  for (const ReportExample& example : std::span(examples).first(rows)) {
    json["rows"].push_back({{"text", cut(example.text)},
                            {"expected", cut(example.expected)},
                            {"predicted", cut(example.predicted)},
                            {"score", shortened(example.score)}});
  }
  sections_.push_back(script_json(json));
}

void Report::add_embeddings(const std::string& title, const Tensor& rows,
                            const std::vector<std::string>& labels,
                            const EmbeddingsOptions& options) {
  check_rows(rows);
  check_labels(rows, "labels", labels.size());
  if (!options.groups.empty()) check_labels(rows, "groups", options.groups.size());
  check_not_negative("Report: add_embeddings", "max_points", options.max_points);

  const detail::Plane plane = detail::pca(rows);
  const auto drawn = std::min(labels.size(), static_cast<std::size_t>(options.max_points));
  const auto first = [drawn](const auto& all) {
    return std::vector(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(drawn));
  };
  std::vector<std::string> names;
  std::vector<std::size_t> group_of;
  std::unordered_map<std::string, std::size_t> known;
  for (const std::string& group : options.groups) {
    if (group_of.size() == drawn) break;
    const auto [found, is_new] = known.try_emplace(group, names.size());
    if (is_new) names.push_back(group);
    group_of.push_back(found->second);
  }
  ordered_json json = section("embeddings", title);
  json["count"] = rows.size(0);
  json["dimensions"] = rows.size(1);
  json["explained"] = {shortened(plane.explained[0]), shortened(plane.explained[1])};
  json["groups"] = names;
  json["group_of"] = group_of;
  json["x"] = shortened(first(plane.x));
  json["y"] = shortened(first(plane.y));
  std::vector<std::string> shown_labels = first(labels);
  for (std::string& label : shown_labels) label = cut(label);
  json["labels"] = shown_labels;
  sections_.push_back(script_json(json));
}

void Report::save(const std::string& path) const {
  AtomicFile file(path, "Report");
  file.write(detail::report_head);
  file.write("<script type=\"application/json\" id=\"data\">\n{\"title\": ");
  file.write(script_json(title_));
  file.write(", \"sections\": [");
  for (std::size_t i = 0; i < sections_.size(); ++i) {
    file.write(i == 0 ? "\n" : ",\n");
    file.write(sections_[i]);
  }
  file.write("\n]}\n</script>\n<script>\n");
  file.write(detail::report_script);
  file.write("</script>\n</body>\n</html>\n");
  file.commit();
}

}  // namespace gradus
