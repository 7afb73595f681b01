#pragma once
#include <gradus/framework/module/state_dict.h>

#include <cstdint>
#include <string>
#include <string_view>

/// Reads the metadata of a state. Each throws FormatError naming the key.
namespace gradus::detail {

const std::string& text_of(const StateDict& state, const std::string& key);
/// The whole text as a number: double or int64.
template <class Number>
Number number_of(const StateDict& state, const std::string& key);
bool flag_of(const StateDict& state, const std::string& key);

/// Refuses with ValueError a state whose metric gets better in the other direction. States of older
/// versions do not say which it is.
void check_direction(const char* owner, const StateDict& state, const std::string& key,
                     bool maximize);

/// True if both name the same optimizer class: "SparseAdam", or "sparse_adam" as in older files.
bool same_class(std::string_view a, std::string_view b);

extern template double number_of<double>(const StateDict&, const std::string&);
extern template std::int64_t number_of<std::int64_t>(const StateDict&, const std::string&);

}  // namespace gradus::detail
