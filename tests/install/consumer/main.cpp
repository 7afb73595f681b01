#include <gradus/framework/error.h>
#include <gradus/framework/parallel.h>
#if __has_include(<gradus/gradus.h>)
#include <gradus/gradus.h>
#endif

#include <cstdio>

// True if the library, which may be a shared one, throws an E that is caught here by its own type.
template <class E, class F>
bool throws(const F& f) {
  try {
    f();
  } catch (const E& error) {
    std::puts(error.what());
    return true;
  } catch (...) {
  }
  return false;
}

int main() {
  bool right = throws<gradus::ValueError>([] { gradus::set_num_threads(0); });
#if __has_include(<gradus/gradus.h>)
  using gradus::Tensor;
  right &= throws<gradus::ShapeError>([] {
    gradus::matmul(gradus::zeros({2, 3}), gradus::zeros({4, 5}));
  });
  right &= throws<gradus::IndexError>([] { gradus::zeros({2}).size(3); });

  const Tensor x = gradus::ones({2, 3});
  x.set_trainable(true);
  sum(gradus::tanh(x) * x).backward();
  right &= x.grad().dense().numel() == 6;
#endif
  std::puts(right ? "consumer: right" : "consumer: wrong");
  return right ? 0 : 1;
}
