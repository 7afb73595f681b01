#include <fmt/format.h>
#include <gradus/examples/gpt/texts.h>
#include <gradus/examples/kjv/bible.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/data/text_lines.h>

#include <algorithm>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

namespace gradus::examples {
namespace {

constexpr std::int64_t ignored = -100;  // by cross_entropy()

std::vector<std::string> read_corpus(const GptOptions& options) {
  std::vector<std::string> lines;
  if (options.corpus.empty()) {
    for (LabeledText& verse : read_bible(false)) lines.push_back(std::move(verse.text));
    return lines;
  }
  for (std::string line : TextLines(options.corpus, {.encoding = options.encoding})) {
    if (options.documents && line.empty()) continue;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string joined(std::span<const std::string> lines) {
  std::string text;
  for (const std::string& line : lines) text.append(line).append("\n");
  return text;
}

/// A tenth of the lines is held out, 1,000 at most; which ones, the seed decides.
CharacterTexts split_documents(std::vector<std::string> lines, const GptOptions& options) {
  const std::int64_t n = std::ssize(lines), held_out = std::min<std::int64_t>(n / 10, 1000);
  if (held_out < 1) {
    throw Error(fmt::format("--documents: '{}' has {} lines, 10 are needed", options.corpus, n));
  }
  Generator generator(options.seed);
  const Tensor order = randperm(n, generator);
  std::vector<std::string> shuffled;
  for (const std::int64_t i : order.span<std::int64_t>()) {
    shuffled.push_back(lines[static_cast<std::size_t>(i)]);
  }
  const auto first_valid = static_cast<std::size_t>(n - held_out);
  const auto part = [&](std::span<const std::string> some) { return "\n" + joined(some); };
  const CharacterCoding coding(part(shuffled));
  const std::span<const std::string> all(shuffled);
  const std::int64_t end = coding.ids("\n")[0];
  const auto text = [&](std::span<const std::string> some) {
    return CharacterText::of_documents(coding.ids(part(some)), end);
  };
  return {coding, text(all.first(first_valid)), text(all.subspan(first_valid))};
}

CharacterTexts split_text(const std::string& text, const GptOptions& options) {
  const std::int64_t T = options.model.block_size;
  const CharacterCoding coding(text);
  std::vector<std::int64_t> ids = coding.ids(text);
  const auto first_valid = static_cast<std::ptrdiff_t>(ids.size()) * 9 / 10;
  std::vector<std::int64_t> valid(ids.begin() + first_valid, ids.end());
  ids.resize(static_cast<std::size_t>(first_valid));
  if (std::ssize(ids) <= T || valid.size() < 2) {
    throw Error(fmt::format(
        "--corpus: {} characters to learn from and {} to try it on are too few for --block-size "
        "{}: use a longer text or smaller blocks",
        ids.size(), valid.size(), T));
  }
  return {coding, CharacterText(std::move(ids), T), CharacterText(std::move(valid), T)};
}

}  // namespace

CharacterText::CharacterText(std::vector<std::int64_t> ids, std::int64_t block_size)
    : ids_(std::move(ids)), longest_(block_size) {
  const std::int64_t targets = std::ssize(ids_) - 1;
  if (targets < 1) throw ValueError("CharacterText: the text has fewer than two characters");
  for (std::int64_t begin = 0; begin < targets; begin += block_size) {
    begins_.push_back(begin);
    lengths_.push_back(std::min(block_size, targets - begin));
  }
}

CharacterText CharacterText::of_documents(std::vector<std::int64_t> ids, std::int64_t end) {
  CharacterText text(std::move(ids), 1);
  text.documents_ = true;
  text.begins_ = {};
  text.lengths_ = {};
  std::int64_t begin = 0;
  for (std::int64_t i = 1; i < std::ssize(text.ids_); ++i) {
    if (text.ids_[static_cast<std::size_t>(i)] != end) continue;
    text.begins_.push_back(begin);
    text.lengths_.push_back(i - begin);
    begin = i;
  }
  text.longest_ = *std::ranges::max_element(text.lengths_);
  return text;
}

std::uint64_t CharacterText::hash() const {
  const auto bytes = std::as_bytes(std::span(ids_));
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

CharacterBatch CharacterText::batch(const std::vector<std::int64_t>& begins,
                                    const std::vector<std::int64_t>& lengths) const {
  const std::int64_t B = std::ssize(begins), T = *std::ranges::max_element(lengths);
  std::vector<std::int64_t> inputs, targets;
  for (std::size_t b = 0; b < begins.size(); ++b) {
    for (std::int64_t t = 0; t < T; ++t) {
      const auto at = static_cast<std::size_t>(begins[b] + std::min(t, lengths[b] - 1));
      inputs.push_back(ids_[at]);
      targets.push_back(t < lengths[b] ? ids_[at + 1] : ignored);
    }
  }
  return {tensor(inputs, {B, T}), tensor(targets, {B, T})};
}

CharacterBatch CharacterText::pieces(std::int64_t first, std::int64_t last) const {
  return batch({begins_.begin() + first, begins_.begin() + last},
               {lengths_.begin() + first, lengths_.begin() + last});
}

CharacterBatch CharacterText::draw(std::int64_t count) const {
  const std::int64_t places = documents_ ? size() : std::ssize(ids_) - longest_;
  const Tensor drawn = randint(places, {count});
  std::vector<std::int64_t> begins, lengths;
  for (const std::int64_t place : drawn.span<std::int64_t>()) {
    const auto i = static_cast<std::size_t>(place);
    begins.push_back(documents_ ? begins_[i] : place);
    lengths.push_back(documents_ ? lengths_[i] : longest_);
  }
  return batch(begins, lengths);
}

CharacterTexts load_character_texts(const GptOptions& options) {
  std::vector<std::string> lines = read_corpus(options);
  if (options.documents) return split_documents(std::move(lines), options);
  return split_text(joined(lines), options);
}

}  // namespace gradus::examples
