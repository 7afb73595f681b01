#pragma once
// A run of a program that trains is a folder. It remembers the flags it began with, so --resume
// takes no others.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace gradus::examples {

/// The files of a run.
struct RunFile {
  const char* name;
};
inline constexpr RunFile model_file{"model.safetensors"}, checkpoint_file{"checkpoint.safetensors"},
    options_file{"options.toml"}, log_file{"log.jsonl"}, report_file{"report.html"},
    tokenizer_file{"tokenizer.json"};

std::string path_in(const std::string& folder, RunFile file);

/// The flags that a run depends on, as lines key=value: those that are configurable. Leaves out
/// what is empty, which no flag takes.
std::string run_options(const CLI::App& app);

/// Sets flags to what the run in `folder` began with. Throws CLI::ValidationError for --resume if
/// there is no run.
void read_run_options(CLI::App& app, const std::string& folder);

/// Makes the folder of a new run and writes its options there. Throws Error if it has a run, which
/// `overwrite` removes, and if it cannot be written to.
void begin_run(const std::string& folder, const std::string& options, bool overwrite);

/// The number that the checkpoint of the run in `folder` has as `part`.
std::uint64_t saved_number(const std::string& folder, const char* part);

/// Throws Error if the run in `folder` is to go on with another text than it learns from: `text`
/// is what its checkpoint has as "text".
void check_same_text(const std::string& folder, std::uint64_t text);

/// Throws Error if the run in `folder` has lost the model that it had saved.
void check_has_model(const std::string& folder);

}  // namespace gradus::examples
