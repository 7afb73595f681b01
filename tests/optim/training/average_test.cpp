#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/sparse_adam.h>
#include <gradus/optim/training/average.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gradus/tests/support/caught_warnings.h>
#include <gtest/gtest.h>

namespace gradus {
namespace {

using testing::DoubleNear;
using testing::Pointwise;

void set(const NamedParameter& target, double value) {
  const NoGradGuard no_grad;
  target.parameter.fill_(value);
}

TEST(AveragedParameters, AveragesAndSwaps) {
  const NamedParameter w = named("w", tensor({1.0})), frozen = named("f", tensor({5.0}));
  frozen.parameter.set_trainable(false);
  AveragedParameters ema({w, frozen}, 0.75), swa({w}, 0);
  EXPECT_THROW(ema.swap(), ValueError);
  for (const double value : {1.0, 2.0, 6.0}) {
    set(w, value);
    ema.update();
    swa.update();
  }
  swa.swap();
  EXPECT_DOUBLE_EQ(w.parameter.item(), 3);
  swa.swap();
  EXPECT_DOUBLE_EQ(w.parameter.item(), 6);
  AveragedParameters resumed({w, frozen}, 0.75);
  resumed.load_state_dict(ema.state_dict());
  ema.swap();
  EXPECT_DOUBLE_EQ(w.parameter.item(), 0.75 * 1.25 + 0.25 * 6);
  EXPECT_EQ(frozen.parameter.item(), 5);
  ema.swap();
  resumed.swap();
  EXPECT_DOUBLE_EQ(w.parameter.item(), 0.75 * 1.25 + 0.25 * 6);
  EXPECT_EQ(resumed.updates(), 3);
}

TEST(AveragedParameters, RefusesWhatMakesNoSense) {
  EXPECT_EQ(message_of<ValueError>([] { AveragedParameters({}, 1); }),
            "AveragedParameters: decay is 1, it must be in [0, 1)");
  AveragedParameters small({named("w", ones({2}))}, 0.5);
  EXPECT_EQ(message_of<ShapeError>([&] {
              small.load_state_dict(AveragedParameters({named("w", ones({3}))}, 0.5).state_dict());
            }),
            "load_state_dict: the average of w is [3], its parameter is [2]");
  AveragedParameters large({named("w", ones({3})), named("b", ones({2})), named("c", ones({4}))},
                           0.5);
  StateDict state = large.state_dict();
  state.set("w", zeros({3}, DType::float64));
  state.set("b", Tensor());
  StateDict lacking;
  lacking.metadata = state.metadata;
  lacking.set("w", state.at("w"));
  lacking.set("b", state.at("b"));
  EXPECT_EQ(message_of<DTypeError>([&] { large.load_state_dict(lacking); }),
            "load_state_dict: the average of w is float64, its parameter is float32; the average "
            "of b is undefined; averages are missing in the state: [c [4]]");
}

// What the averages by elements would be, from all values that the table had.
struct Naive {
  explicit Naive(double d) : decay(d) {}
  void add(const Tensor& values) {
    const std::vector<double> now = values_of(values);
    if (n++ == 0) mean = now;
    const double part = decay > 0 ? 1 - decay : 1 / n;
    for (std::size_t i = 0; i < now.size(); ++i) mean[i] += part * (now[i] - mean[i]);
  }
  double decay, n = 0;
  std::vector<double> mean;
};

// Sparse gradients, then one that is dense, absent or empty: an update comes before each step.
TEST(AveragedParameters, ByRowsGiveWhatAveragesByElementsGive) {
  const CaughtWarnings ignored;
  for (const double decay : {0.9, 0.0}) {
    const NamedParameter table = named("table", random_tensor({7, 3}, 1));
    const NamedParameter bias = named("bias", random_tensor({4}, 2));
    SGD optimizer({table, bias}, {.lr = 0.1});
    AveragedParameters averages({table, bias}, decay, {.by_rows = true});
    Naive naive(decay), naive_bias(decay);
    for (unsigned step = 0; step < 12; ++step) {
      optimizer.zero_grad();
      if (step % 4 != 3) table.parameter.set_grad(random_rows({step % 5, 6, 6}, {7, 3}, 10 + step));
      if (step == 7) table.parameter.set_grad(random_tensor({7, 3}, 3));
      if (step == 9) table.parameter.set_grad(random_rows({}, {7, 3}, 3));
      if (step % 3 == 0) bias.parameter.set_grad(random_tensor({4}, 20 + step));
      averages.update();
      naive.add(table.parameter);
      naive_bias.add(bias.parameter);
      const StateDict now = averages.averages();
      EXPECT_THAT(values_of(now.at("table")), Pointwise(DoubleNear(1e-14), naive.mean)) << step;
      EXPECT_THAT(values_of(now.at("bias")), Pointwise(DoubleNear(1e-14), naive_bias.mean)) << step;
      optimizer.step();
    }
    const Tensor before = table.parameter.clone();
    averages.swap();
    EXPECT_THAT(values_of(table.parameter), Pointwise(DoubleNear(1e-14), naive.mean));
    averages.swap();
    EXPECT_TRUE(same_bytes(table.parameter, before));
  }
}

TEST(AveragedParameters, ByRowsTouchNoOtherRows) {
  const NamedParameter table = named("table", random_tensor({5, 2}, 1));
  AveragedParameters averages({table}, 0.5, {.by_rows = true});
  averages.update();
  const Tensor first = averages.state_dict().at("table");
  set(table, 3);
  table.parameter.set_grad(random_rows({4, 1, 4}, {5, 2}, 2));
  averages.update();
  const StateDict state = averages.state_dict();
  for (std::size_t row = 0; row < 5; ++row) {
    const bool touched = row == 1 || row == 4;
    const double before = first.span<double>()[2 * row];
    EXPECT_DOUBLE_EQ(state.at("table").span<double>()[2 * row],
                     touched ? (before + 3) / 2 : before);
    EXPECT_EQ(state.at("table.updates").span<std::int64_t>()[row], touched ? 2 : 1);
  }
}

TEST(AveragedParameters, ByRowsGoOnFromTheirState) {
  const NamedParameter table = named("table", random_tensor({7, 3}, 1));
  const NamedParameter bias = named("bias", random_tensor({4}, 2));
  AveragedParameters whole({table, bias}, 0.9, {.by_rows = true});
  AveragedParameters resumed({table, bias}, 0.9, {.by_rows = true});
  for (unsigned step = 0; step < 9; ++step) {
    const NoGradGuard no_grad;
    table.parameter.set_grad(random_rows({step % 5, 6}, {7, 3}, 10 + step));
    if (step > 0) {
      table.parameter.set_row(step % 5, random_tensor({3}, 30 + step));
      whole.update();
    }
    if (step == 4) resumed.load_state_dict(whole.state_dict());
    if (step > 4) resumed.update();
  }
  const StateDict a = whole.state_dict(), b = resumed.state_dict();
  ASSERT_EQ(a.size(), 3u);
  EXPECT_EQ(a.metadata, b.metadata);
  for (const StateEntry& entry : a) {
    EXPECT_EQ(hash_of(entry.tensor.to(DType::float64)),
              hash_of(b.at(entry.name).to(DType::float64)))
        << entry.name;
  }
}

TEST(AveragedParameters, ByRowsFollowATableThatIsResized) {
  const NamedParameter table = named("table", ones({3, 2}, DType::float64));
  AveragedParameters averages({table}, 0.5, {.by_rows = true});
  averages.update();
  table.parameter.set_grad(random_rows({1}, {3, 2}, 2));
  averages.update();
  averages.update();
  remap_rows(table.parameter, tensor({1, -1, 0}), {.followers = {&averages}});
  EXPECT_THAT(values_of<std::int64_t>(averages.state_dict().at("table.updates")),
              testing::ElementsAre(3, 3, 1));
  set(table, 3);
  averages.update();
  EXPECT_THAT(values_of(averages.averages().at("table")),
              Pointwise(DoubleNear(1e-15), {2.0, 2.0, 1.5, 1.5, 3 - 2 / 8.0, 3 - 2 / 8.0}));
}

struct Net : Module {
  Net() : table(add_parameter("table", ones({3, 2}))), bias(add_parameter("bias", ones({1}))) {}
  const Parameter table, bias;
};

TEST(AveragedParameters, FollowAModelToAnotherDtype) {
  for (const bool by_rows : {false, true}) {
    const Net net;
    net.bias.set_trainable(false);
    const std::vector<NamedParameter> parameters = net.parameters();
    AveragedParameters averages(parameters, 0.5, {.by_rows = by_rows});
    const auto update = [&](double value) {
      set(parameters[0], value);
      net.table.set_grad(ones({3, 2}, net.table.dtype()));
      averages.update();
    };
    update(1);
    net.to(DType::float64);
    EXPECT_EQ(averages.averages().at("table").dtype(), DType::float64);
    AveragedParameters resumed(parameters, 0.5, {.by_rows = by_rows});
    resumed.load_state_dict(averages.state_dict());
    EXPECT_EQ(resumed.updates(), 1);
    update(3);
    EXPECT_THAT(values_of(averages.averages().at("table")), testing::Each(2));
    averages.swap();
    EXPECT_THAT(values_of(net.table), testing::Each(2));
    net.to(DType::float32);
    averages.swap();
    EXPECT_THAT(values_of<float>(net.table), testing::Each(3));
    EXPECT_EQ(net.bias.item(), 1);
    averages.update();
    EXPECT_THAT(values_of<float>(averages.averages().at("table")), testing::Each(2.5));
  }
}

TEST(AveragedParameters, RefuseAParameterThatWasResizedWithoutThem) {
  const NamedParameter other = named("other", ones({2})), table = named("table", ones({3, 2}));
  AveragedParameters averages({other, table}, 0.5);
  averages.update();
  const StateDict before = averages.state_dict();
  set(other, 5);
  resize_rows(table.parameter, 5000);
  const std::string expected =
      "AveragedParameters: the average of table is [3, 2], its parameter is [5000, 2] now: resize "
      "it with .followers = {&averages}, or make new averages";
  EXPECT_EQ(message_of<ShapeError>([&] { averages.update(); }), expected);
  EXPECT_EQ(message_of<ShapeError>([&] { averages.swap(); }), expected);
  EXPECT_EQ(message_of<ShapeError>([&] { averages.averages(); }), expected);
  EXPECT_EQ(message_of<ShapeError>([&] { averages.state_dict(); }), expected);
  EXPECT_EQ(message_of<ShapeError>(
                [&] { resize_rows(table.parameter, 6000, {.followers = {&averages}}); }),
            expected);
  EXPECT_EQ(averages.updates(), 1);
  EXPECT_EQ(table.parameter.size(0), 5000);
  EXPECT_EQ(other.parameter.span<float>()[0], 5);
  resize_rows(table.parameter, 3);
  EXPECT_EQ(values_of<float>(averages.state_dict().at("other")),
            values_of<float>(before.at("other")));
}

TEST(AveragedParameters, FollowWhatIsFrozen) {
  for (const bool by_rows : {false, true}) {
    const NamedParameter w = named("w", tensor({1.0}));
    AveragedParameters averages({w}, 0.5, {.by_rows = by_rows});
    averages.update();
    set(w, 3);
    w.parameter.set_grad(tensor({0.0}));
    averages.update();
    EXPECT_EQ(averages.averages().at("w").item(), 2);
    w.parameter.set_trainable(false);
    averages.update();
    EXPECT_EQ(averages.averages().at("w").item(), 3);
    set(w, 7);
    averages.update();
    EXPECT_EQ(averages.averages().at("w").item(), 7);
    w.parameter.set_trainable(true);
    set(w, 9);
    averages.update();
    EXPECT_EQ(averages.averages().at("w").item(), 8);
  }
}

TEST(AveragedParameters, RefuseToGoOnWhileTheyAreSwapped) {
  const NamedParameter w = named("w", ones({2}));
  AveragedParameters averages({w}, 0.5);
  averages.update();
  const StateDict state = averages.state_dict();
  averages.swap();
  EXPECT_EQ(message_of<ValueError>([&] { averages.update(); }),
            "AveragedParameters: update while the parameters hold the averages: call swap() first");
  EXPECT_THROW(averages.state_dict(), ValueError);
  EXPECT_THROW(averages.load_state_dict(state), ValueError);
  EXPECT_THROW(averages.averages(), ValueError);
  averages.swap();
  averages.update();
  EXPECT_EQ(averages.updates(), 2);
}

TEST(AveragedParameters, RefuseCountsThatAreNone) {
  const NamedParameter table = named("table", ones({3, 2}));
  AveragedParameters averages({table}, 0.5, {.by_rows = true});
  averages.update();
  StateDict state = averages.state_dict();
  state.set("table.updates", tensor({1, 2, 1}));
  EXPECT_EQ(message_of<FormatError>([&] { averages.load_state_dict(state); }),
            "load_state_dict: table.updates is not in [1, 1]");
  state.set("table.updates", tensor({1, 1}));
  EXPECT_EQ(message_of<ShapeError>([&] { averages.load_state_dict(state); }),
            "load_state_dict: table.updates is int64 [2], it must be a number for each row of "
            "[3, 2]");
}

TEST(AveragedParameters, ThrowOnceTheyWereMovedFrom) {
  const NamedParameter w = named("w", tensor({1.0}));
  AveragedParameters average({w}, 0.5);
  average.update();
  AveragedParameters moved = std::move(average);
  // NOLINTBEGIN(bugprone-use-after-move): what is tested
  EXPECT_THROW(average.update(), Error);
  EXPECT_THROW(average.swap(), Error);
  EXPECT_THROW((void)average.averages(), Error);
  EXPECT_THROW((void)average.state_dict(), Error);
  EXPECT_THROW(average.load_state_dict(moved.state_dict()), Error);
  EXPECT_THROW((void)average.follow_rows(w.parameter, {tensor({0}), tensor({1.0})}), Error);
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_NO_THROW(moved.update());
  AveragedParameters copy = moved;
  EXPECT_NO_THROW(copy.update());
  EXPECT_NO_THROW(moved.update());
}

}  // namespace
}  // namespace gradus
