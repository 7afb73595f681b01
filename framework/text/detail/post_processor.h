#pragma once
#include <gradus/framework/text/encoding.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// The post-processors of Hugging Face's tokenizers. Those of BERT and RoBERTa are templates.
namespace gradus::detail {

/// Puts tokens around one text or two.
struct TemplateProcessing {
  struct Part {
    int text = -1;  ///< 0 or 1, or -1 for tokens
    std::int64_t type_id = 0;
    std::string name;               ///< of the tokens
    std::vector<std::int64_t> ids;  ///< of the tokens
  };
  std::vector<Part> single, pair;
};

/// Spaces in tokens of bytes do not count in offsets.
struct TrimOffsets {
  bool add_prefix_space = true;
};

using PostProcessor = std::variant<TemplateProcessing, TrimOffsets>;

/// The number of tokens that are added.
std::int64_t added_tokens(const std::vector<PostProcessor>& processors, bool is_pair);

/// Puts the encodings of one text or two together, with the tokens that belong there if
/// `with_tokens`, and the overflowing parts of each with all of the other.
Encoding combine(const TemplateProcessing* form, bool with_tokens, std::vector<Encoding> texts);

/// What makes no sense in options, named by its member, with the cure; empty if all is well. A file
/// has another name for BatchPadding::length.
std::string problem_of(const Truncation& options);
std::string problem_of(const BatchPadding& options, const char* length_name = "length");

/// Throws ValueError for options with a problem, or whose stride or length do not fit.
void truncate(std::vector<Encoding>& texts, const Truncation& options, std::int64_t added);
/// Of all to one length, those that overflow as well. Throws ValueError for options with a problem.
void pad(const std::vector<Encoding*>& encodings, const BatchPadding& options);

}  // namespace gradus::detail
