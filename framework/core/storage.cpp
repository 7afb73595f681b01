#include <gradus/framework/base/detail/file_map.h>
#include <gradus/framework/core/profile.h>
#include <gradus/framework/core/storage.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace gradus::detail {
namespace {

constexpr std::size_t header = 64;
constexpr std::size_t stagger_threshold = std::size_t{256} << 10;

std::size_t stagger(std::int64_t bytes) {
  if (bytes < static_cast<std::int64_t>(stagger_threshold)) return 0;
  static std::atomic<std::size_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed) * 5 % 16 * 256;
}

}  // namespace

static_assert(sizeof(Storage) <= header);

Storage::Storage(void* data, std::int64_t bytes, std::size_t block)
    : data_(data), bytes_(bytes), block_(block) {}

Storage::~Storage() = default;

Ref<Storage> Storage::allocate(std::int64_t bytes) {
  const std::size_t room = bytes < static_cast<std::int64_t>(stagger_threshold) ? 0 : 4096;
  const std::size_t block = header + room + static_cast<std::size_t>(bytes);
  auto* place = static_cast<std::byte*>(gradus::detail::allocate(block));
  auto* storage = new (place) Storage(place + header + stagger(bytes), bytes, block);
  if (profiling()) storage->call_ = profile_allocate(bytes);
#ifdef GRADUS_DEBUG_MEMORY
  std::memset(storage->data_, 0xff, static_cast<std::size_t>(bytes));  // a NaN in both float types
#endif
  return Ref<Storage>::adopt(storage);
}

Ref<Storage> Storage::mapped(const std::string& path) {
  auto file = std::make_unique<const FileMap>("load_mapped", path);
  void* place = gradus::detail::allocate(header);
  auto* storage = new (place)
      Storage(const_cast<char*>(file->data()), static_cast<std::int64_t>(file->size()), header);
  storage->file_ = std::move(file);
  return Ref<Storage>::adopt(storage);
}

void Storage::destroy() noexcept {
  if (call_ != 0) profile_release(call_, bytes_);
  const std::size_t block = block_;
  this->~Storage();
  gradus::detail::deallocate(this, block);
}

}  // namespace gradus::detail
