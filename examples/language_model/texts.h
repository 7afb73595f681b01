#pragma once
#include <gradus/examples/language_model/options.h>

#include <cstdint>
#include <span>
#include <vector>

namespace gradus::examples {

/// What a model learns from, and what it is tried on.
struct Corpus {
  WordCoding coding;
  std::vector<std::int64_t> train, valid;  ///< ids
};

/// The texts that the options name. Throws Error saying what to change if they are too short.
Corpus load_texts(const LanguageModelOptions& options);

/// Prints how many words a held-out text has, and what a model that knows no order makes of them.
void describe_held_out(const Vocabulary& words, std::span<const std::int64_t> ids);

/// The ids as one number, by which a run that goes on knows its text.
std::uint64_t hash_of(std::span<const std::int64_t> ids);

}  // namespace gradus::examples
