// Training that draws random numbers goes on bit for bit from a file.
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/layers/dropout.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/sequential.h>
#include <gradus/optim/adam.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>
#include <unistd.h>  // NOLINT(modernize-deprecated-headers): getpid is POSIX

#include <filesystem>

namespace gradus {
namespace {

// A model with dropout, its optimizer and the generator of both.
struct Training {
  explicit Training(std::uint64_t seed)
      : generator(seed),
        net(Linear(8, 32, {}, generator), tanh, Dropout(0.4, generator),
            Linear(32, 3, {}, generator)),
        optimizer(net.parameters(), {.lr = 0.01}) {}

  std::vector<std::uint64_t> train(int steps) {
    std::vector<std::uint64_t> hashes;
    for (int i = 0; i < steps; ++i) {
      optimizer.zero_grad();
      const Tensor x = randn({16, 8}, 0, 1, DType::float32, generator);
      const Tensor loss = cross_entropy(net(x), randint(0, 3, {16}, generator));
      loss.backward();
      optimizer.step();
      hashes.push_back(hash_of<float>(loss));
      for (const NamedParameter& p : net.parameters())
        hashes.push_back(hash_of<float>(p.parameter));
    }
    return hashes;
  }

  Generator generator;
  Sequential net;
  Adam optimizer;
};

TEST(Resume, WithDropoutGoesOnBitForBitFromAFile) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("gradus-resume-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const auto path = folder / "run.safetensors", optimizer = folder / "adam.safetensors";
  Training first((std::uint64_t{1} << 63) + 12345);  // a seed that is negative as int64
  first.train(5);
  StateDict state = first.net.state_dict();
  state.set("generator", first.generator.state());
  save(state, path);
  save(first.optimizer.state_dict(), optimizer);
  const auto expected = first.train(5);

  for (const bool with_generator : {true, false}) {
    Training second(99);
    const StateDict loaded = load(path);
    StateDict weights;
    for (const StateEntry& entry : loaded) {
      if (entry.name != "generator") weights.set(entry.name, entry.tensor, entry.frozen);
    }
    second.net.load_state_dict(weights);
    second.optimizer.load_state_dict(load(optimizer));
    if (with_generator) second.generator.set_state(loaded.at("generator"));
    EXPECT_EQ(second.train(5) == expected, with_generator);
  }
  std::filesystem::remove_all(folder);
}

TEST(GeneratorState, HoldsSeedAndOffset) {
  Generator generator(~std::uint64_t{0});
  generator.advance((std::uint64_t{1} << 63) + 7);
  const Tensor state = generator.state();
  ASSERT_EQ(state.shape(), Shape{2});
  Generator other;
  other.set_state(state);
  EXPECT_EQ(other.seed(), ~std::uint64_t{0});
  EXPECT_EQ(other.offset(), (std::uint64_t{1} << 63) + 7);
  EXPECT_EQ(other.bits(), generator.bits());
  EXPECT_EQ(message_of<ShapeError>([&] { other.set_state(zeros({3}, DType::int64)); }),
            "Generator::set_state: the state is [3], not [2]");
  EXPECT_THROW(other.set_state(zeros({2})), DTypeError);
}

}  // namespace
}  // namespace gradus
