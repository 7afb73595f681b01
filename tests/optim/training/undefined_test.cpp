// What is undefined is named, and the function that was called.
#include <gradus/framework/base/error.h>
#include <gradus/framework/inspect/gradcheck.h>
#include <gradus/framework/inspect/graph_dot.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/embedding_bag.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/training/accumulate.h>
#include <gradus/optim/training/average.h>
#include <gradus/optim/training/check_finite.h>
#include <gradus/optim/training/clip.h>
#include <gradus/optim/training/freeze.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

TEST(Undefined, IsNamedByEveryFunctionOfTraining) {
  const NamedParameter w = named("w", tensor({1.0}));
  const std::vector<NamedParameter> lacking{w, {"v", Parameter(Tensor())}};
  const Tensor none, loss = sum(w.parameter);
  const Linear model(2, 2);
  const std::vector<std::pair<std::string, std::function<void()>>> uses{
      {"clip_grad_norm: parameter v", [&] { clip_grad_norm(lacking, 1); }},
      {"clip_grad_value: parameter v", [&] { clip_grad_value(lacking, 1); }},
      {"freeze: parameter v", [&] { freeze(lacking, "*"); }},
      {"unfreeze: parameter v", [&] { unfreeze(lacking, "*"); }},
      {"AveragedParameters: parameter v", [&] { AveragedParameters(lacking, 0.5); }},
      {"GradientAccumulator: parameter v", [&] { GradientAccumulator{lacking}; }},
      {"check_finite: parameter v", [&] { check_finite(loss, lacking); }},
      {"check_finite: loss", [&] { check_finite(none, {w}); }},
      {"check_registered: loss", [&] { check_registered(none, model); }},
      {"to_dot: parameter v", [&] { (void)to_dot(loss, lacking); }},
      {"to_dot: result", [&] { (void)to_dot(none, {w}); }},
      {"gradcheck: a result of the function",
       [&] { gradcheck([](const std::vector<Tensor>&) { return Tensor(); }, {w.parameter}); }},
      {"Linear: weight", [] { Linear{Parameter(Tensor())}; }},
      {"from_pretrained: weight", [] { Embedding::from_pretrained(Tensor()); }},
      {"from_pretrained: weight", [] { EmbeddingBag::from_pretrained(Tensor()); }},
  };
  for (const auto& [what, use] : uses) {
    EXPECT_EQ(message_of<Error>(use),
              what + " is an undefined tensor (default-constructed or moved from)");
  }
  EXPECT_TRUE(w.parameter.trainable());
}

}  // namespace
}  // namespace gradus
