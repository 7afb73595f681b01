#pragma once
#include <gradus/framework/tensor.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// One named tensor of a StateDict.
struct StateEntry {
  std::string name;
  Tensor tensor;
  std::optional<bool> frozen;  ///< of a parameter: whether it was frozen; none if not known
};

/// Named tensors in order, and text that goes with them: what a model or an optimizer saves.
class GRADUS_API StateDict {
 public:
  /// Adds or replaces an entry.
  void set(std::string_view name, const Tensor& tensor, std::optional<bool> frozen = std::nullopt);
  /// The tensor of that name. Throws IndexError listing what there is.
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
  std::map<std::string, std::string> metadata;

 private:
  std::vector<StateEntry> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

}  // namespace gradus
