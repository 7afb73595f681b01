#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/data/length_batches.h>

#include <algorithm>
#include <cstddef>

namespace gradus {

std::vector<std::vector<std::int64_t>> length_batches(std::span<const std::int64_t> lengths,
                                                      std::int64_t batch_size, Generator& generator,
                                                      std::int64_t pool) {
  if (batch_size <= 0 || pool <= 0) {
    throw ValueError(fmt::format("length_batches: batch_size is {}, pool {}: both must be above 0",
                                 batch_size, pool));
  }
  const auto n = static_cast<std::int64_t>(lengths.size());
  const Tensor drawn = randperm(n, generator);
  std::vector<std::int64_t> order(drawn.span<std::int64_t>().begin(),
                                  drawn.span<std::int64_t>().end());
  const auto shorter = [&](std::int64_t a, std::int64_t b) {
    return lengths[static_cast<std::size_t>(a)] < lengths[static_cast<std::size_t>(b)];
  };
  const std::int64_t size = std::min(batch_size, std::max<std::int64_t>(n, 1));
  const std::int64_t in_pool = size * std::min(pool, (n + size - 1) / size);
  for (std::int64_t begin = 0; begin < n; begin += in_pool) {
    std::stable_sort(order.begin() + begin, order.begin() + std::min(begin + in_pool, n), shorter);
  }
  std::vector<std::vector<std::int64_t>> batches;
  const Tensor places = randperm((n + size - 1) / size, generator);
  for (const std::int64_t k : places.span<std::int64_t>()) {
    batches.emplace_back(order.begin() + k * size, order.begin() + std::min((k + 1) * size, n));
  }
  return batches;
}

}  // namespace gradus
