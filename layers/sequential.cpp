#include <gradus/framework/base/error.h>
#include <gradus/layers/sequential.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace gradus {

detail::FunctionLayer::FunctionLayer(std::function<Tensor(const Tensor&)> function)
    : function_(std::move(function)) {
  if (!function_) throw ValueError("Sequential: a part is an empty function");
  set_description([] { return std::string("function"); });
}

struct Sequential::Steps {
  std::vector<std::function<Tensor(const Tensor&)>> all;
};

std::shared_ptr<Sequential::Steps> Sequential::no_steps() { return std::make_shared<Steps>(); }

void Sequential::describe() {
  set_description([] { return std::string("Sequential"); });
}

void Sequential::append_step(std::function<Tensor(const Tensor&)> step) {
  steps_->all.push_back(std::move(step));
}

std::size_t Sequential::size() const { return steps_->all.size(); }

Tensor Sequential::operator()(const Tensor& x) const {
  Tensor y = x;
  for (const auto& step : steps_->all) y = step(y);
  return y;
}

}  // namespace gradus
