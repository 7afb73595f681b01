// Encodes texts for tests/scripts/tokenizers_check.sh.
// usage: tokenizers_check TOKENIZER <REQUESTS >ANSWERS
//   TOKENIZER   a tokenizer.json, vocab.json,merges.txt of GPT-2, or a vocab.txt of BERT (uncased)
// A line of REQUESTS is {"text", "pair" or null, "special", "truncation": null or [length,
// stride]}; a line of ANSWERS has the members of the encoding, the parts that overflow, and the
// decoded text; or "error", if the text is refused.
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/tokenizer.h>

#include <cstdint>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

using namespace gradus;
using nlohmann::json;

namespace {

Tokenizer load(const std::string& path) {
  const std::size_t comma = path.find(',');
  if (comma != std::string::npos)
    return Tokenizer::load_gpt2(path.substr(0, comma), path.substr(comma + 1));
  return path.ends_with(".txt") ? Tokenizer::load_bert(path) : Tokenizer::load(path);
}

json members(const Encoding& encoding) {
  json offsets = json::array();
  for (const ByteSpan& span : encoding.offsets) offsets.push_back({span.begin, span.end});
  return {{"ids", encoding.ids}, {"type_ids", encoding.type_ids}, {"mask", encoding.attention_mask},
          {"offsets", offsets},  {"words", encoding.word_ids},    {"texts", encoding.text_ids}};
}

json answer(const Tokenizer& tokenizer, const json& request) try {
  EncodeOptions options{.add_special_tokens = request["special"].get<bool>()};
  if (const json& given = request["truncation"]; !given.is_null())
    options.truncation = Truncation{.max_length = given[0], .stride = given[1]};
  const auto text = request["text"].get<std::string>();
  const Encoding encoding =
      request["pair"].is_null()
          ? tokenizer.encode(text, options)
          : tokenizer.encode(text, request["pair"].get<std::string>(), options);
  json result = members(encoding);
  result["overflowing"] = json::array();
  for (const Encoding& part : encoding.overflowing) result["overflowing"].push_back(members(part));
  result["decoded"] =
      tokenizer.decode(encoding.ids, {.skip_special_tokens = options.add_special_tokens});
  return result;
} catch (const ValueError& error) {
  return {{"error", error.what()}};
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::runtime_error("usage: tokenizers_check TOKENIZER <REQUESTS >ANSWERS");
  std::ios::sync_with_stdio(false);
  const Tokenizer tokenizer = load(argv[1]);
  for (std::string line; std::getline(std::cin, line);) {
    const json result = answer(tokenizer, json::parse(line));
    std::cout << result.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "tokenizers_check: " << error.what() << '\n';
  return 1;
}
