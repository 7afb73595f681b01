#pragma once
#include <gradus/framework/metrics/classification_scores.h>

#include <string>
#include <vector>

namespace gradus::detail {

/// Scores as rows of texts: the names of the columns, then one row for each class and each mean.
std::vector<std::vector<std::string>> score_table(const ClassificationScores& scores);

}  // namespace gradus::detail
