#include <gradus/framework/text/detail/tokenizer_model_json.h>

#include <utility>

namespace gradus::detail {
namespace {

constexpr std::uint64_t greatest_id = (std::uint64_t{1} << 53U) - 1;

// Calls f, and keeps the first error.
template <class Table, class F>
void fill(Table& table, F&& f) {
  if (table.problem) return;
  try {
    f(table.elements);
  } catch (const FormatError&) {
    table.problem = std::current_exception();
  }
}

void add_token(const std::string& token, const JsonPlace& id, TokenList& tokens) {
  if (!id.value().is_number_integer())
    id.fail(fmt::format("the id of '{}' is not an integer", printable(token)));
  if (id.value().is_number_unsigned() && id.value().get<std::uint64_t>() > greatest_id)
    id.fail(fmt::format("the id of '{}' is above {}", printable(token), greatest_id));
  tokens.emplace_back(token, id.value().get<std::int64_t>());
}

void add_merge(const JsonPlace& place, Merges& merges) {
  if (place.value().is_array()) {
    if (place.array_size() != 2)
      place.fail(fmt::format("has {} parts, not two", place.array_size()));
    merges.emplace_back(place.at(std::size_t{0}).text(), place.at(1).text());
    return;
  }
  const std::string& text = place.text();
  const std::size_t blank = text.find(' ');
  if (blank == std::string::npos || text.find(' ', blank + 1) != std::string::npos)
    place.fail(fmt::format("'{}' is not two tokens with a blank between them", printable(text)));
  merges.emplace_back(std::string_view(text).substr(0, blank),
                      std::string_view(text).substr(blank + 1));
}

void add_piece(const JsonPlace& place, PieceList& pieces) {
  if (place.array_size() != 2 || !place.at(1).value().is_number())
    place.fail("is not a piece and its score");
  pieces.emplace_back(place.at(std::size_t{0}).text(), place.at(1).value().get<double>());
}

TokenTable parse_vocabulary(const JsonPlace& place, ModelTables& tables) {
  if (!place.value().is_object())
    place.fail(
        fmt::format("is {}, not an object of tokens and their ids", place.value().type_name()));
  try {
    return TokenTable(tables.take_tokens());
  } catch (const ValueError& error) {
    place.fail(error.what());
  }
}

Model parse_bpe(const JsonPlace& place, ModelTables& tables, bool byte_words) {
  if (place.has("dropout") && place.at("dropout").value() != 0) {
    place.at("dropout").fail(
        "merges that are left out at random are not supported: set it to null");
  }
  BpeOptions options{
      place.text_or("unk_token", ""),          place.text_or("continuing_subword_prefix", ""),
      place.text_or("end_of_word_suffix", ""), place.flag_or("fuse_unk", false),
      place.flag_or("byte_fallback", false),   place.flag_or("ignore_merges", false)};
  static_cast<void>(place.at("merges").array_size());
  const Merges merges = tables.take_merges();
  return Bpe(parse_vocabulary(place.at("vocab"), tables), merges, std::move(options), byte_words);
}

Model parse_unigram(const JsonPlace& place, ModelTables& tables) {
  static_cast<void>(place.at("vocab").array_size());
  return Unigram(tables.take_pieces(), place.integer_or("unk_id", -1),
                 place.flag_or("byte_fallback", false));
}

}  // namespace

[[noreturn]] void refuse(const JsonPlace& place, const std::string& kind) {
  place.at("type").fail(
      fmt::format("'{}' is no {} that is supported", printable(place.at("type").text()), kind));
}

std::vector<JsonTable> ModelTables::in_file() {
  const auto at = [this](const std::string& path, std::size_t i, const JsonPlace::Json& value) {
    return JsonPlace(value, where_, fmt::format("{}[{}]", path, i));
  };
  JsonTable vocabulary{"model.vocab", {}, {}}, merges{"model.merges", {}, {}};
  vocabulary.take_member = [this](const std::string& token, const JsonPlace::Json& id) {
    fill(tokens_, [&](TokenList& tokens) {
      add_token(token, JsonPlace(id, where_, "model.vocab"), tokens);
    });
  };
  vocabulary.take_element = [this, at](std::size_t i, const JsonPlace::Json& piece) {
    fill(pieces_, [&](PieceList& pieces) { add_piece(at("model.vocab", i, piece), pieces); });
  };
  merges.take_element = [this, at](std::size_t i, const JsonPlace::Json& merge) {
    fill(merges_, [&](Merges& all) { add_merge(at("model.merges", i, merge), all); });
  };
  return {std::move(vocabulary), std::move(merges)};
}

Model parse_model(const JsonPlace& place, ModelTables& tables, bool byte_words) {
  std::string type = place.text_or("type", "");
  if (type.empty() && place.has("unk_id")) type = "Unigram";
  if (type.empty())
    type = place.has("merges")                      ? "BPE"
           : place.has("continuing_subword_prefix") ? "WordPiece"
                                                    : "WordLevel";
  try {
    if (type == "BPE") return parse_bpe(place, tables, byte_words);
    if (type == "Unigram") return parse_unigram(place, tables);
    if (type == "WordPiece") {
      return WordPiece(
          parse_vocabulary(place.at("vocab"), tables),
          {place.text_or("unk_token", "[UNK]"), place.text_or("continuing_subword_prefix", "##"),
           place.integer_or("max_input_chars_per_word", 100)});
    }
    if (type == "WordLevel")
      return WordLevel(parse_vocabulary(place.at("vocab"), tables),
                       place.text_or("unk_token", "<unk>"));
  } catch (const ValueError& error) {
    place.fail(error.what());
  }
  refuse(place, "model");
}

}  // namespace gradus::detail
