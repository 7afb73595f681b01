#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/post_processor.h>

#include <algorithm>
#include <utility>

namespace gradus::detail {
namespace {

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

template <class T>
void fill(std::vector<T>& to, std::size_t n, T value) {
  to.insert(to.end(), n, value);
}

void append_text(Encoding& to, const Encoding& text, int number, std::int64_t type_id) {
  const std::size_t n = text.ids.size();
  append(to.ids, text.ids);
  append(to.offsets, text.offsets);
  append(to.word_ids, text.word_ids);
  fill(to.type_ids, n, type_id);
  fill(to.attention_mask, n, std::int64_t{1});
  fill(to.text_ids, n, std::int64_t{number});
}

void append_tokens(Encoding& to, const TemplateProcessing::Part& part, bool placed) {
  const std::size_t n = part.ids.size();
  append(to.ids, part.ids);
  if (placed) {
    fill(to.offsets, n, ByteSpan{});
    fill(to.word_ids, n, std::int64_t{-1});
  }
  fill(to.type_ids, n, part.type_id);
  fill(to.attention_mask, n, std::int64_t{1});
  fill(to.text_ids, n, std::int64_t{-1});
}

// One or two texts that fit, in the form, which gives type ids and order without its tokens too.
Encoding fill_in(const TemplateProcessing* form, bool with_tokens,
                 const std::vector<const Encoding*>& texts) {
  Encoding result;
  if (form == nullptr) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      append_text(result, *texts[i], static_cast<int>(i), static_cast<std::int64_t>(i));
    }
    return result;
  }
  bool placed = true;  // offsets are wanted
  for (const Encoding* text : texts) placed = placed && text->offsets.size() == text->ids.size();
  for (const TemplateProcessing::Part& part : texts.size() == 2 ? form->pair : form->single) {
    if (part.text < 0) {
      if (with_tokens) append_tokens(result, part, placed);
    } else {
      append_text(result, *texts[static_cast<std::size_t>(part.text)], part.text, part.type_id);
    }
  }
  return result;
}

template <class T>
std::vector<T> part_of(const std::vector<T>& all, std::size_t begin, std::size_t end) {
  if (all.empty()) return {};
  return {all.begin() + static_cast<std::ptrdiff_t>(begin),
          all.begin() + static_cast<std::ptrdiff_t>(end)};
}

Encoding part_of(const Encoding& all, std::size_t begin, std::size_t end) {
  Encoding result;
  result.ids = part_of(all.ids, begin, end);
  result.offsets = part_of(all.offsets, begin, end);
  result.word_ids = part_of(all.word_ids, begin, end);
  return result;
}

// Keeps `length` tokens; the rest follows in parts of that length.
void truncate(Encoding& text, std::int64_t length, const Truncation& options) {
  const std::int64_t n = text.size();
  if (length >= n) return;
  if (length == 0) {
    Encoding rest = std::move(text);
    text = {};
    text.overflowing.push_back(std::move(rest));
    return;
  }
  if (options.stride >= length) {
    throw ValueError(
        fmt::format("Tokenizer: a stride of {} does not fit into {} tokens of a text: lessen it, "
                    "or raise max_length",
                    options.stride, length));
  }
  std::vector<Encoding> parts;
  const std::int64_t step = length - options.stride;
  for (std::int64_t i = 0;; i += step) {
    const bool right = options.direction == Truncation::Direction::right;
    const std::int64_t begin = right ? i : std::max<std::int64_t>(n - i - length, 0);
    const std::int64_t end = right ? std::min(i + length, n) : n - i;
    parts.push_back(part_of(text, static_cast<std::size_t>(begin), static_cast<std::size_t>(end)));
    if (right ? end == n : begin == 0) break;
  }
  text = std::move(parts.front());
  parts.erase(parts.begin());
  text.overflowing = std::move(parts);
}

void check_one(const Encoding& text, std::int64_t removed, const Truncation& options) {
  if (removed < text.size()) return;
  throw ValueError(
      fmt::format("Tokenizer: the text to be truncated has {} tokens, but {} are above the limit "
                  "of {}: truncate by longest_first, or raise max_length",
                  text.size(), removed, options.max_length));
}

void pad_one(Encoding& encoding, std::size_t length, const BatchPadding& options) {
  for (Encoding& each : encoding.overflowing) pad_one(each, length, options);
  const std::size_t n = encoding.ids.size();
  if (n >= length) return;
  const auto add = [&](auto& values, auto value) {
    if (values.size() != n) return;  // left out
    const auto place =
        options.direction == BatchPadding::Direction::right ? values.end() : values.begin();
    values.insert(place, length - n, value);
  };
  add(encoding.type_ids, options.pad_type_id);
  add(encoding.attention_mask, std::int64_t{0});
  add(encoding.text_ids, std::int64_t{-1});
  add(encoding.word_ids, std::int64_t{-1});
  add(encoding.offsets, ByteSpan{});
  add(encoding.ids, options.pad_id);
}

std::size_t longest(const Encoding& encoding) {
  std::size_t result = encoding.ids.size();
  for (const Encoding& each : encoding.overflowing) result = std::max(result, longest(each));
  return result;
}

}  // namespace

std::int64_t added_tokens(const std::vector<PostProcessor>& processors, bool is_pair) {
  std::int64_t result = 0;
  for (const PostProcessor& processor : processors) {
    const auto* form = std::get_if<TemplateProcessing>(&processor);
    if (form == nullptr) continue;
    for (const TemplateProcessing::Part& part : is_pair ? form->pair : form->single)
      result += std::ssize(part.ids);
  }
  return result;
}

Encoding combine(const TemplateProcessing* form, bool with_tokens, std::vector<Encoding> texts) {
  if (form == nullptr && texts.size() == 1 && texts[0].overflowing.empty()) {
    Encoding result = std::move(texts[0]);  // not copied: it may be long
    const std::size_t n = result.ids.size();
    result.type_ids.assign(n, 0);
    result.attention_mask.assign(n, 1);
    result.text_ids.assign(n, 0);
    return result;
  }
  const auto both = [&](const Encoding* a, const Encoding* b) {
    return fill_in(
        form, with_tokens,
        b != nullptr ? std::vector<const Encoding*>{a, b} : std::vector<const Encoding*>{a});
  };
  const Encoding& first = texts[0];
  const Encoding* second = texts.size() > 1 ? &texts[1] : nullptr;
  Encoding result = both(&first, second);
  for (const Encoding& part : first.overflowing) {
    result.overflowing.push_back(both(&part, second));
    if (second == nullptr) continue;
    for (const Encoding& other : second->overflowing)
      result.overflowing.push_back(both(&part, &other));
  }
  if (second == nullptr) return result;
  for (const Encoding& other : second->overflowing)
    result.overflowing.push_back(both(&first, &other));
  return result;
}

std::string problem_of(const Truncation& options) {
  if (options.max_length < 0) {
    return fmt::format(
        "max_length is {}: it is a number of tokens, at least 0; for no limit, ask for no "
        "truncation",
        options.max_length);
  }
  if (options.stride < 0) {
    return fmt::format(
        "stride is {}: it is a number of tokens that are repeated, at least 0; take 0 for none",
        options.stride);
  }
  return {};
}

std::string problem_of(const BatchPadding& options, const char* length_name) {
  constexpr std::int64_t most = std::int64_t{1} << 24U;  // so that no file asks for all memory
  const auto is_outside = [](const std::optional<std::int64_t>& value) {
    return value && (*value < 1 || *value > most);
  };
  if (is_outside(options.length)) {
    return fmt::format("{} is {}, outside [1, {}]: leave it out for the length of the longest text",
                       length_name, *options.length, most);
  }
  if (is_outside(options.pad_to_multiple_of)) {
    return fmt::format("pad_to_multiple_of is {}, outside [1, {}]: leave it out for any length",
                       *options.pad_to_multiple_of, most);
  }
  return {};
}

void truncate(std::vector<Encoding>& texts, const Truncation& options, std::int64_t added) {
  if (const std::string problem = problem_of(options); !problem.empty())
    throw ValueError(fmt::format("Tokenizer: truncation: {}", problem));
  const std::int64_t room = options.max_length - added;
  if (room < 0) {
    throw ValueError(
        fmt::format("Tokenizer: max_length is {}, but {} tokens are added to each text: raise it, "
                    "or set add_special_tokens = false",
                    options.max_length, added));
  }
  std::int64_t total = 0;
  for (const Encoding& text : texts) total += text.size();
  const std::int64_t removed = total - room;
  if (removed <= 0) return;
  if (options.strategy == Truncation::Strategy::longest_first) {
    if (texts.size() == 1) return truncate(texts[0], room, options);
    std::int64_t few = texts[0].size(), many = texts[1].size();
    const bool swapped = few > many;
    if (swapped) std::swap(few, many);
    many = few > room ? few : std::max(few, room - few);
    if (few + many > room) {
      few = room / 2;
      many = few + room % 2;
    }
    if (swapped) std::swap(few, many);
    truncate(texts[0], few, options);
    truncate(texts[1], many, options);
    return;
  }
  const std::size_t which = options.strategy == Truncation::Strategy::only_first ? 0 : 1;
  if (which >= texts.size())
    throw ValueError("Tokenizer: there is no second text, which is to be truncated");
  check_one(texts[which], removed, options);
  truncate(texts[which], texts[which].size() - removed, options);
}

void pad(const std::vector<Encoding*>& encodings, const BatchPadding& options) {
  if (const std::string problem = problem_of(options); !problem.empty())
    throw ValueError(fmt::format("Tokenizer: padding: {}", problem));
  std::size_t length = 0;
  if (options.length) {
    length = static_cast<std::size_t>(*options.length);
  } else {
    for (const Encoding* encoding : encodings) length = std::max(length, longest(*encoding));
  }
  if (options.pad_to_multiple_of) {
    const auto unit = static_cast<std::size_t>(*options.pad_to_multiple_of);
    length = (length + unit - 1) / unit * unit;
  }
  for (Encoding* encoding : encodings) pad_one(*encoding, length, options);
}

}  // namespace gradus::detail
