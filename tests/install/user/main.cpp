#include <cstdio>
#include <stdexcept>

void throw_shape_error();

int main() {
  try {
    throw_shape_error();
  } catch (const std::runtime_error& error) {
    std::puts(error.what());
    return 0;
  }
  return 1;
}
