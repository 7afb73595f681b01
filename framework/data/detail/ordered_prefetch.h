#pragma once
#include <gradus/framework/base/export.h>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace gradus::detail {

/// Makes items first, first + 1, ... end - 1 on threads of its own, and hands them out in order. At
/// most `ahead` items are made or being made beyond the last one handed out.
class GRADUS_API OrderedPrefetch {
 public:
  /// place: how far the work on an item has come, for when it throws; -1 at its start.
  using Work = std::function<std::shared_ptr<void>(std::int64_t item, std::int64_t& place)>;

  /// workers: the number of threads; with 0, next() does the work. `work` is called by all of them.
  /// At least one item is made by each. Throws Error if the system has no more threads.
  OrderedPrefetch(std::int64_t first, std::int64_t end, std::int64_t workers, std::int64_t ahead,
                  Work work);
  /// Waits for the items that are being made.
  ~OrderedPrefetch();
  OrderedPrefetch(const OrderedPrefetch&) = delete;
  OrderedPrefetch& operator=(const OrderedPrefetch&) = delete;

  /// The next item, waiting for it. Throws what the work on it threw; the item after it is the next
  /// one then, and `place` is how far the work had come. Not to be called beyond the last item.
  std::shared_ptr<void> next(std::int64_t& place);

 private:
  struct Slot {
    bool filled = false;
    std::shared_ptr<void> item;
    std::exception_ptr error;
    std::int64_t place = -1;
  };
  void run();
  void stop();
  Slot& slot(std::int64_t item) { return slots_[static_cast<std::size_t>(item % ahead_)]; }

  const std::int64_t end_, ahead_;
  const Work work_;
  std::mutex mutex_;
  std::condition_variable filled_, freed_;
  std::vector<Slot> slots_;  // a ring
  std::int64_t next_to_make_, next_to_give_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gradus::detail
