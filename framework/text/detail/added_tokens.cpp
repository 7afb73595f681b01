#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/text/detail/added_tokens.h>
#include <gradus/framework/text/detail/unicode.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace gradus::detail {
namespace {

// The character that ends at `end`, which is above 0.
Character character_before(std::string_view text, std::size_t end) {
  for (std::size_t length = 1; length <= 4 && length <= end; ++length) {
    const Character c = decode_utf8(text.substr(0, end), end - length);
    if (c.code != not_utf8 && c.length == length) return c;
  }
  return {not_utf8, 1};
}

bool within_word(std::string_view text, Span span) {
  return (span.begin > 0 && is_word_character(character_before(text, span.begin).code)) ||
         (span.end < text.size() && is_word_character(decode_utf8(text, span.end).code));
}

std::size_t skip_space(std::string_view text, std::size_t i) {
  while (i < text.size()) {
    const Character c = decode_utf8(text, i);
    if (!is_white_space(c.code)) break;
    i += c.length;
  }
  return i;
}

std::size_t skip_space_back(std::string_view text, std::size_t i, std::size_t least) {
  while (i > least) {
    const Character c = character_before(text, i);
    if (!is_white_space(c.code)) break;
    i -= c.length;
  }
  return std::max(i, least);
}

std::vector<AddedToken> some_of(const std::vector<AddedToken>& tokens, bool normalized) {
  std::vector<AddedToken> result;
  std::copy_if(tokens.begin(), tokens.end(), std::back_inserter(result),
               [normalized](const AddedToken& token) {
                 return token.in_text && token.normalized == normalized;
               });
  return result;
}

const std::vector<Normalizer> none;

struct NormalizeAll {
  const std::vector<Normalizer>& normalizers;

  std::vector<std::string> operator()(const std::vector<AddedToken>& tokens) const {
    std::vector<std::string> result;
    for (const AddedToken& token : tokens) {
      AlignedText text(token.content);
      for (const Normalizer& normalizer : normalizers) {
        std::visit([&](const auto& each) { normalize(text, each); }, normalizer);
      }
      result.push_back(text.text());
    }
    return result;
  }
};

}  // namespace

AddedTokenFinder::AddedTokenFinder(const std::vector<AddedToken>& tokens,
                                   const std::vector<std::string>& contents) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (contents[i].empty() || index_.find(contents[i]) >= 0) continue;
    index_.add(contents[i]);
    tokens_.push_back(tokens[i]);
    lengths_.push_back(contents[i].size());
    begins_[static_cast<unsigned char>(contents[i][0])] = true;
  }
  std::sort(lengths_.begin(), lengths_.end(), std::greater<>());
  lengths_.erase(std::unique(lengths_.begin(), lengths_.end()), lengths_.end());
}

// The longest token that begins at text[i], or nullptr.
const AddedToken* AddedTokenFinder::at(std::string_view text, std::size_t i,
                                       std::size_t& length) const {
  for (const std::size_t each : lengths_) {
    if (each > text.size() - i) continue;
    if (const std::int64_t place = index_.find(text.substr(i, each)); place >= 0) {
      length = each;
      return &tokens_[static_cast<std::size_t>(place)];
    }
  }
  return nullptr;
}

void AddedTokenFinder::split(std::string_view text, std::vector<Piece>& parts) const {
  std::size_t done = 0;
  for (std::size_t i = 0; !lengths_.empty() && i < text.size();) {
    std::size_t length = 1;
    const AddedToken* token =
        begins_[static_cast<unsigned char>(text[i])] ? at(text, i, length) : nullptr;
    Span span{i, i + length};
    i = span.end;
    if (token == nullptr || (token->single_word && within_word(text, span))) continue;
    if (token->lstrip) span.begin = skip_space_back(text, span.begin, done);
    if (token->rstrip) span.end = skip_space(text, span.end);
    if (done < span.begin) parts.push_back({-1, {done, span.begin}});
    parts.push_back({token->id, span});
    done = i = span.end;
  }
  if (done < text.size()) parts.push_back({-1, {done, text.size()}});
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const std::vector<Normalizer>& normalizers)
    : tokens_(std::move(tokens)),
      in_source_(some_of(tokens_, false), NormalizeAll{none}(some_of(tokens_, false))),
      in_normalized_(some_of(tokens_, true), NormalizeAll{normalizers}(some_of(tokens_, true))) {
  std::stable_sort(tokens_.begin(), tokens_.end(),
                   [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  for (const AddedToken& token : tokens_) contents_.add(token.content);
}

const AddedToken* AddedTokens::find(std::int64_t id) const {
  const auto found = std::lower_bound(
      tokens_.begin(), tokens_.end(), id,
      [](const AddedToken& token, std::int64_t value) { return token.id < value; });
  return found == tokens_.end() || found->id != id ? nullptr : &*found;
}

const AddedToken* AddedTokens::find(std::string_view content) const {
  const std::int64_t place = contents_.find(content);
  return place < 0 ? nullptr : &tokens_[static_cast<std::size_t>(place)];
}

}  // namespace gradus::detail
