#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/split.h>
#include <gradus/layers/key_value_cache.h>

#include <algorithm>

namespace gradus {
namespace {

void check_one(const char* name, const Tensor& x, const Tensor& like) {
  detail::check_defined("KeyValueCache", name, x);
  if (x.requires_grad()) {
    throw AutogradError(fmt::format(
        "KeyValueCache: the {} are part of a graph, which a cache does not hold: use a NoGradGuard",
        name));
  }
  if (x.dim() != 3) {
    throw ShapeError(fmt::format("KeyValueCache: the {} are {}, they must be [batch, time, size]",
                                 name, x.shape().str()));
  }
  if (!like.defined()) return;
  if (x.dtype() != like.dtype()) {
    throw DTypeError(fmt::format("KeyValueCache: the {} are {}, the cache holds {}", name,
                                 gradus::name(x.dtype()), gradus::name(like.dtype())));
  }
  if (x.size(0) != like.size(1) || x.size(2) != like.size(2)) {
    throw ShapeError(fmt::format("KeyValueCache: the {} are {}, the cache holds [{}, time, {}]",
                                 name, x.shape().str(), like.size(1), like.size(2)));
  }
}

Tensor time_first(const Tensor& x) {
  if (x.size(0) == 1) return reshape(x.detach(), {x.size(1), 1, x.size(2)});
  return permute(x.detach(), {1, 0, 2});
}

/// A buffer [capacity, B, width] that begins with the first `size` elements of another.
Tensor new_buffer(std::int64_t capacity, const Tensor& like, const Tensor& old, std::int64_t size) {
  Tensor buffer = empty({capacity, like.size(0), like.size(2)}, like.dtype());
  if (size > 0) slice(buffer, 0, 0, size).copy_(slice(old, 0, 0, size));
  return buffer;
}

}  // namespace

KeyValueCache::KeyValueCache(const KeyValueCache& other)
    : buffer_(other.buffer_), size_(other.size_) {
  if (buffer_) buffer_->owners.fetch_add(1, std::memory_order_relaxed);
}

KeyValueCache::KeyValueCache(KeyValueCache&& other) noexcept
    : buffer_(std::move(other.buffer_)), size_(std::exchange(other.size_, 0)) {}

KeyValueCache& KeyValueCache::operator=(KeyValueCache other) noexcept {
  buffer_.swap(other.buffer_);
  size_ = other.size_;
  return *this;
}

KeyValueCache::~KeyValueCache() { set_buffer(nullptr); }

/// Takes another buffer, of which it is the only owner.
void KeyValueCache::set_buffer(std::shared_ptr<Buffer> buffer) noexcept {
  if (buffer_) buffer_->owners.fetch_sub(1, std::memory_order_release);
  buffer_ = std::move(buffer);
}

std::int64_t KeyValueCache::batch() const { return buffer_ ? buffer_->keys.size(1) : 0; }

void KeyValueCache::check(const Tensor& keys, const Tensor& values) const {
  check_one("keys", keys, buffer_ ? buffer_->keys : Tensor());
  check_one("values", values, buffer_ ? buffer_->values : Tensor());
  if (keys.size(0) == values.size(0) && keys.size(1) == values.size(1)) return;
  throw ShapeError(
      fmt::format("KeyValueCache: keys are {}, values are {}: the batch and the times "
                  "must be the same",
                  keys.shape().str(), values.shape().str()));
}

/// Takes rows [size_, end) of the buffer, or of a new one if another cache has them.
void KeyValueCache::take_rows(std::int64_t end, const Tensor& keys, const Tensor& values) {
  const bool has_room = buffer_ && end <= buffer_->keys.size(0);
  std::int64_t used = size_;
  if (has_room && buffer_->used.compare_exchange_strong(used, end)) return;
  const std::int64_t capacity =
      has_room ? buffer_->keys.size(0) : std::max<std::int64_t>(end * 2, 16);
  const Tensor old_keys = buffer_ ? buffer_->keys : Tensor();
  const Tensor old_values = buffer_ ? buffer_->values : Tensor();
  set_buffer(std::make_shared<Buffer>(new_buffer(capacity, keys, old_keys, size_),
                                      new_buffer(capacity, values, old_values, size_), end));
}

void KeyValueCache::append(const Tensor& keys, const Tensor& values) {
  check(keys, values);
  const NoGradGuard no_grad;
  const std::int64_t end = size_ + keys.size(1);
  take_rows(end, keys, values);
  slice(buffer_->keys, 0, size_, end).copy_(time_first(keys));
  slice(buffer_->values, 0, size_, end).copy_(time_first(values));
  size_ = end;
}

void KeyValueCache::trim(std::int64_t size) {
  if (size < 0 || size > size_) {
    throw ValueError(fmt::format("KeyValueCache: trim to {} is outside [0, {}]", size, size_));
  }
  size_ = size;
  if (buffer_ && buffer_->owners.load(std::memory_order_acquire) == 1) buffer_->used = size;
}

KeyValueCache KeyValueCache::select(const Tensor& ids) const {
  constexpr const char* operation = "KeyValueCache::select";
  if (!buffer_) {
    throw Error(fmt::format("{}: there are no sequences before the first append()", operation));
  }
  detail::check_ids(operation, ids, batch());
  if (ids.dim() != 1) {
    throw ShapeError(fmt::format("{}: ids are {}, they must be [n]", operation, ids.shape().str()));
  }
  const NoGradGuard no_grad;
  KeyValueCache selected;
  selected.size_ = size_;
  selected.buffer_ =
      std::make_shared<Buffer>(index_select(keys(), 1, ids), index_select(values(), 1, ids), size_);
  return selected;
}

Tensor KeyValueCache::keys() const {
  if (!buffer_) throw Error("KeyValueCache: there are no keys before the first append()");
  return slice(buffer_->keys, 0, 0, size_);
}

Tensor KeyValueCache::values() const {
  if (!buffer_) throw Error("KeyValueCache: there are no values before the first append()");
  return slice(buffer_->values, 0, 0, size_);
}

}  // namespace gradus
