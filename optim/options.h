#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// Throws ValueError `<optimizer>: <option> is <value>, it must ...` for an invalid value.
using OptionCheck = void (*)(const char* optimizer, const char* option, double value);

/// A member of an optimizer's options by name: a number, a count or a flag.
struct GRADUS_API OptionField {
  OptionField(const char* option, double& value, OptionCheck values = nullptr)
      : name(option), number(&value), check(values) {}
  OptionField(const char* option, std::int64_t& value) : name(option), count(&value) {}
  OptionField(const char* option, bool& value) : name(option), flag(&value) {}

  /// A flag is 0 or 1.
  double value() const;
  void set(double value) const;
  /// As state_dict() saves it.
  std::string text() const;

  const char* name;
  double* number = nullptr;
  std::int64_t* count = nullptr;
  bool* flag = nullptr;
  OptionCheck check = nullptr;
};

namespace detail {

/// The field with this name. Throws ValueError, listing the fields, if there is none.
GRADUS_API OptionField field_called(std::string_view name, const char* optimizer,
                                    const std::vector<OptionField>& fields);
/// Throws ValueError if a field cannot hold the value: a count is a whole number, a flag 0 or 1.
GRADUS_API void require_holds(const char* optimizer, const OptionField& field, double value);
/// Applies the checks of all fields to their values.
GRADUS_API void check_fields(const char* optimizer, const std::vector<OptionField>& fields);

/// Checks of options; each refuses values that are not finite.
GRADUS_API void require_finite(const char* optimizer, const char* option, double value);
GRADUS_API void require_not_negative(const char* optimizer, const char* option, double value);
GRADUS_API void require_positive(const char* optimizer, const char* option, double value);
/// In [0, 1].
GRADUS_API void require_fraction(const char* optimizer, const char* option, double value);
/// In [0, 1).
GRADUS_API void require_below_one(const char* optimizer, const char* option, double value);
GRADUS_API void require_at_least(const char* optimizer, const char* option, std::int64_t value,
                                 std::int64_t least);

}  // namespace detail
}  // namespace gradus
