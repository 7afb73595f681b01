#pragma once

// What both sides of a comparison share: the shapes, the input files, and the loop that obeys the
// runner. No dependencies and C++17, since some of the libraries compared build with nothing newer.

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace peers {

/// Every workload goes round this many batches.
inline constexpr int64_t kBatches = 32;

/// W1: loss = sum(embedding(ids) * cotangent), sparse gradient, SGD. W1b: Adagrad, SparseAdam. W1c:
/// dense gradient, SGD.
namespace w1 {
inline constexpr int64_t kRows = 1'000'000, kWidth = 128, kTokens = 8192;
inline constexpr double kLr = 0.1, kAdamLr = 1e-3;
}  // namespace w1

/// W2: means of bags of 30 to 90 rows, sparse gradient, linear, cross-entropy, SGD.
namespace w2 {
inline constexpr int64_t kRows = 1'000'000, kWidth = 100, kBags = 256, kClasses = 20;
inline constexpr int64_t kShortest = 30, kLongest = 90;
inline constexpr double kLr = 0.1;
}  // namespace w2

/// W3: skip-gram with negative samples, loss = mean over pairs, two sparse tables, SGD.
namespace w3 {
inline constexpr int64_t kRows = 100'000, kWidth = 100, kPairs = 1024, kNegatives = 5;
inline constexpr double kLr = 0.025;
}  // namespace w3

/// W6: linear, relu, linear, relu, linear, cross-entropy, Adam.
namespace w6 {
inline constexpr int64_t kBatch = 128, kIn = 784, kHidden = 512, kClasses = 10;
inline constexpr double kLr = 1e-3;
}  // namespace w6

/// W7: op i of the chain is y + c, y * k, tanh(y) for i mod 3 = 0, 1, 2; loss = sum(y).
namespace w7 {
inline constexpr int64_t kOps = 1000, kWidth = 16;
inline constexpr float kAddend = 0.01F, kFactor = 0.99F;
}  // namespace w7

/// W9: one op forward, and backward from a graph that is kept, on values() of the shapes.
namespace w9 {
inline constexpr int64_t kTanh = 4'000'000;                          // tanh(a * b + c)
inline constexpr int64_t kSoftmaxRows = 8192, kSoftmaxWidth = 1000;  // along the rows
inline constexpr int64_t kNormRows = 4096, kNormWidth = 768;         // layer norm of the rows
inline constexpr int64_t kSumRows = 4096, kSumWidth = 1024;          // over all, over each axis
inline constexpr int64_t kHeads = 8, kTimes = 4096, kHeadSize = 64;  // attention of one sequence
}  // namespace w9

/// W10: Adam's step alone, on gradients that stay: over 100 parameters of 10^3 to 10^5 values, and
/// over one of 10^7. The loss is the first weight.
namespace w10 {
inline constexpr int64_t kParameters = 100, kLarge = 10'000'000;
inline constexpr double kLr = 1e-3;
/// Sizes on a geometric scale, 1,000 to 100,000.
inline std::vector<int64_t> small_sizes() {
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < kParameters; ++i) {
    const double exponent = 3 + 2 * static_cast<double>(i) / static_cast<double>(kParameters - 1);
    sizes.push_back(static_cast<int64_t>(std::pow(10.0, exponent)));
  }
  return sizes;
}
}  // namespace w10

/// W12: the loss of a conditional random field over whole sequences, and the gradients of emissions
/// and scores. W13: CTC, down to the logits. Nothing is trained.
namespace w12 {
inline constexpr int64_t kBatch = 32, kSteps = 100, kLabels = 17;
}  // namespace w12
namespace w13 {
inline constexpr int64_t kBatch = 16, kSteps = 500, kClasses = 60, kTargets = 40;
}  // namespace w13

/// P: products of two matrices, [m, k] x [k, n], of which T is stored transposed.
namespace products {
inline constexpr const char* kNames[] = {
    "P_1024x1024x1024_NN", "P_1024x1024x1024_NT", "P_512x512x512_NN",   "P_512x512x512_TN",
    "P_257x257x257_NT",    "P_4096x200x10000_NT", "P_700x10000x200_NN", "P_10000x700x200_TN",
    "P_20x200x800_NT",     "P_20x800x200_NN",     "P_32x576x192_NN",    "P_128x512x784_NN",
    "P_768x128x512_NT",    "P_64x32x64_NT",       "P_1x512x512_NT",
};
struct Product {
  explicit Product(const std::string& name) {  // as above, with or without "P_"
    char a = 0, b = 0;
    const char* const text = name.c_str() + (name[0] == 'P' ? 2 : 0);
    if (std::sscanf(text, "%ldx%ldx%ld_%c%c", &m, &k, &n, &a, &b) != 5) {
      throw std::runtime_error(name + " is not a product");
    }
    a_transposed = a == 'T';
    b_transposed = b == 'T';
  }
  long m = 0, k = 0, n = 0;
  bool a_transposed = false, b_transposed = false;
};
}  // namespace products

/// `count` values in [-2, 2), the same on every side, for workloads that need no input file.
inline std::vector<float> values(uint64_t seed, int64_t count) {
  std::vector<float> result(static_cast<size_t>(count));
  uint64_t state = seed;
  for (float& value : result) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    value = static_cast<float>(state >> 40) / 4194304.0F - 2.0F;
  }
  return result;
}

/// `count` labels in [low, high), the same on every side.
inline std::vector<int64_t> labels(uint64_t seed, int64_t count, int64_t low, int64_t high) {
  std::vector<int64_t> result;
  for (const float value : values(seed, count)) {
    result.push_back(low + static_cast<int64_t>((value + 2) / 4 * static_cast<float>(high - low)));
  }
  return result;
}

/// The operands of a product as they are stored, whose results have a mean square of about 2 / k.
inline std::pair<std::vector<float>, std::vector<float>> operands(const products::Product& p) {
  std::vector<float> a = values(21, p.m * p.k);
  for (float& value : a) value /= static_cast<float>(p.k);
  return {std::move(a), values(22, p.k * p.n)};
}

/// The values of input `name`: the file `directory/name` is `count` values and nothing else.
template <class T>
std::vector<T> read(const std::string& directory, const std::string& name, int64_t count) {
  const std::string path = directory + "/" + name;
  std::ifstream file(path, std::ios::binary);
  std::vector<T> values(static_cast<size_t>(count));
  const auto bytes = static_cast<std::streamsize>(values.size() * sizeof(T));
  file.read(reinterpret_cast<char*>(values.data()), bytes);
  if (!file || file.peek() != EOF) {
    throw std::runtime_error(path + ": cannot be read, or is not " + std::to_string(bytes) +
                             " bytes: delete the folder and run peer_inputs again");
  }
  return values;
}

/// Bags of W2: batch i has ids[offsets[i][0]:offsets[i][kBags]], and its bags begin at
/// offsets[i][b].
struct Bags {
  explicit Bags(const std::string& directory) {
    offsets = read<int64_t>(directory, "w2_offsets", kBatches * (w2::kBags + 1));
    ids = read<int64_t>(directory, "w2_ids", offsets.back());
  }
  /// The ids of a batch.
  std::vector<int64_t> ids_of(int64_t batch) const {
    return {ids.begin() + start(batch, 0), ids.begin() + start(batch, w2::kBags)};
  }
  /// Where its bags begin among them.
  std::vector<int64_t> offsets_of(int64_t batch) const {
    std::vector<int64_t> result;
    for (int64_t b = 0; b < w2::kBags; ++b) {
      result.push_back(start(batch, b) - start(batch, 0));
    }
    return result;
  }
  int64_t start(int64_t batch, int64_t bag) const {
    return offsets[static_cast<size_t>(batch * (w2::kBags + 1) + bag)];
  }
  std::vector<int64_t> ids, offsets;
};

/// The sum of squared differences between `values` and the input they started from.
inline double squared_distance(const float* values, const std::vector<float>& start) {
  double sum = 0;
  for (size_t i = 0; i < start.size(); ++i) {
    const double difference = static_cast<double>(values[i]) - static_cast<double>(start[i]);
    sum += difference * difference;
  }
  return sum;
}

/// One workload on one side, ready to run.
struct Workload {
  /// Runs training step n and returns its loss.
  std::function<double(int64_t n)> step;
  /// L2 distance of all weights from where they started (P: the absolute sum of the result; W7, W9,
  /// W11 to W14: L2 norm of the gradients, of the result where the workload is a forward pass).
  std::function<double()> moved;
  /// Whether a step changes the weights; if not, one tells as much as fifty.
  bool trains = true;
};

/// What a side can run: a workload and one way of writing it.
struct Variant {
  const char* workload;
  const char* name;
  Workload (*make)(const std::string& inputs, const std::string& variant);
};

/// `variants`, and after them all products. The name of a product's variant is its shape.
inline std::vector<Variant> with_products(std::vector<Variant> variants,
                                          Workload (*product)(const std::string& inputs,
                                                              const std::string& shape)) {
  for (const char* name : products::kNames) variants.push_back({name, name + 2, product});
  return variants;
}

/// The time in seconds.
inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// One side: `set_threads` is called before a workload is made.
struct Side {
  std::string library;
  std::vector<Variant> variants;
  void (*set_threads)(int);
  double (*now)() = seconds_now;
  /// Names and values of what is worth recording of its libraries.
  std::vector<std::pair<std::string, std::string>> (*facts)() = nullptr;
};

/// The main loop of a side.
///
/// `SIDE describe` prints the library, then a line "WORKLOAD VARIANT" for each thing it can run,
/// and a line "@NAME VALUE" for each fact. `SIDE serve WORKLOAD VARIANT THREADS INPUTS` prints
/// "ready", then answers line by line: "check N" runs N steps and prints the loss of the last and
/// how far the weights moved; "run N" runs N more and prints the seconds that they took.
inline int run_side(const Side& side, int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 1 && arguments[0] == "describe") {
    std::cout << side.library << '\n';
    for (const Variant& v : side.variants) std::cout << v.workload << ' ' << v.name << '\n';
    if (side.facts == nullptr) return 0;
    for (const auto& [name, value] : side.facts()) std::cout << '@' << name << ' ' << value << '\n';
    return 0;
  }
  if (arguments.size() != 5 || arguments[0] != "serve") {
    std::cerr << "usage: describe | serve WORKLOAD VARIANT THREADS INPUTS\n";
    return 2;
  }
  side.set_threads(std::stoi(arguments[3]));
  Workload workload;
  for (const Variant& v : side.variants) {
    if (arguments[1] == v.workload && arguments[2] == v.name) {
      workload = v.make(arguments[4], arguments[2]);
    }
  }
  if (!workload.step) throw std::runtime_error("no such workload and variant");

  std::cout << "ready" << std::endl;
  std::string command;
  int64_t count = 0;
  int64_t done = 0;
  while (std::cin >> command >> count) {
    if (command == "check" && !workload.trains) count = 1;
    const double start = side.now();
    double loss = 0;
    for (int64_t i = 0; i < count; ++i) loss = workload.step(done++);
    const double seconds = side.now() - start;
    std::cout.precision(9);
    if (command == "check") {
      std::cout << loss << ' ' << workload.moved() << std::endl;
    } else {
      std::cout << seconds << std::endl;
    }
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << argv[0] << ": " << error.what() << '\n';
  return 1;
}

}  // namespace peers
