#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/ops/nn/positions.h>

#include <bit>
#include <cmath>
#include <vector>

namespace gradus {
namespace {

void check_size(const char* operation, const char* name, std::int64_t size, std::int64_t least) {
  if (size >= least) return;
  throw ValueError(
      fmt::format("{}: {} is {}, it must be at least {}", operation, name, size, least));
}

/// The angle between one position and the next, of each pair of d elements.
std::vector<double> frequencies(double base, std::int64_t d) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < d / 2; ++i) {
    all.push_back(std::pow(base, -2 * static_cast<double>(i) / static_cast<double>(d)));
  }
  return all;
}

/// x as rows of heads: row (b, t, h) or (b, h, t).
struct Turned {
  static Turned checked(const Tensor& x, const RotaryOptions& options);

  std::int64_t T, heads, d;  // heads between one time and the next: 1 if they are apart
  RotaryOptions options;

  /// Turns by the angles, or back.
  Tensor apply(const Tensor& x, double direction) const;
};

Turned Turned::checked(const Tensor& x, const RotaryOptions& options) {
  constexpr const char* op = "rotary_embedding";
  if (!is_floating(x.dtype())) detail::throw_not_floating(op, x.dtype());
  if (!(options.base > 0) || std::isinf(options.base)) {
    throw ValueError(fmt::format("{}: base is {}, it must be positive", op, options.base));
  }
  check_size(op, "first", options.first, 0);
  if (options.first > std::int64_t{1} << 53) {
    throw ValueError(fmt::format("{}: first is {}, it must be at most 2^53", op, options.first));
  }
  if (options.num_heads) check_size(op, "num_heads", *options.num_heads, 1);
  const std::int64_t heads = options.num_heads.value_or(1);
  if (x.dim() != (options.num_heads ? 3 : 4) || x.size(-1) % (2 * heads) != 0) {
    throw ShapeError(
        fmt::format("{}: x is {}, it must be {} with an even size", op, x.shape().str(),
                    options.num_heads
                        ? fmt::format("[batch, time, {} * size] for num_heads {} and", heads, heads)
                        : "[batch, heads, time, size], or [batch, time, heads * size] with "
                          "num_heads,"));
  }
  return {x.size(-2), heads, x.size(-1) / heads, options};
}

Tensor Turned::apply(const Tensor& x, double direction) const {
  Tensor y = empty_like(x);
  const std::int64_t pairs = d / 2;
  if (x.numel() == 0) return y;
  const std::vector<double> frequency = frequencies(options.base, d);
  visit_float("rotary_embedding", x, [&]<class T>(T) {
    std::vector<T> cosines(static_cast<std::size_t>(this->T * pairs)), sines(cosines.size());
    parallel_for_each(this->T, pairs * 40, [&](std::int64_t t) {
      for (std::int64_t i = 0; i < pairs; ++i) {
        const double angle =
            static_cast<double>(options.first + t) * frequency[static_cast<std::size_t>(i)];
        const auto at = static_cast<std::size_t>(t * pairs + i);
        cosines[at] = static_cast<T>(std::cos(angle));
        sines[at] = static_cast<T>(direction * std::sin(angle));
      }
    });
    const std::int64_t step = options.interleaved ? 2 : 1, other = options.interleaved ? 1 : pairs;
    const T* from = x.data<T>();
    T* to = y.mutable_data<T>();
    parallel_for_each(x.numel() / d, d, [&](std::int64_t row) {
      const std::int64_t t = row / heads % this->T;
      const T *c = cosines.data() + t * pairs, *s = sines.data() + t * pairs;
      const T* in = from + row * d;
      T* out = to + row * d;
      for (std::int64_t i = 0; i < pairs; ++i) {
        const T a = in[i * step], b = in[i * step + other];
        out[i * step] = a * c[i] - b * s[i];
        out[i * step + other] = a * s[i] + b * c[i];
      }
    });
  });
  return y;
}

/// The slopes of heads: of the next lower power of two, then every other one of twice as many.
std::vector<double> slopes_of(std::int64_t H) {
  const auto n = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(H)));
  std::vector<double> slopes;
  for (std::int64_t h = 0; h < H; ++h) {
    const double step = h < n ? 8.0 / static_cast<double>(n) : 4.0 / static_cast<double>(n);
    slopes.push_back(std::exp2(-step * static_cast<double>(h < n ? h + 1 : 2 * (h - n) + 1)));
  }
  return slopes;
}

/// mask[h, i, j] = -slope_h * distance(i, j).
template <class Distance>
Tensor alibi(std::int64_t H, std::int64_t Q, std::int64_t K, DType dtype,
             const Distance& distance) {
  constexpr const char* op = "alibi_mask";
  check_size(op, "the number of heads", H, 1);
  check_size(op, "the number of queries", Q, 0);
  check_size(op, "the number of keys", K, 0);
  Tensor mask = detail::empty_sized(op, Shape{H, Q, K}, dtype);
  const std::vector<double> slopes = slopes_of(H);
  visit_float(op, mask, [&]<class T>(T) {
    T* to = mask.mutable_data<T>();
    parallel_for_each(H * Q, 2 * K, [&](std::int64_t row) {
      const double slope = slopes[static_cast<std::size_t>(row / Q)];
      for (std::int64_t j = 0; j < K; ++j) {
        to[row * K + j] = static_cast<T>(-slope * static_cast<double>(distance(row % Q, j)));
      }
    });
  });
  detail::note_op(op);
  return mask;
}

}  // namespace

Tensor sinusoidal_positions(std::int64_t T, std::int64_t D, DType dtype) {
  constexpr const char* op = "sinusoidal_positions";
  check_size(op, "T", T, 0);
  check_size(op, "D", D, 0);
  if (D % 2 != 0) throw ValueError(fmt::format("{}: D is {}, it must be even", op, D));
  Tensor y = detail::empty_sized(op, Shape{T, D}, dtype);
  const std::vector<double> frequency = frequencies(10000, D);
  visit_float(op, y, [&]<class E>(E) {
    E* to = y.mutable_data<E>();
    parallel_for_each(T, D * 20, [&](std::int64_t t) {
      for (std::int64_t i = 0; i < D / 2; ++i) {
        const double angle = static_cast<double>(t) * frequency[static_cast<std::size_t>(i)];
        to[t * D + 2 * i] = static_cast<E>(std::sin(angle));
        to[t * D + 2 * i + 1] = static_cast<E>(std::cos(angle));
      }
    });
  });
  detail::note_op(op);
  return y;
}

Tensor rotary_embedding(const Tensor& x, const RotaryOptions& options) {
  detail::check_defined("rotary_embedding", "x", x);
  const Turned turned = Turned::checked(x, options);
  return record("rotary_embedding", turned.apply(x, 1),
                vjp(x, [turned](const Tensor& g) { return turned.apply(g, -1); }));
}

Tensor alibi_mask(std::int64_t H, std::int64_t K, DType dtype) {
  return alibi(H, 1, K, dtype, [K](std::int64_t, std::int64_t j) { return K - 1 - j; });
}

Tensor alibi_mask(std::int64_t H, std::int64_t Q, std::int64_t K, DType dtype) {
  return alibi(H, Q, K, dtype, [Q, K](std::int64_t i, std::int64_t j) {
    const std::int64_t distance = K - Q + i - j;
    return distance < 0 ? -distance : distance;
  });
}

}  // namespace gradus
