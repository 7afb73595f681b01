#include <gradus/framework/error.h>

#include <cstdio>

int main() {
  try {
    throw gradus::ShapeError("consumer: thrown outside");
  } catch (const gradus::Error& error) {
    std::puts(error.what());
    return 0;
  }
}
