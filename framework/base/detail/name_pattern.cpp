#include <gradus/framework/base/detail/name_pattern.h>

#include <cstddef>

namespace gradus::detail {
namespace {

// Where the last `*` of a pattern is, and what it has taken so far; a name that does not go on as
// the rest of the pattern does makes it take one character more.
struct LastStar {
  std::size_t place = std::string_view::npos;  // in the pattern
  std::size_t begin = 0, end = 0;              // in the name
  std::size_t index = 0;                       // among the wildcards
};

}  // namespace

std::optional<std::vector<std::string_view>> match_name(std::string_view name,
                                                        std::string_view pattern) {
  std::vector<std::string_view> found;
  LastStar star;
  std::size_t i = 0, k = 0;
  while (i < name.size() || k < pattern.size()) {
    if (k < pattern.size() && pattern[k] == '*') {
      star = {k++, i, i, found.size()};
      found.emplace_back();
    } else if (k < pattern.size() && i < name.size() &&
               (pattern[k] == '?' || pattern[k] == name[i])) {
      if (pattern[k++] == '?') found.push_back(name.substr(i, 1));
      ++i;
    } else if (star.place != std::string_view::npos && star.end < name.size()) {
      i = ++star.end;
      k = star.place + 1;
      found.resize(star.index);
      found.push_back(name.substr(star.begin, star.end - star.begin));
    } else {
      return std::nullopt;
    }
  }
  return found;
}

}  // namespace gradus::detail
