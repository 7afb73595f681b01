// Our side of benchmarks/tokenizers/run: what tokenizers_side.py does with the other library.
// usage: tokenizers_side encode TOKENIZER TEXT PASSES THREADS OFFSETS
//   encodes the lines of TEXT in batches; OFFSETS is 0 or 1
// Prints one JSON object.

#include <gradus/framework/base/parallel.h>
#include <gradus/framework/text/tokenizer.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "../peers/json.h"

namespace {

using gradus::Encoding;
using gradus::Tokenizer;

constexpr std::size_t kBatch = 1024;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Of all threads of this process.
double cpu_seconds_now() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// A figure of /proc/self/status in megabytes.
double megabytes(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":")) return std::stod(line.substr(key.size() + 1)) / 1000;
  }
  throw std::runtime_error("no " + key + " in /proc/self/status");
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (lines.empty()) throw std::runtime_error(path + " has no line");
  return lines;
}

template <class F>
void for_each_batch(const std::vector<std::string>& lines, F&& f) {
  const std::span<const std::string> all(lines);
  for (std::size_t i = 0; i < all.size(); i += kBatch)
    f(all.subspan(i, std::min(kBatch, all.size() - i)));
}

void encode(const std::string& path, const std::string& text, int passes, bool offsets) {
  const std::vector<std::string> lines = lines_of(text);
  const gradus::EncodeOptions options{.offsets = offsets};
  const double before = megabytes("VmRSS"), start = seconds_now();
  const Tokenizer tokenizer = Tokenizer::load(path);
  const double load = seconds_now() - start;
  const double peak = megabytes("VmHWM") - before, kept = megabytes("VmRSS") - before;
  std::vector<std::string> seconds, cpu_seconds;
  for (int pass = 0; pass < passes; ++pass) {
    const double begin = seconds_now(), cpu_begin = cpu_seconds_now();
    for_each_batch(lines, [&](auto batch) { tokenizer.encode_batch(batch, options); });
    seconds.push_back(peers::number(seconds_now() - begin));
    cpu_seconds.push_back(peers::number(cpu_seconds_now() - cpu_begin));
  }
  std::uint64_t tokens = 0, checksum = 0;
  for_each_batch(lines, [&](auto batch) {
    for (const Encoding& encoding : tokenizer.encode_batch(batch, options)) {
      for (const std::int64_t id : encoding.ids) {
        ++tokens;
        checksum = (checksum * 31 + static_cast<std::uint64_t>(id)) % 1'000'000'007;
      }
    }
  });
  peers::Json json;
  json.real("load", load).real("peak_mb", peak).real("kept_mb", kept);
  json.raw("seconds", peers::json_array(seconds));
  json.raw("cpu_seconds", peers::json_array(cpu_seconds)).raw("tokens", std::to_string(tokens));
  std::cout << json.raw("checksum", std::to_string(checksum)).str() << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() != 6 || arguments[0] != "encode") {
    throw std::runtime_error("usage: tokenizers_side encode TOKENIZER TEXT PASSES THREADS OFFSETS");
  }
  gradus::set_num_threads(std::stoi(arguments[4]));
  encode(arguments[1], arguments[2], std::stoi(arguments[3]), arguments[5] == "1");
  return 0;
} catch (const std::exception& error) {
  std::cerr << "tokenizers_side: " << error.what() << '\n';
  return 1;
}
