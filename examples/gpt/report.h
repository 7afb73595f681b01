#pragma once
#include <gradus/examples/gpt/options.h>

namespace gradus::examples {

/// Writes the report of a run: its result and options, the curves of its log, and what its best
/// model writes.
void write_report(const GptOptions& options, double valid_loss, double bits_per_byte);

}  // namespace gradus::examples
