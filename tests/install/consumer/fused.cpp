#include <gradus/framework/bridge/xtensor.h>
#include <gradus/framework/ops/reduce.h>

#include <cstdio>

// An op of one's own, by "framework/bridge/xtensor.h".
int main() {
  const gradus::Tensor x = gradus::ones({2, 3});
  const gradus::Tensor y = gradus::from_flat<float>(x.shape(), 2.0F * gradus::xflat<float>(x));
  const bool right = gradus::sum(y).item() == 12;
  std::puts(right ? "fused: right" : "fused: wrong");
  return right ? 0 : 1;
}
