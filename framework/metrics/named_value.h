#pragma once
#include <gradus/framework/base/number.h>

#include <string>

namespace gradus {

/// A value of a metric, as progress lines and records take it: {"loss", 0.25}.
struct NamedValue {
  std::string name;
  Number value;
};

}  // namespace gradus
