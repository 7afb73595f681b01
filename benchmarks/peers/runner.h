#pragma once

// What the rows of the comparison share: options, the programs that take part, and statistics.

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cpu_name.h"
#include "json.h"
#include "process.h"

namespace peers {

struct Options {
  std::string inputs, ours, limit, products, machine, json;
  std::string texts, text_ours, text_peer, word_pairs;  // of the rows F1 and F2
  std::vector<std::string> peers, filters;
  std::vector<int> threads, cores;
  int rounds = 15;
  double seconds = 0.1;  // a process runs about so long in a round
};

/// Whether somebody asked for the row.
inline bool wanted(const Options& options, const std::string& workload) {
  return options.filters.empty() ||
         std::any_of(options.filters.begin(), options.filters.end(),
                     [&](const std::string& f) { return workload.find(f) != std::string::npos; });
}

/// The last `threads` of the cores: the first ones serve most interrupts.
inline std::vector<int> cores_for(const Options& options, int threads) {
  return {options.cores.end() - threads, options.cores.end()};
}

inline Process::Environment environment(int threads, bool passive) {
  const std::string count = std::to_string(threads);
  Process::Environment all{
      {"OMP_NUM_THREADS", count}, {"OPENBLAS_NUM_THREADS", count}, {"MKL_NUM_THREADS", count}};
  if (passive) all.emplace_back("OMP_WAIT_POLICY", "passive");
  return all;
}

/// Ours, what it is compared with, the steps written by hand, and the products of a step alone.
enum class Role { ours, peer, limit, products };

/// What a program says of itself.
struct Binary {
  std::string path, library;
  Role role = Role::peer;
  std::vector<std::pair<std::string, std::string>> variants;  // workload, variant
  std::vector<std::pair<std::string, std::string>> facts;     // names and values

  bool is_limit() const { return role == Role::limit || role == Role::products; }
  bool has(const std::string& workload) const {
    return std::any_of(variants.begin(), variants.end(),
                       [&](const auto& variant) { return variant.first == workload; });
  }
};

inline Binary describe(const std::string& path, Role role) {
  Process process({path, "describe"}, {}, {});
  Binary binary{path, process.read_line(), role, {}, {}};
  for (std::string line; process.try_read_line(line);) {
    const size_t space = line.find(' ');
    const std::string rest = line.substr(space + 1);
    if (line[0] == '@') {
      binary.facts.emplace_back(line.substr(1, space - 1), rest);
    } else {
      binary.variants.emplace_back(line.substr(0, space), rest);
    }
  }
  return binary;
}

inline double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

inline double median(const std::vector<double>& values) { return quantile(values, 0.5); }

inline double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

inline void add_ratio(Json& json, const std::vector<double>& ratios) {
  json.real("ratio", median(ratios)).real("ratio_p25", quantile(ratios, 0.25));
  json.real("ratio_p75", quantile(ratios, 0.75));
}

/// What a row is worth: a comparison, one whose sides did not do the same, or figures of one side.
enum class Outcome { compared, is_void, not_compared };

/// The fields that say so. A row without a comparison is neither void nor not.
inline void add_outcome(Json& json, Outcome outcome) {
  json.boolean("compared", outcome != Outcome::not_compared);
  if (outcome == Outcome::not_compared) {
    json.null("void");
  } else {
    json.boolean("void", outcome == Outcome::is_void);
  }
}

/// One finished row.
struct Report {
  std::string workload, json;
  Outcome outcome = Outcome::compared;
};

}  // namespace peers
