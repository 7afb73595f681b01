#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/span_f1.h>
#include <gradus/framework/text/detail/tags.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace gradus {
namespace {

using detail::Tag;
using detail::TagPair;

[[noreturn]] void refuse(const std::string& where, std::span<const std::string> tags, std::size_t i,
                         TagScheme scheme) {
  const std::string before = i == 0 ? "the beginning" : detail::printable(tags[i - 1]);
  const std::string after = i == tags.size() ? "the end" : detail::printable(tags[i]);
  throw FormatError(
      fmt::format("{}: tag {}: {} after {} is not valid in {}: repair or discard "
                  "such tags with options.invalid",
                  where, i, after, before, detail::scheme_name(scheme)));
}

/// The labels [B, T] with ignore_index wherever the lengths end.
Tensor within_lengths(const Tensor& labels, const Tensor& lengths, std::int64_t ignore_index) {
  if (!lengths.defined()) return labels;
  const std::int64_t rows = labels.size(0), steps = labels.size(1);
  if (lengths.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("SpanF1: lengths are {}, int64 is needed", gradus::name(lengths.dtype())));
  }
  if (lengths.shape() != Shape{rows}) {
    throw ShapeError(fmt::format("SpanF1: shapes do not fit: labels are {}, lengths are {}",
                                 labels.shape().str(), lengths.shape().str()));
  }
  Tensor result = labels.clone();
  auto* label = result.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < rows; ++i, label += steps) {
    const std::int64_t length = lengths.data<std::int64_t>()[i];
    if (length < 0 || length > steps) {
      throw IndexError(
          fmt::format("SpanF1: length {} at position [{}] is outside [0, {}]", length, i, steps));
    }
    std::fill(label + length, label + steps, ignore_index);
  }
  return result;
}

std::int64_t count(std::size_t n) { return static_cast<std::int64_t>(n); }

/// Errors begin with `where`.
std::vector<TagSpan> decode(const std::string& where, std::span<const std::string> tags,
                            TagScheme scheme, InvalidTags invalid) {
  std::vector<TagSpan> spans;
  TagPair pair;
  std::int64_t begin = 0;
  bool valid = true;
  for (std::size_t i = 0; i <= tags.size(); ++i) {
    pair = {pair.after, i < tags.size() ? detail::parse_tag(where, tags[i], scheme, i) : Tag()};
    if (pair.ends()) {
      if (!pair.valid_end(scheme)) {
        if (invalid == InvalidTags::refuse) refuse(where, tags, i, scheme);
        valid = false;
      }
      if (valid || invalid == InvalidTags::repair) {
        spans.push_back({begin, count(i), std::string(pair.before.type)});
      }
    }
    if (pair.begins()) {
      begin = count(i);
      valid = pair.valid_begin(scheme);
      if (!valid && invalid == InvalidTags::refuse) refuse(where, tags, i, scheme);
    }
  }
  return spans;
}

}  // namespace

std::vector<TagSpan> tag_spans(std::span<const std::string> tags, TagScheme scheme,
                               InvalidTags invalid) {
  return decode("tag_spans", tags, scheme, invalid);
}

SpanF1::SpanF1(const SpanOptions& options) : options_(options) {
  for (std::size_t i = 0; i < options.tags.size(); ++i) {
    const Tag tag = detail::parse_tag("SpanF1", options.tags[i], options.scheme, i);
    if (tag.prefix != 'O') types_[std::string(tag.type)];  // is in the result, found or not
  }
}

void SpanF1::add(std::span<const std::string> predicted, std::span<const std::string> labels) {
  moved_.check("SpanF1");
  detail::check_sizes("SpanF1", "predicted tags", predicted.size(), "labels", labels.size());
  add_sequence("", predicted, labels);
}

void SpanF1::add_sequence(const std::string& which, std::span<const std::string> predicted,
                          std::span<const std::string> labels) {
  const auto found =
      decode("SpanF1" + which + ": predictions", predicted, options_.scheme, options_.invalid);
  const auto right =
      decode("SpanF1" + which + ": labels", labels, options_.scheme, options_.invalid);
  auto next = right.begin();
  for (const TagSpan& span : found) {
    Counts& counts = types_[span.type];
    ++counts.predicted;
    while (next != right.end() && next->begin < span.begin) ++next;
    if (next != right.end() && *next == span) ++counts.right;
  }
  for (const TagSpan& span : right) ++types_[span.type].labels;
  for (std::size_t i = 0; i < labels.size(); ++i) right_tags_ += predicted[i] == labels[i] ? 1 : 0;
  tags_ += count(labels.size());
}

void SpanF1::add(const Tensor& predictions, const Tensor& labels, const Tensor& lengths) {
  moved_.check("SpanF1");
  detail::check_defined("SpanF1", {{"predictions", predictions}, {"labels", labels}});
  if (options_.tags.empty()) {
    throw ValueError("SpanF1: the ids have no names: give them as options.tags");
  }
  detail::check_labels("SpanF1", labels);
  if (labels.dim() != 2) {
    throw ShapeError(
        fmt::format("SpanF1: labels are {}: sequences [B, T] are needed", labels.shape().str()));
  }
  const Tensor counted = within_lengths(labels, lengths, options_.ignore_index);
  const auto found = detail::labelled("SpanF1", predictions, counted, options_.ignore_index,
                                      count(options_.tags.size()));
  SpanF1 added(options_);
  auto next = found.begin();
  const auto* label = counted.data<std::int64_t>();
  for (std::int64_t i = 0; i < counted.size(0); ++i) {
    std::vector<std::string> predicted, right;
    for (std::int64_t t = 0; t < counted.size(1); ++t, ++label) {
      if (*label == options_.ignore_index) continue;
      predicted.push_back(options_.tags[static_cast<std::size_t>(next->predicted)]);
      right.push_back(options_.tags[static_cast<std::size_t>(next->label)]);
      ++next;
    }
    added.add_sequence(fmt::format(": sequence {}", i), predicted, right);
  }
  merge(added);
}

void SpanF1::merge(const SpanF1& other) {
  moved_.check("SpanF1");
  other.moved_.check("SpanF1");
  if (options_.scheme != other.options_.scheme || options_.invalid != other.options_.invalid) {
    throw ValueError("SpanF1: merge: the options here are not those there");
  }
  detail::check_same_ignore_index("SpanF1", options_.ignore_index, other.options_.ignore_index);
  for (const auto& [type, counts] : other.types_) {
    types_[type].right += counts.right;
    types_[type].predicted += counts.predicted;
    types_[type].labels += counts.labels;
  }
  right_tags_ += other.right_tags_;
  tags_ += other.tags_;
}

ClassScore SpanF1::score(const Counts& counts) {
  const auto divide = [](std::int64_t part, std::int64_t all) {
    return all == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(all);
  };
  ClassScore score;
  score.precision = divide(counts.right, counts.predicted);
  score.recall = divide(counts.right, counts.labels);
  score.f1 = divide(2 * counts.right, counts.predicted + counts.labels);
  score.support = counts.labels;
  return score;
}

SpanResult SpanF1::result() const {
  moved_.check("SpanF1");
  detail::check_added("SpanF1", tags_);
  SpanResult result;
  Counts all;
  for (const auto& [type, counts] : types_) {
    result.types[type] = score(counts);
    all.right += counts.right;
    all.predicted += counts.predicted;
    all.labels += counts.labels;
  }
  result.all = score(all);
  result.accuracy = static_cast<double>(right_tags_) / static_cast<double>(tags_);
  return result;
}

}  // namespace gradus
