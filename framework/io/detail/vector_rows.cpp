#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/detail/vector_rows.h>

#include <algorithm>
#include <utility>

namespace gradus::detail {
namespace {

constexpr std::int64_t first_numbers = std::int64_t{1} << 14U;  // room for these at the beginning

// The first rows of a matrix. It keeps the memory of few others, which was never touched.
Tensor first_rows(const Tensor& matrix, std::int64_t rows, std::int64_t columns) {
  const Shape shape{rows, columns};
  if (matrix.size(0) - rows <= rows / 8) {
    return Access::make(Access::body(matrix).storage, 0, shape, DType::float32);
  }
  Tensor exact = empty(shape);
  std::copy_n(matrix.data<float>(), exact.numel(), exact.mutable_data<float>());
  return exact;
}

}  // namespace

VectorRows::VectorRows(std::int64_t columns, const Vocabulary* vocabulary, std::int64_t expected,
                       KeptRows kept)
    : columns_(columns), room_(0), vocabulary_(vocabulary), kept_(kept) {
  if (vocabulary != nullptr) row_of_.assign(static_cast<std::size_t>(vocabulary->size()), -1);
  if (kept == KeptRows::words) expected = 1;  // which serves for all rows
  if (vocabulary == nullptr && expected > 0) {
    room_ = expected;
    matrix_ = empty({room_, columns_});
    values_ = matrix_.mutable_data<float>();
  }
}

void VectorRows::grow() {
  const std::int64_t rows = words_.size();
  room_ = std::max(room_ + room_ / 2 + 1, first_numbers / columns_);
  Tensor larger = empty({room_, columns_});
  float* values = larger.mutable_data<float>();
  if (rows > 0) std::copy_n(values_, rows * columns_, values);
  matrix_ = std::move(larger);
  values_ = values;
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

float* VectorRows::free_row() {
  if (kept_ == KeptRows::words) return values_;
  if (words_.size() == room_) grow();
  return values_ + words_.size() * columns_;
}

void VectorRows::keep(std::string_view word) {
  const std::int64_t row = words_.size();
  const std::int64_t place = words_.add(word);
  if (place < row) return note_duplicate(place);
  if (vocabulary_ != nullptr) row_of_[static_cast<std::size_t>(*vocabulary_->find(word))] = row;
}

void VectorRows::finish(WordVectors& result) {
  std::vector<std::int64_t> rows(repeated_.begin(), repeated_.end());
  std::sort(rows.begin(), rows.end());
  result.report.duplicates = duplicates_;
  for (const std::int64_t row : rows) {
    result.report.duplicate_words.push_back(words_.texts()[static_cast<std::size_t>(row)]);
  }
  const std::int64_t kept = words_.size();
  const bool has_rows = kept > 0 && kept_ == KeptRows::vectors;
  result.matrix = !has_rows       ? empty({0, columns_})
                  : kept == room_ ? std::move(matrix_)
                                  : first_rows(matrix_, kept, columns_);
  result.words = words_.texts();
}

}  // namespace gradus::detail
