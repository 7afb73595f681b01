#pragma once
#include <gradus/examples/tagger/options.h>
#include <gradus/examples/tagger/scoring.h>
#include <gradus/framework/metrics/named_value.h>

#include <vector>

namespace gradus::examples {

/// Writes the report of a run: its results and options, the curves of its log, what its model gets
/// wrong in these sentences, and a map of the most frequent words.
void write_report(const TaggerOptions& options, const TrainedTagger& trained,
                  const std::vector<TaggedSentence>& sentences,
                  const std::vector<NamedValue>& results);

}  // namespace gradus::examples
