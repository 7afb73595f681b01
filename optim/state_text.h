#pragma once
#include <gradus/framework/state_dict.h>

#include <cstdint>
#include <string>

/// What the metadata of a state holds. Each throws FormatError naming the key.
namespace gradus::detail {

const std::string& text_of(const StateDict& state, const std::string& key);
/// The whole text as a number: double or int64.
template <class Number>
Number number_of(const StateDict& state, const std::string& key);
bool flag_of(const StateDict& state, const std::string& key);

extern template double number_of<double>(const StateDict&, const std::string&);
extern template std::int64_t number_of<std::int64_t>(const StateDict&, const std::string&);

}  // namespace gradus::detail
