#pragma once
#include <gradus/framework/base/warning.h>

#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// Takes the warnings while it lives, which would otherwise fail the test (see main.cpp).
class CaughtWarnings {
 public:
  CaughtWarnings()
      : before_(set_warning_handler(
            [this](std::string_view message) { messages_.emplace_back(message); })) {}
  ~CaughtWarnings() { set_warning_handler(before_); }
  CaughtWarnings(const CaughtWarnings&) = delete;
  CaughtWarnings& operator=(const CaughtWarnings&) = delete;

  const std::vector<std::string>& messages() const { return messages_; }

 private:
  std::vector<std::string> messages_;
  WarningHandler before_;
};

}  // namespace gradus
