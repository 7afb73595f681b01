#pragma once

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <utility>

namespace peers {

/// The processor's name, family and model.
inline std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  std::map<std::string, std::string> first;
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string value = line.substr(std::min(line.size(), colon + 2));
    first[line.substr(0, line.find_first_of("\t:"))] = std::move(value);
  }
  return first["model name"] + ", family " + first["cpu family"] + " model " + first["model"];
}

}  // namespace peers
