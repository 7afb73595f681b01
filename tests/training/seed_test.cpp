// One call of manual_seed() decides everything that is random.
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/data/data_loader.h>
#include <gradus/framework/data/negative_sampler.h>
#include <gradus/framework/ops/nn/dropout.h>
#include <gradus/framework/ops/random.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

// Weights, drop-outs, orders and samples, drawn without naming a generator.
std::vector<std::string> draw_everything() {
  std::vector<std::string> drawn;
  const auto add = [&drawn](const Tensor& values) { drawn.push_back(values.str()); };
  add(Linear(3, 2).parameters()[0].parameter.detach());
  add(Embedding(4, 2).parameters()[0].parameter.detach());
  add(dropout(ones({16}), 0.5));
  add(randn({4}));
  add(rand({4}));
  add(randint(0, 1000, {4}));
  add(randperm(20));
  add(bernoulli(0.5, {16}));
  add(multinomial(ones({9}), 5));
  const std::vector<std::int64_t> counts(1000, 1);
  add(NegativeSampler(counts)(tensor({1, 2}), 4));
  std::vector<std::int64_t> samples(100);
  std::iota(samples.begin(), samples.end(), 0);
  const auto collate = [](const std::vector<std::int64_t>& batch) { return batch; };
  DataLoader loader(samples, collate, {.batch_size = 10, .shuffle = true});
  const auto first = loader.begin();
  for (const std::int64_t i : *first) drawn.push_back(std::to_string(i));
  return drawn;
}

TEST(ManualSeed, DecidesEverythingThatIsDrawnWithoutAGenerator) {
  manual_seed(1);
  const std::vector<std::string> first = draw_everything(), more = draw_everything();
  manual_seed(2);
  const std::vector<std::string> other = draw_everything();
  manual_seed(1);
  EXPECT_EQ(draw_everything(), first);
  ASSERT_EQ(other.size(), first.size());
  int same = 0;
  for (std::size_t i = 0; i < first.size(); ++i) same += first[i] == other[i] ? 1 : 0;
  EXPECT_LE(same, 2);  // of the positions in the first batch, few may be drawn twice
  EXPECT_NE(more, first);
}

// Nothing in the library draws from another source. The names of temporary files do: they must not
// be the same in two programs.
TEST(ManualSeed, IsTheOnlySeedInTheLibrary) {
  const std::vector<std::string> sources{"random_device", "mt19937",   "minstd_rand",  "std::rand(",
                                         "srand(",        "getrandom", "time(nullptr)"};
  int files = 0;
  for (const char* folder : {"framework", "layers", "optim"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const std::string path = entry.path().string();
      if (!path.ends_with(".h") && !path.ends_with(".cpp")) continue;
      ++files;
      if (path == "framework/base/detail/file_token.cpp") continue;
      const std::string text = content(path);
      for (const std::string& source : sources) {
        EXPECT_EQ(text.find(source), std::string::npos) << path << " has " << source;
      }
    }
  }
  EXPECT_GT(files, 200) << "run the tests from the root of the tree";
}

}  // namespace
}  // namespace gradus
