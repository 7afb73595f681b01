#include <gradus/framework/kernels/alias.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus::kernels {

AliasTable::AliasTable(std::span<const double> weights) : slots_(weights.size()) {
  const auto largest = std::max_element(weights.begin(), weights.end());
  // Divided by the largest first: a sum of finite weights may be infinite.
  double sum = 0;
  for (const double weight : weights) sum += weight / *largest;
  const double mean = sum / static_cast<double>(weights.size());
  std::vector<double> rest;
  rest.reserve(weights.size());
  for (const double weight : weights) rest.push_back(weight / *largest / mean);
  std::vector<size_t> small, large;
  for (size_t w = 0; w < rest.size(); ++w) {
    // The slot to use if rounding leaves w at the end of a list below.
    slots_[w] = rest[w] > 0 ? Slot{std::numeric_limits<uint64_t>::max(), static_cast<int64_t>(w)}
                            : Slot{0, largest - weights.begin()};
    (rest[w] < 1 ? small : large).push_back(w);
  }
  while (!small.empty() && !large.empty()) {
    const size_t w = small.back(), donor = large.back();
    small.pop_back();
    slots_[w] = {static_cast<uint64_t>(std::ldexp(rest[w], 64)), static_cast<int64_t>(donor)};
    rest[donor] -= 1 - rest[w];
    if (rest[donor] < 1) {
      large.pop_back();
      small.push_back(donor);
    }
  }
}

}  // namespace gradus::kernels
