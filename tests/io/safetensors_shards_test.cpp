// Models in several .safetensors files, and tensors by name.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/tests/io/safetensors_testing.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::vector<std::string> names_of(const StateDict& state) {
  std::vector<std::string> names;
  for (const StateEntry& entry : state) names.push_back(entry.name);
  return names;
}

constexpr const char* kIndex = "model.safetensors.index.json";

class SafetensorsShards : public FolderTest {
 protected:
  SafetensorsShards() {
    StateDict one, two;
    one.set("wte", tensor({1.0f, 2.0f}));
    one.metadata["format"] = "pt";
    two.set("head", tensor({3.0f}));
    two.set("ids", tensor({4}));
    two.metadata["format"] = "pt";
    save(one, file("model-00001-of-00002.safetensors"));
    save(two, file("model-00002-of-00002.safetensors"));
    write_index(R"("wte": "model-00001-of-00002.safetensors",
                   "head": "model-00002-of-00002.safetensors",
                   "ids": "model-00002-of-00002.safetensors")");
  }
  void write_index(const std::string& map) const {
    write_text(file(kIndex),
               "{\n  \"metadata\": {\"total_size\": 20},\n  \"weight_map\": {" + map + "}\n}\n");
  }
};

TEST_F(SafetensorsShards, AreReadByTheirIndexOrFolder) {
  for (const std::string& path :
       {file(kIndex).string(), folder().string(), folder().string() + "/"}) {
    for (const StateDict& state : {load(path), load_mapped(path)}) {
      EXPECT_THAT(names_of(state), UnorderedElementsAre("wte", "head", "ids"));
      EXPECT_THAT(state.at("wte").span<float>(), ElementsAre(1, 2));
      EXPECT_THAT(state.at("head").span<float>(), ElementsAre(3));
      EXPECT_THAT(state.at("ids").span<std::int64_t>(), ElementsAre(4));
      EXPECT_EQ(state.metadata.at("format"), "pt");
    }
  }
  EXPECT_THAT(load_mapped(folder(), "head").span<float>(), ElementsAre(3));
}

// As the cache of the Hugging Face hub has them.
TEST_F(SafetensorsShards, AreReadThroughLinks) {
  std::filesystem::create_directory(file("snapshot"));
  for (const std::string& name : names()) {
    if (name != "snapshot") std::filesystem::create_symlink("../" + name, file("snapshot") / name);
  }
  EXPECT_EQ(load(file("snapshot")).size(), 3U);
  EXPECT_EQ(load(file("snapshot") / kIndex).size(), 3U);
}

TEST_F(SafetensorsShards, AreOpenedOnlyForTheNamesAskedFor) {
  std::filesystem::remove(file("model-00001-of-00002.safetensors"));
  EXPECT_THAT(names_of(load(folder(), {"ids"})), ElementsAre("ids"));
  EXPECT_THAT(load_mapped(folder(), "head").span<float>(), ElementsAre(3));
  const std::string message = "'" + file("model-00001-of-00002.safetensors").string() +
                              "' is not there, in which '" + file(kIndex).string() +
                              "' places tensor 'wte'";
  EXPECT_EQ(message_of<Error>([&] { load(folder()); }), "load: " + message);
  EXPECT_EQ(message_of<Error>([&] { load_mapped(folder(), "wte"); }), "load_mapped: " + message);
  EXPECT_EQ(message_of<IndexError>([&] {
              load(folder(), {"ids", "no", "nor"});
            }),
            "load: '" + file(kIndex).string() +
                "' has no tensors 'no', 'nor'; there are [head, ids, wte]");
}

TEST_F(SafetensorsShards, HaveWhatTheIndexPlacesInThem) {
  write_index(R"("wte": "model-00001-of-00002.safetensors",
                 "head": "model-00001-of-00002.safetensors")");
  EXPECT_EQ(message_of<FormatError>([&] { load(folder()); }),
            "load: '" + file("model-00001-of-00002.safetensors").string() +
                "' has no tensor 'head', which '" + file(kIndex).string() + "' places in it");
  EXPECT_EQ(message_of<FormatError>([&] { load(folder(), {"head"}); }),
            "load: '" + file("model-00001-of-00002.safetensors").string() +
                "' has no tensor 'head', which '" + file(kIndex).string() + "' places in it");
  // one that the index does not list comes with its shard, as transformers has it
  write_index(R"("head": "model-00002-of-00002.safetensors")");
  EXPECT_THAT(names_of(load(folder())), UnorderedElementsAre("head", "ids"));
  // of a tensor in two shards, the index chooses
  StateDict again;
  again.set("wte", tensor({7.0f}));
  again.set("head", tensor({8.0f}));
  save(again, file("other.safetensors"));
  write_index(R"("head": "model-00002-of-00002.safetensors", "wte": "other.safetensors")");
  EXPECT_EQ(load(folder()).at("head").item<float>(), 3.0F);
  write_index(R"("ids": "model-00002-of-00002.safetensors", "wte": "other.safetensors")");
  EXPECT_THAT(message_of<FormatError>([&] { load(folder()); }),
              HasSubstr("tensor 'head' is in another shard too"));
}

TEST_F(SafetensorsShards, LieBesideTheirIndex) {
  std::filesystem::create_directory(file("inner"));
  for (const char* name : {"../model.safetensors", "/etc/passwd", "inner/x.safetensors", "..", ".",
                           "", "a\\\\..\\\\b", "x\\u0000.safetensors"}) {
    write_index(std::string("\"wte\": \"") + name + "\"");
    EXPECT_THAT(message_of<FormatError>([&] { load(folder()); }),
                HasSubstr("is not an index of .safetensors files: it places tensor 'wte' in '"))
        << name;
    EXPECT_THAT(message_of<FormatError>([&] { load(folder()); }),
                HasSubstr("', which is not the name of a file beside it"))
        << name;
  }
  write_index(R"("wte": "inner")");
  EXPECT_THAT(message_of<Error>([&] { load(folder()); }), HasSubstr("inner': Is a directory"));
}

TEST_F(SafetensorsShards, HaveAnIndexThatIsChecked) {
  const std::vector<std::pair<std::string, std::string>> bad{
      {"{\"weight_map\": {\"a\": \"x\", \"a\": \"y\"}}", "it names 'a' twice"},
      {R"({"metadata":{"total_size":34},"weight_map":{}})",
       "it places no tensor, but has a total_size of 34"},
      {"{\"weight_map\": []}", "it has a \"weight_map\" that is not an object"},
      {"{\"weight_map\": {\"a\": 1}}", "it places tensor 'a' in 1, not in a file"},
      {"{\"model_type\": \"bert\"}", "it has no \"weight_map\""},
      {"\n{\"weight_map\": ", "it is not JSON: it ends too early"},
      {"{\"a\":" + std::string(200000, '['), "it is nested too deeply"},
      {"{", "it is not JSON: it ends too early"},
      {"{\"a\": 1e999, \"weight_map\": {}}", "it holds a number that is too large"},
      {std::string("{\"weight_map\": {}}\0", 19), "it holds a NUL byte"}};
  for (const auto& [text, message] : bad) {
    write_text(file(kIndex), text);
    const std::string found = message_of<FormatError>([&] { load(folder()); });
    EXPECT_EQ(found, "load: '" + file(kIndex).string() +
                         "' is not an index of .safetensors files: " + message);
  }
  write_text(file(kIndex), "{\"weight_map\": {}}");
  EXPECT_EQ(load(folder()).size(), 0U);
}

TEST_F(SafetensorsShards, StandBehindTheFileOfAWholeModel) {
  StateDict whole;
  whole.set("all", tensor({5.0f}));
  save(whole, file("model.safetensors"));
  EXPECT_THAT(names_of(load(folder())), ElementsAre("all"));
  EXPECT_EQ(load(file(kIndex)).size(), 3U);
}

TEST_F(SafetensorsShards, AreLookedForInAFolderThatHasThem) {
  std::filesystem::remove(file(kIndex));
  EXPECT_EQ(message_of<Error>([&] { load(folder()); }),
            "load: the folder '" + folder().string() +
                "' has neither model.safetensors nor model.safetensors.index.json: name one of its "
                "files [model-00001-of-00002.safetensors, model-00002-of-00002.safetensors]");
  std::filesystem::create_directory(file("empty"));
  EXPECT_EQ(message_of<Error>([&] { load_mapped(file("empty")); }),
            "load_mapped: the folder '" + file("empty").string() +
                "' has neither model.safetensors nor model.safetensors.index.json: it has no "
                ".safetensors file");
}

TEST_F(SafetensorsShards, KeepTiesFlagsAndWhatIsLeftOut) {
  StateDict one;
  one.set("wte", tensor({1.0f, 2.0f}), true);
  one.set("head", one.at("wte"), true);
  save(one, file("a.safetensors"));
  write_text(file("b.safetensors"),
             with_length(R"({"q":{"dtype":"F8_E5M2","shape":[1],"data_offsets":[0,1]}})", "q"));
  write_index(R"("wte": "a.safetensors", "q": "b.safetensors")");
  const StateDict state = load(folder());
  EXPECT_TRUE(state.at("wte").is_same(state.at("head")));
  EXPECT_EQ(state.find("head")->frozen, true);
  EXPECT_THAT(state.left_out, ElementsAre(testing::Pair("q", "F8_E5M2")));
}

using SafetensorsByName = FolderTest;

StateDict tied_state() {
  StateDict state;
  state.set("a", tensor({1.0f, 2.0f}), true);
  state.set("b", tensor({3}));
  state.set("also a", state.at("a"), false);
  state.set("c", tensor({true, false}));
  state.metadata["note"] = "hello";
  return state;
}

TEST_F(SafetensorsByName, GiveThoseAlone) {
  save(tied_state(), file("m"));
  const StateDict some = load(file("m"), {"c", "b", "c"});
  EXPECT_THAT(names_of(some), UnorderedElementsAre("b", "c"));
  EXPECT_THAT(some.at("b").span<std::int64_t>(), ElementsAre(3));
  EXPECT_THAT(some.at("c").span<bool>(), ElementsAre(true, false));
  EXPECT_EQ(some.metadata.at("note"), "hello");
  const StateDict tied = load(file("m"), {"also a"});
  EXPECT_THAT(names_of(tied), ElementsAre("also a"));
  EXPECT_EQ(tied.find("also a")->frozen, false);
  const StateDict both = load(file("m"), {"also a", "a"});
  EXPECT_TRUE(both.at("a").is_same(both.at("also a")));
  EXPECT_EQ(both.find("a")->frozen, true);
  const StateDict none = load(file("m"), {});
  EXPECT_EQ(none.size(), 0U);
  EXPECT_EQ(none.metadata.at("note"), "hello");
  EXPECT_EQ(message_of<IndexError>([&] {
              load(file("m"), {"a", "x"});
            }),
            "load: '" + file("m").string() + "' has no tensor 'x'; there are [a, also a, b, c]");
}

// Six gigabytes, of which the disk holds a few bytes: a position beyond 4 GiB is not cut off, and
// only what is asked for is read.
TEST_F(SafetensorsByName, AreFoundBeyondFourGigabytes) {
  constexpr std::uint64_t far = std::uint64_t{6} << 30U;
  const std::string header =
      R"({"large":{"dtype":"F16","shape":[3,1073741824],"data_offsets":[0,)" + std::to_string(far) +
      R"(]},"small":{"dtype":"F32","shape":[1],)" + R"("data_offsets":[)" + std::to_string(far) +
      "," + std::to_string(far + 4) + "]}}";
  write_text(file("large"), with_length(header, ""));
  const int out = open(file("large").c_str(), O_WRONLY | O_CLOEXEC);
  const float value = 2.5F;
  ASSERT_EQ(pwrite(out, &value, 4, static_cast<off_t>(8 + header.size() + far)), 4);
  close(out);
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  EXPECT_EQ(load(file("large"), {"small"}).at("small").item<float>(), 2.5F);
  EXPECT_EQ(load_mapped(file("large"), "small").clone().item<float>(), 2.5F);
  EXPECT_LT(memory_stats().peak - before, 1 << 20);
}

}  // namespace
}  // namespace gradus
