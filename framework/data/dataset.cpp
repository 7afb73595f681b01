#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/data/dataset.h>

#include <cmath>

namespace gradus::detail {
namespace {

// The sizes of the parts of n samples.
std::vector<std::int64_t> sizes_of(std::int64_t n, std::span<const double> fractions) {
  const double sum = std::accumulate(fractions.begin(), fractions.end(), 0.0);
  const bool whole =
      std::all_of(fractions.begin(), fractions.end(), [](double f) { return f == std::floor(f); });
  const bool are_sizes = whole && sum == static_cast<double>(n);
  const bool above_0 =
      std::all_of(fractions.begin(), fractions.end(), [](double f) { return f >= 0; });
  if (!above_0 || !(are_sizes || std::abs(sum - 1) <= 1e-9)) {
    throw ValueError(fmt::format(
        "split: {} samples cannot be split into [{}]: give fractions that add up to 1, or sizes "
        "that add up to {}",
        n, fmt::join(fractions, ", "), n));
  }
  std::vector<std::int64_t> sizes;
  std::int64_t left = n;
  for (const double f : fractions) {
    const double size = are_sizes ? f : std::floor(static_cast<double>(n) * f);
    sizes.push_back(std::min(static_cast<std::int64_t>(size), left));
    left -= sizes.back();
  }
  for (std::size_t part = 0; left > 0; --left, part = (part + 1) % sizes.size()) ++sizes[part];
  return sizes;
}

// Deals out the places of each class in turn, so that after k of n places every part has got about
// k times its share: each goes to the part that lacks most. Returns the part of each sample.
std::vector<std::size_t> deal(const Parts& by_class, const std::vector<std::int64_t>& sizes,
                              std::size_t n) {
  std::vector<std::size_t> part_of(n);
  std::vector<double> got(sizes.size());
  double dealt = 0;
  for (const auto& samples : by_class) {
    for (const std::int64_t i : samples) {
      ++dealt;
      std::size_t next = 0;
      double most = -1;
      for (std::size_t part = 0; part < sizes.size(); ++part) {
        const auto size = static_cast<double>(sizes[part]);
        const double lacks = dealt * size / static_cast<double>(n) - got[part];
        if (got[part] < size && lacks > most) next = part, most = lacks;
      }
      ++got[next];
      part_of[static_cast<std::size_t>(i)] = next;
    }
  }
  return part_of;
}

}  // namespace

void check_sample_index(const char* view, std::int64_t i, std::int64_t size) {
  if (i >= 0 && i < size) return;
  throw IndexError(fmt::format("{}: index {} is outside [0, {})", view, i, size));
}

void check_subset(std::span<const std::int64_t> indices, std::int64_t size) {
  for (std::size_t k = 0; k < indices.size(); ++k) {
    if (indices[k] >= 0 && indices[k] < size) continue;
    throw IndexError(
        fmt::format("subset: index {} at position {} is outside [0, {})", indices[k], k, size));
  }
}

std::int64_t taken_size(std::int64_t n, std::int64_t size) {
  if (n < 0) throw ValueError(fmt::format("taken: cannot take {} samples", n));
  return std::min(n, size);
}

std::vector<std::int64_t> permutation(std::int64_t n, std::uint64_t seed) {
  Generator generator(seed);
  const Tensor order = randperm(n, generator);
  const auto values = order.span<std::int64_t>();
  return {values.begin(), values.end()};
}

Parts random_parts(std::int64_t n, std::span<const double> fractions, std::uint64_t seed) {
  const std::vector<std::int64_t> sizes = sizes_of(n, fractions);
  const std::vector<std::int64_t> order = permutation(n, seed);
  Parts parts;
  auto begin = order.begin();
  for (const std::int64_t size : sizes) {
    parts.emplace_back(begin, begin + size);
    begin += size;
  }
  return parts;
}

Parts stratified_parts(std::span<const std::int64_t> classes, std::span<const double> fractions,
                       std::uint64_t seed) {
  const auto n = static_cast<std::int64_t>(classes.size());
  const std::vector<std::int64_t> sizes = sizes_of(n, fractions);
  const std::vector<std::int64_t> order = permutation(n, seed);
  Parts by_class;
  for (const std::int64_t i : order) {
    const auto c = static_cast<std::size_t>(classes[static_cast<std::size_t>(i)]);
    if (c >= by_class.size()) by_class.resize(c + 1);
    by_class[c].push_back(i);
  }
  const std::vector<std::size_t> part_of = deal(by_class, sizes, classes.size());
  Parts parts(sizes.size());
  for (const std::int64_t i : order) parts[part_of[static_cast<std::size_t>(i)]].push_back(i);
  return parts;
}

}  // namespace gradus::detail
