#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/data/detail/sentence_windows.h>

#include <algorithm>
#include <cmath>

namespace gradus::detail {
namespace {

void check(const char* user, const WordWindowOptions& options) {
  const auto check_positive = [user](const char* name, std::int64_t value) {
    if (value <= 0)
      throw ValueError(fmt::format("{}: {} is {}, it must be above 0", user, name, value));
  };
  check_positive("batch_size", options.batch_size);
  check_positive("window", options.window);
  if (options.epochs < 0) {
    throw ValueError(fmt::format("{}: epochs is {}, it must be at least 0", user, options.epochs));
  }
  if (!(options.subsample >= 0) || std::isinf(options.subsample)) {
    throw ValueError(fmt::format("{}: subsample is {}: it must be 0 or a positive frequency", user,
                                 options.subsample));
  }
}

/// With which probability each word is kept.
std::vector<double> keep_rates(const char* user, std::span<const std::int64_t> counts, double t) {
  double total = 0;
  for (std::size_t w = 0; w < counts.size(); ++w) {
    if (counts[w] < 0) {
      throw ValueError(fmt::format("{}: the count {} of word {} is negative", user, counts[w], w));
    }
    total += static_cast<double>(counts[w]);
  }
  std::vector<double> rates;
  rates.reserve(counts.size());
  for (const std::int64_t count : counts) {
    const double ratio = t * total / static_cast<double>(std::max<std::int64_t>(count, 1));
    rates.push_back(t > 0 ? std::sqrt(ratio) + ratio : 1.0);
  }
  return rates;
}

}  // namespace

SentenceWindows::SentenceWindows(const char* user,
                                 std::span<const std::vector<std::int64_t>> sentences,
                                 std::span<const std::int64_t> counts,
                                 const WordWindowOptions& options, Generator& generator)
    : sentences_(sentences), options_(options), generator_(&generator) {
  check(user, options);
  keep_ = keep_rates(user, counts, options.subsample);
  const auto words = static_cast<std::int64_t>(counts.size());
  for (std::size_t s = 0; s < sentences.size(); ++s) {
    for (const std::int64_t word : sentences[s]) {
      if (word >= 0 && word < words) continue;
      throw IndexError(
          fmt::format("{}: word {} of sentence {} is outside [0, {})", user, word, s, words));
    }
    words_ += static_cast<std::int64_t>(sentences[s].size());
  }
}

bool SentenceWindows::next() {
  kept_.clear();
  if (position_ == order_.size()) {
    if (epoch_ == options_.epochs) return false;
    ++epoch_;
    const Tensor order = randperm(static_cast<std::int64_t>(sentences_.size()), *generator_);
    order_.assign(order.span<std::int64_t>().begin(), order.span<std::int64_t>().end());
    position_ = 0;
    if (order_.empty()) return false;
  }
  const auto& sentence = sentences_[static_cast<std::size_t>(order_[position_++])];
  words_read_ += static_cast<std::int64_t>(sentence.size());
  for (const std::int64_t word : sentence) {
    const double keep = keep_[static_cast<std::size_t>(word)];
    if (keep >= 1 || generator_->uniform() < keep) kept_.push_back(word);
  }
  return true;
}

std::pair<std::int64_t, std::int64_t> SentenceWindows::draw_window(std::int64_t i) {
  const std::int64_t reach = 1 + generator_->below(options_.window);
  return {std::max<std::int64_t>(i - reach, 0), std::min(i + reach + 1, std::ssize(kept_))};
}

}  // namespace gradus::detail
