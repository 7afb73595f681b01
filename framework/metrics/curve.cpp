#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/curve.h>
#include <gradus/framework/metrics/detail/csv_cells.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace gradus {
namespace {

using nlohmann::ordered_json;

constexpr const char* operation = "read_curves";

bool is_csv(const std::string& path) {
  if (path.ends_with(".csv")) return true;
  if (path.ends_with(".jsonl")) return false;
  throw ValueError(
      fmt::format("read_curves: the name '{}' must end in .jsonl or .csv, as that of a file that a "
                  "MetricsLogger writes",
                  detail::printable(path)));
}

// The texts by which JSON lines and CSV write numbers that are not finite.
std::optional<double> not_finite(std::string_view text) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr std::array<std::pair<std::string_view, double>, 6> known{{{"NaN", nan},
                                                                      {"Infinity", infinity},
                                                                      {"-Infinity", -infinity},
                                                                      {"nan", nan},
                                                                      {"inf", infinity},
                                                                      {"-inf", -infinity}}};
  const auto* found = std::find_if(known.begin(), known.end(),
                                   [text](const auto& each) { return each.first == text; });
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

std::optional<double> json_number(const ordered_json& value) {
  if (value.is_string()) return not_finite(value.get_ref<const std::string&>());
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::optional<double> cell_number(std::string_view cell) {
  double value = 0;
  if (const auto odd = not_finite(cell)) return odd;
  const bool known = detail::parse_number(cell, value) == detail::NumberText::number;
  return known ? std::optional(value) : std::nullopt;
}

class RecordReader {
 public:
  explicit RecordReader(const std::string& path) : csv_(is_csv(path)), lines_(operation, path) {}

  std::vector<Curve> read() {
    std::optional<std::uint64_t> size;
    if (!lines_.file().is_stream()) size = lines_.file().size();
    std::uint64_t end = 0;
    for (std::string line; lines_.next(line);) {
      end += line.size() + 1;
      if (size && end > *size) break;  // it has no line feed: it is incomplete
      if (!csv_) {
        read_json(line);
      } else if (lines_.number() == 1) {
        read_header(line);
      } else {
        read_row(line);
      }
    }
    return std::move(curves_);
  }

 private:
  [[noreturn]] void refuse(std::string_view problem) const {
    throw FormatError(fmt::format(
        "read_curves: '{}', line {}: {}: only a file that a MetricsLogger wrote can be read",
        lines_.file().path(), lines_.number(), problem));
  }
  [[noreturn]] void refuse_line(const std::string& line) const {
    refuse(fmt::format("'{}' is not a record", detail::printable(line)));
  }

  void read_json(const std::string& line) {
    const ordered_json record = ordered_json::parse(line, nullptr, false);
    if (!record.is_object()) refuse_line(line);
    const auto step = record.find("step");
    if (step == record.end() || !step->is_number_integer()) refuse_line(line);
    set_step(step->get<double>());
    for (const auto& [name, value] : record.items()) {
      if (name != "step") add(name, json_number(value), line);
    }
  }

  void read_header(const std::string& line) {
    const auto cells = detail::csv_cells(line);
    if (!cells || cells->front() != "step") {
      refuse(fmt::format("'{}' is not a header", detail::printable(line)));
    }
    columns_.assign(cells->begin() + 1, cells->end());
    for (const std::string& name : columns_) curve(name);
  }
  void read_row(const std::string& line) {
    const auto cells = detail::csv_cells(line);
    if (!cells || cells->size() != columns_.size() + 1) refuse_line(line);
    std::int64_t step = 0;
    if (detail::parse_number(cells->front(), step) != detail::NumberText::number) refuse_line(line);
    set_step(static_cast<double>(step));
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = (*cells)[i + 1];
      if (!cell.empty()) add(columns_[i], cell_number(cell), line);
    }
  }

  void set_step(double step) {
    if (step < step_) refuse(fmt::format("step {} comes after {}", step, step_));
    step_ = step;
  }
  Curve& curve(const std::string& name) {
    const auto [place, is_new] = places_.try_emplace(name, curves_.size());
    if (is_new) curves_.push_back({.name = name});
    return curves_[place->second];
  }
  void add(const std::string& name, std::optional<double> value, const std::string& line) {
    if (!value) {
      refuse(fmt::format("the value of '{}' in '{}' is not a number", detail::printable(name),
                         detail::printable(line)));
    }
    Curve& to = curve(name);
    to.x.push_back(step_);
    to.y.push_back(*value);
  }

  bool csv_;
  detail::LineReader lines_;
  std::vector<std::string> columns_;
  std::vector<Curve> curves_;
  std::unordered_map<std::string, std::size_t> places_;
  double step_ = -std::numeric_limits<double>::infinity();
};

}  // namespace

std::vector<Curve> read_curves(const std::string& path, const std::vector<std::string>& names) {
  std::vector<Curve> all = RecordReader(path).read();
  if (names.empty()) return all;
  std::vector<Curve> chosen;
  for (const std::string& name : names) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Curve& curve) { return curve.name == name; });
    if (found == all.end()) {
      std::vector<std::string> known;
      known.reserve(all.size());
      for (const Curve& curve : all) known.push_back(curve.name);
      throw IndexError(fmt::format("read_curves: '{}' has no metric '{}': it has {}",
                                   detail::printable(path), detail::printable(name),
                                   known.empty() ? "none" : detail::printable_names(known)));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

}  // namespace gradus
