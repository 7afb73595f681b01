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
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/nn/dropout.h>

#include <algorithm>

namespace gradus {
namespace {

// Which elements are kept depends only on the place of the mask in a random stream: backward
// recomputes the mask, so none is stored.
struct Mask {
  std::uint64_t seed, offset;
  double p;

  // The mask itself: 1 / (1 - p) where the element is kept, else 0.
  template <class T>
  void draw(T* to, std::int64_t n) const {
    const T scale = p < 1 ? static_cast<T>(1 / (1 - p)) : T{0};
    kernels::random_bernoulli_mask(seed, offset, to, n, 1 - p, scale);
  }

  // x / (1 - p) where the element is kept, else 0, even for an infinite x.
  Tensor apply(const Tensor& x) const {
    Tensor y = empty_like(x);
    const std::int64_t n = x.numel();
    visit_float("dropout", x, [&]<class T>(T) {
      T* out = y.mutable_data<T>();
      const T* in = x.data<T>();
      draw(out, n);
      parallel_for_each(n, 1,
                        [=](std::int64_t i) { out[i] = out[i] == 0 ? T{0} : out[i] * in[i]; });
    });
    return y;
  }
};

void check(const char* operation, const Tensor& x, double p) {
  detail::check_defined(operation, "x", x);
  if (!(p >= 0 && p <= 1)) {
    throw ValueError(fmt::format("{}: p is {}, it must be between 0 and 1", operation, p));
  }
  if (!is_floating(x.dtype())) detail::throw_not_floating(operation, x.dtype());
}

// x [blocks, repeats, width], not empty, times a mask [blocks, width], and 0 where the mask is,
// even for an infinite x.
Tensor masked(const Tensor& x, const Tensor& mask, std::int64_t repeats) {
  Tensor y = empty_like(x);
  const std::int64_t width = mask.size(1);
  visit_float("dropout", x, [&]<class T>(T) {
    const T *from = x.data<T>(), *factors = mask.data<T>();
    T* to = y.mutable_data<T>();
    parallel_for_each(x.numel() / width, width, [=](std::int64_t row) {
      const T* factor = factors + row / repeats * width;
      for (std::int64_t i = 0; i < width; ++i) {
        const T value = from[row * width + i];
        to[row * width + i] = factor[i] == 0 ? T{0} : factor[i] * value;
      }
    });
  });
  return y;
}

// The rows of x [..., D] times factors [rows], and 0 where a factor is.
Tensor masked_rows(const Tensor& x, const Tensor& factors) {
  Tensor y = empty_like(x);
  const std::int64_t D = x.size(-1);
  visit_float("embedding_dropout", x, [&]<class T>(T) {
    const T *from = x.data<T>(), *factor = factors.data<T>();
    T* to = y.mutable_data<T>();
    parallel_for_each(factors.numel(), D + 4, [=](std::int64_t row) {
      const T* in = from + row * D;
      if (factor[row] == 0) {
        std::fill_n(to + row * D, D, T{0});
      } else {
        for (std::int64_t i = 0; i < D; ++i) to[row * D + i] = factor[row] * in[i];
      }
    });
  });
  return y;
}

// A mask for the next `count` numbers of the generator.
Mask next_mask(Generator& generator, std::int64_t count, double p) {
  return {generator.seed(), generator.advance(static_cast<std::uint64_t>(count)), p};
}

}  // namespace

Tensor dropout(const Tensor& x, double p, Generator& generator) {
  check("dropout", x, p);
  if (p == 0) return x;
  const Mask mask = next_mask(generator, x.numel(), p);
  return record("dropout", mask.apply(x),
                vjp(x, [mask](const Tensor& g) { return mask.apply(g); }));  // g / (1 - p) or 0
}

Tensor locked_dropout(const Tensor& x, double p, Generator& generator) {
  check("locked_dropout", x, p);
  if (x.dim() < 2) {
    throw ShapeError(
        fmt::format("locked_dropout: x is {}, it must be [batch, time, ...]", x.shape().str()));
  }
  if (p == 0 || x.numel() == 0) return x;
  const std::int64_t steps = x.size(1);
  const Tensor mask = empty({x.size(0), x.numel() / (x.size(0) * steps)}, x.dtype());
  const Mask drawn = next_mask(generator, mask.numel(), p);
  visit_float("locked_dropout", mask,
              [&]<class T>(T) { drawn.draw(mask.mutable_data<T>(), mask.numel()); });
  return record(
      "locked_dropout", masked(x, mask, steps),
      vjp(x, [mask = Saved(mask), steps](const Tensor& g) { return masked(g, *mask, steps); }));
}

Tensor embedding_dropout(const Tensor& x, const Tensor& ids, std::int64_t num_embeddings, double p,
                         Generator& generator) {
  check("embedding_dropout", x, p);
  if (num_embeddings < 0) {
    throw ValueError(fmt::format("embedding_dropout: num_embeddings is {}, it must be at least 0",
                                 num_embeddings));
  }
  detail::check_ids("embedding_dropout", ids, num_embeddings);
  if (x.dim() != ids.dim() + 1 ||
      !std::equal(ids.shape().begin(), ids.shape().end(), x.shape().begin())) {
    throw ShapeError(
        fmt::format("embedding_dropout: x is {}, ids are {}: x must have one row for each id",
                    x.shape().str(), ids.shape().str()));
  }
  if (p == 0) return x;
  const Tensor factors = empty({ids.numel()}, x.dtype());
  const Mask mask = next_mask(generator, num_embeddings, p);
  visit_float("embedding_dropout", x, [&]<class T>(T) {
    const auto* id = ids.data<std::int64_t>();
    T* to = factors.mutable_data<T>();
    parallel_for_each(ids.numel(), 200, [=](std::int64_t k) {  // the number of the id, not of k
      Mask{mask.seed, mask.offset + static_cast<std::uint64_t>(id[k]), p}.draw(to + k, 1);
    });
  });
  return record(
      "embedding_dropout", masked_rows(x, factors),
      vjp(x, [factors = Saved(factors)](const Tensor& g) { return masked_rows(g, *factors); }));
}

}  // namespace gradus
