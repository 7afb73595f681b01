#pragma once
#include <filesystem>
#include <string>

namespace gradus::examples {

/// Makes the folder that a flag names, and fails before the training if `name` cannot be written
/// there.
std::string file_in(const std::filesystem::path& folder, const char* name, const char* flag);

}  // namespace gradus::examples
