#include <fmt/format.h>
#include <gradus/examples/gpt/texts.h>
#include <gradus/examples/kjv/bible.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/data/text_lines.h>
#include <gradus/framework/text/tokenizer_training.h>

#include <algorithm>
#include <functional>
#include <numbers>
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

/// Tokens of bytes that are frequent in a text.
TextPieces make_bpe(std::string_view text, std::int64_t size) {
  TokenizerTrainer trainer(BpeTraining{.vocabulary_size = size});
  trainer.add(text);
  return TextPieces(trainer.train());
}

/// What `tokenizer` is, or else the characters of `all`. Only what is learnt from, `train`, makes
/// tokens.
TextCoding make_coding(const GptOptions& options, const std::optional<TextPieces>& tokenizer,
                       std::string_view all, std::string_view train) {
  if (tokenizer) return *tokenizer;
  if (options.bpe > 0) return make_bpe(train, options.bpe);
  return CharacterCoding(all);
}

std::vector<std::int64_t> lossless_ids(const TextCoding& coding, std::string_view text) {
  std::vector<std::int64_t> ids = coding.ids(text);
  if (coding.tokens() == nullptr) return ids;
  const std::string back = coding.text(ids);
  if (back == text) return ids;
  const auto difference = std::ranges::mismatch(back, text).in2 - text.begin();
  throw Error(
      fmt::format("--tokenizer: its tokens do not give the text back, of which byte {} is another "
                  "one then: take one of bytes, as GPT-2's is, or make one with --bpe 1000",
                  difference));
}

/// The id after each document. Throws Error if there is none.
std::int64_t end_of_line(const TextCoding& coding) {
  const std::vector<std::int64_t> ids = coding.ids("\n");
  if (ids.size() == 1) return ids[0];
  throw Error(
      "--documents: the tokenizer has no token for the end of a line: take one of bytes, as "
      "GPT-2's is, or make one with --bpe 1000");
}

/// A tenth of the lines is held out, 1,000 at most; which ones, the seed decides.
GptTexts split_documents(const std::vector<std::string>& lines, const GptOptions& options,
                         const std::optional<TextPieces>& tokenizer) {
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
  const std::span<const std::string> all(shuffled);
  const auto train = all.first(first_valid), valid = all.subspan(first_valid);
  const TextCoding coding = make_coding(options, tokenizer, joined(all), joined(train));
  const std::int64_t end = end_of_line(coding);
  const auto text = [&](std::span<const std::string> some) {
    std::vector<std::int64_t> ids = {end};
    for (const std::string& line : some) {
      const std::vector<std::int64_t> of_line = lossless_ids(coding, line);
      ids.insert(ids.end(), of_line.begin(), of_line.end());
      ids.push_back(end);
    }
    return TokenText::of_documents(std::move(ids), end);
  };
  return {coding, text(train), text(valid), std::ssize(joined(valid))};
}

/// Where the last tenth of the characters begins.
std::size_t last_tenth(std::string_view text) {
  const std::vector<std::string> characters = characters_of(text);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < characters.size() * 9 / 10; ++i) bytes += characters[i].size();
  return bytes;
}

GptTexts split_text(std::string_view text, const GptOptions& options,
                    const std::optional<TextPieces>& tokenizer) {
  const std::int64_t T = options.model.block_size;
  const std::size_t first_valid = last_tenth(text);
  const std::string_view train_text = text.substr(0, first_valid),
                         valid_text = text.substr(first_valid);
  const TextCoding coding = make_coding(options, tokenizer, text, train_text);
  std::vector<std::int64_t> train = lossless_ids(coding, train_text),
                            valid = lossless_ids(coding, valid_text);
  if (std::ssize(train) <= T || valid.size() < 2) {
    throw Error(
        fmt::format("--corpus: {} {} to learn from and {} to try it on are too few for "
                    "--block-size {}: use a longer text or smaller blocks",
                    train.size(), coding.unit(), valid.size(), T));
  }
  const std::int64_t bytes = std::ssize(valid_text) - std::ssize(coding.text({valid.data(), 1}));
  return {coding, TokenText(std::move(train), T), TokenText(std::move(valid), T), bytes};
}

}  // namespace

TokenText::TokenText(std::vector<std::int64_t> ids, std::int64_t block_size)
    : ids_(std::move(ids)), longest_(block_size) {
  const std::int64_t targets = std::ssize(ids_) - 1;
  if (targets < 1) throw ValueError("TokenText: the text has fewer than two tokens");
  for (std::int64_t begin = 0; begin < targets; begin += block_size) {
    begins_.push_back(begin);
    lengths_.push_back(std::min(block_size, targets - begin));
  }
}

TokenText TokenText::of_documents(std::vector<std::int64_t> ids, std::int64_t end) {
  TokenText text(std::move(ids), 1);
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

std::uint64_t TokenText::hash() const {
  const auto bytes = std::as_bytes(std::span(ids_));
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

TokenBatch TokenText::batch(const std::vector<std::int64_t>& begins,
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

TokenBatch TokenText::pieces(std::int64_t first, std::int64_t last) const {
  return batch({begins_.begin() + first, begins_.begin() + last},
               {lengths_.begin() + first, lengths_.begin() + last});
}

TokenBatch TokenText::draw(std::int64_t count) const {
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

GptTexts load_gpt_texts(const GptOptions& options, const std::optional<TextPieces>& tokenizer) {
  const std::vector<std::string> lines = read_corpus(options);
  if (options.documents) return split_documents(lines, options, tokenizer);
  return split_text(joined(lines), options, tokenizer);
}

double bits_per_byte(double loss, const GptTexts& texts) {
  const auto targets = static_cast<double>(texts.valid.ids().size() - 1);
  return loss * targets / (static_cast<double>(texts.valid_bytes) * std::numbers::ln2);
}

}  // namespace gradus::examples
