// Models that save() writes in shards.
#include <gmock/gmock.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/killed_child.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace gradus {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class SafetensorsShardsSave : public FolderTest {
 protected:
  std::vector<std::string> shards() const {
    std::vector<std::string> shards;
    for (const std::string& name : names()) {
      if (name.ends_with(".safetensors")) shards.push_back(name);
    }
    std::sort(shards.begin(), shards.end());
    return shards;
  }
};

StateDict four_tensors() {
  StateDict state;
  state.set("a", tensor({1.0f, 2.0f, 3.0f}), true);
  state.set("b", tensor({4.0f}));
  state.set("also a", state.at("a"), false);
  state.set("ids", tensor({5, 6}));
  state.set("mask", tensor({true, false}));
  state.metadata["note"] = "hello";
  return state;
}

TEST_F(SafetensorsShardsSave, GiveBackTheWholeState) {
  // 16 bytes of ids, 12 of a, 4 of b, 2 of mask
  for (const auto& [most, count] : std::vector<std::pair<std::int64_t, std::size_t>>{
           {1, 4}, {12, 3}, {16, 3}, {18, 2}, {28, 2}, {33, 2}, {34, 1}, {1 << 20, 1}}) {
    save(four_tensors(), folder(), {.max_shard_bytes = most});
    EXPECT_EQ(shards().size(), count) << most;
    EXPECT_EQ(names().size(), count + 1) << most;
    const StateDict back = load(folder());
    EXPECT_EQ(back.size(), 5U);
    for (const StateEntry& entry : four_tensors()) {
      EXPECT_EQ(back.at(entry.name).str(), entry.tensor.str());
      EXPECT_EQ(back.find(entry.name)->frozen, entry.frozen) << entry.name;
    }
    EXPECT_TRUE(back.at("a").is_same(back.at("also a")));
    EXPECT_EQ(back.metadata.at("note"), "hello");
    EXPECT_EQ(back.metadata.size(), 1U);
  }
  EXPECT_THAT(read_text(file("model.safetensors.index.json")), HasSubstr("\"total_size\": 34"));
  save({}, file("new"), {.max_shard_bytes = 1});
  EXPECT_EQ(load(file("new")).size(), 0U);
}

TEST_F(SafetensorsShardsSave, CanHaveSixteenBits) {
  save(four_tensors(), folder(), {.dtype = SaveDType::float16, .max_shard_bytes = 16});
  EXPECT_EQ(shards().size(), 2U);  // ids; a, b and mask in 10 bytes
  EXPECT_THAT(load(folder(), {"a"}).at("a").span<float>(), ElementsAre(1, 2, 3));
}

TEST_F(SafetensorsShardsSave, AreRefusedWhereTheyWouldNotBeRead) {
  save(four_tensors(), file("model.safetensors"));
  EXPECT_EQ(message_of<Error>([&] { save(four_tensors(), folder(), {.max_shard_bytes = 16}); }),
            "save: the folder '" + folder().string() +
                "' has a model.safetensors, which load() would take for the model: remove it, or "
                "name another folder");
  EXPECT_THAT(names(), ElementsAre("model.safetensors"));
  EXPECT_EQ(message_of<ValueError>([&] { save({}, folder(), {.max_shard_bytes = -1}); }),
            "save: max_shard_bytes is -1");
  EXPECT_THAT(
      message_of<Error>([&] { save({}, file("model.safetensors"), {.max_shard_bytes = 1}); }),
      AllOf(HasSubstr("save: cannot open the folder '"), HasSubstr("Not a directory")));
  EXPECT_EQ(message_of<Error>([&] { save({}, file("no") / "folder", {.max_shard_bytes = 1}); }),
            "save: cannot make the folder '" + (file("no") / "folder").string() +
                "': No such file or directory");
  EXPECT_THAT(message_of<Error>([&] { save({}, "/proc/folder", {.max_shard_bytes = 1}); }),
              HasSubstr("save: cannot make the folder '/proc/folder': "));
}

TEST_F(SafetensorsShardsSave, LeaveFilesOfOthers) {
  const std::vector<std::string> others{"model-00001-of-00002.safetensors",
                                        "model-0123abcg-00001-of-00002.safetensors", "config.json"};
  for (const std::string& name : others) write_text(file(name), "mine");
  write_text(file("model-0123abcd-00001-of-00002.safetensors"), "of an earlier save");
  save(four_tensors(), folder(), {.max_shard_bytes = 1 << 20});
  EXPECT_EQ(names().size(), others.size() + 2);
  for (const std::string& name : others) EXPECT_EQ(read_text(file(name)), "mine");
}

// Four tensors of one value each, for two shards.
StateDict filled(double value) {
  StateDict state;
  for (const char* name : {"a", "b", "c", "d"}) state.set(name, full({1 << 14}, value));
  return state;
}
constexpr SaveOptions kTwoShards{.max_shard_bytes = 1 << 17};

bool is_whole(const StateDict& state) {
  const float value = state.at("a").span<float>()[0];
  return std::all_of(state.begin(), state.end(), [&](const StateEntry& entry) {
    const auto span = entry.tensor.span<float>();
    return std::all_of(span.begin(), span.end(), [&](float v) { return v == value; });
  });
}

TEST_F(SafetensorsShardsSave, AreWholeAfterKills) {
  const std::vector<StateDict> states{filled(0), filled(1)};
  save(states[0], folder(), kTwoShards);
  std::mt19937 random(5);
  int inside = 0;
  for (int round = 0; round < 15; ++round) {
    kill_while_saving(random, 15000, [&](int i) {
      save(states[static_cast<std::size_t>(i % 2)], folder(), kTwoShards);
    });
    inside += names().size() > 3 ? 1 : 0;
    ASSERT_TRUE(is_whole(load(folder()))) << round;
    save(states[0], folder(), kTwoShards);
    EXPECT_EQ(names().size(), 3U);
  }
  RecordProperty("kills_during_a_save", inside);
  EXPECT_GT(inside, 0);
}

TEST_F(SafetensorsShardsSave, AreWholeForReadersWhileThreadsSave) {
  const std::vector<StateDict> states{filled(0), filled(1)};
  save(states[0], folder(), kTwoShards);
  std::atomic<int> left{2}, torn{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 10; ++round) save(states[i], folder(), kTwoShards);
      --left;
    });
  }
  do {
    try {
      torn += is_whole(load(folder())) ? 0 : 1;
    } catch (const Error& error) {
      ++torn;
      ADD_FAILURE() << error.what();
    }
  } while (left > 0);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(names().size(), 3U);
}

}  // namespace
}  // namespace gradus
