#include <cstdio>
#include <stdexcept>

void ask_for_no_threads();

int main() {
  try {
    ask_for_no_threads();
  } catch (const std::runtime_error& error) {
    std::puts(error.what());
    return 0;
  }
  return 1;
}
