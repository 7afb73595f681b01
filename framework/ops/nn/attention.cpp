#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/kernels/nn/attention.h>
#include <gradus/framework/ops/author/lengths.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/attention.h>
#include <gradus/framework/ops/nn/detail/attention_of_packed.h>
#include <gradus/framework/ops/nn/detail/attention_to_cache.h>
#include <gradus/framework/ops/nn/lengths.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/repeat.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/split.h>
#include <gradus/framework/ops/where.h>

#include <algorithm>
#include <cmath>

namespace gradus {
namespace {

/// The arguments after they were checked.
struct Call {
  static Call checked(const char* operation, const Tensor& q, const Tensor& k,
                      const AttentionOptions& options, bool time_first = false);
  /// Of queries, keys and values side by side.
  static Call packed(const char* operation, const Tensor& qkv, std::int64_t kv_heads,
                     const AttentionOptions& options);
  /// Sets dv.
  void check_values(const Tensor& k, const Tensor& v);

  Shape scores() const { return {B, H, Q, K}; }
  /// The shape of a tensor with these heads, in the layout of q.
  Shape shape(std::int64_t heads, std::int64_t time, std::int64_t width) const {
    return side_by_side ? Shape{B, time, heads * width} : Shape{B, heads, time, width};
  }
  /// That of keys or values.
  Shape key_shape(std::int64_t width) const {
    return time_first ? Shape{K, B, kv_heads * width} : shape(kv_heads, K, width);
  }

  const char* operation;
  bool side_by_side;  // [B, T, H d], not [B, H, T, d]
  bool time_first;    // whether keys and values are [K, B, H d]
  bool is_packed;     // whether all are one tensor [B, T, H d + 2 kv_heads d]
  std::int64_t B, H, kv_heads, Q, K, d, dv = 0;
  bool causal;
  double scale, dropout;

 private:
  void set_options(const AttentionOptions& options, DType dtype);
  void check_mask(const Tensor& mask, DType dtype) const;
  [[noreturn]] void refuse(const char* name, const Tensor& x, const Tensor& q) const;
};

void check_dtypes(const char* operation, const char* name, const Tensor& x, const Tensor& q) {
  if (x.dtype() == q.dtype()) return;
  throw DTypeError(fmt::format("{}: {} is {}, q is {}: convert one with to()", operation, name,
                               gradus::name(x.dtype()), gradus::name(q.dtype())));
}

/// Heads of `width` elements in a tensor of either layout.
std::int64_t heads_in(const Tensor& x, bool side_by_side, std::int64_t width) {
  return side_by_side ? (width > 0 ? x.size(2) / width : 0) : x.size(1);
}

std::int64_t checked_heads(const char* operation, const Tensor& q,
                           const std::optional<std::int64_t>& num_heads) {
  if (q.dim() != (num_heads ? 3 : 4)) {
    throw ShapeError(fmt::format(
        "{}: q is {}, it must be {}", operation, q.shape().str(),
        num_heads ? "[batch, time, heads * size] with num_heads: without it, [batch, heads, time, "
                    "size]"
                  : "[batch, heads, time, size]: for [batch, time, heads * size], set num_heads"));
  }
  if (!num_heads) return q.size(1);
  if (*num_heads < 1) {
    throw ValueError(
        fmt::format("{}: num_heads is {}, it must be at least 1", operation, *num_heads));
  }
  if (q.size(2) % *num_heads != 0) {
    throw ShapeError(fmt::format("{}: q is {}, its last axis is not a multiple of num_heads, {}",
                                 operation, q.shape().str(), *num_heads));
  }
  return *num_heads;
}

void check_numbers(const char* operation, const AttentionOptions& options) {
  if (options.scale && !std::isfinite(*options.scale)) {
    throw ValueError(fmt::format("{}: scale is {}, it must be finite", operation, *options.scale));
  }
  if (!(options.dropout >= 0 && options.dropout <= 1)) {
    throw ValueError(
        fmt::format("{}: dropout is {}, it must be between 0 and 1", operation, options.dropout));
  }
}

void Call::refuse(const char* name, const Tensor& x, const Tensor& q) const {
  throw ShapeError(
      fmt::format("{}: {} is {}, q is {}: it must be {}, where the heads of q are a multiple of "
                  "those of {}",
                  operation, name, x.shape().str(), q.shape().str(),
                  side_by_side ? fmt::format("[{}, keys, heads * {}]", B, d)
                               : fmt::format("[{}, heads, keys, {}]", B, d),
                  name));
}

Call Call::checked(const char* operation, const Tensor& q, const Tensor& k,
                   const AttentionOptions& options, bool time_first) {
  if (!is_floating(q.dtype())) detail::throw_not_floating(operation, q.dtype());
  check_dtypes(operation, "k", k, q);
  check_numbers(operation, options);
  Call call{};
  call.operation = operation;
  call.side_by_side = options.num_heads.has_value();
  call.time_first = time_first;
  call.H = checked_heads(operation, q, options.num_heads);
  call.B = q.size(0);
  call.Q = q.size(call.side_by_side ? 1 : 2);
  call.d = call.side_by_side ? q.size(2) / call.H : q.size(3);
  if (k.dim() != q.dim()) call.refuse("k", k, q);
  call.kv_heads = heads_in(k, call.side_by_side, call.d);
  if (call.side_by_side && call.d == 0) call.kv_heads = call.H;
  call.K = k.size(time_first ? 0 : call.side_by_side ? 1 : 2);
  const bool fits = call.kv_heads == 0 ? call.H == 0 : call.H % call.kv_heads == 0;
  if (k.shape() != call.key_shape(call.d) || !fits) call.refuse("k", k, q);
  call.set_options(options, q.dtype());
  return call;
}

Call Call::packed(const char* operation, const Tensor& qkv, std::int64_t kv_heads,
                  const AttentionOptions& options) {
  check_numbers(operation, options);
  Call call{};
  call.operation = operation;
  call.side_by_side = call.is_packed = true;
  call.B = qkv.size(0);
  call.Q = call.K = qkv.size(1);
  call.H = *options.num_heads;
  call.kv_heads = kv_heads;
  call.d = call.dv = qkv.size(2) / (call.H + 2 * kv_heads);
  call.set_options(options, qkv.dtype());
  return call;
}

void Call::set_options(const AttentionOptions& options, DType dtype) {
  causal = options.causal;
  scale = options.scale ? *options.scale
                        : 1 / std::sqrt(static_cast<double>(std::max<std::int64_t>(d, 1)));
  dropout = options.dropout;
  detail::check_lengths(operation, options.lengths, B, K,
                        [&] { return fmt::format("k is {}", key_shape(d).str()); });
  check_mask(options.mask, dtype);
}

void Call::check_values(const Tensor& k, const Tensor& v) {
  check_dtypes(operation, "v", v, k);
  const bool divides =
      v.dim() == k.dim() && (!side_by_side || (kv_heads > 0 && v.size(2) % kv_heads == 0));
  if (divides) dv = side_by_side ? v.size(2) / kv_heads : v.size(3);
  if (divides && v.shape() == key_shape(dv)) return;
  throw ShapeError(
      fmt::format("{}: v is {}, k is {}: v must have the batch, the heads ({}) and the times of k",
                  operation, v.shape().str(), k.shape().str(), kv_heads));
}

void Call::check_mask(const Tensor& mask, DType dtype) const {
  if (!mask.defined()) return;
  if (mask.dtype() == DType::int64 && mask.shape() == Shape{B}) {
    throw DTypeError(
        fmt::format("{}: the mask is int64 {}: the lengths of sequences belong in .lengths",
                    operation, mask.shape().str()));
  }
  if (mask.dtype() != DType::boolean && mask.dtype() != dtype) {
    throw DTypeError(
        fmt::format("{}: the mask is {}: it must be boolean, true where a query takes part with a "
                    "key, or {} to "
                    "be added to the scores: greater(mask, 0) makes a boolean one of 0 and 1",
                    operation, name(mask.dtype()), name(dtype)));
  }
  const Shape full = scores();
  bool fits = mask.dim() <= 4;
  for (int axis = 1; fits && axis <= mask.dim(); ++axis) {
    const std::int64_t size = mask.size(-axis);
    fits = size == 1 || size == full[4 - axis];
  }
  if (fits) return;
  throw ShapeError(
      fmt::format("{}: the mask is {}, it must broadcast to {}, [batch, heads, queries, "
                  "keys]",
                  operation, mask.shape().str(), full.str()));
}

template <class T>
kernels::Heads<T> heads(const Call& call, T* data, std::int64_t count, std::int64_t time,
                        std::int64_t width) {
  if (call.side_by_side) return {data, time * count * width, width, count * width};
  return {data, time * count * width, time * width, width};
}

template <class T>
const T* data_or_null(const Tensor& x) {
  return x.defined() ? x.data<T>() : nullptr;
}

template <class T>
T* mutable_or_null(const Tensor& x) {
  return x.defined() ? x.mutable_data<T>() : nullptr;
}

template <class T>
kernels::Heads<T> key_heads(const Call& call, T* data, std::int64_t width) {
  if (call.time_first) return {data, call.kv_heads * width, width, call.B * call.kv_heads * width};
  return heads(call, data, call.kv_heads, call.K, width);
}

/// Queries, keys and values, or their gradients.
template <class T>
struct Operands {
  kernels::Heads<T> q, k, v;
};

/// `q` alone if they are packed. What has no data is null.
template <class T>
Operands<T> operands(const Call& call, T* q, T* k, T* v) {
  if (!call.is_packed) {
    return {heads(call, q, call.H, call.Q, call.d), key_heads(call, k, call.d),
            key_heads(call, v, call.dv)};
  }
  const std::int64_t row = (call.H + 2 * call.kv_heads) * call.d;
  const auto from_head = [&](std::int64_t head) -> kernels::Heads<T> {
    return {q ? q + head * call.d : nullptr, call.Q * row, call.d, row};
  };
  return {from_head(0), from_head(call.H), from_head(call.H + call.kv_heads)};
}

/// A mask read as [B, H, Q, K].
template <class T>
kernels::AttentionMask<T> mask_of(const Tensor& mask) {
  kernels::AttentionMask<T> result{};
  if (!mask.defined()) return result;
  if (mask.dtype() == DType::boolean) {
    result.takes_part = mask.data<bool>();
  } else {
    result.addend = mask.data<T>();
  }
  std::int64_t* const strides[] = {&result.key, &result.query, &result.head, &result.batch};
  std::int64_t stride = 1;
  for (int axis = 1; axis <= mask.dim(); ++axis) {
    const std::int64_t size = mask.size(-axis);
    *strides[axis - 1] = size == 1 ? 0 : stride;
    stride *= size;
  }
  return result;
}

/// What the kernels take, for the same values in forward and backward.
struct Arguments {
  Call call;
  Tensor q, k, v, mask, lengths;
  std::uint64_t seed, offset;

  template <class T>
  kernels::Attention<T> kernel() const {
    const Call& c = call;
    const Operands<const T> of = operands(c, q.data<T>(), data_or_null<T>(k), data_or_null<T>(v));
    return {.B = c.B,
            .H = c.H,
            .kv_heads = c.kv_heads,
            .Q = c.Q,
            .K = c.K,
            .d = c.d,
            .dv = c.dv,
            .q = of.q,
            .k = of.k,
            .v = of.v,
            .lengths = lengths.defined() ? lengths.data<std::int64_t>() : nullptr,
            .mask = mask_of<T>(mask),
            .causal = c.causal,
            .scale = static_cast<T>(c.scale),
            .dropout = {seed, offset, c.dropout}};
  }
};

struct AttentionBackward {
  Call call;
  Saved q, k, v, mask, lengths, out, greatest, factor;
  std::uint64_t seed, offset;

  std::vector<Gradient> operator()(Cotangents g, Needs needs) const {
    const Arguments arguments{call, *q, *k, *v, *mask, *lengths, seed, offset};
    const auto like = [](bool needed, const Tensor& x) {
      return needed ? empty_like(x) : Tensor();
    };
    const Tensor dq = like(needs[0], arguments.q), dk = like(needs[1], arguments.k);
    const Tensor dv = like(needs[2], arguments.v);
    const Tensor d_mask = needs[3] ? zeros_like(arguments.mask) : Tensor();
    const Tensor y = *out, most = *greatest, inverse = *factor;
    const Call& c = call;
    visit_float(c.operation, y, [&]<class T>(T) {
      const Operands<T> to =
          operands(c, mutable_or_null<T>(dq), mutable_or_null<T>(dk), mutable_or_null<T>(dv));
      kernels::attention_vjp<T>(arguments.kernel<T>(),
                                {.out = heads(c, y.data<T>(), c.H, c.Q, c.dv),
                                 .d_out = heads(c, g[0].data<T>(), c.H, c.Q, c.dv),
                                 .greatest = most.data<T>(),
                                 .factor = inverse.data<T>(),
                                 .dq = to.q,
                                 .dk = to.k,
                                 .dv = to.v,
                                 .d_mask = mutable_or_null<T>(d_mask)});
    });
    return {Gradient(dq), Gradient(dk), Gradient(dv), Gradient(d_mask)};
  }
};

/// x as [B, H, T, width].
Tensor by_heads(const Call& call, const Tensor& x, std::int64_t count) {
  if (!call.side_by_side) return x;
  return permute(
      reshape(x, {call.B, x.size(1), count, x.size(2) / std::max<std::int64_t>(count, 1)}),
      {0, 2, 1, 3});
}

/// Which keys a query takes part with, but for a mask: boolean, broadcasts to [B, H, Q, K].
Tensor keys_that_count(const Call& call, const Tensor& lengths) {
  Tensor mask = full({1, 1, 1, 1}, true, DType::boolean);
  if (call.causal) {
    const Tensor last = unsqueeze(arange(call.K - call.Q, call.K), 1);
    mask = logical_and(mask, arange(call.K) <= last);
  }
  if (!lengths.defined()) return mask;
  return logical_and(mask, reshape(length_mask(lengths, call.K), {call.B, 1, 1, call.K}));
}

/// Of packed operands, q alone.
Tensor run(const Call& call, const Tensor& q, const Tensor& k, const Tensor& v,
           const AttentionOptions& options, Generator& generator) {
  const std::int64_t rows = call.B * call.H * call.Q;
  Tensor y = detail::empty_sized(call.operation, call.shape(call.H, call.Q, call.dv), q.dtype());
  const Tensor inputs[] = {q, k, v, options.mask};
  Tensor greatest, factor;
  if (grad_enabled() && detail::any_requires_grad(inputs)) {
    greatest = empty({rows}, q.dtype());
    factor = empty({rows}, q.dtype());
  }
  const std::uint64_t offset =
      call.dropout > 0 ? generator.advance(static_cast<std::uint64_t>(rows * call.K)) : 0;
  visit_float(call.operation, q, [&]<class T>(T) {
    const Arguments arguments{call,  q, k, v, options.mask, options.lengths, generator.seed(),
                              offset};
    kernels::attention<T>(arguments.kernel<T>(),
                          heads(call, y.mutable_data<T>(), call.H, call.Q, call.dv),
                          mutable_or_null<T>(greatest), mutable_or_null<T>(factor));
  });
  record_joint("scaled_dot_product_attention", {&y, 1}, inputs,
               AttentionBackward{call, Saved(q), Saved(k), Saved(v), Saved(options.mask),
                                 Saved(options.lengths), Saved(y), Saved(greatest), Saved(factor),
                                 generator.seed(), offset});
  return y;
}

constexpr const char* attention_name = "scaled_dot_product_attention";

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
              Generator& generator, bool time_first) {
  detail::check_defined(attention_name, {{"q", q}, {"k", k}, {"v", v}});
  Call call = Call::checked(attention_name, q, k, options, time_first);
  call.check_values(k, v);
  return run(call, q, k, v, options, generator);
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const AttentionOptions& options, Generator& generator) {
  return attend(q, k, v, options, generator, false);
}

Tensor detail::attention_to_cache(const Tensor& q, const Tensor& keys, const Tensor& values,
                                  const AttentionOptions& options, Generator& generator) {
  return attend(q, keys, values, options, generator, true);
}

Tensor detail::attention_of_packed(const Tensor& qkv, std::int64_t kv_heads,
                                   const AttentionOptions& options, Generator& generator) {
  return run(Call::packed(attention_name, qkv, kv_heads, options), qkv, Tensor(), Tensor(), options,
             generator);
}

Tensor attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& options) {
  detail::check_defined("attention_weights", {{"q", q}, {"k", k}});
  const Call call = Call::checked("attention_weights", q, k, options);
  Tensor keys = by_heads(call, k, call.kv_heads);
  if (options.lengths.defined()) {
    const Tensor mask = reshape(length_mask(options.lengths, call.K), {call.B, 1, call.K, 1});
    keys = where(mask, keys, 0);
  }
  if (call.kv_heads != call.H) keys = repeat_interleave(keys, call.H / call.kv_heads, 1);
  Tensor scores = matmul(by_heads(call, q, call.H) * call.scale, keys, {.trans_b = true});
  Tensor counts = keys_that_count(call, options.lengths);
  if (options.mask.defined() && options.mask.dtype() == DType::boolean) {
    counts = logical_and(counts, options.mask);
  } else if (options.mask.defined()) {
    scores = scores + options.mask;
  }
  return softmax(masked_fill(scores, logical_not(counts), -std::numeric_limits<double>::infinity()),
                 -1);
}

}  // namespace gradus
