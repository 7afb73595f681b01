// A rule that is written outside of the library, as docs/optimizers.md shows it.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/creation.h>
#include <gradus/optim/optimizer.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "optim_testing.h"

namespace gradus {

// What the page shows begins here.
struct SignumOptions {
  double lr = 1e-3;
  double beta = 0.9;
};

OptimizerInfo optimizer_info(SignumOptions& options) {
  return {"Signum", {"exp_avg"}, {{"lr", options.lr}, {"beta", options.beta}}};
}

void check_options(const SignumOptions& options) {
  if (!(options.beta >= 0 && options.beta < 1)) throw ValueError("Signum: beta must be in [0, 1)");
}

class Signum : public OptimizerWith<SignumOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  void update(Slot& slot) override {
    const SignumOptions& options = options_of(slot);
    visit_float("Signum", slot.parameter(), [&]<class T>(T) {
      const T beta = static_cast<T>(options.beta), lr = static_cast<T>(options.lr);
      const T* g = slot.gradient().dense().data<T>();
      T* m = slot.state.buffers[0].mutable_data<T>();
      T* w = slot.parameter().mutable_data<T>();
      for (std::int64_t i = 0; i < slot.parameter().numel(); ++i) {
        m[i] = beta * m[i] + (1 - beta) * g[i];
        w[i] -= m[i] > 0 ? lr : m[i] < 0 ? -lr : 0;
      }
    });
    ++slot.state.steps;
  }
};
// What the page shows ends here.

namespace {

using testing::ElementsAre;

TEST(OwnRule, IsWhatThePageShows) {
  const std::string source = content("tests/optim/own_rule_test.cpp");
  const std::string begin = "// What the page shows begins here.\n",
                    end = "// What the page shows ends";
  const std::size_t first = source.find(begin) + begin.size();
  const std::string shown = source.substr(first, source.find(end) - first);
  EXPECT_NE(content("docs/optimizers.md").find("```cpp\n" + shown + "```\n"), std::string::npos)
      << "docs/optimizers.md shows another rule than\n"
      << shown;
}

TEST(OwnRule, StepsAndResumes) {
  const NamedParameter w = named("w", tensor({1.0, 1.0, 1.0}));
  Signum optimizer({w}, {.lr = 0.25, .beta = 0.5});
  w.parameter.set_grad(tensor({2.0, -2.0, 0.0}));
  optimizer.step();
  EXPECT_THAT(values_of(w.parameter), ElementsAre(0.75, 1.25, 1));
  const StateDict state = optimizer.state_dict();
  EXPECT_THAT(values_of(state.at("w.exp_avg")), ElementsAre(1, -1, 0));
  EXPECT_EQ(state.metadata.at("optimizer"), "Signum");
  EXPECT_EQ(state.metadata.at("group.0.beta"), "0.5");

  Signum resumed({w});
  resumed.load_state_dict(state);
  w.parameter.set_grad(tensor({-0.5, 0.5, 1.0}));  // against m, and not strong enough
  resumed.step();
  EXPECT_THAT(values_of(w.parameter), ElementsAre(0.5, 1.5, 0.75));
}

TEST(OwnRule, HasGroupsWithOptionsByName) {
  const std::vector<ParameterGroup<SignumOptions>> groups = {{{named("a", ones({1}))}, {.lr = 1}},
                                                             {{named("b", ones({1}))}, {.lr = 2}}};
  Signum optimizer(groups);
  optimizer.add_group({named("c", ones({1}))}, {.lr = 3});
  EXPECT_EQ(optimizer.lr(2), 3);
  optimizer.set_option("beta", 0.25, 1);
  EXPECT_EQ(optimizer.options(1).beta, 0.25);
  EXPECT_EQ(optimizer.options(0).beta, 0.9);
}

TEST(OwnRule, RefusesOptionsThatItsCheckRefuses) {
  const NamedParameter w = named("w", ones({1}));
  EXPECT_EQ(message_of<ValueError>([&] { Signum({w}, {.beta = 1}); }),
            "Signum: beta must be in [0, 1)");
  Signum optimizer({w});
  EXPECT_EQ(message_of<ValueError>([&] { optimizer.set_option("beta", -1); }),
            "Signum: beta must be in [0, 1)");
  EXPECT_EQ(optimizer.option("beta"), 0.9);
}

TEST(OwnRule, RefusesASparseGradientUnlessItSaysThatItTakesThem) {
  const NamedParameter w = named("w", ones({2, 1}));
  Signum optimizer({w});
  w.parameter.set_grad(SparseGrad(tensor({1}), ones({1, 1}), {2, 1}));
  EXPECT_EQ(message_of<AutogradError>([&] { optimizer.step(); }),
            "Signum: every step moves every row and the gradient of w is sparse: give it to "
            "SparseAdam, Adagrad, or Adam with .lazy = true, or make the gradient dense with "
            ".sparse = false");
}

}  // namespace
}  // namespace gradus
