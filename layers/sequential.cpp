#include <gradus/framework/base/error.h>
#include <gradus/layers/sequential.h>

namespace gradus {

detail::FunctionLayer::FunctionLayer(std::function<Tensor(const Tensor&)> function)
    : function_(std::move(function)) {
  if (!function_) throw ValueError("Sequential: a part is an empty function");
  set_description([] { return std::string("function"); });
}

void Sequential::describe() {
  set_description([] { return std::string("Sequential"); });
}

std::size_t Sequential::size() const { return steps_->size(); }

Tensor Sequential::operator()(const Tensor& x) const {
  Tensor y = x;
  for (const auto& step : *steps_) y = step(y);
  return y;
}

}  // namespace gradus
