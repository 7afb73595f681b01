#include <fmt/format.h>
#include <gradus/examples/common/folder.h>
#include <gradus/examples/common/run_folder.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/optim/training/checkpoint.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace gradus::examples {

std::string path_in(const std::string& folder, RunFile file) {
  return (std::filesystem::path(folder) / file.name).string();
}

std::string run_options(const CLI::App& app) {
  std::istringstream lines(app.config_to_str(/*default_also=*/true));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    if (!line.ends_with("=\"\"")) text.append(line).append("\n");
  }
  return text;
}

void read_run_options(CLI::App& app, const std::string& folder) {
  const std::string path = path_in(folder, options_file);
  std::ifstream file(path);
  if (!file || !std::filesystem::exists(path_in(folder, checkpoint_file))) {
    throw CLI::ValidationError(
        "--resume", fmt::format("'{}' has no run to go on with: name its folder with --output, or "
                                "leave --resume out to begin one",
                                folder));
  }
  app.allow_config_extras(CLI::config_extras_mode::error);
  try {
    app.parse_from_stream(file);
  } catch (const CLI::ParseError& error) {
    throw CLI::ValidationError("--resume", fmt::format("{}: {}", path, error.what()));
  }
}

void begin_run(const std::string& folder, const std::string& options, bool overwrite) {
  file_in(folder, model_file.name, "--output");
  const bool has_run = std::filesystem::exists(path_in(folder, checkpoint_file));
  if (has_run && !overwrite) {
    throw Error(
        fmt::format("'{}' has a run: go on with it by --resume, replace it by --overwrite, "
                    "or name another folder with --output",
                    folder));
  }
  for (const RunFile old : {checkpoint_file, model_file, report_file}) {
    std::filesystem::remove(path_in(folder, old));
  }
  if (has_run) std::filesystem::remove(path_in(folder, tokenizer_file));  // not one of a user's own
  AtomicFile file(path_in(folder, options_file));
  file.write(options);
  file.commit();
}

std::uint64_t saved_number(const std::string& folder, const char* part) {
  std::uint64_t saved = 0;
  load_checkpoint({{part, saved}}, path_in(folder, checkpoint_file), {.strict = false});
  return saved;
}

void check_same_text(const std::string& folder, std::uint64_t text) {
  if (saved_number(folder, "text") == text) return;
  throw Error(
      fmt::format("--resume: the text is not the one that '{}' learns from: restore it, or begin "
                  "anew with --overwrite",
                  folder));
}

void check_has_model(const std::string& folder) {
  const std::string path = path_in(folder, model_file);
  if (std::filesystem::exists(path)) return;
  throw Error(fmt::format(
      "'{}', the best model of this run, is gone: restore it, or begin anew with --overwrite",
      path));
}

}  // namespace gradus::examples
