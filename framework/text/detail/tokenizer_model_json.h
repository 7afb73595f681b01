#pragma once
#include <gradus/framework/text/detail/json_place.h>
#include <gradus/framework/text/detail/tokenizer_parts.h>

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

/// The model of a tokenizer.json, whose tables may have a million elements.
namespace gradus::detail {

using PieceList = std::vector<std::pair<std::string, double>>;

/// What the tables of a model hold, filled while a file is parsed. What is wrong with an element is
/// thrown by the function that asks for its table: whether that is needed is known later.
class ModelTables {
 public:
  /// `where` begins errors, and lives longer.
  explicit ModelTables(const std::string& where) : where_(where) {}

  /// "model.vocab" and "model.merges", for parse_json; `this` stays where it is meanwhile.
  std::vector<JsonTable> in_file();

  TokenList take_tokens() { return tokens_.take(); }
  PieceList take_pieces() { return pieces_.take(); }
  Merges take_merges() { return merges_.take(); }

 private:
  template <class T>
  struct Table {
    T elements;
    std::exception_ptr problem;  // with an element

    T take() {
      if (problem) std::rethrow_exception(problem);
      return std::move(elements);
    }
  };

  const std::string& where_;
  Table<TokenList> tokens_;
  Table<PieceList> pieces_;
  Table<Merges> merges_;
};

/// `place` is a model without its tables, which are taken away.
Model parse_model(const JsonPlace& place, ModelTables& tables, bool byte_words);

/// Fails at a type that there is none of.
[[noreturn]] void refuse(const JsonPlace& place, const std::string& kind);

}  // namespace gradus::detail
