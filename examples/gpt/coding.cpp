#include <fmt/format.h>
#include <gradus/examples/gpt/coding.h>
#include <gradus/framework/base/error.h>

#include <utility>

namespace gradus::examples {
namespace {

constexpr DecodeOptions all_tokens{.skip_special_tokens = false};

}  // namespace

std::vector<std::string> characters_of(std::string_view text) {
  std::vector<std::string> characters;
  for (const char byte : text) {
    const bool goes_on = (static_cast<unsigned char>(byte) & 0xC0U) == 0x80;
    if (goes_on && !characters.empty()) {
      characters.back() += byte;
    } else {
      characters.emplace_back(1, byte);
    }
  }
  return characters;
}

CharacterCoding::CharacterCoding(std::string_view text) {
  for (const std::string& character : characters_of(text)) ids_.emplace(character, 0);
  for (auto& [character, id] : ids_) {
    id = std::ssize(characters_);
    characters_.push_back(character);
  }
}

std::string CharacterCoding::characters() const {
  std::string all;
  for (const std::string& character : characters_) all += character;
  return all;
}

std::vector<std::int64_t> CharacterCoding::ids(std::string_view text) const {
  std::vector<std::int64_t> ids;
  for (const std::string& character : characters_of(text)) {
    const auto found = ids_.find(character);
    if (found == ids_.end()) {
      throw Error(fmt::format("the model does not know the character '{}': its text has {}",
                              character, characters()));
    }
    ids.push_back(found->second);
  }
  return ids;
}

std::string CharacterCoding::text(std::span<const std::int64_t> ids) const {
  std::string text;
  for (const std::int64_t id : ids) text += characters_.at(static_cast<std::size_t>(id));
  return text;
}

std::int64_t TextCoding::size() const {
  return characters() != nullptr ? characters()->size() : tokens()->tokenizer().size();
}

std::vector<std::int64_t> TextCoding::ids(std::string_view text) const {
  return std::visit([&](const auto& coding) { return coding.ids(text); }, coding_);
}

std::string TextCoding::text(std::span<const std::int64_t> ids) const {
  if (characters() != nullptr) return characters()->text(ids);
  return tokens()->tokenizer().decode(ids, all_tokens);
}

TextStream::TextStream(const TextCoding& coding) : coding_(coding) {
  if (coding.tokens() != nullptr) tokens_.emplace(coding.tokens()->tokenizer(), all_tokens);
}

std::string TextStream::step(std::int64_t id) {
  return tokens_ ? tokens_->step(id) : coding_.text({&id, 1});
}

std::string TextStream::finish() { return tokens_ ? tokens_->finish() : ""; }

}  // namespace gradus::examples
