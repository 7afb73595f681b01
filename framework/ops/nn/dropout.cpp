#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/random.h>
#include <gradus/framework/ops/nn/dropout.h>

namespace gradus {
namespace {

// Which elements are kept depends only on the place of the mask in a random stream: backward
// recomputes the mask, so none is stored.
struct Mask {
  std::uint64_t seed, offset;
  double p;

  // x / (1 - p) where the element is kept, else 0, even for an infinite x.
  Tensor apply(const Tensor& x) const {
    Tensor y = empty_like(x);
    const std::int64_t n = x.numel();
    visit_float("dropout", x, [&]<class T>(T) {
      T* out = y.mutable_data<T>();
      const T* in = x.data<T>();
      const T scale = p < 1 ? static_cast<T>(1 / (1 - p)) : T{0};
      kernels::random_bernoulli_mask(seed, offset, out, n, 1 - p, scale);
      parallel_for_each(n, 1,
                        [=](std::int64_t i) { out[i] = out[i] == 0 ? T{0} : out[i] * in[i]; });
    });
    return y;
  }
};

}  // namespace

Tensor dropout(const Tensor& x, double p, Generator& generator) {
  detail::check_defined("dropout", "x", x);
  if (!(p >= 0 && p <= 1)) {
    throw ValueError(fmt::format("dropout: p is {}, it must be between 0 and 1", p));
  }
  if (!is_floating(x.dtype())) detail::throw_not_floating("dropout", x.dtype());
  if (p == 0) return x;
  const Mask mask{generator.seed(), generator.advance(static_cast<std::uint64_t>(x.numel())), p};
  return record("dropout", mask.apply(x),
                vjp(x, [mask](const Tensor& g) { return mask.apply(g); }));  // g / (1 - p) or 0
}

}  // namespace gradus
