#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gradus {

/// The bytes of a fastText model, written field by field as its program does; whatever is changed
/// before bytes() is called is wrong in the file.
struct FastTextBytes {
  struct Entry {
    std::string text;
    std::int64_t count = 1;
    std::int8_t type = 0;
  };
  struct Matrix {
    std::uint8_t quantised = 0;
    std::int64_t rows = 0, columns = 0;
    std::vector<float> values;
  };

  std::int32_t magic = 793712314, version = 12;
  std::int32_t dim = 2, window = 5, epochs = 1, min_count = 1, negatives = 5, word_ngrams = 1;
  std::int32_t loss = 2, task = 2, buckets = 0, minn = 0, maxn = 0, lr_update_rate = 100;
  double sampling = 1e-4;
  std::int32_t size = 0, words = 0, labels = 0;
  std::int64_t tokens = 9, pruned = -1;
  std::vector<Entry> entries;
  std::vector<std::pair<std::int32_t, std::int32_t>> kept;
  Matrix input, output;

  /// Sets all sizes from the options and entries, and fills the matrices with 0.5, 1, 1.5, ...
  void set_sizes() {
    size = static_cast<std::int32_t>(entries.size());
    words = labels = 0;
    for (const Entry& entry : entries) ++(entry.type == 0 ? words : labels);
    const auto n = pruned < 0 ? buckets : static_cast<std::int32_t>(kept.size());
    fill(input, words + n);
    fill(output, task == 3 ? labels : words);
  }

  std::string bytes() const {
    std::string out;
    for (const std::int32_t field :
         {magic, version, dim, window, epochs, min_count, negatives, word_ngrams, loss, task,
          buckets, minn, maxn, lr_update_rate}) {
      put(out, field);
    }
    put(out, sampling);
    for (const std::int32_t field : {size, words, labels}) put(out, field);
    put(out, tokens);
    put(out, pruned);
    for (const Entry& entry : entries) {
      out.append(entry.text).push_back('\0');
      put(out, entry.count);
      put(out, entry.type);
    }
    for (const auto& [bucket, row] : kept) {
      put(out, bucket);
      put(out, row);
    }
    for (const Matrix* matrix : {&input, &output}) {
      put(out, matrix->quantised);
      put(out, matrix->rows);
      put(out, matrix->columns);
      for (const float value : matrix->values) put(out, value);
    }
    return out;
  }

 private:
  template <class T>
  static void put(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void fill(Matrix& matrix, std::int64_t rows) const {
    matrix.rows = rows;
    matrix.columns = dim;
    matrix.values.clear();
    for (std::int64_t i = 1; i <= rows * dim; ++i) {
      matrix.values.push_back(static_cast<float>(i) / 2);
    }
  }
};

}  // namespace gradus
