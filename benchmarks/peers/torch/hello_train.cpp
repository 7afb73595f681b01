// The process row: builds a small model, trains it for ten steps and ends.

#include <torch/torch.h>

#include <cstdio>

int main() {
  torch::manual_seed(1);
  torch::nn::Sequential model(torch::nn::Linear(16, 32), torch::nn::ReLU(),
                              torch::nn::Linear(32, 2));
  torch::optim::Adam optimizer(model->parameters(), torch::optim::AdamOptions(1e-3));
  const torch::Tensor data = torch::randn({64, 16});
  const torch::Tensor labels = torch::randint(0, 2, {64}, torch::kLong);
  double loss = 0;
  for (int step = 0; step < 10; ++step) {
    optimizer.zero_grad();
    torch::Tensor value = torch::nn::functional::cross_entropy(model->forward(data), labels);
    value.backward();
    optimizer.step();
    loss = value.item<double>();
  }
  std::printf("loss %.4f\n", loss);
}
