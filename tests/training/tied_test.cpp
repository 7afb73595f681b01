// An embedding whose weight is that of the output layer too.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/training/clip.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>
#include <unistd.h>  // NOLINT(modernize-deprecated-headers): getpid is POSIX

#include <cmath>
#include <filesystem>
#include <string>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t V = 7, D = 3;

struct Tied : Module {
  explicit Tied(const EmbeddingOptions& options = {}, bool bias = false)
      : embedding(add("embedding", Embedding::from_pretrained(random_tensor({V, D}, 1),
                                                              /*freeze=*/false, options))),
        output(add("output", Linear(embedding.weight, {.bias = bias}))) {}
  Tensor operator()(const Tensor& ids) const { return output(tanh(embedding(ids))); }
  const Embedding embedding;
  const Linear output;
};

const Tensor ids = tensor({4, 1, 4, 0}), targets = tensor({1, 4, 5, 6});

Tensor loss_of(const Tied& model) { return cross_entropy(model(ids), targets); }

// The gradients of both uses apart, from two leaves with the values of the one.
std::pair<Tensor, Tensor> separate_gradients(const Tied& model) {
  const Tensor table = model.embedding.weight.clone().set_trainable(true);
  const Tensor projection = model.embedding.weight.clone().set_trainable(true);
  cross_entropy(linear(tanh(embedding(table, ids, model.embedding.lookup())), projection), targets)
      .backward();
  return {table.grad().to_dense(), projection.grad().to_dense()};
}

std::vector<double> sums(const std::pair<Tensor, Tensor>& both) {
  return values_of(both.first + both.second);
}

void expect_near(const Tensor& actual, const std::vector<double>& expected) {
  const std::vector<double> values = values_of(actual);
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-14);
}

TEST(Tying, GivesTheSumOfBothGradientsOfEitherKind) {
  for (const bool sparse : {false, true}) {
    const Tied model({.sparse = sparse});
    const auto expected = separate_gradients(model);
    loss_of(model).backward();
    ASSERT_TRUE(model.embedding.weight.grad().is_dense());
    expect_near(model.embedding.weight.grad().dense(), sums(expected));
    loss_of(model).backward();  // and once more on top
    expect_near(model.embedding.weight.grad().dense(),
                values_of((expected.first + expected.second) * 2.0));
  }
}

TEST(Tying, AddsASparseGradientBeforeOrAfterADenseOne) {
  for (const bool lookup_first : {false, true}) {
    const Tied model({.sparse = true});
    const Tensor x = random_tensor({2, D}, 4);
    for (const bool lookup : {lookup_first, !lookup_first}) {
      if (lookup) {
        sum(model.embedding(ids)).backward();
      } else {
        sum(model.output(x)).backward();
      }
      EXPECT_EQ(model.embedding.weight.grad().is_sparse(), lookup && lookup_first);
    }
    std::vector<double> expected;
    for (std::int64_t v = 0; v < V; ++v) {
      for (std::int64_t d = 0; d < D; ++d) {
        const double lookups = v == 4 ? 2 : v < 2 ? 1 : 0;
        expected.push_back(lookups + x.span<double>()[static_cast<std::size_t>(d)] +
                           x.span<double>()[static_cast<std::size_t>(D + d)]);
      }
    }
    expect_near(model.embedding.weight.grad().dense(), expected);
  }
}

TEST(Tying, IsOneParameterAndOneStep) {
  for (const bool sparse : {false, true}) {
    const Tied model({.sparse = sparse}, /*bias=*/true);
    std::vector<std::string> paths;
    for (const NamedParameter& p : model.parameters()) paths.push_back(p.path);
    EXPECT_THAT(paths, ElementsAre("embedding.weight", "output.bias"));
    EXPECT_EQ(model.num_parameters(), V * D + V);
    {
      const NoGradGuard no_grad;
      model.output.bias.zero_();
    }
    const Tensor before = model.embedding.weight.clone();
    const auto both = separate_gradients(model);
    SGD optimizer(model.parameters(), {.lr = 0.5});
    loss_of(model).backward();
    optimizer.step();
    expect_near(model.embedding.weight, values_of(before - (both.first + both.second) * 0.5));
    EXPECT_TRUE(same_bytes(model.output.weight, model.embedding.weight));
  }
}

TEST(Tying, CountsOnceInTheNormOfTheGradients) {
  const Tied model({.sparse = true});
  double squares = 0;
  for (const double g : sums(separate_gradients(model))) squares += g * g;
  loss_of(model).backward();
  EXPECT_NEAR(clip_grad_norm(model.parameters(), 1e-3), std::sqrt(squares), 1e-14);
}

TEST(Tying, LazyAdamTakesTheDenseGradient) {
  const Tied tied({.sparse = true}), plain;
  Adam lazy(tied.parameters(), {.lr = 0.1, .lazy = true}), adam(plain.parameters(), {.lr = 0.1});
  for (int step = 0; step < 3; ++step) {
    lazy.zero_grad();
    adam.zero_grad();
    loss_of(tied).backward();
    loss_of(plain).backward();
    lazy.step();
    adam.step();
  }
  expect_near(tied.embedding.weight, values_of(plain.embedding.weight));
}

TEST(Tying, TheProjectionReachesThePaddingRow) {
  const Tied model({.padding_idx = 4});
  const auto both = separate_gradients(model);
  EXPECT_EQ(both.first.span<double>()[4 * D], 0);
  EXPECT_NE(both.second.span<double>()[4 * D], 0);
  loss_of(model).backward();
  expect_near(model.embedding.weight.grad().dense(), sums(both));
}

TEST(Tying, WorksWithMaxNorm) {
  const Tied model({.max_norm = 0.5, .sparse = true});
  loss_of(model).backward();  // the lookup scales first, the projection sees the scaled rows
  Tensor gradient = model.embedding.weight.grad().dense().clone();
  model.zero_grad();
  loss_of(model).backward();
  EXPECT_TRUE(same_bytes(model.embedding.weight.grad().dense(), gradient));
  // A projection before a lookup that scales needs the old values in its backward.
  const Tied other({.max_norm = 0.1});
  const Tensor x = random_tensor({2, D}, 4).set_trainable(true);
  const Tensor projected = sum(other.output(x));
  const Tensor loss = projected + sum(other.embedding(ids));
  EXPECT_THAT(message_of<AutogradError>([&] { loss.backward(); }),
              HasSubstr("last by the max_norm of an Embedding"));
}

TEST(Tying, HasOneFrozenFlag) {
  const Tied model;
  model.embedding.set_trainable(false);
  EXPECT_FALSE(model.output.weight.trainable());
  const Tensor x = random_tensor({2, D}, 4);
  EXPECT_FALSE(model.output(x).requires_grad());
  model.output.set_trainable(true);
  EXPECT_FALSE(model.embedding.is_frozen());
}

TEST(Tying, IsKeptBySavingAndLoading) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("gradus-tied-" + std::to_string(getpid()) + ".safetensors");
  const Tied model({.sparse = true});
  EXPECT_TRUE(model.state_dict().contains("embedding.weight"));
  EXPECT_TRUE(model.state_dict().contains("output.weight"));
  SGD optimizer(model.parameters(), {.lr = 0.5, .momentum = 0.5});
  const auto train = [](const Tied& m, SGD& sgd) {
    sgd.zero_grad();
    loss_of(m).backward();
    sgd.step();
  };
  train(model, optimizer);
  save(model.state_dict(), path);
  EXPECT_LT(std::filesystem::file_size(path), 2 * V * D * 8 + 300U);  // written once
  const StateDict state = load(path);
  EXPECT_TRUE(state.at("embedding.weight").is_same(state.at("output.weight")));

  const Tied other({.sparse = true});
  other.load_state_dict(state);
  SGD resumed(other.parameters(), {.lr = 0.5, .momentum = 0.5});
  resumed.load_state_dict(optimizer.state_dict());
  EXPECT_TRUE(other.output.weight.is_same(other.embedding.weight));
  for (int step = 0; step < 2; ++step) {
    train(model, optimizer);
    train(other, resumed);
  }
  EXPECT_TRUE(same_bytes(other.embedding.weight, model.embedding.weight));
  std::filesystem::remove(path);
}

TEST(Tying, IsKeptBySnapshotsAndConversion) {
  const Tied model;
  const StateDict best = snapshot(model);
  const std::uint64_t bytes = hash_of(model.embedding.weight);
  SGD optimizer(model.parameters(), {.lr = 0.5});
  loss_of(model).backward();
  optimizer.step();
  EXPECT_NE(hash_of(model.output.weight), bytes);
  restore(model, best);
  EXPECT_EQ(hash_of(model.output.weight), bytes);
  EXPECT_TRUE(model.output.weight.is_same(model.embedding.weight));
  const Tied copy;
  copy_state(model, copy);
  EXPECT_TRUE(copy.output.weight.is_same(copy.embedding.weight));

  model.to(DType::float32);
  EXPECT_EQ(model.output.weight.dtype(), DType::float32);
  EXPECT_TRUE(model.output.weight.is_same(model.embedding.weight));
  loss_of(model).backward();
  optimizer.step();
  EXPECT_EQ(model.embedding.weight.data<float>(), model.output.weight.data<float>());
}

}  // namespace
}  // namespace gradus
