#include <fmt/format.h>
#include <gradus/examples/gpt/report.h>
#include <gradus/examples/gpt/trained.h>
#include <gradus/framework/metrics/report.h>

#include <numbers>

namespace gradus::examples {

void write_report(const GptOptions& options, double valid_loss, double bits_per_byte) {
  const TrainedGpt best = TrainedGpt::load(options.file(model_file));
  Report report(fmt::format("GPT in {}", options.output));
  std::vector<NamedValue> values = {{"loss", valid_loss}};
  if (best.coding.characters() != nullptr) {
    values.push_back({"bits per character", valid_loss / std::numbers::ln2});
  }
  values.push_back({"bits per byte", bits_per_byte});
  report.add_values("Held-out text", values);
  report.add_curves("Loss", read_curves(options.file(log_file)), {.smoothing = 0.01});
  report.add_text("Options", options.text);
  for (const double temperature : {0.5, 0.8, 1.0}) {
    Generator generator(options.seed);
    std::string texts;
    for (const WrittenText& written : best.write("",
                                                 {.max_new_tokens = best.documents ? 100 : 500,
                                                 .do_sample = true,
                                                 .temperature = temperature,
                                                 .num_return_sequences = best.documents ? 20 : 1},
                                                 "", generator)) {
      texts += written.text;
    }
    report.add_text(fmt::format("What it writes at temperature {}", temperature), texts);
  }
  report.save(options.file(report_file));
}

}  // namespace gradus::examples
