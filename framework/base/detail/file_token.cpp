#include <gradus/framework/base/detail/file_token.h>

#include <random>

namespace gradus::detail {

std::uint32_t file_token() {
  std::random_device random;
  return random();
}

}  // namespace gradus::detail
