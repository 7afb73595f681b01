#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/error.h>
#include <gradus/optim/options.h>

#include <cmath>

namespace gradus {

double OptionField::value() const {
  if (flag != nullptr) return static_cast<double>(*flag);
  return count != nullptr ? static_cast<double>(*count) : *number;
}

void OptionField::set(double value) const {
  if (flag != nullptr) {
    *flag = value != 0;
  } else if (count != nullptr) {
    *count = static_cast<std::int64_t>(value);
  } else {
    *number = value;
  }
}

std::string OptionField::text() const {
  if (flag != nullptr) return fmt::to_string(*flag);
  return count != nullptr ? fmt::to_string(*count) : fmt::to_string(*number);
}

namespace detail {
namespace {

[[noreturn]] void refuse(const char* optimizer, std::string_view option, double value,
                         std::string_view rule) {
  throw ValueError(fmt::format("{}: {} is {}, it must {}", optimizer, option, value, rule));
}

void require(bool right, const char* optimizer, const char* option, double value,
             const char* rule) {
  if (!std::isfinite(value)) refuse(optimizer, option, value, "be a finite number");
  if (!right) refuse(optimizer, option, value, rule);
}

// A member of an array as it is written in code: betas[0] for betas.0.
std::string as_written(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return std::string(name);
  return fmt::format("{}[{}]", name.substr(0, dot), name.substr(dot + 1));
}

}  // namespace

OptionField field_called(std::string_view name, const char* optimizer,
                         const std::vector<OptionField>& fields) {
  std::vector<std::string_view> names;
  for (const OptionField& field : fields) {
    if (field.name == name) return field;
    names.emplace_back(field.name);
  }
  throw ValueError(fmt::format("{}: there is no option {}: the options are {}", optimizer, name,
                               fmt::join(names, ", ")));
}

void require_holds(const char* optimizer, const OptionField& field, double value) {
  const bool whole = std::abs(value) < 1e15 && std::trunc(value) == value;
  if (field.count != nullptr && !whole) refuse(optimizer, field.name, value, "be a whole number");
  if (field.flag != nullptr && value != 0 && value != 1) {
    refuse(optimizer, field.name, value, "be 0 or 1");
  }
}

void check_fields(const char* optimizer, const std::vector<OptionField>& fields) {
  for (const OptionField& field : fields) {
    if (field.check) field.check(optimizer, as_written(field.name).c_str(), *field.number);
  }
}

void require_finite(const char* optimizer, const char* option, double value) {
  require(true, optimizer, option, value, "");
}

void require_not_negative(const char* optimizer, const char* option, double value) {
  require(value >= 0, optimizer, option, value, "not be negative");
}

void require_positive(const char* optimizer, const char* option, double value) {
  require(value > 0, optimizer, option, value, "be above 0");
}

void require_fraction(const char* optimizer, const char* option, double value) {
  require(value >= 0 && value <= 1, optimizer, option, value, "be in [0, 1]");
}

void require_below_one(const char* optimizer, const char* option, double value) {
  require(value >= 0 && value < 1, optimizer, option, value, "be in [0, 1)");
}

void require_at_least(const char* optimizer, const char* option, std::int64_t value,
                      std::int64_t least) {
  if (value >= least) return;
  throw ValueError(
      fmt::format("{}: {} is {}, it must be at least {}", optimizer, option, value, least));
}

}  // namespace detail
}  // namespace gradus
