#pragma once
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/core/tensor.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus {

/// Texts by key, in the order in which the keys were added.
class GRADUS_API Metadata {
 public:
  using value_type = std::pair<std::string, std::string>;
  using const_iterator = std::vector<value_type>::const_iterator;

  /// The text of a key; a new key is added with an empty text.
  std::string& operator[](std::string_view key);
  /// The text of a key. Throws IndexError listing the keys.
  const std::string& at(std::string_view key) const;
  /// The text of a key, or nullptr.
  const std::string* find(std::string_view key) const;
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  /// Removes a key; false if it is not there.
  bool erase(std::string_view key);
  void clear();

  const_iterator begin() const { return entries_.begin(); }
  const_iterator end() const { return entries_.end(); }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

  /// True if both have the same keys with the same texts, in any order.
  GRADUS_API friend bool operator==(const Metadata& a, const Metadata& b);

 private:
  std::vector<value_type> entries_;
  detail::TextIndex index_;
};

/// One named tensor of a StateDict.
struct StateEntry {
  std::string name;
  Tensor tensor;
  std::optional<bool> frozen;  ///< for a parameter: whether it was frozen; nullopt if not known
};

/// Named tensors in order, with metadata: what a model or an optimizer saves.
class GRADUS_API StateDict {
 public:
  /// Adds or replaces an entry.
  void set(std::string_view name, const Tensor& tensor, std::optional<bool> frozen = std::nullopt);
  /// The tensor of that name. Throws IndexError listing the names, DTypeError if it was left out.
  const Tensor& at(std::string_view name) const;
  /// The entry of that name, or nullptr.
  const StateEntry* find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }

  /// The entries in the order in which they were set.
  const std::vector<StateEntry>& entries() const& { return entries_; }
  /// Deleted: a loop over the entries of a temporary would dangle. Loop over the StateDict itself.
  const std::vector<StateEntry>& entries() && = delete;
  std::vector<StateEntry>::const_iterator begin() const { return entries_.begin(); }
  std::vector<StateEntry>::const_iterator end() const { return entries_.end(); }
  std::size_t size() const { return entries_.size(); }

  /// Free text, saved with the tensors.
  Metadata metadata;
  /// The tensors that load() left out, since gradus lacks their dtype: name and dtype. at() throws
  /// DTypeError for such a name.
  Metadata left_out;

 private:
  std::vector<StateEntry> entries_;
  detail::TextIndex index_;
};

}  // namespace gradus
