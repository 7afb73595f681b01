#pragma once
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace gradus {

/// A data set is anything with `size()` and `operator[](std::int64_t)`; a std::vector is one too.
template <class S>
concept DataSet = requires(const S& set) {
  { set.size() } -> std::convertible_to<std::int64_t>;
  set[0];
};

namespace detail {

template <DataSet S>
decltype(auto) sample_at(const S& set, std::int64_t i) {
  if constexpr (requires { typename S::size_type; }) {
    return set[static_cast<typename S::size_type>(i)];
  } else {
    return set[i];
  }
}

}  // namespace detail

/// What a data set holds.
template <DataSet S>
using SampleOf =
    std::remove_cvref_t<decltype(detail::sample_at(std::declval<const S&>(), std::int64_t{}))>;

}  // namespace gradus
