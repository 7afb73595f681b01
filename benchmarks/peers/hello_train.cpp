// The process row: builds a small model, trains it for ten steps and ends.

#include <gradus/gradus.h>

#include <cstdio>

int main() {
  using namespace gradus;
  manual_seed(1);
  const Sequential model(
      Linear(16, 32), [](const Tensor& x) { return relu(x); }, Linear(32, 2));
  Adam optimizer(model.parameters(), {.lr = 1e-3});
  const Tensor data = randn({64, 16});
  const Tensor labels = randint(0, 2, {64});
  double loss = 0;
  for (int step = 0; step < 10; ++step) {
    optimizer.zero_grad();
    const Tensor value = cross_entropy(model(data), labels);
    value.backward();
    optimizer.step();
    loss = value.item();
  }
  std::printf("loss %.4f\n", loss);
}
