#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/gradus.h>

#include <cstdio>
#include <string>
#include <utility>

#include "linked.h"

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

using gradus::Tensor;

// 2 x; `slope` is what its derivative is said to be.
Tensor doubled(const Tensor& x, double slope) {
  const Tensor y = x.detach() * 2.0;
  return gradus::record("doubled", y,
                        gradus::vjp(x, [slope](const Tensor& g) { return g * slope; }));
}

// True if gradcheck, from outside of the library, accepts right ops and names wrong ones.
bool checks_gradients() {
  const Tensor x = gradus::randn({2, 3}, 0, 1, gradus::DType::float64);
  x.set_trainable(true);
  const bool right = gradus::gradcheck([](const auto& in) { return doubled(in[0], 2); }, {x}).ok;
  const auto pair = [](const auto& in) { return std::pair(doubled(in[0], 2), in[0] * in[0]); };
  const gradus::GradcheckResult wrong =
      gradus::gradcheck([](const auto& in) { return gradus::exp(doubled(in[0], 3)); }, {x});
  std::puts(wrong.message.c_str());
  return right && gradus::gradcheck(pair, {x}).ok && !wrong.ok &&
         wrong.message.find("input 0 of shape [2, 3], element [") == 0 &&
         wrong.message.find("through doubled, exp: backward gives ") != std::string::npos;
}

struct Model : gradus::Module {
  Model() : layer(add("layer", gradus::Linear(3, 2))) {}
  const gradus::Linear layer;
};

// True if the tools that look inside of a model work from outside of the library.
bool looks_inside() {
  const Model model;
  const gradus::Profiler profiler;
  const Tensor loss = sum(model.layer(gradus::ones({1, 3})));
  const std::string dot = gradus::to_dot(loss, model.parameters());
  loss.backward();
  std::puts((dot + gradus::summary(model) + profiler.str()).c_str());
  return dot.find("layer.weight") != std::string::npos &&
         gradus::summary(model).find("(model)       Model") != std::string::npos &&
         profiler.ops().size() >= 2 && gradus::with_thread_state([] { return true; })();
}

int main() {
  bool right = throws<gradus::ValueError>([] { gradus::set_num_threads(0); });
  right &= throws<gradus::ShapeError>([] {
    gradus::matmul(gradus::zeros({2, 3}), gradus::zeros({4, 5}));
  });
  right &= throws<gradus::IndexError>([] { gradus::zeros({2}).size(3); });

  const Tensor x = gradus::ones({2, 3});
  x.set_trainable(true);
  sum(gradus::tanh(x) * x).backward();
  right &= x.grad().dense().numel() == 6;
  right &= checks_gradients();
  right &= looks_inside();
  right &= links_everything();
  std::puts(right ? "consumer: right" : "consumer: wrong");
  return right ? 0 : 1;
}
