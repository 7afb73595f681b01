// Writes the files that every side of the comparison reads: ids, data and initial weights.
// usage: peer_inputs FOLDER (does nothing if the folder is complete)

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <random>

#include "models.h"
#include "workloads.h"

namespace {

using peers::kBatches;
namespace w1 = peers::w1;
namespace w2 = peers::w2;
namespace w3 = peers::w3;
namespace w4 = peers::w4;
namespace w5 = peers::w5;
namespace w6 = peers::w6;
namespace w7 = peers::w7;
namespace w8 = peers::w8;
namespace w11 = peers::w11;

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

std::vector<float> start_of(const peers::Parameter& parameter, uint64_t seed) {
  const auto scale = static_cast<float>(parameter.scale);
  switch (parameter.start) {
    case peers::Start::uniform:
      return uniform(parameter.scale, seed, parameter.numel());
    case peers::Start::normal:
      return normal(scale, seed, parameter.numel());
    case peers::Start::constant:
      break;
  }
  return std::vector<float>(static_cast<size_t>(parameter.numel()), scale);
}

/// The weights of a model, from seeds `seed`, `seed + 1`, ...
void write_parameters(const std::filesystem::path& folder,
                      const std::vector<peers::Parameter>& parameters, uint64_t seed) {
  for (const peers::Parameter& parameter : parameters) {
    write(folder / parameter.name, start_of(parameter, seed++));
  }
}

std::vector<int64_t> labels(int64_t classes, uint64_t seed, int64_t count) {
  std::mt19937_64 source(seed);
  std::vector<int64_t> values(static_cast<size_t>(count));
  for (int64_t& value : values) {
    value = static_cast<int64_t>(source() % static_cast<uint64_t>(classes));
  }
  return values;
}

/// Sequences of uniform lengths, and a cotangent that ends where they do.
void write_sequences(const std::filesystem::path& folder) {
  constexpr uint64_t kSeed = 1256;  // fills 0.525 of the positions, as the mean length would
  std::vector<int64_t> lengths = labels(w11::kLongest - w11::kShortest + 1, kSeed, w11::kBatch);
  for (int64_t& length : lengths) length += w11::kShortest;
  std::vector<float> cotangent = normal(1e-3F, 61, w11::kBatch * w11::kSteps * w11::kWidth);
  for (int64_t b = 0; b < w11::kBatch; ++b) {
    const int64_t end = lengths[static_cast<size_t>(b)];
    const auto row = cotangent.begin() + b * w11::kSteps * w11::kWidth;
    std::fill(row + end * w11::kWidth, row + w11::kSteps * w11::kWidth, 0.0F);
  }
  write(folder / "w11_lengths", lengths);
  write(folder / "w11_cotangent", cotangent);
  write(folder / "w11_x", normal(1, 62, w11::kBatch * w11::kSteps * w11::kWidth));
  write_parameters(folder, w11::parameters(), 63);
}

void write_models(const std::filesystem::path& folder) {
  write(folder / "w4_ids", zipf(w4::kWords, 1.0, 42, kBatches * (w4::kSteps + 1) * w4::kBatch));
  write_parameters(folder, w4::parameters(), 100);

  write(folder / "w5_ids", zipf(w5::kWords, 1.0, 42, kBatches * w5::kBatch * (w5::kSteps + 1)));
  write_parameters(folder, w5::parameters(), 200);

  write(folder / "w8_ids", zipf(w8::kWords, 1.0, 42, kBatches * w8::kBatch * w8::kSteps));
  write(folder / "w8_labels", labels(w8::kClasses, 300, kBatches * w8::kBatch));
  write_parameters(folder, w8::parameters(), 301);

  write_sequences(folder);
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
  write(folder / "w6_labels", labels(w6::kClasses, 7, kBatches * w6::kBatch));
  write_linear(folder, "w6_0", w6::kIn, w6::kHidden, 8);
  write_linear(folder, "w6_1", w6::kHidden, w6::kHidden, 10);
  write_linear(folder, "w6_2", w6::kHidden, w6::kClasses, 12);

  write(folder / "w7_x", normal(1, 14, w7::kWidth));

  write_models(folder);
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
