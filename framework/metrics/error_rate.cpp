#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/detail/sequences.h>
#include <gradus/framework/metrics/detail/words.h>
#include <gradus/framework/metrics/error_rate.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace gradus {
namespace {

std::int64_t distance(std::span<const std::string_view> a, std::span<const std::string_view> b) {
  detail::TextIds ids;
  return detail::edit_distance(ids(a), ids(b));
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
  return detail::edit_distance(a, b);
}

std::int64_t edit_distance(std::span<const std::string> a, std::span<const std::string> b) {
  const std::vector<std::string_view> x(a.begin(), a.end()), y(b.begin(), b.end());
  return distance(x, y);
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
  edits_ += edit_distance(hypothesis, reference);
  length_ += count(reference.size());
  ++examples_;
}

void WordErrorRate::add(std::span<const std::int64_t> hypothesis,
                        std::span<const std::int64_t> reference) {
  edits_ += edit_distance(hypothesis, reference);
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
