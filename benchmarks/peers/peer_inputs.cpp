// Writes the files that every side of the comparison reads: ids, data and initial weights.
// usage: peer_inputs FOLDER (does nothing if the folder is complete)

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <random>

#include "workloads.h"

namespace {

using peers::kBatches;
namespace w1 = peers::w1;
namespace w2 = peers::w2;
namespace w3 = peers::w3;
namespace w6 = peers::w6;
namespace w7 = peers::w7;

/// Ids drawn with probability proportional to 1 / (id + 1)^power.
std::vector<int64_t> zipf(int64_t rows, double power, uint64_t seed, int64_t count) {
  std::vector<double> cumulative(static_cast<size_t>(rows));
  double sum = 0;
  for (size_t i = 0; i < cumulative.size(); ++i) {
    sum += std::pow(static_cast<double>(i + 1), -power);
    cumulative[i] = sum;
  }
  std::mt19937_64 source(seed);
  std::uniform_real_distribution<double> uniform(0, sum);
  std::vector<int64_t> ids(static_cast<size_t>(count));
  for (int64_t& id : ids) {
    const auto at = std::lower_bound(cumulative.begin(), cumulative.end(), uniform(source));
    id = std::min<int64_t>(rows - 1, at - cumulative.begin());
  }
  return ids;
}

template <class Distribution>
std::vector<float> floats(Distribution distribution, uint64_t seed, int64_t count) {
  std::mt19937_64 source(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = distribution(source);
  return values;
}

std::vector<float> normal(float deviation, uint64_t seed, int64_t count) {
  return floats(std::normal_distribution<float>(0, deviation), seed, count);
}

std::vector<float> uniform(double limit, uint64_t seed, int64_t count) {
  const auto bound = static_cast<float>(limit);
  return floats(std::uniform_real_distribution<float>(-bound, bound), seed, count);
}

template <class T>
void write(const std::filesystem::path& path, const std::vector<T>& values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(T)));
  file.close();
  if (!file) throw std::runtime_error(path.string() + ": cannot be written: is the disk full?");
}

/// PyTorch's initial weight and bias of a linear layer: uniform within 1 / sqrt(inputs).
void write_linear(const std::filesystem::path& folder, const std::string& name, int64_t in,
                  int64_t out, uint64_t seed) {
  const double limit = 1 / std::sqrt(static_cast<double>(in));
  write(folder / (name + "_weight"), uniform(limit, seed, out * in));  // [out, in]
  write(folder / (name + "_bias"), uniform(limit, seed + 1, out));
}

/// Ids of words that a hash scatters over the table, in documents of uniform length.
void write_bags(const std::filesystem::path& folder) {
  std::mt19937_64 source(20);
  std::vector<int64_t> offsets;
  int64_t tokens = 0;
  for (int64_t batch = 0; batch < kBatches; ++batch) {
    for (int64_t b = 0; b < w2::kBags; ++b) {
      offsets.push_back(tokens);
      tokens += w2::kShortest + static_cast<int64_t>(source() % (w2::kLongest - w2::kShortest + 1));
    }
    offsets.push_back(tokens);
  }
  std::vector<int64_t> rows(static_cast<size_t>(w2::kRows));
  std::iota(rows.begin(), rows.end(), 0);
  std::shuffle(rows.begin(), rows.end(), source);
  std::vector<int64_t> ids = zipf(w2::kRows, 1.0, 42, tokens);
  for (int64_t& id : ids) id = rows[static_cast<size_t>(id)];
  std::vector<int64_t> labels(static_cast<size_t>(kBatches * w2::kBags));
  for (int64_t& label : labels) label = static_cast<int64_t>(source() % w2::kClasses);
  write(folder / "w2_offsets", offsets);
  write(folder / "w2_ids", ids);
  write(folder / "w2_labels", labels);
  write(folder / "w2_table", normal(1, 21, w2::kRows * w2::kWidth));
  write_linear(folder, "w2", w2::kWidth, w2::kClasses, 22);
}

void write_all(const std::filesystem::path& folder) {
  write(folder / "w1_ids", zipf(w1::kRows, 1.0, 42, kBatches * w1::kTokens));
  write(folder / "w1_cotangent", normal(1e-3F, 2, w1::kTokens * w1::kWidth));
  write(folder / "w1_table", normal(1, 3, w1::kRows * w1::kWidth));

  write_bags(folder);

  write(folder / "w3_centers", zipf(w3::kRows, 1.0, 42, kBatches * w3::kPairs));
  write(folder / "w3_contexts", zipf(w3::kRows, 1.0, 44, kBatches * w3::kPairs));
  write(folder / "w3_negatives", zipf(w3::kRows, 0.75, 43, kBatches * w3::kPairs * w3::kNegatives));
  const double limit = 0.5 / static_cast<double>(w3::kWidth);
  write(folder / "w3_in_table", uniform(limit, 4, w3::kRows * w3::kWidth));
  write(folder / "w3_out_table", uniform(limit, 5, w3::kRows * w3::kWidth));

  write(folder / "w6_inputs", normal(1, 6, kBatches * w6::kBatch * w6::kIn));
  std::vector<int64_t> labels(static_cast<size_t>(kBatches * w6::kBatch));
  std::mt19937_64 source(7);
  for (int64_t& label : labels) label = static_cast<int64_t>(source() % w6::kClasses);
  write(folder / "w6_labels", labels);
  write_linear(folder, "w6_0", w6::kIn, w6::kHidden, 8);
  write_linear(folder, "w6_1", w6::kHidden, w6::kHidden, 10);
  write_linear(folder, "w6_2", w6::kHidden, w6::kClasses, 12);

  write(folder / "w7_x", normal(1, 14, w7::kWidth));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::runtime_error("usage: peer_inputs FOLDER");
  const std::filesystem::path folder = argv[1];
  if (std::filesystem::exists(folder)) return 0;
  const std::filesystem::path unfinished = folder.string() + ".unfinished";
  std::filesystem::create_directories(unfinished);
  write_all(unfinished);
  std::filesystem::rename(unfinished, folder);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "peer_inputs: " << error.what() << '\n';
  return 1;
}
