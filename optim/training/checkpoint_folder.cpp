#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/detail/state_owner.h>
#include <gradus/optim/training/checkpoint_folder.h>
#include <gradus/optim/training/detail/checkpoint_file.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

namespace gradus {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view before = "step-", after = ".safetensors";

std::string name_of(std::int64_t step) { return fmt::format("{}{}{}", before, step, after); }

// The step in the name of a checkpoint.
std::optional<std::int64_t> step_of(std::string_view name) {
  if (name.size() <= before.size() + after.size()) return std::nullopt;
  const std::string digits(name.substr(before.size(), name.size() - before.size() - after.size()));
  std::int64_t step = 0;
  if (detail::parse_number(digits, step) != detail::NumberText::number) return std::nullopt;
  if (step < 0 || name != name_of(step)) return std::nullopt;
  return step;
}

// The steps of all files that are called as checkpoints, newest first.
std::vector<std::int64_t> steps_in(const std::string& folder) {
  std::vector<std::int64_t> steps;
  std::error_code code;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    if (const auto step = step_of(entry->path().filename().string())) steps.push_back(*step);
  }
  if (code && code != std::errc::no_such_file_or_directory) {
    throw Error(fmt::format("CheckpointFolder: cannot read '{}': {}", folder, code.message()));
  }
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

// What its header tells of a checkpoint; nullopt if it is none, or damaged, or gone by now.
std::optional<SavedCheckpoint> described(std::int64_t step, const std::string& path) {
  try {
    const Metadata about = load(path, {}).metadata;
    if (!about.contains(detail::checkpoint_key)) return std::nullopt;
    SavedCheckpoint checkpoint{step, path};
    double metric = 0;
    const std::string* text = about.find(detail::checkpoint_metric_key);
    if (text != nullptr && detail::parse_number(*text, metric) == detail::NumberText::number) {
      checkpoint.metric = metric;
    }
    return checkpoint;
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Those that have a metric, the best first.
std::vector<SavedCheckpoint> by_metric(std::vector<SavedCheckpoint> all, bool maximize) {
  std::erase_if(all, [](const SavedCheckpoint& c) { return !c.metric || std::isnan(*c.metric); });
  std::stable_sort(all.begin(), all.end(), [&](const SavedCheckpoint& a, const SavedCheckpoint& b) {
    return maximize ? *a.metric > *b.metric : *a.metric < *b.metric;
  });
  return all;
}

void make_folder(const std::string& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (!code && !fs::is_directory(path, code))
    code = std::make_error_code(std::errc::not_a_directory);
  if (!code) return;
  throw Error(
      fmt::format("CheckpointFolder: cannot make the folder '{}': {}", path, code.message()));
}

void remove(const std::string& path) {
  std::error_code code;
  fs::remove(path, code);  // that another program has removed it is no error
  if (!code) return;
  detail::warn(fmt::format("CheckpointFolder: '{}' stays, since it cannot be removed: {}", path,
                           code.message()));
}

}  // namespace

CheckpointFolder::CheckpointFolder(std::string path, const CheckpointFolderOptions& options)
    : path_(std::move(path)), options_(options) {
  if (options_.keep_last < 1) {
    throw ValueError(fmt::format("CheckpointFolder: keep_last is {}, it must be at least 1",
                                 options_.keep_last));
  }
  if (options_.keep_best < 0) {
    throw ValueError(fmt::format("CheckpointFolder: keep_best is {}, it must not be negative",
                                 options_.keep_best));
  }
}

std::string CheckpointFolder::file(std::int64_t step) const {
  return (fs::path(path_) / name_of(step)).string();
}

void CheckpointFolder::save(const std::vector<CheckpointPart>& run, std::int64_t step,
                            std::optional<double> metric) const {
  detail::check_part_names("CheckpointFolder", run);
  if (step < 0) throw ValueError(fmt::format("CheckpointFolder: the step is {}", step));
  Metadata about;
  if (metric) {
    if (std::isnan(*metric)) {
      throw ValueError(fmt::format(
          "CheckpointFolder: the metric of step {} is nan, which cannot be compared: leave it out",
          step));
    }
    about[detail::checkpoint_metric_key] = fmt::to_string(*metric);
  }
  make_folder(path_);
  remove_orphans(path_, [](std::string_view name) { return step_of(name).has_value(); });
  detail::write_checkpoint(run, file(step), about);
  remove_others(step);
}

std::vector<SavedCheckpoint> CheckpointFolder::checkpoints() const {
  std::vector<SavedCheckpoint> all;
  for (const std::int64_t step : steps_in(path_)) {
    if (auto checkpoint = described(step, file(step))) all.push_back(*std::move(checkpoint));
  }
  std::reverse(all.begin(), all.end());
  return all;
}

std::optional<SavedCheckpoint> CheckpointFolder::best() const {
  const std::vector<SavedCheckpoint> all = by_metric(checkpoints(), options_.maximize);
  return all.empty() ? std::nullopt : std::optional(all.front());
}

// What was saved just now stays, even if there are greater steps.
void CheckpointFolder::remove_others(std::int64_t saved) const {
  const std::vector<SavedCheckpoint> all = checkpoints();
  std::set<std::int64_t> kept{saved};
  const auto first = [](std::int64_t n, const std::vector<SavedCheckpoint>& of) {
    return std::min(n, static_cast<std::int64_t>(of.size()));
  };
  std::for_each_n(all.rbegin(), first(options_.keep_last, all),
                  [&](const SavedCheckpoint& checkpoint) { kept.insert(checkpoint.step); });
  const std::vector<SavedCheckpoint> best = by_metric(all, options_.maximize);
  std::for_each_n(best.begin(), first(options_.keep_best, best),
                  [&](const SavedCheckpoint& checkpoint) { kept.insert(checkpoint.step); });
  for (const SavedCheckpoint& checkpoint : all) {
    if (kept.count(checkpoint.step) == 0) remove(checkpoint.path);
  }
}

namespace {

// False if the name is that of a file, even of one that cannot be looked at.
bool is_no_file(const std::string& path) {
  std::error_code code;
  const fs::file_type type = fs::status(path, code).type();
  return type != fs::file_type::regular && type != fs::file_type::none;
}

// While other programs save and remove the same steps, a file may be gone when it is opened and
// there again a moment later: what cannot be read is looked at anew before it is an error.
std::optional<std::int64_t> resume(const std::vector<CheckpointPart>& run,
                                   const CheckpointFolder& folder, int attempts) {
  std::vector<std::string> skipped;
  for (const std::int64_t step : steps_in(folder.path())) {
    const std::string path = folder.file(step);
    detail::CheckpointFile file;
    try {
      file = detail::read_checkpoint(path);
    } catch (const Error& error) {
      std::error_code code;
      if (fs::symlink_status(path, code).type() == fs::file_type::not_found) {
        return resume(run, folder, attempts);  // another program has saved newer ones
      }
      const bool is_damage = dynamic_cast<const FormatError*>(&error) != nullptr;
      if (is_damage || is_no_file(path)) {
        skipped.push_back(fmt::format("resume: '{}' is skipped: {}", path, error.what()));
        continue;
      }
      if (attempts == 1) throw;
      return resume(run, folder, attempts - 1);
    }
    for (const std::string& text : skipped) detail::warn(text);
    detail::load_parts(run, file, true);
    return step;
  }
  for (const std::string& text : skipped) detail::warn(text);
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> resume(const std::vector<CheckpointPart>& run,
                                   const CheckpointFolder& folder) {
  detail::check_part_names("resume", run);
  return resume(run, folder, 3);
}

}  // namespace gradus
