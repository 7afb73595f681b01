#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/random.h>
#include <gradus/framework/kernels/simd/special.h>

#include <algorithm>
#include <cmath>

namespace gradus::kernels {
namespace {

using gradus::detail::Batch;

constexpr int kLanes = 16;
constexpr int64_t kGroup = 4 * kLanes;  // words of a group

/// The words of 16 consecutive counters: word[w][lane].
struct WordGroup {
  alignas(64) uint32_t word[4][kLanes];
};

uint32_t low_half(uint64_t x) { return static_cast<uint32_t>(x); }
uint32_t high_half(uint64_t x) { return static_cast<uint32_t>(x >> 32); }

/// Ten rounds on every lane, which the compiler vectorises.
template <int kWidth>
void philox_rounds(uint32_t (&c)[4][kWidth], uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    for (int lane = 0; lane < kWidth; ++lane) {
      const uint64_t first = uint64_t{0xD2511F53} * c[0][lane];
      const uint64_t second = uint64_t{0xCD9E8D57} * c[2][lane];
      c[0][lane] = high_half(second) ^ c[1][lane] ^ key0;
      c[1][lane] = low_half(second);
      c[2][lane] = high_half(first) ^ c[3][lane] ^ key1;
      c[3][lane] = low_half(first);
    }
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
}

/// Counters 16 * index to 16 * index + 15 of the sequence (seed, offset).
WordGroup group_of(uint64_t seed, uint64_t offset, int64_t index) {
  WordGroup group;
  for (int lane = 0; lane < kLanes; ++lane) {
    const uint64_t counter = static_cast<uint64_t>(index) * kLanes + static_cast<uint64_t>(lane);
    group.word[0][lane] = low_half(counter);
    group.word[1][lane] = high_half(counter);
    group.word[2][lane] = low_half(offset);
    group.word[3][lane] = high_half(offset);
  }
  philox_rounds(group.word, low_half(seed), high_half(seed));
  return group;
}

/// Fills y in groups of kCount elements: make(group, to) writes all elements of a group.
template <int64_t kCount, class T, class F>
void fill_groups(uint64_t seed, uint64_t offset, T* y, int64_t n, int64_t cost, F&& make) {
  parallel_for_each((n + kCount - 1) / kCount, cost * kCount, [&](int64_t index) {
    const WordGroup group = group_of(seed, offset, index);
    T* to = y + index * kCount;
    const int64_t left = n - index * kCount;
    if (left >= kCount) {
      make(group, to);
    } else {
      T buffer[kCount];
      make(group, buffer);
      std::copy_n(buffer, left, to);
    }
  });
}

/// Uniform in [0, 1), from 24 bits.
template <class T>
T unit_of(uint32_t word) {
  return static_cast<T>(static_cast<int32_t>(word >> 8)) * T{0x1p-24};
}

/// Uniform in [0, 1), from 53 bits.
double unit_of(uint32_t high, uint32_t low) {
  const uint64_t bits = (uint64_t{high} << 32 | low) >> 11;
  return static_cast<double>(static_cast<int64_t>(bits)) * 0x1p-53;
}

/// Uniform in (0, 1], from 31 bits.
float positive_unit_of(uint32_t word) {
  return static_cast<float>(static_cast<int32_t>(word >> 1)) * 0x1p-31F + 0x1p-32F;
}

/// Two normal numbers r cos(2 pi v), r sin(2 pi v), r = sqrt(-2 log u), from each pair of uniform
/// numbers, u > 0; written to to[0:kLanes] and to[kLanes:2 kLanes].
template <class T>
void box_muller(const T* u, const T* v, T mean, T deviation, T* to) {
  const Batch<T> middle(mean), spread(deviation);
  for (int64_t i = 0; i < kLanes; i += gradus::detail::batch_size<T>) {
    const Batch<T> log_u = gradus::detail::log<T>(Batch<T>::load_unaligned(u + i));
    const Batch<T> r = gradus::detail::sqrt(log_u * Batch<T>(T{-2})) * spread;
    const gradus::detail::SinCosOfTurns<T> angle(Batch<T>::load_unaligned(v + i));
    gradus::detail::fma(r, angle.cos, middle).store_unaligned(to + i);
    gradus::detail::fma(r, angle.sin, middle).store_unaligned(to + kLanes + i);
  }
}

void fill_uniform(uint64_t seed, uint64_t offset, float* y, int64_t n, float low, float high) {
  // In double, where the width of any range is finite; rounded to float, the result may reach
  // `high`.
  const double start = static_cast<double>(low), width = static_cast<double>(high) - start;
  const float most = std::nextafter(high, low);
  fill_groups<kGroup>(seed, offset, y, n, 3, [=](const WordGroup& group, float* to) {
    for (int w = 0; w < 4; ++w) {
      for (int i = 0; i < kLanes; ++i) {
        const auto value = static_cast<float>(start + unit_of<double>(group.word[w][i]) * width);
        to[w * kLanes + i] = value < most ? value : most;
      }
    }
  });
}

void fill_uniform(uint64_t seed, uint64_t offset, double* y, int64_t n, double low, double high) {
  // Half the width, which is finite for any range.
  const double half = high / 2 - low / 2, most = std::nextafter(high, low);
  fill_groups<kGroup / 2>(seed, offset, y, n, 6, [=](const WordGroup& group, double* to) {
    for (int w = 0; w < 4; w += 2) {
      for (int i = 0; i < kLanes; ++i) {
        const double u = unit_of(group.word[w][i], group.word[w + 1][i]);
        const double value = low + u * half + u * half;
        to[w / 2 * kLanes + i] = value < most ? value : most;
      }
    }
  });
}

void fill_normal(uint64_t seed, uint64_t offset, float* y, int64_t n, float mean, float deviation) {
  fill_groups<kGroup>(seed, offset, y, n, 8, [=](const WordGroup& group, float* to) {
    for (int w = 0; w < 4; w += 2) {
      float u[kLanes], v[kLanes];
      for (int i = 0; i < kLanes; ++i) u[i] = positive_unit_of(group.word[w][i]);
      for (int i = 0; i < kLanes; ++i) v[i] = unit_of<float>(group.word[w + 1][i]);
      box_muller(u, v, mean, deviation, to + w * kLanes);
    }
  });
}

void fill_normal(uint64_t seed, uint64_t offset, double* y, int64_t n, double mean,
                 double deviation) {
  fill_groups<kGroup / 2>(seed, offset, y, n, 16, [=](const WordGroup& group, double* to) {
    double u[kLanes], v[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      u[i] = unit_of(group.word[0][i], group.word[1][i]) + 0x1p-54;  // > 0
      v[i] = unit_of(group.word[2][i], group.word[3][i]);
    }
    box_muller(u, v, mean, deviation, to);
  });
}

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  uint32_t c[4][1] = {{counter[0]}, {counter[1]}, {counter[2]}, {counter[3]}};
  philox_rounds(c, key[0], key[1]);
  return {c[0][0], c[1][0], c[2][0], c[3][0]};
}

uint64_t random_bits(uint64_t seed, uint64_t offset, uint64_t i) {
  const auto word = philox({low_half(i / 2), high_half(i / 2), low_half(offset), high_half(offset)},
                           {low_half(seed), high_half(seed)});
  return uint64_t{word[i % 2 * 2]} << 32 | word[i % 2 * 2 + 1];
}

void random_words(uint64_t seed, uint64_t offset, int64_t group, uint32_t* y, int64_t n) {
  for (int64_t i = 0; i < n; i += kGroup) {
    const WordGroup words = group_of(seed, offset, group++);
    std::copy_n(&words.word[0][0], std::min(kGroup, n - i), y + i);
  }
}

template <class T>
void random_uniform(uint64_t seed, uint64_t offset, T* y, int64_t n, T low, T high) {
  fill_uniform(seed, offset, y, n, low, high);
}

template <class T>
void random_normal(uint64_t seed, uint64_t offset, T* y, int64_t n, T mean, T deviation) {
  fill_normal(seed, offset, y, n, mean, deviation);
}

template <class T>
void random_bernoulli_mask(uint64_t seed, uint64_t offset, T* y, int64_t n, double keep, T scale) {
  const auto kept = static_cast<uint64_t>(std::clamp(keep, 0.0, 1.0) * 0x1p32);  // of 2^32 words
  const uint32_t last = kept == 0 ? 0 : low_half(kept - 1);
  const T value = kept == 0 ? T{0} : scale;
  fill_groups<kGroup>(seed, offset, y, n, 2, [=](const WordGroup& group, T* to) {
    for (int w = 0; w < 4; ++w) {
      for (int i = 0; i < kLanes; ++i) {
        to[w * kLanes + i] = static_cast<T>(group.word[w][i] <= last) * value;
      }
    }
  });
}

GRADUS_INSTANTIATE_FLOATS(random_uniform)
GRADUS_INSTANTIATE_FLOATS(random_normal)
GRADUS_INSTANTIATE_FLOATS(random_bernoulli_mask)

}  // namespace gradus::kernels
