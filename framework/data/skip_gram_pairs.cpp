#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/data/skip_gram_pairs.h>

#include <algorithm>
#include <cmath>

namespace gradus {
namespace {

void check(const SkipGramPairsOptions& options) {
  const auto check_positive = [](const char* name, std::int64_t value) {
    if (value <= 0)
      throw ValueError(fmt::format("SkipGramPairs: {} is {}, it must be above 0", name, value));
  };
  check_positive("batch_size", options.batch_size);
  check_positive("window", options.window);
  if (options.epochs < 0) {
    throw ValueError(
        fmt::format("SkipGramPairs: epochs is {}, it must be at least 0", options.epochs));
  }
  if (!(options.subsample >= 0) || std::isinf(options.subsample)) {
    throw ValueError(
        fmt::format("SkipGramPairs: subsample is {}: it must be 0 or a positive "
                    "frequency",
                    options.subsample));
  }
}

}  // namespace

SkipGramPairs::SkipGramPairs(std::span<const std::vector<std::int64_t>> sentences,
                             std::span<const std::int64_t> counts,
                             const SkipGramPairsOptions& options, Generator& generator)
    : sentences_(sentences), options_(options), generator_(&generator) {
  check(options);
  set_keep(counts);
  const auto words = static_cast<std::int64_t>(counts.size());
  for (std::size_t s = 0; s < sentences.size(); ++s) {
    for (const std::int64_t word : sentences[s]) {
      if (word >= 0 && word < words) continue;
      throw IndexError(
          fmt::format("SkipGramPairs: word {} of sentence {} is outside [0, {})", word, s, words));
    }
    words_ += static_cast<std::int64_t>(sentences[s].size());
  }
}

void SkipGramPairs::set_keep(std::span<const std::int64_t> counts) {
  double total = 0;
  for (std::size_t w = 0; w < counts.size(); ++w) {
    if (counts[w] < 0) {
      throw ValueError(
          fmt::format("SkipGramPairs: the count {} of word {} is negative", counts[w], w));
    }
    total += static_cast<double>(counts[w]);
  }
  for (const std::int64_t count : counts) {
    const double ratio =
        options_.subsample * total / static_cast<double>(std::max<std::int64_t>(count, 1));
    keep_.push_back(options_.subsample > 0 ? std::sqrt(ratio) + ratio : 1.0);
  }
}

bool SkipGramPairs::next() {
  const auto size = static_cast<std::size_t>(options_.batch_size);
  while (used_ + size > all_centers_.size() && read_sentence()) continue;
  const std::size_t end = std::min(used_ + size, all_centers_.size());
  const auto take = [&](const std::vector<std::int64_t>& from, std::vector<std::int64_t>& to) {
    to.assign(from.begin() + static_cast<std::ptrdiff_t>(used_),
              from.begin() + static_cast<std::ptrdiff_t>(end));
  };
  take(all_centers_, centers_);
  take(all_contexts_, contexts_);
  used_ = end;
  return !centers_.empty();
}

// Appends the pairs of one more sentence; false if there is none.
bool SkipGramPairs::read_sentence() {
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
  drop_used();
  kept_.clear();
  for (const std::int64_t word : sentence) {
    const double keep = keep_[static_cast<std::size_t>(word)];
    if (keep >= 1 || generator_->uniform() < keep) kept_.push_back(word);
  }
  append_pairs();
  return true;
}

void SkipGramPairs::append_pairs() {
  const auto n = static_cast<std::int64_t>(kept_.size());
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t reach = 1 + generator_->below(options_.window);
    const std::int64_t last = std::min(i + reach, n - 1);
    for (std::int64_t j = std::max<std::int64_t>(i - reach, 0); j <= last; ++j) {
      if (j == i) continue;
      all_centers_.push_back(kept_[static_cast<std::size_t>(i)]);
      all_contexts_.push_back(kept_[static_cast<std::size_t>(j)]);
    }
  }
}

void SkipGramPairs::drop_used() {
  const auto used = static_cast<std::ptrdiff_t>(used_);
  all_centers_.erase(all_centers_.begin(), all_centers_.begin() + used);
  all_contexts_.erase(all_contexts_.begin(), all_contexts_.begin() + used);
  used_ = 0;
}

}  // namespace gradus
