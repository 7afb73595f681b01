#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/module/state_dict.h>

namespace gradus {

using detail::printable_names;

std::string& Metadata::operator[](std::string_view key) {
  const auto place = static_cast<std::size_t>(index_.add(key));
  if (place == entries_.size()) entries_.emplace_back(key, std::string());
  return entries_[place].second;
}

const std::string* Metadata::find(std::string_view key) const {
  const std::int64_t place = index_.find(key);
  return place < 0 ? nullptr : &entries_[static_cast<std::size_t>(place)].second;
}

const std::string& Metadata::at(std::string_view key) const {
  if (const std::string* text = find(key)) return *text;
  throw IndexError(
      fmt::format("metadata: no key '{}'; there are [{}]", key, printable_names(index_.texts())));
}

bool Metadata::erase(std::string_view key) {
  Metadata kept;
  for (const auto& [name, text] : entries_) {
    if (name != key) kept[name] = text;
  }
  const bool erased = kept.size() < size();
  *this = std::move(kept);
  return erased;
}

void Metadata::clear() { *this = Metadata(); }

bool operator==(const Metadata& a, const Metadata& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, text] : a) {
    const std::string* other = b.find(key);
    if (other == nullptr || *other != text) return false;
  }
  return true;
}

void StateDict::set(std::string_view name, const Tensor& tensor, std::optional<bool> frozen) {
  const auto place = static_cast<std::size_t>(index_.add(name));
  if (place == entries_.size()) {
    entries_.push_back({std::string(name), tensor, frozen});
  } else {
    entries_[place].tensor = tensor;
    entries_[place].frozen = frozen;
  }
}

const StateEntry* StateDict::find(std::string_view name) const {
  const std::int64_t place = index_.find(name);
  return place < 0 ? nullptr : &entries_[static_cast<std::size_t>(place)];
}

const Tensor& StateDict::at(std::string_view name) const {
  if (const StateEntry* entry = find(name)) return entry->tensor;
  if (const std::string* dtype = left_out.find(name)) {
    throw DTypeError(fmt::format(
        "state_dict: '{}' is {} in its file, which gradus cannot read: convert it there",
        detail::printable(name), detail::printable(*dtype)));
  }
  throw IndexError(fmt::format("state_dict: no entry '{}'; there are [{}]", name,
                               printable_names(index_.texts())));
}

}  // namespace gradus
