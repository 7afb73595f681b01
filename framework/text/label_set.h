#pragma once
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// The names of classes and their ids 0, 1, ..., size() - 1.
///   LabelSet labels;
///   for (const LabeledText& sample : train) labels.add(sample.label);
class GRADUS_API LabelSet {
 public:
  LabelSet() = default;
  /// The names in order. Throws ValueError for one that is listed twice.
  explicit LabelSet(const std::vector<std::string>& names);

  /// The id of a name. A new one gets the next id.
  std::int64_t add(std::string_view name) { return names_.add(name); }
  void add(std::span<const std::string> names);
  void add(std::initializer_list<std::string_view> names);
  /// The same names in byte order ("10" comes before "2"), so that ids do not depend on the order
  /// of the samples.
  LabelSet sorted() const;

  std::int64_t size() const { return names_.size(); }
  bool contains(std::string_view name) const { return names_.find(name) >= 0; }
  /// The id of a name, or nullopt.
  std::optional<std::int64_t> find(std::string_view name) const;
  /// The id of a name. Throws IndexError, naming the closest ones, if it is not in the set.
  std::int64_t id(std::string_view name) const;
  /// The ids of names, in order. Throws like id().
  std::vector<std::int64_t> ids(std::span<const std::string> names) const;
  std::vector<std::int64_t> ids(std::initializer_list<std::string_view> names) const;
  /// Throws IndexError for an id outside [0, size()).
  const std::string& name(std::int64_t id) const;
  const std::vector<std::string>& names() const { return names_.texts(); }  ///< by id

  /// The set as text, for the metadata of a model's file:
  ///   state.metadata["labels"] = labels.text();
  ///   const LabelSet labels = LabelSet::from_text(state.metadata.at("labels"));
  std::string text() const;
  /// Throws FormatError naming the line that is wrong.
  static LabelSet from_text(std::string_view text);

 private:
  detail::TextIndex names_;
};

/// Writes text(), a name a line by id, replacing the file as a whole (see AtomicFile).
GRADUS_API void save_labels(const LabelSet& labels, const std::string& path);
/// Throws Error if the file cannot be read, FormatError naming the line that is wrong.
GRADUS_API LabelSet load_labels(const std::string& path);

}  // namespace gradus
