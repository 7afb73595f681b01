#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>

namespace gradus {

/// What the tensor memory pool holds, in bytes.
struct MemoryStats {
  std::int64_t live = 0;      ///< handed out to tensors and graph nodes
  std::int64_t peak = 0;      ///< highest `live` since the start or reset_peak_memory(), counting
                              ///< the small blocks that threads cache (below 400 KiB per thread)
  std::int64_t reserved = 0;  ///< live, plus what is kept for reuse
  std::int64_t fresh = 0;     ///< blocks taken from the system since the start
};

/// The current statistics of the memory pool.
GRADUS_API MemoryStats memory_stats();

/// Sets `peak` to the bytes that are live now.
GRADUS_API void reset_peak_memory();

/// Returns all memory that is kept for reuse to the system.
GRADUS_API void trim_memory();

/// Sets how many free bytes are kept for reuse; the default is a quarter of the machine's memory.
/// When more would be kept, all kept blocks are returned to the system. Throws ValueError if
/// negative.
GRADUS_API void set_memory_cache_limit(std::int64_t bytes);

namespace detail {

/// A 64-byte aligned block of at least `bytes` bytes, from the shared pool; not zero-filled. Blocks
/// of 16 KiB and more ask for huge pages. Throws Error if the system is out of memory.
GRADUS_API void* allocate(std::size_t bytes);

/// Returns a block that came from allocate(bytes).
GRADUS_API void deallocate(void* block, std::size_t bytes) noexcept;

/// Base class that allocates the engine's objects from the pool.
struct Pooled {
  static void* operator new(std::size_t bytes) { return allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept { deallocate(block, bytes); }
  static void* operator new(std::size_t, void* place) noexcept { return place; }
};

}  // namespace detail
}  // namespace gradus
