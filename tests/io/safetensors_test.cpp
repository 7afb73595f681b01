#include <fcntl.h>
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/module.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "safetensors_testing.h"

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Safetensors = FolderTest;

TEST_F(Safetensors, KeepBitsShapesAndNames) {
  const float inf = std::numeric_limits<float>::infinity();
  const float tiny = std::numeric_limits<float>::denorm_min();
  StateDict state;
  state.set("mask", tensor({true, false, true}));
  state.set("a.weight", tensor({1.5f, -0.0f, inf, tiny, std::nanf("")}, {5, 1}));
  state.set("b", tensor({1e300, -2.0}));
  state.set("count", tensor({std::int64_t{1} << 60, std::int64_t{-7}}));
  state.set("scalar", scalar(3.0f));
  state.set("empty", zeros({0, 4}));
  state.metadata["note"] = "K\xC3\xB6nig \"quoted\"\n";
  save(state, file("m.safetensors"));
  const StateDict back = load(file("m.safetensors"));
  ASSERT_EQ(back.size(), state.size());
  EXPECT_EQ(back.metadata, state.metadata);
  for (const StateEntry& entry : state) {
    const Tensor& t = back.at(entry.name);
    EXPECT_EQ(t.shape(), entry.tensor.shape()) << entry.name;
    ASSERT_EQ(t.dtype(), entry.tensor.dtype()) << entry.name;
  }
  EXPECT_EQ(std::memcmp(back.at("a.weight").data<float>(), state.at("a.weight").data<float>(), 20),
            0);
  EXPECT_THAT(back.at("b").span<double>(), ElementsAre(1e300, -2.0));
  EXPECT_THAT(back.at("count").span<std::int64_t>(), ElementsAre(std::int64_t{1} << 60, -7));
  EXPECT_THAT(back.at("mask").span<bool>(), ElementsAre(true, false, true));
}

struct Pair : Module {
  explicit Pair(const Tensor& shared)
      : first(add_parameter("first", shared)),
        second(add_parameter("second", first)),
        table(add_parameter("table", ones({2, 2}), false)) {}
  const Parameter first, second, table;
};

TEST_F(Safetensors, KeepTiesAndFrozenFlags) {
  const Pair model(full({1000}, 5));
  save(model.state_dict(), file("m.safetensors"));
  EXPECT_LT(std::filesystem::file_size(file("m.safetensors")), 2U * 4000U);  // one copy of the tie
  const Pair other(zeros({1000}));
  other.table.set_trainable(true);
  other.load_state_dict(load(file("m.safetensors")));
  EXPECT_THAT(other.second.span<float>(), testing::Each(5));
  EXPECT_TRUE(other.first.is_same(other.second));
  EXPECT_FALSE(other.table.trainable());
  EXPECT_TRUE(other.first.trainable());
  EXPECT_TRUE(load(file("m.safetensors")).metadata.empty());
}

TEST_F(Safetensors, WidenHalvesAndSmallIntegers) {
  // 1, -2, the smallest subnormal and infinity as binary16; 1 and -3.5 as bfloat16; int8 -1, 127
  const std::string half("\x00\x3c\x00\xc0\x01\x00\x00\x7c", 8);
  const std::string brain("\x80\x3f\x60\xc0", 4);
  const std::string bytes("\xff\x7f", 2);
  write_text(file("h"), with_length(R"({"h":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},)"
                                    R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},)"
                                    R"("i":{"dtype":"I8","shape":[2],"data_offsets":[12,14]}})",
                                    half + brain + bytes));
  const StateDict state = load(file("h"));
  EXPECT_THAT(state.at("h").span<float>(),
              ElementsAre(1.0F, -2.0F, 0x1p-24F, std::numeric_limits<float>::infinity()));
  EXPECT_THAT(state.at("b").span<float>(), ElementsAre(1.0F, -3.5F));
  EXPECT_THAT(state.at("i").span<std::int64_t>(), ElementsAre(-1, 127));
}

// Every integer type that is smaller than int64, with its least and its greatest value.
TEST_F(Safetensors, WidenEverySmallInteger) {
  struct Case {
    std::string type, bytes;
    std::int64_t least, greatest;
  };
  const std::vector<Case> cases{
      {"I8", std::string("\x80\x7f"), -128, 127},
      {"U8", std::string("\x00\xff", 2), 0, 255},
      {"I16", std::string("\x00\x80\xff\x7f", 4), -32768, 32767},
      {"U16", std::string("\x00\x00\xff\xff", 4), 0, 65535},
      {"I32", std::string("\x00\x00\x00\x80\xff\xff\xff\x7f", 8), -2147483648, 2147483647},
      {"U32", std::string("\x00\x00\x00\x00\xff\xff\xff\xff", 8), 0, 4294967295},
  };
  for (const Case& c : cases) {
    const std::string end = std::to_string(c.bytes.size());
    write_text(file("i"), with_length(R"({"t":{"dtype":")" + c.type +
                                          R"(","shape":[2],"data_offsets":[0,)" + end + "]}}",
                                      c.bytes));
    for (const StateDict& state : {load(file("i")), load_mapped(file("i"))}) {
      EXPECT_THAT(state.at("t").span<std::int64_t>(), ElementsAre(c.least, c.greatest)) << c.type;
    }
  }
}

TEST_F(Safetensors, ReadPayloadsAtAnyAlignment) {
  write_text(file("u"), with_length(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                    R"("f":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
                                    std::string("\x07\x00\x00\x80\x3f", 5)));
  EXPECT_EQ(load(file("u")).at("f").item<float>(), 1.0F);
}

struct BadFile {
  std::string what, content, message;
};

std::string entry(const std::string& type, const std::string& shape, const std::string& offsets) {
  const std::string data(4, 'x');
  return with_length(R"({"t":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" +
                         offsets + "}}",
                     data);
}

std::vector<BadFile> hostile_files() {
  const std::string four(4, 'x');
  return {
      {"nothing", "", "it has 0 bytes"},
      {"short", "abc", "it has 3 bytes"},
      {"huge header", std::string(16, '\xff'), "its header would have 18446744073709551615 bytes"},
      {"a zip", "PK\x03\x04" + std::string(40, '\0'), "its header would have"},
      {"a gzip file", "\x1f\x8b\x08" + std::string(40, '\0'),
       "its header would have 559903 bytes, but the file has 43: it looks like a gzip file: unpack "
       "it"},
      {"a header that is cut off", with_length("{\"a\":1}", "").substr(0, 12),
       "it is cut off: its header has 7 bytes, of which 4 are there"},
      {"a header beyond the limit",
       std::string("\x01\xe1\xf5\x05\0\0\0\0", 8) + "{" + std::string(40, ' '),
       "its header would have 100000001 bytes, but the file has 49"},
      {"GloVe", "the 0.418 0.24968 -0.41242 0.1217\nof 0.70853 0.57088 -0.4716 0.18048\n",
       "it looks like word vectors: load_word_vectors() reads them"},
      {"word2vec", "400000 50\nthe 0.418 0.24968 -0.41242 0.1217\n", "it looks like word vectors"},
      {"another text", "the cat sat on the mat\n", "bytes, but the file has 23"},
      {"no brace", with_length(" {}", ""), "does not begin with '{'"},
      {"no JSON", with_length("{\"a\":", ""), "its header is not JSON: it ends too early"},
      {"an escape sequence", with_length("{\"a\":\x1b[2J}", ""),
       R"(its header is not JSON: byte 6, at the end of '{"a":\x1b', is wrong)"},
      {"a number", with_length(R"({"a":1e999})", ""),
       "its header holds a number that is too large"},
      {"a NUL and more behind the header", with_length(std::string("{}\0{\"t\":", 8), ""),
       "its header holds a NUL byte"},
      {"NULs that fill up the header", with_length("{}" + std::string(6, '\0'), ""),
       "its header holds a NUL byte"},
      {"more behind the header", with_length("{} {}", ""), "is not JSON"},
      {"a NUL in a tie", with_length(R"({"__metadata__":{"gradus.tied":"{}\u0000junk"}})", ""),
       "is not an object"},
      {"not UTF-8", with_length("{\"\xff\":1}", ""), "is not JSON"},
      {"deep", with_length("{\"a\":" + std::string(200000, '['), ""), "nested too deeply"},
      {"twice",
       with_length(R"({"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                   R"("t":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                   four),
       "names 't' twice"},
      {"no object", with_length(R"({"t":5})", ""), "tensor 't': its entry is not"},
      {"bytes of a type that is left out", entry("U64", "[4]", "[0,4]"),
       "4 bytes for shape [4] of U64"},
      {"half a byte", entry("F4", "[7]", "[0,4]"), "4 bytes for shape [7] of F4"},
      {"bytes of a type that is not known", entry("X", "[4]", "[0,8]"), "is the file truncated?"},
      {"a dtype that is no text",
       with_length(R"({"t":{"dtype":4,"shape":[4],"data_offsets":[0,4]}})", four),
       "tensor 't': its dtype is not text"},
      {"negative size", entry("U8", "[-2]", "[0,4]"),
       "tensor 't': size -2 is not a non-negative integer"},
      {"float size", entry("U8", "[4.0]", "[0,4]"), "size 4.0 is not a non-negative integer"},
      {"shape", entry("U8", "4", "[0,4]"), "tensor 't': its shape is not an array"},
      {"offsets", entry("U8", "[4]", "[0,-4]"),
       "tensor 't': its data_offsets are [0,-4], not two non-negative integers"},
      {"three offsets", entry("U8", "[4]", "[0,2,4]"), "its data_offsets are [0,2,4], not two"},
      {"overflowing size", entry("U8", "[9223372036854775808]", "[0,4]"), "too large"},
      {"overflowing product", entry("U8", "[4294967296,4294967296,4294967296]", "[0,4]"),
       "more than 2^62 elements"},
      {"a terabyte", entry("F32", "[274877906944]", "[0,1099511627776]"), "is the file truncated?"},
      {"backwards", entry("U8", "[0]", "[4,0]"),
       "tensor 't': its data_offsets [4, 0] are in reverse order"},
      {"shape and bytes", entry("F32", "[2]", "[0,4]"), "4 bytes for shape [2] of F32"},
      {"hole", entry("U8", "[2]", "[2,4]"), "begins at byte 2"},
      {"trailing", entry("U8", "[2]", "[0,2]"), "2 bytes at the end"},
      {"overlap",
       with_length(R"({"s":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                   R"("t":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                   four),
       "begins at byte 2, but the data before it ends at 3"},
      {"metadata", with_length(R"({"__metadata__":{"a":1}})", ""), "'a' is not text"},
      {"rank 9", entry("U8", "[1,1,1,1,1,1,1,1,4]", "[0,4]"), "rank 9"},
      {"frozen stranger", with_length(R"({"__metadata__":{"gradus.frozen":"{\"x\":true}"}})", ""),
       "which is not a tensor"},
  };
}

TEST_F(Safetensors, RefuseHostileFilesBeforeAllocating) {
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  for (const BadFile& bad : hostile_files()) {
    write_text(file("bad"), bad.content);
    const std::string message = message_of<FormatError>([&] { load(file("bad")); });
    EXPECT_THAT(message, HasSubstr(bad.message)) << bad.what;
    EXPECT_THAT(message, HasSubstr(file("bad").string())) << bad.what;
    EXPECT_THAT(message, Not(HasSubstr("json"))) << bad.what;
    EXPECT_TRUE(std::all_of(message.begin(), message.end(), [](char c) {
      return ' ' <= c && c <= '~';
    })) << bad.what;
  }
  EXPECT_LT(memory_stats().peak - before, 1 << 20);
}

// A look at all entries for each of them would take minutes.
TEST_F(Safetensors, HaveAsManyTensorsAsFitTheHeader) {
  constexpr int count = 100'000;
  std::string header = "{";
  for (int i = 0; i < count; ++i) {
    header += (i > 0 ? ",\"t" : "\"t") + std::to_string(i) +
              R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  }
  write_text(file("many"), with_length(header + "}", ""));
  const StateDict state = load(file("many"), {"t7", "t99999"});
  EXPECT_EQ(state.size(), 2U);
  EXPECT_EQ(state.at("t99999").shape(), Shape({0}));
  write_text(file("twice"), with_length(header + R"(,"t70000":1})", ""));
  EXPECT_THAT(message_of<FormatError>([&] { load(file("twice")); }),
              HasSubstr("its header names 't70000' twice"));
}

TEST_F(Safetensors, RefuseEveryTruncation) {
  StateDict state;
  state.set("a", tensor({1.0f, 2.0f, 3.0f}));
  state.set("b", tensor({1, 2}));
  save(state, file("m"));
  const std::string whole = read_text(file("m"));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    write_text(file("cut"), whole.substr(0, n));
    EXPECT_THROW(load(file("cut")), FormatError) << n << " of " << whole.size() << " bytes";
  }
}

TEST_F(Safetensors, SurviveRandomDamageWithAnErrorOrAWholeResult) {
  StateDict state;
  state.set("a", tensor({1.0f, 2.0f, 3.0f}));
  state.metadata["k"] = "v";
  save(state, file("m"));
  const std::string whole = read_text(file("m"));
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    std::string damaged = whole;
    for (int k = 0; k < 3; ++k) damaged[random() % damaged.size()] = static_cast<char>(random());
    write_text(file("d"), damaged);
    try {
      load(file("d"));
    } catch (const FormatError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 250);
}

TEST_F(Safetensors, RefuseToSaveWhatLoadWouldNotGiveBack) {
  StateDict good;
  good.set("a", ones({2}));
  good.metadata["gradus"] = "not reserved";
  save(good, file("m"));
  EXPECT_EQ(load(file("m")).metadata.at("gradus"), "not reserved");
  const std::string before = read_text(file("m"));
  for (const char* key : {"gradus.tied", "gradus.frozen", "gradus.", "gradus.of.mine"}) {
    StateDict state = good;
    state.metadata[key] = "x";
    EXPECT_EQ(message_of<ValueError>([&] { save(state, file("m")); }),
              "save: the metadata key '" + std::string(key) +
                  "' is reserved: use one that does not begin with 'gradus.', or write "
                  "state.metadata.erase(\"" +
                  key + "\")");
  }
  StateDict undefined = good;
  undefined.set("running_mean", Tensor());
  EXPECT_EQ(message_of<ValueError>([&] { save(undefined, file("m")); }),
            "save: the tensor 'running_mean' is undefined");
  StateDict large = good;
  large.metadata["words"] = std::string(100'000'000, 'w');
  EXPECT_THAT(message_of<ValueError>([&] { save(large, file("m")); }),
              HasSubstr("bytes, but the format has room for 100000000"));
  StateDict name = good;
  name.set("a\xff", ones({1}));
  EXPECT_EQ(message_of<ValueError>([&] { save(name, file("m")); }),
            "save: the name 'a\\xff' is not UTF-8, which the format requires");
  StateDict bytes = good;
  bytes.metadata["text"] = "a \xff";
  EXPECT_EQ(message_of<ValueError>([&] { save(bytes, file("m")); }),
            "save: the metadata of 'text' is not UTF-8, which the format requires");
  EXPECT_EQ(read_text(file("m")), before);
  EXPECT_THAT(names(), ElementsAre("m"));
}

// What can be read of a sound file, and what cannot, is no fault of the file.
TEST_F(Safetensors, CallNoSoundFileUnsound) {
  const Pair model(ones({2}));
  StateDict state = model.state_dict();
  state.set("mask", tensor({true}));
  save(state, file("m"));
  EXPECT_EQ(message_of<FormatError>([&] { load_mapped(file("m"), "mask"); }),
            "load_mapped: '" + file("m").string() +
                "': tensor 'mask': BOOL needs conversion, so it cannot be mapped: load() it");
  EXPECT_THAT(message_of<IndexError>([&] { load_mapped(file("m"), "no"); }),
              HasSubstr("has no tensor 'no'; there are ["));
}

// Opening a pipe without a writer would never end.
TEST_F(Safetensors, AreNoPipes) {
  ASSERT_EQ(mkfifo(file("pipe").c_str(), 0600), 0);
  for (const char* name : {"load", "load_mapped"}) {
    const auto read = [&] {
      std::string_view(name) == "load" ? load(file("pipe")) : load_mapped(file("pipe"));
    };
    EXPECT_EQ(message_of<Error>(read), std::string(name) + ": cannot read '" +
                                           file("pipe").string() +
                                           "': it is a pipe or a device, which has no size: write "
                                           "it to a file first");
  }
}

TEST_F(Safetensors, NameTheFileThatIsNotThere) {
  EXPECT_THAT(message_of<Error>([&] { load(file("missing")); }),
              HasSubstr("missing': No such file or directory"));
  EXPECT_THAT(message_of<Error>([&] { save({}, file("no/such/folder")); }),
              HasSubstr("No such file or directory"));
  EXPECT_THROW(save({}, folder()), Error);
}

}  // namespace
}  // namespace gradus
