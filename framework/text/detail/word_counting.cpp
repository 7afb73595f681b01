#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/text/detail/word_counting.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

namespace gradus::detail {
namespace {

// The parts of a word between bytes that are not UTF-8.
void count_utf8(std::string_view word, std::int64_t times, WordCounter& counter) {
  std::size_t begin = 0;
  const auto end_part = [&](std::size_t end) {
    if (begin < end) counter.add(word.substr(begin, end - begin), times);
  };
  for (std::size_t i = 0; i < word.size();) {
    const Character c = decode_utf8(word, i);
    if (c.code == not_utf8) {
      end_part(i);
      begin = i + 1;
    }
    i += c.length;
  }
  end_part(word.size());
}

void add_all(const WordCounter& from, WordCounter& to) {
  for (std::size_t i = 0; i < from.words().size(); ++i) to.add(from.words()[i], from.counts()[i]);
}

}  // namespace

WordSplitter::WordSplitter(std::vector<Normalizer> normalizers,
                           std::vector<PreTokenizer> pre_tokenizers, AddedTokens added,
                           bool byte_words)
    : normalizers_(std::move(normalizers)),
      pre_tokenizers_(std::move(pre_tokenizers)),
      added_(std::move(added)),
      byte_words_(byte_words) {}

void WordSplitter::count(std::string_view text, std::int64_t times, WordCounter& counter) const {
  std::vector<Piece> parts;
  added_.in_source().split(text, parts);
  for (const Piece& part : parts) {
    if (part.id >= 0) continue;
    count_plain(text.substr(part.span.begin, part.span.size()), part.span.begin == 0, times,
                counter);
  }
}

void WordSplitter::count_plain(std::string_view text, bool is_start, std::int64_t times,
                               WordCounter& counter) const {
  AlignedText plain(text);
  for (const Normalizer& normalizer : normalizers_) {
    std::visit([&](const auto& each) { normalize(plain, each); }, normalizer);
  }
  const std::size_t size = plain.text().size();
  if (size == 0) return;
  Words words{std::move(plain), {{0, size}}};
  for (const PreTokenizer& pre_tokenizer : pre_tokenizers_) {
    std::visit(
        [&]<class T>(const T& each) {
          if constexpr (std::is_same_v<T, ByteLevel>) {
            pre_tokenize(words, each, byte_words_);
          } else if constexpr (std::is_same_v<T, Metaspace>) {
            pre_tokenize(words, each, is_start);
          } else {
            pre_tokenize(words, each);
          }
        },
        pre_tokenizer);
  }
  const std::string_view all = words.text.text();
  for (const Span span : words.spans) {
    const std::string_view word = all.substr(span.begin, span.size());
    if (word.empty()) continue;
    if (byte_words_) {
      counter.add(word, times);
    } else {
      count_utf8(word, times, counter);
    }
  }
}

void count_words(const WordSplitter& splitter, std::span<const std::string_view> texts,
                 WordCounter& counter) {
  constexpr std::size_t bytes_of_group = std::size_t{1} << 18U, most_groups = 64;
  for (std::size_t next = 0; next < texts.size();) {
    std::vector<std::span<const std::string_view>> groups;
    while (next < texts.size() && groups.size() < most_groups) {
      const std::size_t begin = next;
      for (std::size_t bytes = 0; next < texts.size() && bytes < bytes_of_group; ++next)
        bytes += texts[next].size() + 1;
      groups.push_back(texts.subspan(begin, next - begin));
    }
    // Each group by itself, then together in their order.
    std::vector<WordCounter> counters(groups.size());
    parallel_for_each(std::ssize(groups), std::int64_t{1} << 24U, [&](std::int64_t i) {
      const auto group = static_cast<std::size_t>(i);
      for (const std::string_view text : groups[group]) splitter.count(text, 1, counters[group]);
    });
    for (const WordCounter& each : counters) add_all(each, counter);
  }
}

}  // namespace gradus::detail
