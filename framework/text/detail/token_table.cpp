#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/token_table.h>

#include <algorithm>

namespace gradus::detail {

TokenTable::TokenTable(TokenList tokens) {
  const auto by_id = [](const auto& a, const auto& b) { return a.second < b.second; };
  if (!std::is_sorted(tokens.begin(), tokens.end(), by_id))  // to sort takes memory
    std::stable_sort(tokens.begin(), tokens.end(), by_id);
  ids_.reserve(tokens.size());
  for (const auto& [token, id] : tokens) {
    if (id < 0) throw ValueError(fmt::format("token '{}' has the id {}", printable(token), id));
    const std::int64_t before = find(token);
    if (before >= 0) {
      throw ValueError(
          before == id
              ? fmt::format("the token '{}' is there twice, with the id {}", printable(token), id)
              : fmt::format("the token '{}' has two ids, {} and {}", printable(token), before, id));
    }
    if (!ids_.empty() && ids_.back() == id) {
      throw ValueError(fmt::format("the tokens '{}' and '{}' have the same id, {}",
                                   printable(index_.texts().back()), printable(token), id));
    }
    index_.add(token);
    ids_.push_back(id);
  }
}

TokenTable TokenTable::of_positions(const std::vector<std::string>& tokens) {
  TextIndex index;
  std::vector<std::size_t> last;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto place = static_cast<std::size_t>(index.add(tokens[i]));
    last.resize(static_cast<std::size_t>(index.size()));
    last[place] = i;
  }
  TokenList counting, repeated;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool counts = last[static_cast<std::size_t>(index.find(tokens[i]))] == i;
    (counts ? counting : repeated).emplace_back(tokens[i], i);
  }
  TokenTable result(std::move(counting));
  result.repeated_ = std::move(repeated);
  return result;
}

const std::string* TokenTable::token(std::int64_t id) const {
  std::size_t place = static_cast<std::size_t>(id);
  if (id < 0) return nullptr;
  if (place >= ids_.size() || ids_[place] != id) {  // there are gaps
    const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
    if (found == ids_.end() || *found != id) {
      const auto other = std::find_if(repeated_.begin(), repeated_.end(),
                                      [id](const auto& each) { return each.second == id; });
      return other == repeated_.end() ? nullptr : &other->first;
    }
    place = static_cast<std::size_t>(found - ids_.begin());
  }
  return &index_.texts()[place];
}

}  // namespace gradus::detail
