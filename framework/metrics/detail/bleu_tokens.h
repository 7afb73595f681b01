#pragma once
#include <gradus/framework/metrics/bleu.h>

#include <string>
#include <string_view>

namespace gradus::detail {

/// The tokens of a UTF-8 text, with one space between them.
std::string bleu_tokens(std::string_view text, BleuTokenizer tokenizer);

/// "13a", "intl", "char" or "none".
const char* name(BleuTokenizer tokenizer);

}  // namespace gradus::detail
