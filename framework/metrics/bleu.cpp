#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/bleu.h>
#include <gradus/framework/metrics/detail/bleu_tokens.h>
#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/detail/ngram_counts.h>
#include <gradus/framework/metrics/detail/words.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>

namespace gradus {
namespace {

const char* name(BleuSmoothing smoothing) {
  constexpr const char* names[] = {"none", "floor", "add-k", "exp"};
  return names[static_cast<std::size_t>(smoothing)];
}

bool has_value(BleuSmoothing smoothing) {
  return smoothing == BleuSmoothing::floor || smoothing == BleuSmoothing::add_k;
}

/// The length that is closest to `length`; of two, the shorter.
std::int64_t closest(std::int64_t length, const std::vector<std::int64_t>& lengths) {
  return *std::min_element(lengths.begin(), lengths.end(), [&](std::int64_t a, std::int64_t b) {
    const std::int64_t to_a = std::abs(a - length), to_b = std::abs(b - length);
    return to_a != to_b ? to_a < to_b : a < b;
  });
}

/// Each n-gram as often as in the text that has it most often.
detail::NgramCounts most_of_each(const std::vector<std::vector<std::string_view>>& texts,
                                 std::size_t n) {
  detail::NgramCounts most;
  for (const auto& words : texts) {
    for (const auto& [ngram, count] : detail::count_ngrams(words, n)) {
      most[ngram] = std::max(most[ngram], count);
    }
  }
  return most;
}

}  // namespace

Bleu::Bleu(const BleuOptions& options) : options_(options) {
  if (options.max_order < 1) {
    throw ValueError(fmt::format("Bleu: max_order is {}: it must be above 0", options.max_order));
  }
  if (options.smooth_value &&
      !(*options.smooth_value > 0 && std::isfinite(*options.smooth_value))) {
    throw ValueError(fmt::format("Bleu: smooth_value is {}: it must be positive and finite",
                                 *options.smooth_value));
  }
  counts_.resize(static_cast<std::size_t>(options.max_order));
  totals_.resize(counts_.size());
}

double Bleu::smooth_value() const {
  return options_.smooth_value.value_or(options_.smoothing == BleuSmoothing::floor ? 0.1 : 1.0);
}

std::string Bleu::tokens(std::string_view text) const {
  return options_.lowercase ? detail::bleu_tokens(detail::lower_case(text), options_.tokenizer)
                            : detail::bleu_tokens(text, options_.tokenizer);
}

void Bleu::add(std::string_view hypothesis, std::string_view reference) {
  add_all(hypothesis, {&reference, 1});
}

void Bleu::add(std::string_view hypothesis, std::span<const std::string> references) {
  const std::vector<std::string_view> views(references.begin(), references.end());
  add_all(hypothesis, views);
}

void Bleu::add(std::string_view hypothesis, std::initializer_list<std::string_view> references) {
  add_all(hypothesis, {references.begin(), references.size()});
}

void Bleu::add_all(std::string_view hypothesis, std::span<const std::string_view> references) {
  moved_.check("Bleu");
  if (references.empty()) throw ValueError("Bleu: a hypothesis has no reference");
  detail::check_utf8("Bleu", "the hypothesis", hypothesis);
  for (const std::string_view text : references) detail::check_utf8("Bleu", "a reference", text);

  const std::string line = tokens(hypothesis);
  const std::vector<std::string_view> words = detail::split_words(line);
  std::vector<std::string> lines;  // the views below are into these
  for (const std::string_view text : references) lines.push_back(tokens(text));
  std::vector<std::vector<std::string_view>> texts;
  std::vector<std::int64_t> lengths;
  for (const std::string& text : lines) {
    texts.push_back(detail::split_words(text));
    lengths.push_back(static_cast<std::int64_t>(texts.back().size()));
  }
  for (std::size_t n = 1; n <= counts_.size(); ++n) {
    const detail::NgramCounts ngrams = detail::count_ngrams(words, n);
    counts_[n - 1] += detail::matches(ngrams, most_of_each(texts, n));
    totals_[n - 1] += detail::total(ngrams);
  }
  const auto length = static_cast<std::int64_t>(words.size());
  hypothesis_length_ += length;
  reference_length_ += closest(length, lengths);
  const auto number = static_cast<std::int64_t>(references.size());
  references_ = segments_ == 0 || references_ == number ? number : -1;
  ++segments_;
}

void Bleu::merge(const Bleu& other) {
  moved_.check("Bleu");
  other.moved_.check("Bleu");
  if (options_.tokenizer != other.options_.tokenizer ||
      options_.smoothing != other.options_.smoothing || smooth_value() != other.smooth_value() ||
      options_.lowercase != other.options_.lowercase ||
      options_.effective_order != other.options_.effective_order ||
      options_.max_order != other.options_.max_order) {
    throw ValueError("Bleu: merge: the options here are not those there");
  }
  if (other.segments_ == 0) return;
  references_ = segments_ == 0 || references_ == other.references_ ? other.references_ : -1;
  segments_ += other.segments_;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    counts_[i] += other.counts_[i];
    totals_[i] += other.totals_[i];
  }
  hypothesis_length_ += other.hypothesis_length_;
  reference_length_ += other.reference_length_;
}

BleuResult Bleu::result() const {
  moved_.check("Bleu");
  detail::check_added("Bleu", segments_);
  BleuResult result;
  result.counts = counts_;
  result.totals = totals_;
  result.precisions.resize(counts_.size());
  result.hypothesis_length = hypothesis_length_;
  result.reference_length = reference_length_;
  const auto length = static_cast<double>(hypothesis_length_);
  if (hypothesis_length_ < reference_length_) {
    const double ratio = static_cast<double>(reference_length_) / length;
    result.brevity_penalty = hypothesis_length_ > 0 ? std::exp(1 - ratio) : 0;
  }
  if (std::all_of(counts_.begin(), counts_.end(), [](std::int64_t n) { return n == 0; })) {
    return result;
  }
  double halved = 1, orders = static_cast<double>(counts_.size());
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const double added = options_.smoothing == BleuSmoothing::add_k && i > 0 ? smooth_value() : 0;
    const double matches = static_cast<double>(counts_[i]) + added;
    const double all = static_cast<double>(totals_[i]) + added;
    if (all == 0) break;
    if (options_.effective_order) orders = static_cast<double>(i + 1);
    if (matches > 0) {
      result.precisions[i] = 100 * matches / all;
    } else if (options_.smoothing == BleuSmoothing::exponential) {
      halved *= 2;
      result.precisions[i] = 100 / (halved * all);
    } else if (options_.smoothing == BleuSmoothing::floor) {
      result.precisions[i] = 100 * smooth_value() / all;
    }
  }
  double logs = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(orders); ++i) {
    logs += result.precisions[i] == 0 ? -9999999999.0 : std::log(result.precisions[i]);
  }
  result.score = result.brevity_penalty * std::exp(logs / orders);
  return result;
}

std::string Bleu::signature() const {
  moved_.check("Bleu");
  detail::check_added("Bleu", segments_);
  std::string smoothing = name(options_.smoothing);
  if (has_value(options_.smoothing)) smoothing += fmt::format("[{:.2f}]", smooth_value());
  return fmt::format("nrefs:{}|case:{}|eff:{}|tok:{}|smooth:{}|version:gradus-{}",
                     references_ < 0 ? "var" : std::to_string(references_),
                     options_.lowercase ? "lc" : "mixed", options_.effective_order ? "yes" : "no",
                     detail::name(options_.tokenizer), smoothing, GRADUS_VERSION);
}

std::string BleuResult::str() const {
  std::string each;
  for (const double precision : precisions) {
    each += fmt::format("{}{:.1f}", each.empty() ? "" : "/", precision);
  }
  const double ratio = reference_length == 0 ? 0
                                             : static_cast<double>(hypothesis_length) /
                                                   static_cast<double>(reference_length);
  return fmt::format("BLEU = {:.2f} {} (BP = {:.3f} ratio = {:.3f} hyp_len = {} ref_len = {})",
                     score, each, brevity_penalty, ratio, hypothesis_length, reference_length);
}

}  // namespace gradus
