#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/optim/training/checkpoint.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace gradus {
namespace {

using detail::printable;

// Texts for an error message, of which a vocabulary may have many: the first ones, and how many.
class Examples {
 public:
  void add(std::string text) {
    ++count_;
    if (texts_.size() < 5) texts_.push_back(std::move(text));
  }
  bool empty() const { return count_ == 0; }
  std::string str() const {
    const std::size_t more = count_ - texts_.size();
    return fmt::format("{}{}", fmt::join(texts_, ", "),
                       more == 0 ? "" : fmt::format(" and {} more", more));
  }

 private:
  std::vector<std::string> texts_;
  std::size_t count_ = 0;
};

std::string word_of(const Vocabulary& vocabulary, std::optional<std::int64_t> id) {
  return id ? fmt::format("'{}'", printable(vocabulary.word(*id))) : "none";
}

std::vector<std::string> specials_of(const Vocabulary& vocabulary) {
  std::vector<std::string> words;
  for (const std::int64_t id : vocabulary.special_ids()) words.push_back(vocabulary.word(id));
  return words;
}

// What differs, as one text.
std::string differences(const Vocabulary& saved, const Vocabulary& here) {
  Examples gone, added, moved, counts;
  std::vector<std::string> all;
  for (std::int64_t id = 0; id < saved.size(); ++id) {
    const std::string& word = saved.word(id);
    const auto own = here.find(word);
    if (!own) {
      gone.add(printable(word));
      continue;
    }
    if (*own != id) moved.add(fmt::format("{} ({} in it, {} here)", printable(word), id, *own));
    const std::int64_t a = saved.counts()[static_cast<std::size_t>(id)];
    const std::int64_t b = here.counts()[static_cast<std::size_t>(*own)];
    if (a != b) counts.add(fmt::format("{} ({} in it, {} here)", printable(word), a, b));
  }
  for (const std::string& word : here.words()) {
    if (!saved.contains(word)) added.add(printable(word));
  }
  if (saved.size() != here.size()) {
    all.push_back(fmt::format("{} words in it, {} here", saved.size(), here.size()));
  }
  const auto add = [&](const char* what, const Examples& examples) {
    if (!examples.empty()) all.push_back(fmt::format("{}: [{}]", what, examples.str()));
  };
  add("words that are only in it", gone);
  add("words that are only here", added);
  add("words with another id", moved);
  add("words with another count", counts);
  const auto role = [&](const char* what, auto&& id) {
    const std::string a = word_of(saved, id(saved)), b = word_of(here, id(here));
    if (a != b) all.push_back(fmt::format("the {} word is {} in it, {} here", what, a, b));
  };
  role("padding", [](const Vocabulary& v) { return v.padding_id(); });
  role("unknown", [](const Vocabulary& v) { return v.unknown_id(); });
  role("default", [](const Vocabulary& v) { return v.default_id(); });
  if (specials_of(saved) != specials_of(here)) {
    all.push_back(fmt::format("the special words are [{}] in it, [{}] here",
                              detail::printable_names(specials_of(saved)),
                              detail::printable_names(specials_of(here))));
  }
  return fmt::format("{}", fmt::join(all, "; "));
}

Tensor bytes_of(std::string_view text) {
  std::vector<std::int64_t> bytes;
  bytes.reserve(text.size());
  for (const char c : text) bytes.push_back(static_cast<unsigned char>(c));
  const auto size = static_cast<std::int64_t>(bytes.size());
  return tensor(bytes, {size});
}

std::string text_of(const StateDict& state, const std::string& part) {
  const StateEntry* entry = state.find("");
  const auto is_text = [](const Tensor& t) {
    if (t.dtype() != DType::int64 || t.dim() != 1) return false;
    const auto bytes = t.span<std::int64_t>();
    return std::all_of(bytes.begin(), bytes.end(), [](auto b) { return 0 <= b && b <= 255; });
  };
  if (entry == nullptr || !is_text(entry->tensor)) {
    throw FormatError(fmt::format("load_checkpoint: {} is not a text of bytes in this file", part));
  }
  std::string text;
  for (const std::int64_t byte : entry->tensor.span<std::int64_t>()) {
    text += static_cast<char>(static_cast<unsigned char>(byte));
  }
  return text;
}

Vocabulary parsed(const std::string& text, const std::string& part) {
  try {
    return Vocabulary::from_text(text);
  } catch (const FormatError& error) {
    throw FormatError(fmt::format("load_checkpoint: {} is not a vocabulary in this file: {}", part,
                                  error.what()));
  }
}

void check_same(const Vocabulary& here, const std::string& text, const std::string& part) {
  if (text == here.text()) return;
  const std::string found = differences(parsed(text, part), here);
  if (found.empty()) return;  // written in another way
  throw Error(
      fmt::format("load_checkpoint: {} is another one in this file: {}: build the run with "
                  "checkpoint_vocabulary()",
                  part, found));
}

}  // namespace

CheckpointPart::CheckpointPart(const std::string& name, const Vocabulary& vocabulary)
    : CheckpointPart(
          name, Order::first,
          [&vocabulary] {
            StateDict state;
            state.set("", bytes_of(vocabulary.text()));
            return state;
          },
          [&vocabulary, name](const StateDict& state) {
            check_same(vocabulary, text_of(state, name), name);
          }) {
  is_text_ = true;
}

Vocabulary checkpoint_vocabulary(const std::string& path, const std::string& part) {
  StateDict state;
  state.set("", load(path, {part}).at(part));
  return parsed(text_of(state, part), part);
}

}  // namespace gradus
