#include <fmt/format.h>
#include <gradus/framework/base/detail/fault_list.h>

#include <algorithm>

namespace gradus::detail {

std::string line_range(std::int64_t first, std::int64_t lines, std::string_view unit) {
  if (lines == 1) return fmt::format("{} {}", unit, first);
  return fmt::format("{}s {} to {}", unit, first, first + lines - 1);
}

void FaultList::add(std::int64_t line, std::string_view kind, std::string_view example,
                    std::int64_t lines) {
  count_ += lines;
  const auto known = std::find_if(kinds_.begin(), kinds_.end(),
                                  [&](const Kind& other) { return other.text == kind; });
  if (known != kinds_.end()) {
    ++known->count;
  } else {
    kinds_.push_back({std::string(kind), std::string(example), line_range(line, lines, unit_), 1});
  }
}

std::string FaultList::total() const {
  return count_ == 1 ? fmt::format("1 bad {}", unit_) : fmt::format("{} bad {}s", count_, unit_);
}

std::string FaultList::text() const {
  std::string list;
  for (const Kind& kind : kinds_) {
    list += fmt::format("{}{} ({}{}{}{})", list.empty() ? "" : "; ", kind.text,
                        kind.count == 1 ? "" : fmt::format("{} times, first in ", kind.count),
                        kind.where, kind.example.empty() ? "" : ": ", kind.example);
  }
  return list;
}

}  // namespace gradus::detail
