#pragma once
#include <gradus/framework/text/detail/aligned_text.h>

#include <string>
#include <string_view>
#include <vector>

/// What tokenize() does, in two steps.
namespace gradus::detail {

/// The words and punctuation marks of a text, each from its first character to its last.
std::vector<Span> word_spans(std::string_view text);

/// The word that such bytes are: without invisible characters, in lower case if asked for.
std::string word_of(std::string_view bytes, bool lowercase);

}  // namespace gradus::detail
