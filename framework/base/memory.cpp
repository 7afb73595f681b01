#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace gradus {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t huge_threshold = std::size_t{4} << 20;

// One lock for the pool and its statistics: held for a few instructions, never across a syscall.
class SpinLock {
 public:
  void lock() noexcept {
    while (flag_.exchange(true, std::memory_order_acquire)) {
      for (int i = 0; flag_.load(std::memory_order_relaxed); ++i) {
        if (i > 64) std::this_thread::yield();
      }
    }
  }
  void unlock() noexcept { flag_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> flag_{false};
};

struct FreeBlock {
  FreeBlock* next;
};

// Size classes: multiples of 64 up to 1 KiB, then eight steps per doubling (at most 12.5% unused).
struct SizeClass {
  std::size_t index;
  std::size_t bytes;
};

SizeClass size_class(std::size_t bytes) {
  if (bytes <= 1024) {
    const std::size_t steps = std::max<std::size_t>(1, (bytes + 63) / 64);
    return {steps - 1, steps * 64};
  }
  const auto log = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^log < bytes
  const std::size_t step = std::size_t{1} << (log - 3);
  const std::size_t steps = (bytes - (std::size_t{1} << log) + step - 1) / step;  // 1..8
  return {16 + (log - 10) * 8 + steps - 1, (std::size_t{1} << log) + steps * step};
}

constexpr std::size_t class_count = 16 + 53 * 8;

std::int64_t default_cache_limit() {
  const std::int64_t pages = sysconf(_SC_PHYS_PAGES);
  const std::int64_t page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? pages / 4 * page : std::int64_t{1} << 30;
}

/// Fresh memory that begins at a multiple of `multiple` and asks for huge pages; nullptr if the
/// system has none.
void* map_on_huge_pages(std::size_t bytes, std::size_t multiple) {
  // Over-allocate; the rest is never touched.
  const std::size_t length = bytes + multiple;
  void* map = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return nullptr;
  auto* begin = static_cast<std::byte*>(map);
  const auto misaligned = reinterpret_cast<std::uintptr_t>(begin) % multiple;
  std::byte* block = misaligned == 0 ? begin : begin + (multiple - misaligned);
  const auto head = static_cast<std::size_t>(block - begin);
  if (head > 0) munmap(begin, head);
  munmap(block + bytes, multiple - head);
  madvise(block, bytes, MADV_HUGEPAGE);
  return block;
}

// Blocks between these sizes are cut from slabs that ask for huge pages: with small ones, a
// training step whose tensors fill some ten megabytes spends a fifth of its time on page tables.
#ifdef GRADUS_DEBUG_MEMORY
constexpr bool has_slabs = false;
#else
constexpr bool has_slabs = true;
#endif
constexpr std::size_t slab_threshold = std::size_t{16} << 10;
constexpr std::size_t slab_bytes = std::size_t{16} << 20;

/// What a slab begins with, at a multiple of slab_bytes.
struct Slab {
  std::size_t used, blocks;

  static Slab* of(void* block) {
    auto* const place = static_cast<std::byte*>(block);
    return reinterpret_cast<Slab*>(place - reinterpret_cast<std::uintptr_t>(place) % slab_bytes);
  }
};

constinit std::mutex slab_lock;
constinit Slab* open_slab = nullptr;  // from which blocks are cut

void* cut_from_slab(std::size_t bytes) {
  constexpr std::size_t gap = 21 * alignment;  // equal blocks do not begin at equal places of pages
  const std::lock_guard guard(slab_lock);
  if (open_slab == nullptr || open_slab->used + gap + bytes > slab_bytes) {
    void* const map = map_on_huge_pages(slab_bytes, slab_bytes);
    if (map == nullptr) return nullptr;
    open_slab = new (map) Slab{alignment, 0};
  }
  void* const block = reinterpret_cast<std::byte*>(open_slab) + open_slab->used;
  open_slab->used += bytes + gap;
  ++open_slab->blocks;
  return block;
}

/// Returns a slab without blocks to the system, else the whole pages of the block.
void return_to_slab(void* block, std::size_t bytes) noexcept {
  const std::lock_guard guard(slab_lock);
  Slab* const slab = Slab::of(block);
  if (--slab->blocks == 0) {
    if (slab == open_slab) open_slab = nullptr;
    munmap(slab, slab_bytes);
    return;
  }
  constexpr std::uintptr_t page = 4096;
  const auto begin = reinterpret_cast<std::uintptr_t>(block);
  const std::uintptr_t first = (begin + page - 1) / page * page,
                       last = (begin + bytes) / page * page;
  madvise(static_cast<std::byte*>(block) + (first - begin), last - first, MADV_DONTNEED);
}

bool is_in_slab(std::size_t bytes) {
  return has_slabs && bytes >= slab_threshold && bytes < huge_threshold;
}

void* system_allocate(std::size_t bytes) {
  if (is_in_slab(bytes)) return cut_from_slab(bytes);
  if (bytes < huge_threshold) return std::aligned_alloc(alignment, bytes);
  return map_on_huge_pages(bytes, huge_page);
}

void system_free(void* block, std::size_t bytes) noexcept {
  if (is_in_slab(bytes)) {
    return_to_slab(block, bytes);
  } else if (bytes < huge_threshold) {
    std::free(block);
  } else {
    munmap(block, bytes);
  }
}

std::size_t round_up(std::size_t bytes) {
  const std::size_t unit = bytes < huge_threshold ? alignment : 4096;
  return (bytes + unit - 1) / unit * unit;
}

std::size_t class_bytes(std::size_t index) {
  if (index < 16) return (index + 1) * 64;
  const std::size_t step = (index - 16) % 8 + 1;
  return round_up((std::size_t{1} << (10 + (index - 16) / 8)) * (8 + step) / 8);
}

SizeClass rounded_class(std::size_t bytes) {
  SizeClass c = size_class(bytes);
  c.bytes = round_up(c.bytes);
  return c;
}

// A few free small blocks that one thread keeps for itself, so that most small blocks are handed
// out without the lock. Bounded, so that blocks which one thread allocates and another frees do not
// pile up; returned to the pool when the thread ends.
constexpr std::size_t magazine_classes = 24;                    // blocks of up to 2 KiB
[[maybe_unused]] constexpr std::size_t magazine_bytes = 16384;  // of each class

struct Magazine {
  std::array<FreeBlock*, magazine_classes> free;
  std::array<std::uint32_t, magazine_classes> count;
  std::atomic<std::int64_t> bytes;  // written by the owner only
  Magazine* next;                   // in the list of all
  bool registered;
  bool closed;  // the thread is ending

  void add_bytes(std::int64_t change) {
    bytes.store(bytes.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
  }
};

class Pool {
 public:
  void* allocate(const SizeClass& c);
  void deallocate(void* block, const SizeClass& c) noexcept;
  void trim() noexcept;

  // Moves up to `count` blocks of a class from the pool to a magazine; they still count as live.
  [[maybe_unused]] void refill(Magazine& magazine, const SizeClass& c,
                               std::uint32_t count) noexcept;
  // Moves blocks from a magazine to the pool until `keep` are left.
  void flush(Magazine& magazine, const SizeClass& c, std::uint32_t keep) noexcept;
  [[maybe_unused]] void open(Magazine& magazine) noexcept;
  [[maybe_unused]] void close(Magazine& magazine) noexcept;

  MemoryStats stats() {
    const std::lock_guard guard(lock_);
    std::int64_t kept = 0;
    for (const Magazine* m = magazines_; m != nullptr; m = m->next) {
      kept += m->bytes.load(std::memory_order_relaxed);
    }
    return {live_ - kept, peak_, live_ + cached_, fresh_};
  }
  void reset_peak() {
    const std::lock_guard guard(lock_);
    peak_ = live_;
  }
  void set_limit(std::int64_t bytes) {
    {
      const std::lock_guard guard(lock_);
      limit_ = bytes;
      if (cached_ <= limit_) return;
    }
    trim();
  }

 private:
  SpinLock lock_;
  std::array<FreeBlock*, class_count> free_{};
  Magazine* magazines_ = nullptr;
  std::int64_t live_ = 0, peak_ = 0, cached_ = 0, fresh_ = 0;
  std::int64_t limit_ = default_cache_limit();
};

void* Pool::allocate(const SizeClass& c) {
  const auto size = static_cast<std::int64_t>(c.bytes);
  {
    const std::lock_guard guard(lock_);
    live_ += size;
    peak_ = std::max(peak_, live_);
    if (FreeBlock* block = free_[c.index]) {
      free_[c.index] = block->next;
      cached_ -= size;
      return block;
    }
    ++fresh_;
  }
  void* block = system_allocate(c.bytes);
  if (block == nullptr) {
    trim();
    block = system_allocate(c.bytes);
  }
  if (block != nullptr) return block;
  {
    const std::lock_guard guard(lock_);
    live_ -= size;
    --fresh_;
  }
  throw Error(
      fmt::format("memory: cannot allocate {} bytes: use a smaller batch or model", c.bytes));
}

void Pool::deallocate(void* block, const SizeClass& c) noexcept {
  const auto size = static_cast<std::int64_t>(c.bytes);
#ifdef GRADUS_DEBUG_MEMORY
  {
    const std::lock_guard guard(lock_);
    live_ -= size;
  }
  system_free(block, c.bytes);  // nothing is reused, so that sanitizers see every use after free
#else
  {
    const std::lock_guard guard(lock_);
    live_ -= size;
    auto* freed = new (block) FreeBlock{free_[c.index]};
    free_[c.index] = freed;
    cached_ += size;
    if (cached_ <= limit_) return;
  }
  trim();
#endif
}

void Pool::trim() noexcept {
  std::array<FreeBlock*, class_count> lists{};
  {
    const std::lock_guard guard(lock_);
    std::swap(lists, free_);
    cached_ = 0;
  }
  for (std::size_t i = 0; i < class_count; ++i) {
    for (FreeBlock* block = lists[i]; block != nullptr;) {
      FreeBlock* next = block->next;
      system_free(block, class_bytes(i));
      block = next;
    }
  }
}

void Pool::refill(Magazine& magazine, const SizeClass& c, std::uint32_t count) noexcept {
  const std::lock_guard guard(lock_);
  const auto size = static_cast<std::int64_t>(c.bytes);
  std::int64_t moved = 0;
  for (; moved < count && free_[c.index] != nullptr; ++moved) {
    FreeBlock* block = free_[c.index];
    free_[c.index] = block->next;
    block->next = magazine.free[c.index];
    magazine.free[c.index] = block;
  }
  magazine.count[c.index] += static_cast<std::uint32_t>(moved);
  magazine.add_bytes(moved * size);
  live_ += moved * size;
  cached_ -= moved * size;
  peak_ = std::max(peak_, live_);
}

void Pool::flush(Magazine& magazine, const SizeClass& c, std::uint32_t keep) noexcept {
  const std::lock_guard guard(lock_);
  const auto size = static_cast<std::int64_t>(c.bytes);
  while (magazine.count[c.index] > keep) {
    FreeBlock* block = magazine.free[c.index];
    magazine.free[c.index] = block->next;
    block->next = free_[c.index];
    free_[c.index] = block;
    --magazine.count[c.index];
    magazine.add_bytes(-size);
    live_ -= size;
    cached_ += size;
  }
}

void Pool::open(Magazine& magazine) noexcept {
  const std::lock_guard guard(lock_);
  magazine.next = magazines_;
  magazines_ = &magazine;
  magazine.registered = true;
}

void Pool::close(Magazine& magazine) noexcept {
  magazine.closed = true;
  for (std::size_t i = 0; i < magazine_classes; ++i) flush(magazine, {i, class_bytes(i)}, 0);
  const std::lock_guard guard(lock_);
  Magazine** link = &magazines_;
  while (*link != &magazine) link = &(*link)->next;
  *link = magazine.next;
}

// Never destroyed: tensors with static lifetime may be freed after any destructor of ours.
Pool& pool() {
  alignas(Pool) static std::array<std::byte, sizeof(Pool)> place;
  static Pool* instance = new (place.data()) Pool;
  return *instance;
}

#ifndef GRADUS_DEBUG_MEMORY
thread_local constinit Magazine magazine{};

// Returns the magazine of a thread to the pool when the thread ends.
struct MagazineCloser {
  ~MagazineCloser() { pool().close(magazine); }
};

void open_magazine() noexcept {
  pool().open(magazine);
  thread_local const MagazineCloser closer;
  (void)closer;
}

std::uint32_t magazine_limit(const SizeClass& c) {
  return static_cast<std::uint32_t>(magazine_bytes / c.bytes);
}
#endif

}  // namespace

MemoryStats memory_stats() { return pool().stats(); }
void reset_peak_memory() { pool().reset_peak(); }

void trim_memory() {
#ifndef GRADUS_DEBUG_MEMORY
  for (std::size_t i = 0; i < magazine_classes; ++i) pool().flush(magazine, {i, class_bytes(i)}, 0);
#endif
  pool().trim();
}

void set_memory_cache_limit(std::int64_t bytes) {
  if (bytes < 0) {
    throw ValueError(fmt::format("set_memory_cache_limit: {} bytes is negative", bytes));
  }
  pool().set_limit(bytes);
}

namespace detail {

void* allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 61)) {
    throw Error(fmt::format("memory: cannot allocate {} bytes", bytes));
  }
  const SizeClass c = rounded_class(bytes);
#ifndef GRADUS_DEBUG_MEMORY
  if (c.index < magazine_classes && !magazine.closed) {
    if (magazine.free[c.index] == nullptr) {
      if (!magazine.registered) open_magazine();
      pool().refill(magazine, c, magazine_limit(c) / 2);
    }
    if (FreeBlock* block = magazine.free[c.index]) {
      magazine.free[c.index] = block->next;
      --magazine.count[c.index];
      magazine.add_bytes(-static_cast<std::int64_t>(c.bytes));
      return block;
    }
  }
#endif
  return pool().allocate(c);
}

void deallocate(void* block, std::size_t bytes) noexcept {
  const SizeClass c = rounded_class(bytes);
#ifndef GRADUS_DEBUG_MEMORY
  if (c.index < magazine_classes && !magazine.closed) {
    if (!magazine.registered) open_magazine();
    magazine.free[c.index] = new (block) FreeBlock{magazine.free[c.index]};
    magazine.add_bytes(static_cast<std::int64_t>(c.bytes));
    if (++magazine.count[c.index] > magazine_limit(c)) {
      pool().flush(magazine, c, magazine_limit(c) / 2);
    }
    return;
  }
#endif
  pool().deallocate(block, c);
}

}  // namespace detail
}  // namespace gradus
