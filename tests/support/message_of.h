#pragma once
#include <gradus/framework/base/error.h>

#include <string>

namespace gradus {

/// What f() throws, if it is an E.
template <class E = Error, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace gradus
