#pragma once
#include <gradus/framework/module/state_dict.h>
#include <gradus/optim/training/checkpoint.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gradus::detail {

/// What begins the metadata keys that a checkpoint has beside those of its parts.
inline constexpr const char* checkpoint_metric_key = "gradus.checkpoint_metric";

/// What a checkpoint holds, by part.
struct CheckpointFile {
  std::string path;
  std::int64_t format = 1;
  std::map<std::string, StateDict> parts{};  ///< none of a format of the future
};

/// Throws ValueError for names of parts that a checkpoint cannot have.
void check_part_names(const char* operation, const std::vector<CheckpointPart>& run);

/// Throws FormatError for a file that is damaged or no checkpoint, Error if it cannot be read.
CheckpointFile read_checkpoint(const std::string& path);

/// Writes a run, with further metadata.
void write_checkpoint(const std::vector<CheckpointPart>& run, const std::string& path,
                      const Metadata& further);

/// Loads all parts of a run, or none: throws one error that lists everything that does not fit.
void load_parts(const std::vector<CheckpointPart>& run, const CheckpointFile& file, bool strict);

}  // namespace gradus::detail
