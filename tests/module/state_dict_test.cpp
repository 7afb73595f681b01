// The texts of a StateDict, and copies of it; the index behind names and words.
#include <gmock/gmock.h>
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/module/state_dict.h>
#include <gradus/tests/support/op_testing.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Metadata, FindsAddsAndReplacesTexts) {
  Metadata metadata;
  EXPECT_TRUE(metadata.empty());
  metadata["b"] = "1";
  metadata["a"] = "2";
  metadata["b"] += "3";
  EXPECT_EQ(metadata.size(), 2U);
  EXPECT_THAT(metadata, ElementsAre(Pair("b", "13"), Pair("a", "2")));
  EXPECT_EQ(metadata.at("a"), "2");
  EXPECT_EQ(metadata.find("c"), nullptr);
  EXPECT_FALSE(metadata.contains("c"));
  EXPECT_EQ(metadata[""], "");
  EXPECT_TRUE(metadata.contains(""));
  EXPECT_ERROR(metadata.at("c"), IndexError, "metadata: no key 'c'; there are [b, a, ]");
}

TEST(Metadata, ErasesAndClears) {
  Metadata metadata;
  for (const char* key : {"a", "b", "c"}) metadata[key] = key;
  EXPECT_TRUE(metadata.erase("a"));
  EXPECT_FALSE(metadata.erase("a"));
  EXPECT_THAT(metadata, ElementsAre(Pair("b", "b"), Pair("c", "c")));
  EXPECT_EQ(metadata.at("c"), "c");
  metadata.clear();
  EXPECT_TRUE(metadata.empty());
  EXPECT_FALSE(metadata.contains("c"));
}

TEST(Metadata, IsEqualWhateverTheOrder) {
  Metadata a, b;
  a["x"] = "1", a["y"] = "2";
  b["y"] = "2", b["x"] = "1";
  EXPECT_EQ(a, b);
  b["x"] = "3";
  EXPECT_NE(a, b);
  b.erase("x");
  EXPECT_NE(a, b);
  b["z"] = "1";
  EXPECT_NE(a, b);
}

TEST(StateDict, CopiesAreTheirOwn) {
  StateDict a;
  a.set("w", ones({2}));
  a.metadata["k"] = "v";
  StateDict b = a;
  b.set("x", ones({3}));
  b.set("w", ones({4}));
  b.metadata["k"] = "other";
  EXPECT_FALSE(a.contains("x"));
  EXPECT_EQ(a.at("w").shape(), Shape{2});
  EXPECT_EQ(a.metadata.at("k"), "v");
  EXPECT_EQ(b.at("w").shape(), Shape{4});
  EXPECT_EQ(b.size(), 2U);
}

TEST(TextIndex, NumbersManyTextsInTheirOrder) {
  detail::TextIndex index;
  EXPECT_EQ(index.find("0"), -1);
  constexpr std::int64_t n = 5000;
  for (std::int64_t i = 0; i < n; ++i) EXPECT_EQ(index.add(std::to_string(i)), i);
  for (std::int64_t i = 0; i < n; ++i) EXPECT_EQ(index.add(std::to_string(i)), i);
  EXPECT_EQ(index.size(), n);
  for (std::int64_t i = 0; i < n; ++i) EXPECT_EQ(index.find(std::to_string(i)), i);
  EXPECT_EQ(index.find(std::to_string(n)), -1);
  EXPECT_EQ(index.find(""), -1);
  EXPECT_EQ(index.texts()[17], "17");
}

}  // namespace
}  // namespace gradus
