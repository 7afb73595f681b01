#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/metrics/named_value.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gradus {

struct MetricsLoggerOptions {
  bool resume = false;  ///< goes on with the records that a file has; otherwise the first write()
                        ///< drops them
};

/// Writes metrics by step into a file, as JSON lines or CSV by the end of its name:
///   MetricsLogger log("run.jsonl", {.resume = resumed});
///   log.write(step, {{"loss", loss.item()}, {"lr", optimizer.lr()}});
/// A record is in the file when write() returns, and survives the end of the program. Numbers are
/// written with as many digits as give the same double back, whatever the locale.
///
/// JSON lines: {"step": 7, "loss": 0.25}. JSON has no numbers that are not finite; they are the
/// texts "NaN", "Infinity" and "-Infinity", which float() of Python and Number() of JavaScript
/// read.
///
/// CSV: a header, then a row for each record, with empty cells for metrics that it lacks, and nan,
/// inf and -inf. A metric that comes up later gets a column at the end: the file is rewritten, and
/// replaced as a whole.
///
/// A run that is resumed from a checkpoint repeats steps that were recorded after it was saved:
/// with `resume`, the first write() drops the records of its step and of later ones, so that no
/// step is there twice. A last line that a killed program left incomplete is dropped too.
///
/// Several threads may write to one logger; two loggers may not write to one file.
class GRADUS_API MetricsLogger {
 public:
  /// Throws ValueError unless the name ends in .jsonl or .csv, Error with the system's reason if
  /// the file cannot be written and, with resume, FormatError naming the first line that is not
  /// that of a MetricsLogger. A file that exists is not changed then.
  explicit MetricsLogger(const std::string& path, const MetricsLoggerOptions& options = {});
  ~MetricsLogger();
  MetricsLogger(const MetricsLogger&) = delete;
  MetricsLogger& operator=(const MetricsLogger&) = delete;

  /// Appends a record. A step may have several records. Throws, having written nothing, ValueError
  /// for a negative step or one below that of the record before; for a name that is empty, "step",
  /// there twice, not UTF-8 or has control characters; and Error with the system's reason: a full
  /// disk.
  void write(std::int64_t step, const std::vector<NamedValue>& values);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gradus
