#include <gradus/layers/sequential.h>

#include <utility>
#include <vector>

namespace gradus {

detail::FunctionLayer::FunctionLayer(Function<Tensor(const Tensor&)> function)
    : function_(std::move(function)) {
  set_description([] { return std::string("function"); });
}

struct Sequential::Steps {
  std::vector<Function<Tensor(const Tensor&)>> all;
};

detail::Shared<Sequential::Steps> Sequential::no_steps() { return detail::Shared<Steps>::make(); }

void Sequential::describe() {
  set_description([] { return std::string("Sequential"); });
}

void Sequential::append_step(Function<Tensor(const Tensor&)> step) {
  steps_->all.push_back(std::move(step));
}

std::size_t Sequential::size() const { return steps_->all.size(); }

Tensor Sequential::operator()(const Tensor& x) const {
  Tensor y = x;
  for (const auto& step : steps_->all) y = step(y);
  return y;
}

}  // namespace gradus
