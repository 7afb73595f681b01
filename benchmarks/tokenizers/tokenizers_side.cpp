// Our side of benchmarks/tokenizers/run: what tokenizers_side.py does with the other library.
// usage: tokenizers_side encode TOKENIZER TEXT PASSES THREADS OFFSETS
//   encodes the lines of TEXT in batches; OFFSETS is 0 or 1
//        tokenizers_side train SIZE TEXT PASSES THREADS
//   trains a byte-pair encoding of SIZE tokens on the lines
// Prints one JSON object.

#include <gradus/framework/base/parallel.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/framework/text/tokenizer_training.h>
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

/// Seconds of each pass, by the clock and of the processor.
template <class F>
void time_passes(int passes, peers::Json& json, F&& pass) {
  std::vector<std::string> seconds, cpu_seconds;
  for (int i = 0; i < passes; ++i) {
    const double begin = seconds_now(), cpu_begin = cpu_seconds_now();
    pass();
    seconds.push_back(peers::number(seconds_now() - begin));
    cpu_seconds.push_back(peers::number(cpu_seconds_now() - cpu_begin));
  }
  json.raw("seconds", peers::json_array(seconds));
  json.raw("cpu_seconds", peers::json_array(cpu_seconds));
}

/// How many ids the lines have, and a checksum of them.
void count_ids(const Tokenizer& tokenizer, const std::vector<std::string>& lines,
               const gradus::EncodeOptions& options, peers::Json& json) {
  std::uint64_t tokens = 0, checksum = 0;
  for_each_batch(lines, [&](auto batch) {
    for (const Encoding& encoding : tokenizer.encode_batch(batch, options)) {
      for (const std::int64_t id : encoding.ids) {
        ++tokens;
        checksum = (checksum * 31 + static_cast<std::uint64_t>(id)) % 1'000'000'007;
      }
    }
  });
  json.raw("tokens", std::to_string(tokens)).raw("checksum", std::to_string(checksum));
}

void encode(const std::string& path, const std::string& text, int passes, bool offsets) {
  const std::vector<std::string> lines = lines_of(text);
  const gradus::EncodeOptions options{.offsets = offsets};
  const double before = megabytes("VmRSS"), start = seconds_now();
  const Tokenizer tokenizer = Tokenizer::load(path);
  const double load = seconds_now() - start;
  const double peak = megabytes("VmHWM") - before, kept = megabytes("VmRSS") - before;
  peers::Json json;
  json.real("load", load).real("peak_mb", peak).real("kept_mb", kept);
  time_passes(passes, json, [&] {
    for_each_batch(lines, [&](auto batch) { tokenizer.encode_batch(batch, options); });
  });
  count_ids(tokenizer, lines, options, json);
  std::cout << json.str() << '\n';
}

void train(std::int64_t size, const std::string& text, int passes) {
  const std::vector<std::string> lines = lines_of(text);
  const gradus::BpeTraining options{.vocabulary_size = size};
  peers::Json json;
  time_passes(passes, json, [&] { gradus::train_bpe(lines, options); });
  count_ids(gradus::train_bpe(lines, options), lines, {.offsets = false}, json);
  std::cout << json.str() << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 6 && arguments[0] == "encode") {
    gradus::set_num_threads(std::stoi(arguments[4]));
    encode(arguments[1], arguments[2], std::stoi(arguments[3]), arguments[5] == "1");
  } else if (arguments.size() == 5 && arguments[0] == "train") {
    gradus::set_num_threads(std::stoi(arguments[4]));
    train(std::stoll(arguments[1]), arguments[2], std::stoi(arguments[3]));
  } else {
    throw std::runtime_error(
        "usage: tokenizers_side encode TOKENIZER TEXT PASSES THREADS OFFSETS | "
        "tokenizers_side train SIZE TEXT PASSES THREADS");
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "tokenizers_side: " << error.what() << '\n';
  return 1;
}
