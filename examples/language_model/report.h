#pragma once
#include <gradus/examples/language_model/options.h>

namespace gradus::examples {

/// Writes the report of a run: its result and options, the curves of its log, what its best model
/// writes, and a map of the most frequent words.
void write_report(const LanguageModelOptions& options, double valid_perplexity,
                  double unigram_perplexity);

}  // namespace gradus::examples
