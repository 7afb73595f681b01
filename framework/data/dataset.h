#pragma once
#include <gradus/framework/base/export.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <numeric>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace gradus {

/// A data set: anything with size() and a const operator[] by position, such as a std::vector, the
/// result of a reader, the views below or a class of your own. Threads of a loader read samples of
/// one set at the same time, so operator[] has to be safe for that.
template <class S>
concept DataSet = requires(const S& set, std::int64_t i) {
  { set.size() } -> std::convertible_to<std::int64_t>;
  {set[static_cast<decltype(set.size())>(i)]};
};

namespace detail {

template <DataSet S>
std::int64_t size_of(const S& set) {
  return static_cast<std::int64_t>(set.size());
}

/// set[i], for sets that count in std::size_t too.
template <DataSet S>
decltype(auto) sample_at(const S& set, std::int64_t i) {
  return set[static_cast<decltype(set.size())>(i)];
}

}  // namespace detail

/// What operator[] of a set returns: a reference or a value.
template <DataSet S>
using SampleReference = decltype(detail::sample_at(std::declval<const S&>(), 0));

/// A function that takes the samples of a set, or a pointer to a member of them.
template <class F, class S>
concept SampleFunction = requires(const std::decay_t<F>& f, const std::remove_cvref_t<S>& set) {
  {std::invoke(f, detail::sample_at(set, 0))};
};

/// The type of the samples of a set.
template <DataSet S>
using SampleOf = std::remove_cvref_t<SampleReference<S>>;

namespace detail {

/// Throws IndexError `<view>: index 7 is outside [0, 5)`.
GRADUS_API void check_sample_index(const char* view, std::int64_t i, std::int64_t size);
/// Throws IndexError naming the first position of an index outside [0, size).
GRADUS_API void check_subset(std::span<const std::int64_t> indices, std::int64_t size);
/// min(n, size). Throws ValueError for a negative n.
GRADUS_API std::int64_t taken_size(std::int64_t n, std::int64_t size);
/// 0, ..., n - 1 in an order that depends on n and the seed alone.
GRADUS_API std::vector<std::int64_t> permutation(std::int64_t n, std::uint64_t seed);

using Parts = std::vector<std::vector<std::int64_t>>;
GRADUS_API Parts random_parts(std::int64_t n, std::span<const double> fractions,
                              std::uint64_t seed);
/// classes: of each sample, numbered from 0.
GRADUS_API Parts stratified_parts(std::span<const std::int64_t> classes,
                                  std::span<const double> fractions, std::uint64_t seed);

/// How a view holds its set: it refers to a named one, and owns a temporary, together with its
/// copies.
template <class S>
auto hold(S&& set) {
  using Set = std::remove_cvref_t<S>;
  if constexpr (std::is_lvalue_reference_v<S>) {
    return std::shared_ptr<const Set>(std::shared_ptr<void>(), std::addressof(set));
  } else {
    return std::shared_ptr<const Set>(std::make_shared<Set>(std::forward<S>(set)));
  }
}

/// What range-for needs to go through a set.
template <class S>
class SampleIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using difference_type = std::ptrdiff_t;
  using reference = SampleReference<S>;
  using value_type = SampleOf<S>;
  using pointer = void;

  SampleIterator() = default;
  SampleIterator(const S& set, std::int64_t i) : set_(&set), i_(i) {}
  reference operator*() const { return sample_at(*set_, i_); }
  SampleIterator& operator++() { return ++i_, *this; }
  SampleIterator operator++(int) { return {*set_, i_++}; }
  bool operator==(const SampleIterator&) const = default;

 private:
  const S* set_ = nullptr;
  std::int64_t i_ = 0;
};

}  // namespace detail

/// The samples f(set[i]); f runs whenever a sample is read. See mapped().
template <DataSet S, class F>
class Mapped {
  using Result = std::invoke_result_t<const F&, SampleReference<S>>;

 public:
  // A reference only if it cannot refer into a temporary sample.
  using reference = std::conditional_t<std::is_lvalue_reference_v<SampleReference<S>> &&
                                           std::is_lvalue_reference_v<Result>,
                                       Result, std::remove_cvref_t<Result>>;

  Mapped(std::shared_ptr<const S> set, F f) : set_(std::move(set)), f_(std::move(f)) {}
  std::int64_t size() const { return detail::size_of(*set_); }
  reference operator[](std::int64_t i) const& {
    detail::check_sample_index("mapped", i, size());
    return std::invoke(f_, detail::sample_at(*set_, i));
  }
  std::remove_cvref_t<Result> operator[](std::int64_t i) const&& { return (*this)[i]; }
  auto begin() const { return detail::SampleIterator<Mapped>(*this, 0); }
  auto end() const { return detail::SampleIterator<Mapped>(*this, size()); }

 private:
  std::shared_ptr<const S> set_;
  F f_;
};

/// The samples of a set at chosen indices, in their order.
template <DataSet S>
class Subset {
 public:
  Subset(std::shared_ptr<const S> set, std::vector<std::int64_t> indices)
      : set_(std::move(set)), indices_(std::move(indices)) {}
  std::int64_t size() const { return static_cast<std::int64_t>(indices_.size()); }
  SampleReference<S> operator[](std::int64_t i) const& {
    detail::check_sample_index("subset", i, size());
    const std::int64_t index = indices_[static_cast<std::size_t>(i)];
    detail::check_sample_index("subset: the set", index, detail::size_of(*set_));  // it may shrink
    return detail::sample_at(*set_, index);
  }
  SampleOf<S> operator[](std::int64_t i) const&& { return (*this)[i]; }
  auto begin() const { return detail::SampleIterator<Subset>(*this, 0); }
  auto end() const { return detail::SampleIterator<Subset>(*this, size()); }

  /// The index in the set of each sample.
  const std::vector<std::int64_t>& indices() const& { return indices_; }
  std::vector<std::int64_t> indices() && { return std::move(indices_); }

 private:
  std::shared_ptr<const S> set_;
  std::vector<std::int64_t> indices_;
};

/// The samples of several sets, one set after the other.
template <DataSet... S>
class Concatenated {
 public:
  using reference = std::common_reference_t<SampleReference<S>...>;

  explicit Concatenated(std::shared_ptr<const S>... sets) : sets_(std::move(sets)...) {}
  std::int64_t size() const {
    return std::apply([](const auto&... set) { return (detail::size_of(*set) + ...); }, sets_);
  }
  reference operator[](std::int64_t i) const& {
    detail::check_sample_index("concatenated", i, size());
    return find<0>(i);
  }
  std::remove_cvref_t<reference> operator[](std::int64_t i) const&& { return (*this)[i]; }
  auto begin() const { return detail::SampleIterator<Concatenated>(*this, 0); }
  auto end() const { return detail::SampleIterator<Concatenated>(*this, size()); }

 private:
  template <std::size_t k>
  reference find(std::int64_t i) const {
    const auto& set = *std::get<k>(sets_);
    if constexpr (k + 1 < sizeof...(S)) {
      if (i >= detail::size_of(set)) return find<k + 1>(i - detail::size_of(set));
    }
    return detail::sample_at(set, i);
  }

  std::tuple<std::shared_ptr<const S>...> sets_;
};

/// The views. Each refers to a set that has a name, which must outlive it, and owns a temporary:
///   const auto train = taken(shuffled(read_labeled_lines("train.txt"), 1), 1000);
/// Views are sets, and range-for goes through them; reading a sample outside throws IndexError,
/// also where the set has become smaller.

/// f(sample) for each sample, computed whenever it is read. f may be a pointer to a member, and is
/// called by several threads at the same time if the set is read so.
template <class S, class F>
requires SampleFunction<F, S>
auto mapped(S&& set, F&& f) {
  return Mapped<std::remove_cvref_t<S>, std::decay_t<F>>(detail::hold(std::forward<S>(set)),
                                                         std::forward<F>(f));
}

/// The samples at these indices. Throws IndexError for one outside the set.
template <class S>
requires DataSet<std::remove_cvref_t<S>>
auto subset(S&& set, std::vector<std::int64_t> indices) {
  detail::check_subset(indices, detail::size_of(set));
  return Subset<std::remove_cvref_t<S>>(detail::hold(std::forward<S>(set)), std::move(indices));
}

/// The samples for which the predicate is true, found in one pass right away.
template <class S, class F>
requires DataSet<std::remove_cvref_t<S>> &&
    std::predicate<F&, SampleReference<std::remove_cvref_t<S>>>
auto filtered(S&& set, F&& predicate) {
  std::vector<std::int64_t> kept;
  for (std::int64_t i = 0; i < detail::size_of(set); ++i) {
    if (std::invoke(predicate, detail::sample_at(std::as_const(set), i))) kept.push_back(i);
  }
  return subset(std::forward<S>(set), std::move(kept));
}

/// The first n samples; all of them if there are fewer. Throws ValueError for a negative n.
template <class S>
requires DataSet<std::remove_cvref_t<S>>
auto taken(S&& set, std::int64_t n) {
  std::vector<std::int64_t> first(
      static_cast<std::size_t>(detail::taken_size(n, detail::size_of(set))));
  std::iota(first.begin(), first.end(), std::int64_t{0});
  return subset(std::forward<S>(set), std::move(first));
}

/// The samples of all sets, one set after the other.
template <class... S>
requires(sizeof...(S) > 0) &&
    (DataSet<std::remove_cvref_t<S>> && ...) auto concatenated(S&&... sets) {
  return Concatenated<std::remove_cvref_t<S>...>(detail::hold(std::forward<S>(sets))...);
}

/// All samples in a random order, which depends on the seed alone.
template <class S>
requires DataSet<std::remove_cvref_t<S>>
auto shuffled(S&& set, std::uint64_t seed) {
  auto order = detail::permutation(detail::size_of(set), seed);
  return subset(std::forward<S>(set), std::move(order));
}

namespace detail {

template <class S>
auto subsets(S&& set, Parts parts) {
  std::vector<Subset<std::remove_cvref_t<S>>> result;
  const auto held = hold(std::forward<S>(set));
  for (auto& part : parts) result.emplace_back(held, std::move(part));
  return result;
}

template <std::size_t N, class T>
std::array<T, N> to_array(std::vector<T> items) {
  return [&]<std::size_t... k>(std::index_sequence<k...>) {
    return std::array<T, N>{std::move(items[k])...};
  }
  (std::make_index_sequence<N>());
}

template <class S, class F>
std::vector<std::int64_t> classes_of(const S& set, F& label_of) {
  std::map<std::remove_cvref_t<std::invoke_result_t<F&, SampleReference<S>>>, std::int64_t> known;
  std::vector<std::int64_t> classes;
  for (std::int64_t i = 0; i < detail::size_of(set); ++i) {
    const auto next = static_cast<std::int64_t>(known.size());
    classes.push_back(
        known.try_emplace(std::invoke(label_of, detail::sample_at(set, i)), next).first->second);
  }
  return classes;
}

}  // namespace detail

/// Splits a set at random, each sample going into one part. As in PyTorch, `fractions` add up to 1,
/// and what rounding leaves over goes to the first parts, one sample each; or they are whole
/// numbers, the sizes, that add up to the size of the set. Throws ValueError for anything else.
///   auto [train, test] = random_split(set, {0.9, 0.1}, 1);
template <class S>
requires DataSet<std::remove_cvref_t<S>>
auto random_split(S&& set, const std::vector<double>& fractions, std::uint64_t seed) {
  auto parts = detail::random_parts(detail::size_of(set), fractions, seed);
  return detail::subsets(std::forward<S>(set), std::move(parts));
}
template <class S, std::size_t N>
requires DataSet<std::remove_cvref_t<S>>
auto random_split(S&& set, const double (&fractions)[N], std::uint64_t seed) {
  return detail::to_array<N>(
      random_split(std::forward<S>(set), std::vector<double>(fractions, fractions + N), seed));
}

/// The same, with the labels spread evenly: parts have the sizes of random_split(), and their share
/// of each label differs from their share of the set by less than two samples where there are two
/// parts. `label_of(sample)` is a value with an order (a text, an id), or a pointer to a member.
///   auto [train, test] = stratified_split(set, {0.9, 0.1}, &LabeledText::label, 1);
template <class S, class F>
requires DataSet<std::remove_cvref_t<S>>
auto stratified_split(S&& set, const std::vector<double>& fractions, F&& label_of,
                      std::uint64_t seed) {
  auto parts = detail::stratified_parts(detail::classes_of(set, label_of), fractions, seed);
  return detail::subsets(std::forward<S>(set), std::move(parts));
}
template <class S, std::size_t N, class F>
requires DataSet<std::remove_cvref_t<S>>
auto stratified_split(S&& set, const double (&fractions)[N], F&& label_of, std::uint64_t seed) {
  return detail::to_array<N>(stratified_split(std::forward<S>(set),
                                              std::vector<double>(fractions, fractions + N),
                                              std::forward<F>(label_of), seed));
}

}  // namespace gradus
