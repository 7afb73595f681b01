#pragma once
#include <gradus/framework/base/detail/ref.h>
#include <gradus/framework/base/memory.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace gradus::detail {

class FileMap;

/// A reference-counted buffer with a version that every change in place increments. Header and data
/// are one block of the pool; large buffers start at staggered offsets, so that streams over
/// several of them do not compete for the same cache sets.
class GRADUS_API Storage {
 public:
  /// A buffer of `bytes` bytes, 64-byte aligned, uninitialised (NaN-filled in the debug presets).
  static Ref<Storage> allocate(std::int64_t bytes);
  /// The content of a file, mapped into memory: read-only, of any alignment. Throws like FileMap.
  static Ref<Storage> mapped(const std::string& path);

  void* data() const { return data_; }
  std::int64_t bytes() const { return bytes_; }
  /// The mapped file, or nullptr.
  const FileMap* file() const { return file_.get(); }

  std::uint64_t version() const { return version_.load(std::memory_order_relaxed); }
  /// `by`, a string literal for errors, says what changed the values, where users would not guess.
  void bump_version(const char* by = nullptr) {
    version_.store(version_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    changed_by_.store(by, std::memory_order_relaxed);
  }
  const char* changed_by() const { return changed_by_.load(std::memory_order_relaxed); }

  void retain() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  std::int64_t use_count() const { return count_.load(std::memory_order_acquire); }

 private:
  Storage(void* data, std::int64_t bytes, std::size_t block);
  ~Storage();
  void destroy() noexcept;

  std::atomic<std::int64_t> count_{1};
  std::atomic<std::uint64_t> version_{0};
  std::atomic<const char*> changed_by_{nullptr};
  void* data_;
  std::int64_t bytes_;
  std::size_t block_;                    // size of the whole block
  std::uint64_t call_ = 0;               // for the profiler: the call that made it, or 0
  std::unique_ptr<const FileMap> file_;  // set if the data are not in the block
};

}  // namespace gradus::detail
