#include <fmt/format.h>
#include <gradus/examples/tagger/sentences.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/data/conllu.h>
#include <gradus/framework/metrics/span_f1.h>
#include <stdio.h>  // NOLINT(modernize-deprecated-headers): popen is POSIX

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

namespace gradus::examples {
namespace {

constexpr const char* treebank_script = GRADUS_EXAMPLES_FOLDER "/data/turkish_treebank.py";

constexpr NamedScheme schemes[] = {{"iob2", TagScheme::iob2},
                                   {"iobes", TagScheme::iobes},
                                   {"iob1", TagScheme::iob1},
                                   {"ioe2", TagScheme::ioe2},
                                   {"ioe1", TagScheme::ioe1}};

struct NamedField {
  const char* name;
  std::string ConlluToken::*field;
};
constexpr NamedField fields[] = {{"upos", &ConlluToken::upos},   {"xpos", &ConlluToken::xpos},
                                 {"form", &ConlluToken::form},   {"lemma", &ConlluToken::lemma},
                                 {"feats", &ConlluToken::feats}, {"deprel", &ConlluToken::deprel},
                                 {"deps", &ConlluToken::deps},   {"misc", &ConlluToken::misc}};

std::string ConlluToken::*field_of(const std::string& column) {
  std::string names;
  for (const auto& [name, field] : fields) {
    if (column == name) return field;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  }
  throw ValueError(fmt::format("--column: CoNLL-U has no column '{}': it has {}", column, names));
}

std::vector<TaggedSentence> from_conllu(const std::string& path, const SentenceFormat& format) {
  const auto field = field_of(format.column.empty() ? "upos" : format.column);
  std::vector<TaggedSentence> sentences;
  for (const ConlluSentence& sentence : read_conllu(path, {.encoding = format.encoding})) {
    TaggedSentence& tagged = sentences.emplace_back();
    for (const ConlluToken& word : sentence.words) {
      tagged.words.push_back(word.form);
      tagged.tags.push_back(word.*field);
    }
  }
  return sentences;
}

std::int64_t position_of(const std::string& column) {
  if (column.empty()) return -1;
  std::int64_t position = 0;
  const char* end = column.data() + column.size();
  const auto result = std::from_chars(column.data(), end, position);
  if (result.ec == std::errc() && result.ptr == end) return position;
  throw ValueError(
      fmt::format("--column: '{}' is not a position: columns that are not CoNLL-U have no names; "
                  "the first is 0, the last -1",
                  column));
}

/// Whether all labels look like O or B-X, and not all are O.
bool look_like_spans(const std::vector<TaggedSentence>& sentences) {
  bool has_span = false;
  for (const TaggedSentence& sentence : sentences) {
    for (const std::string& tag : sentence.tags) {
      if (tag == "O") continue;
      const bool is_span = tag.size() > 2 && tag[1] == '-' &&
                           std::string_view("BIES").find(tag[0]) != std::string_view::npos;
      if (!is_span) return false;
      has_span = true;
    }
  }
  return has_span;
}

}  // namespace

std::vector<TaggedSentence> read_sentences(const std::string& path, const SentenceFormat& format) {
  const bool is_conllu = format.format == ColumnFormat::conllu ||
                         (format.format == ColumnFormat::automatic && path.ends_with(".conllu"));
  std::vector<TaggedSentence> sentences =
      is_conllu ? from_conllu(path, format)
                : read_conll(path, {.word_column = format.word_column,
                                    .tag_column = position_of(format.column),
                                    .encoding = format.encoding});
  std::erase_if(sentences, [](const TaggedSentence& sentence) { return sentence.words.empty(); });
  if (!sentences.empty()) return sentences;
  throw FormatError(fmt::format("'{}' has no sentence: it should have a word a line", path));
}

std::vector<TaggedSentence> hold_out(std::vector<TaggedSentence>& sentences,
                                     const std::string& path) {
  if (sentences.size() < 10) {
    throw Error(
        fmt::format("--corpus: '{}' has {} sentences, of which the last tenth is held out: take 10 "
                    "or more, or name held-out ones with --valid",
                    path, sentences.size()));
  }
  const auto tenth = sentences.end() - std::ssize(sentences) / 10;
  std::vector<TaggedSentence> held_out(std::make_move_iterator(tenth),
                                       std::make_move_iterator(sentences.end()));
  sentences.erase(tenth, sentences.end());
  return held_out;
}

Treebank turkish_treebank() {
  std::FILE* pipe = popen(fmt::format("python3 '{}'", treebank_script).c_str(), "r");
  if (pipe == nullptr) throw Error("--corpus: cannot run python3, which makes the default corpus");
  std::string said;
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) said.append(buffer, n);
  const int status = pclose(pipe);
  said.erase(said.find_last_not_of('\n') + 1);
  if (status != 0) {
    throw Error(
        fmt::format("the default corpus is missing: {}; or name one of your own with --corpus FILE",
                    said.empty() ? "python3, which makes it, cannot run" : said));
  }
  const std::filesystem::path folder = said;
  const auto file = [&](const char* name) { return (folder / name).string(); };
  return {file("train.conllu"), file("dev.conllu"), file("test.conllu")};
}

std::span<const NamedScheme> tag_schemes() { return schemes; }

const char* name_of(TagScheme scheme) {
  return std::find_if(std::begin(schemes), std::end(schemes),
                      [=](const NamedScheme& s) { return s.scheme == scheme; })
      ->name;
}

void check_scheme(const std::vector<TaggedSentence>& sentences, TagScheme scheme) {
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    try {
      (void)tag_spans(sentences[i].tags, scheme, InvalidTags::refuse);
    } catch (const FormatError& error) {
      throw Error(
          fmt::format("--scheme: sentence {} has labels that {} does not allow: {}: repair them, "
                      "name another scheme, or learn them as they are with --scheme none",
                      i + 1, name_of(scheme), error.what()));
    }
  }
}

std::optional<TagScheme> find_scheme(const std::vector<TaggedSentence>& sentences) {
  if (!look_like_spans(sentences)) return std::nullopt;
  for (const auto& [name, scheme] : schemes) {
    const auto fits = [scheme = scheme](const TaggedSentence& sentence) {
      try {
        (void)tag_spans(sentence.tags, scheme, InvalidTags::refuse);
        return true;
      } catch (const FormatError&) {
        return false;
      }
    };
    if (std::ranges::all_of(sentences, fits)) return scheme;
  }
  check_scheme(sentences, TagScheme::iob2);
  return std::nullopt;
}

}  // namespace gradus::examples
