// Views share values and version: a change through any of them is seen through all, and noticed by
// a backward pass that needs the old value.
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_testing.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using View = std::pair<std::string, std::function<Tensor(const Tensor&)>>;

// Of a tensor [1, 2, 3]; each holds its first element.
const std::vector<View>& views() {
  static const std::vector<View> all{
      {"the tensor", [](const Tensor& x) { return x; }},
      {"detach", [](const Tensor& x) { return x.detach(); }},
      {"reshape",
       [](const Tensor& x) {
         return reshape(x, {3, 2});
       }},
      {"flatten", [](const Tensor& x) { return flatten(x); }},
      {"unflatten",
       [](const Tensor& x) {
         return unflatten(x, 2, {3, 1});
       }},
      {"squeeze", [](const Tensor& x) { return squeeze(x, 0); }},
      {"squeeze all", [](const Tensor& x) { return squeeze(x); }},
      {"unsqueeze", [](const Tensor& x) { return unsqueeze(x, 1); }},
      {"select", [](const Tensor& x) { return select(x, 0, 0); }},
      {"select twice", [](const Tensor& x) { return select(select(x, 0, 0), 0, 0); }},
      {"index", [](const Tensor& x) { return x[0]; }},
      {"slice", [](const Tensor& x) { return slice(x, 0, 0, 1); }},
      {"slice of a view", [](const Tensor& x) { return slice(squeeze(x, 0), 0, 0, 1); }},
      {"to the same dtype", [](const Tensor& x) { return x.to(DType::float64); }},
  };
  return all;
}

TEST(Sharing, AChangeThroughAnyViewIsSeenThroughEveryOther) {
  for (const auto& [changed, change] : views()) {
    for (const auto& [read, reader] : views()) {
      const Tensor base = ones({1, 2, 3}, DType::float64);
      const Tensor view = reader(base);
      change(base).fill_(5);
      EXPECT_EQ(values_of(view)[0], 5) << changed << ", " << read;
      EXPECT_EQ(values_of(reader(base))[0], 5) << changed << ", " << read;
    }
  }
}

TEST(Sharing, AChangeThroughAnyViewIsNoticedWhereAnotherWasSaved) {
  for (const auto& [changed, change] : views()) {
    for (const auto& [saved, saver] : views()) {
      const Tensor base = ones({1, 2, 3}, DType::float64);
      const Tensor value = saver(base), target = change(base);
      const Tensor x = random_leaf(value.shape());
      const Tensor y = mul(x, value);
      target.fill_(5);
      EXPECT_THROW(y.backward(ones_like(y)), AutogradError) << changed << ", " << saved;
      EXPECT_TRUE(x.grad().empty());
      const Tensor again = mul(x, value);  // what is saved after the change is right
      again.backward(ones_like(again));
      EXPECT_EQ(gradient_of(x)[0], 5) << changed << ", " << saved;
    }
  }
}

TEST(Sharing, AViewThatIsMadeAfterTheForwardIsNoticedToo) {
  for (const auto& [changed, change] : views()) {
    const Tensor base = ones({1, 2, 3}, DType::float64);
    const Tensor x = random_leaf(base.shape());
    const Tensor y = mul(x, base);
    change(base).mul_(2);
    EXPECT_THROW(y.backward(ones_like(y)), AutogradError) << changed;
  }
}

TEST(Sharing, AnOptimizersStepThroughAViewOfALeafIsNoticed) {
  for (const auto& [changed, change] : views()) {
    const Tensor weight = random_leaf({1, 2, 3}, 1);
    const Tensor y = mul(weight, weight);
    {
      const NoGradGuard no_grad;
      change(weight).fill_(0.5);
    }
    EXPECT_THROW(y.backward(ones_like(y)), AutogradError) << changed;
    EXPECT_EQ(values_of(weight)[0], 0.5) << changed;
  }
}

}  // namespace
}  // namespace gradus
