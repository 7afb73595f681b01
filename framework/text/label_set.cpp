#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/word_list.h>
#include <gradus/framework/text/label_set.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace gradus {
namespace {

using detail::printable;

constexpr const char* kind = "labels";

// The number of bytes to insert, remove or replace (Levenshtein 1966).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

// The three closest names, the closest first.
std::string closest(std::string_view name, const std::vector<std::string>& names) {
  constexpr std::size_t looked_at = 100;  // bytes of a name
  std::vector<std::pair<std::size_t, std::string_view>> all;
  all.reserve(names.size());
  for (const std::string_view other : names) {
    all.emplace_back(edit_distance(name.substr(0, looked_at), other.substr(0, looked_at)), other);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string list;
  for (std::size_t i = 0; i < std::min<std::size_t>(all.size(), 3); ++i) {
    list += fmt::format("{}'{}'", i == 0 ? "" : ", ", printable(all[i].second));
  }
  return list;
}

template <class Names>
std::vector<std::int64_t> ids_of(const LabelSet& labels, const Names& names) {
  std::vector<std::int64_t> result;
  result.reserve(names.size());
  for (const auto& name : names) result.push_back(labels.id(name));
  return result;
}

LabelSet parse(std::string_view text, const std::string& where) {
  const detail::WordList list = detail::parse_word_list(kind, false, text, where);
  LabelSet labels;
  for (const std::string& name : list.words) {
    if (!labels.contains(name)) {
      labels.add(name);
      continue;
    }
    throw FormatError(fmt::format("{}: '{}' is listed twice", where, printable(name)));
  }
  return labels;
}

}  // namespace

LabelSet::LabelSet(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (contains(name)) {
      throw ValueError(fmt::format("LabelSet: '{}' is listed twice, the second time with id {}",
                                   printable(name), size()));
    }
    add(name);
  }
}

void LabelSet::add(std::span<const std::string> names) {
  for (const std::string& name : names) add(name);
}

void LabelSet::add(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) add(name);
}

LabelSet LabelSet::sorted() const {
  std::vector<std::string> ordered = names();
  std::sort(ordered.begin(), ordered.end());
  return LabelSet(ordered);
}

std::optional<std::int64_t> LabelSet::find(std::string_view name) const {
  const std::int64_t found = names_.find(name);
  if (found < 0) return std::nullopt;
  return found;
}

std::int64_t LabelSet::id(std::string_view name) const {
  if (const auto known = find(name)) return *known;
  throw IndexError(fmt::format("LabelSet: '{}' is not among the {} labels{}{}", printable(name),
                               size(), size() == 0 ? ": add() them first" : ": the closest are ",
                               closest(name, names())));
}

std::vector<std::int64_t> LabelSet::ids(std::span<const std::string> names) const {
  return ids_of(*this, names);
}

std::vector<std::int64_t> LabelSet::ids(std::initializer_list<std::string_view> names) const {
  return ids_of(*this, names);
}

const std::string& LabelSet::name(std::int64_t id) const {
  if (id < 0 || id >= size()) {
    throw IndexError(fmt::format("LabelSet: id {} is outside [0, {})", id, size()));
  }
  return names()[static_cast<std::size_t>(id)];
}

std::string LabelSet::text() const { return detail::word_list_text(kind, {{}, names(), {}}); }

LabelSet LabelSet::from_text(std::string_view text) { return parse(text, "LabelSet::from_text"); }

void save_labels(const LabelSet& labels, const std::string& path) {
  detail::write_text_file("save_labels", path, labels.text());
}

LabelSet load_labels(const std::string& path) {
  return parse(detail::read_text_file("load_labels", path), fmt::format("load_labels: '{}'", path));
}

}  // namespace gradus
