#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/detail/words.h>
#include <gradus/framework/metrics/error_rate.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace gradus {
namespace {

template <class T>
std::int64_t distance(std::span<const T> a, std::span<const T> b) {
  std::vector<std::int64_t> edits(b.size() + 1);  // from what of a was read to b[0:k]
  std::iota(edits.begin(), edits.end(), 0);
  for (const T& unit : a) {
    std::int64_t diagonal = edits[0]++;
    for (std::size_t k = 0; k < b.size(); ++k) {
      const std::int64_t replaced = diagonal + (unit == b[k] ? 0 : 1);
      diagonal = edits[k + 1];
      edits[k + 1] = std::min({replaced, diagonal + 1, edits[k] + 1});
    }
  }
  return edits.back();
}

std::int64_t distance(const std::vector<std::string_view>& a,
                      const std::vector<std::string_view>& b) {
  return distance<std::string_view>(a, b);
}

void check_texts(const char* metric, std::string_view hypothesis, std::string_view reference) {
  detail::check_utf8(metric, "the hypothesis", hypothesis);
  detail::check_utf8(metric, "the reference", reference);
}

double rate(std::int64_t edits, std::int64_t length) {
  return static_cast<double>(edits) / static_cast<double>(std::max<std::int64_t>(length, 1));
}

std::int64_t count(std::size_t n) { return static_cast<std::int64_t>(n); }

}  // namespace

std::int64_t edit_distance(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  return distance(a, b);
}

std::int64_t edit_distance(std::span<const std::string> a, std::span<const std::string> b) {
  return distance(a, b);
}

void WordErrorRate::add(std::string_view hypothesis, std::string_view reference) {
  check_texts("WordErrorRate", hypothesis, reference);
  const auto words = detail::split_words(reference);
  edits_ += distance(detail::split_words(hypothesis), words);
  length_ += count(words.size());
  ++examples_;
}

void WordErrorRate::add(std::span<const std::string> hypothesis,
                        std::span<const std::string> reference) {
  edits_ += distance(hypothesis, reference);
  length_ += count(reference.size());
  ++examples_;
}

void WordErrorRate::add(std::span<const std::int64_t> hypothesis,
                        std::span<const std::int64_t> reference) {
  edits_ += distance(hypothesis, reference);
  length_ += count(reference.size());
  ++examples_;
}

void WordErrorRate::merge(const WordErrorRate& other) {
  edits_ += other.edits_;
  length_ += other.length_;
  examples_ += other.examples_;
}

double WordErrorRate::result() const {
  detail::check_added("WordErrorRate", examples_);
  return rate(edits_, length_);
}

void CharacterErrorRate::add(std::string_view hypothesis, std::string_view reference) {
  check_texts("CharacterErrorRate", hypothesis, reference);
  const auto characters = detail::split_characters(detail::strip(reference));
  edits_ += distance(detail::split_characters(detail::strip(hypothesis)), characters);
  length_ += count(characters.size());
  ++examples_;
}

void CharacterErrorRate::merge(const CharacterErrorRate& other) {
  edits_ += other.edits_;
  length_ += other.length_;
  examples_ += other.examples_;
}

double CharacterErrorRate::result() const {
  detail::check_added("CharacterErrorRate", examples_);
  return rate(edits_, length_);
}

}  // namespace gradus
