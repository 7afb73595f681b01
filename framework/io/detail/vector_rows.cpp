#include <gradus/framework/io/detail/vector_rows.h>

#include <algorithm>

namespace gradus::detail {

// Without vectors, one row serves for all.
VectorRows::VectorRows(std::int64_t columns, const Vocabulary* vocabulary, std::int64_t expected,
                       KeptRows kept)
    : vocabulary_(vocabulary),
      kept_(kept),
      matrix_(columns, kept == KeptRows::words ? 1
                       : vocabulary == nullptr ? expected
                                               : 0) {
  if (vocabulary != nullptr) row_of_.assign(static_cast<std::size_t>(vocabulary->size()), -1);
}

void VectorRows::note_duplicate(std::int64_t row) {
  ++duplicates_;
  repeated_.insert(row);
}

bool VectorRows::wants(std::string_view word) {
  if (vocabulary_ == nullptr) return true;
  const auto id = vocabulary_->find(word);
  if (!id) return false;
  const std::int64_t row = row_of_[static_cast<std::size_t>(*id)];
  if (row < 0) return true;
  note_duplicate(row);
  return false;
}

void VectorRows::keep(std::string_view word) {
  const auto id = vocabulary_ == nullptr ? std::nullopt : vocabulary_->find(word);
  if (vocabulary_ != nullptr && !id) return;
  const std::int64_t row = words_.size(), place = words_.add(word);
  if (place < row) return note_duplicate(place);
  if (id) row_of_[static_cast<std::size_t>(*id)] = row;
  if (kept_ == KeptRows::vectors) matrix_.add_row();
}

void VectorRows::finish(WordVectors& result) {
  std::vector<std::int64_t> rows(repeated_.begin(), repeated_.end());
  std::sort(rows.begin(), rows.end());
  result.report.duplicates = duplicates_;
  for (const std::int64_t row : rows) {
    result.report.duplicate_words.push_back(words_.texts()[static_cast<std::size_t>(row)]);
  }
  result.matrix = matrix_.finish();
  result.words = words_.texts();
}

}  // namespace gradus::detail
