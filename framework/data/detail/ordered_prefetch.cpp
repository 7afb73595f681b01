#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/data/detail/ordered_prefetch.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace gradus::detail {

OrderedPrefetch::OrderedPrefetch(std::int64_t first, std::int64_t end, std::int64_t workers,
                                 std::int64_t ahead, Work work)
    : end_(end),
      ahead_(std::clamp<std::int64_t>(std::max(workers, ahead), 1,
                                      std::max<std::int64_t>(end - first, 1))),
      work_(std::move(work)),
      slots_(static_cast<std::size_t>(ahead_)),
      next_to_make_(first),
      next_to_give_(first) {
  try {
    for (std::int64_t i = 0; i < std::min(workers, end - first); ++i) {
      threads_.emplace_back([this] { run(); });
    }
  } catch (const std::system_error& error) {
    stop();
    throw Error(fmt::format("DataLoader: cannot start thread {} of {}: {}: set a lower num_workers",
                            threads_.size() + 1, workers, error.what()));
  }
}

OrderedPrefetch::~OrderedPrefetch() { stop(); }

void OrderedPrefetch::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  freed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void OrderedPrefetch::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    freed_.wait(lock, [&] {
      return stopped_ || next_to_make_ == end_ || next_to_make_ < next_to_give_ + ahead_;
    });
    if (stopped_ || next_to_make_ == end_) return;
    const std::int64_t item = next_to_make_++;
    lock.unlock();
    Slot made{.filled = true, .item = {}, .error = {}, .place = -1};
    try {
      made.item = work_(item, made.place);
    } catch (...) {
      made.error = std::current_exception();
    }
    lock.lock();
    slot(item) = std::move(made);
    filled_.notify_one();
  }
}

std::shared_ptr<void> OrderedPrefetch::next(std::int64_t& place) {
  place = -1;
  if (threads_.empty()) return work_(next_to_give_++, place);
  Slot given;
  {
    std::unique_lock lock(mutex_);
    Slot& from = slot(next_to_give_);
    filled_.wait(lock, [&] { return from.filled; });
    given = std::exchange(from, {});
    ++next_to_give_;
  }
  freed_.notify_all();
  place = given.place;
  if (given.error) std::rethrow_exception(std::exchange(given.error, nullptr));
  return std::move(given.item);
}

}  // namespace gradus::detail
