#pragma once
#include <gradus/framework/base/export.h>

#include <string>
#include <vector>

namespace gradus {

/// The values of a metric along a run.
struct Curve {
  std::string name{};
  std::vector<double> x{};  ///< the step of each value, ascending; 0, 1, 2, ... if it is left empty
  std::vector<double> y{};
};

/// Reads a file that a MetricsLogger wrote, JSON lines or CSV by the end of its name: a curve for
/// each metric, in the order of `names`, or all of them as they come up in the file. A last line
/// that is incomplete, since the run still writes it or was killed, is left out.
///   report.add_curves("Loss", read_curves("run.jsonl", {"loss", "valid loss"}));
/// Throws ValueError unless the name ends in .jsonl or .csv, Error with the system's reason,
/// FormatError naming the first line that is not that of a MetricsLogger, IndexError listing the
/// metrics of the file for one that it lacks.
GRADUS_API std::vector<Curve> read_curves(const std::string& path,
                                          const std::vector<std::string>& names = {});

}  // namespace gradus
