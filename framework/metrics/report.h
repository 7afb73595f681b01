#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/metrics/classification_scores.h>
#include <gradus/framework/metrics/confusion_matrix.h>
#include <gradus/framework/metrics/curve.h>
#include <gradus/framework/metrics/named_value.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace gradus {

struct CurvesOptions {
  std::string x_name = "step";
  bool log_x = false;  ///< of learning rates, say; x is above 0 then
  bool log_y = false;  ///< at first; the page has a switch
  /// At first, from 0 to 0.1; the page has a slider. Each value becomes a mean of those around it,
  /// with weights that fall by a factor of e over this share of the x axis.
  double smoothing = 0;
};

/// An example and what a model made of it.
struct ReportExample {
  std::string text{}, expected{}, predicted{};
  double score = std::numeric_limits<double>::quiet_NaN();  ///< how sure the model is, if known
};

struct ExamplesOptions {
  std::int64_t max_rows = 500;  ///< how many are shown
};

struct EmbeddingsOptions {
  std::vector<std::string> groups = {};  ///< of each row, which colour and mark show; may be empty
  std::int64_t max_points = 2000;        ///< how many rows are drawn
};

/// An HTML report of a run, one file that needs no network:
///   Report report("Text classifier");
///   report.add_values("Test", {{"accuracy", accuracy.result()}});
///   report.add_curves("Loss", read_curves("run.jsonl", {"loss", "valid loss"}));
///   report.add_confusion_matrix("Confusion", confusion);
///   report.save("report.html");
/// Each call adds a section, in this order; one that throws adds nothing. All text is shown as it
/// is, never as HTML; bytes that are not UTF-8 are shown as U+FFFD. Large inputs are cut to what
/// can be seen, which the page says.
class GRADUS_API Report {
 public:
  explicit Report(std::string title);

  /// Text with its line breaks.
  void add_text(const std::string& title, const std::string& text);
  /// Single numbers: the results of a run.
  void add_values(const std::string& title, const std::vector<NamedValue>& values);
  /// Rows of texts: options and their values. `columns` are their names, and may be empty. Throws
  /// ShapeError for rows of different sizes.
  void add_table(const std::string& title, const std::vector<std::vector<std::string>>& rows,
                 const std::vector<std::string>& columns = {});

  /// Precision, recall, F1 and support of each class, and their means. Throws ValueError if nothing
  /// was counted.
  void add_scores(const std::string& title, const ClassificationScores& scores);

  /// Curves in one plot, from values or from read_curves(). Values that are not finite are gaps. Of
  /// a curve with more than 4,000 points the first, last, lowest and highest of each of 1,000
  /// stretches are drawn. Throws ShapeError unless a curve has as many x as y, or none; ValueError
  /// for an x that is not finite, is below the one before, or is not above 0 with log_x, for two
  /// curves of one name, and for smoothing outside [0, 0.1].
  void add_curves(const std::string& title, const std::vector<Curve>& curves,
                  const CurvesOptions& options = {});
  /// Of more than 100 classes, those with the most mistakes are shown, and the others as one. The
  /// most frequent mistakes that are listed below it are of single classes.
  void add_confusion_matrix(const std::string& title, const ConfusionMatrix& matrix);
  /// A table in which wrong predictions come first, those with the highest score before the others.
  /// Of a text, 1,000 characters are shown. Throws ValueError for negative max_rows.
  void add_examples(const std::string& title, std::vector<ReportExample> examples,
                    const ExamplesOptions& options = {});
  /// A map of rows [N, D] of a float type by their first two principal components, with a label for
  /// each row. The components are those of all rows; the first max_points are drawn. Throws
  /// ShapeError, DTypeError, and ValueError for a value that is not finite.
  void add_embeddings(const std::string& title, const Tensor& rows,
                      const std::vector<std::string>& labels,
                      const EmbeddingsOptions& options = {});

  /// Writes the file, atomically. Throws Error with the system's reason; an old file is unchanged
  /// then. More sections may be added, and the report saved again.
  void save(const std::string& path) const;

 private:
  std::string title_;
  std::vector<std::string> sections_;  // as JSON
};

}  // namespace gradus
