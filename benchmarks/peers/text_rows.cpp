#include "text_rows.h"

#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX

#include <cctype>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <stdexcept>

namespace peers {
namespace {

constexpr int kSeeds = 5;

/// A row, and by how much ours may be worse than the peer.
struct Task {
  const char* workload;
  const char* text;     // what both train on
  const char* quality;  // what is compared
  double tolerance;
};

const std::vector<Task> kTasks{{"F1_supervised", "F1_train.txt", "accuracy", 0.005},
                               {"F2_skip_gram", "F2_text.txt", "similarity", 0.02}};

std::ifstream open(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  return file;
}

/// Average ranks: equal values share theirs.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> result(values.size());
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (size_t i = begin; i < end; ++i) {
      result[order[i]] = static_cast<double>(begin + end - 1) / 2;
    }
  }
  return result;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const double mean_a = mean(a), mean_b = mean(b);
  double product = 0, square_a = 0, square_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += (a[i] - mean_a) * (b[i] - mean_b);
    square_a += (a[i] - mean_a) * (a[i] - mean_a);
    square_b += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return product / std::sqrt(square_a * square_b);
}

struct Pair {
  std::string first, second;
  double score;
};

std::string lower(std::string word) {
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word;
}

std::vector<Pair> read_pairs(const std::string& path) {
  std::ifstream file = open(path);
  std::vector<Pair> pairs;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    Pair pair;
    if (fields >> pair.first >> pair.second >> pair.score) {  // others are comments and headers
      pairs.push_back({lower(pair.first), lower(pair.second), pair.score});
    }
  }
  return pairs;
}

using Vectors = std::map<std::string, std::vector<double>>;

/// Of length 1, those of the words that the pairs have.
Vectors read_vectors(const std::string& path, const std::vector<Pair>& pairs) {
  Vectors vectors;
  for (const Pair& pair : pairs) vectors[pair.first], vectors[pair.second];
  std::ifstream file = open(path);
  std::string line, word;
  std::getline(file, line);  // how many there are
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    fields >> word;
    const auto place = vectors.find(word);
    if (place == vectors.end()) continue;
    std::vector<double>& vector = place->second;
    double square = 0;
    for (double value = 0; fields >> value; square += value * value) vector.push_back(value);
    for (double& value : vector) value /= std::sqrt(square);
  }
  return vectors;
}

/// One side of a row and what it has measured, a value for each seed.
struct Trained {
  const Binary* binary = nullptr;
  std::vector<double> rates, qualities;  // words per second; what was learnt
};

/// A folder that goes with this.
struct Scratch {
  Scratch() {
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no folder for the trainings");
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path = (std::filesystem::temp_directory_path() / "peers-XXXXXX").string();
};

double quality(const Options& options, const Task& task, const std::string& output) {
  if (task.quality == std::string("accuracy")) {
    return accuracy(output + "/labels", options.texts + "/F1_test.txt");
  }
  if (options.word_pairs.empty()) return NAN;
  return similarity(output + "/vectors.txt", options.word_pairs);
}

void train(const Options& options, const Task& task, int threads, int seed, Trained& side) {
  const Scratch scratch;
  Process process({side.binary->path, "train", task.workload, std::to_string(threads),
                   std::to_string(seed), options.texts, scratch.path},
                  cores_for(options, threads), environment(threads, false));
  std::string line, last;
  while (process.try_read_line(line)) last = line;
  process.wait();
  if (!process.succeeded()) throw std::runtime_error(side.binary->path + ": failed");
  side.rates.push_back(std::stod(last));
  side.qualities.push_back(quality(options, task, scratch.path));
}

std::string options_of(const Binary& binary, const std::string& workload) {
  for (const auto& [name, text] : binary.variants) {
    if (name == workload) return text;
  }
  return {};
}

void print_side(const Trained& side, const Task& task) {
  std::printf(" %10.0f words/s %s ", median(side.rates), task.quality);
  const double value = mean(side.qualities);
  std::printf("%s", std::isnan(value) ? "-" : format("%.4f", value).c_str());
}

/// What is wrong with the row, or nothing.
std::string objection(const Task& task, const Trained* ours, const Trained* peer,
                      Outcome& outcome) {
  outcome = Outcome::not_compared;
  if (ours == nullptr) return std::string("NOT COMPARED: gradus has no ") + task.workload;
  if (peer == nullptr) return "NOT COMPARED: no peer";
  const double difference = mean(ours->qualities) - mean(peer->qualities);
  if (std::isnan(difference)) return std::string("NOT COMPARED: no ") + task.quality;
  outcome = difference < -task.tolerance ? Outcome::is_void : Outcome::compared;
  if (outcome == Outcome::compared) return {};
  return std::string("VOID: ") + task.quality + format(" %.4f lower", -difference);
}

/// Prints a row and puts it into JSON; either side may be missing.
Report report(const Task& task, int threads, const Trained* ours, const Trained* peer) {
  Json json;
  json.text("workload", task.workload).integer("threads", threads).text("quality", task.quality);
  std::printf("%-26s %d thread%s  ours", task.workload, threads, threads == 1 ? " " : "s");
  const auto add = [&](const Trained* side, const std::string& name) {
    if (side == nullptr) return void(json.null(name + "_words_per_second"));
    print_side(*side, task);
    json.real(name + "_words_per_second", median(side->rates));
    json.real(name + "_" + task.quality, mean(side->qualities));
    json.text(name + "_options", options_of(*side->binary, task.workload));
  };
  if (ours == nullptr) std::printf("          - ");
  add(ours, "ours");
  if (peer != nullptr) std::printf("  | %s", peer->binary->library.c_str());
  add(peer, "peer");
  if (peer != nullptr) json.text("peer", peer->binary->library);
  if (ours != nullptr && peer != nullptr) {
    std::vector<double> ratios;
    for (size_t i = 0; i < ours->rates.size(); ++i) {
      ratios.push_back(ours->rates[i] / peer->rates[i]);
    }
    std::printf(" %6.2fx [%.2f, %.2f]", median(ratios), quantile(ratios, 0.25),
                quantile(ratios, 0.75));
    add_ratio(json, ratios);
  }
  Outcome outcome = Outcome::compared;
  const std::string objected = objection(task, ours, peer, outcome);
  std::printf("%s%s\n", objected.empty() ? "" : " ", objected.c_str());
  std::fflush(stdout);
  add_outcome(json, outcome);
  json.integer("seeds", static_cast<int>((ours != nullptr ? ours : peer)->rates.size()));
  return {task.workload, json.str(), outcome};
}

Report measure(const Options& options, const Task& task, int threads,
               const std::vector<Binary>& binaries) {
  std::vector<Trained> sides;
  for (const Binary& binary : binaries) {
    if (binary.has(task.workload)) sides.push_back({&binary, {}, {}});
  }
  for (int seed = 1; seed <= std::min(kSeeds, options.rounds); ++seed) {
    for (Trained& side : sides) train(options, task, threads, seed, side);
    std::reverse(sides.begin(), sides.end());
  }
  const auto find = [&](Role role) -> const Trained* {
    for (const Trained& side : sides) {
      if (side.binary->role == role) return &side;
    }
    return nullptr;
  };
  return report(task, threads, find(Role::ours), find(Role::peer));
}

}  // namespace

double accuracy(const std::string& labels, const std::string& truth) {
  std::ifstream guesses = open(labels), lines = open(truth);
  std::string guess, line, label;
  double right = 0, all = 0;
  for (; std::getline(lines, line); ++all) {
    if (!std::getline(guesses, guess)) throw std::runtime_error(labels + ": lines are missing");
    std::istringstream(line) >> label;
    if (guess == label) ++right;
  }
  return right / all;
}

double similarity(const std::string& vectors_path, const std::string& pairs_path) {
  const std::vector<Pair> pairs = read_pairs(pairs_path);
  const Vectors vectors = read_vectors(vectors_path, pairs);
  std::vector<double> scores, cosines;
  for (const Pair& pair : pairs) {
    const std::vector<double>& a = vectors.at(pair.first);
    const std::vector<double>& b = vectors.at(pair.second);
    if (a.empty() || b.empty()) continue;
    scores.push_back(pair.score);
    cosines.push_back(std::inner_product(a.begin(), a.end(), b.begin(), 0.0));
  }
  if (scores.size() < 3) {
    throw std::runtime_error(pairs_path + ": fewer than three pairs \"word word score\" of words " +
                             "that have a vector");
  }
  return correlation(ranks(scores), ranks(cosines));
}

void text_rows(const Options& options, const std::function<void(const Report&)>& keep) {
  std::vector<Binary> binaries;
  if (!options.text_ours.empty()) binaries.push_back(describe(options.text_ours, Role::ours));
  if (!options.text_peer.empty()) binaries.push_back(describe(options.text_peer, Role::peer));
  for (const Task& task : kTasks) {
    const bool known = std::any_of(binaries.begin(), binaries.end(),
                                   [&](const Binary& b) { return b.has(task.workload); });
    if (!known || !wanted(options, task.workload)) continue;
    if (!std::filesystem::exists(options.texts + "/" + task.text)) continue;
    for (const int threads : options.threads) keep(measure(options, task, threads, binaries));
  }
}

}  // namespace peers
