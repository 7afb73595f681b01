#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/npz.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "damage_testing.h"

namespace gradus {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using namespace std::string_literals;

using Npz = FolderTest;

std::string bytes_of(std::uint64_t value, int width) {
  std::string bytes;
  for (int i = 0; i < width; ++i) bytes += static_cast<char>(value >> (8 * i) & 255U);
  return bytes;
}

// Replaces all occurrences of a text by one of the same size.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1)) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// tests/golden/make_formats.py has the values.
TEST_F(Npz, EveryTypeAndOrder) {
  const StateDict state = load_npz(format_file("made_types.npz"));
  EXPECT_EQ(state.size(), 48U);
  for (const StateEntry& entry : state) {
    const char kind = entry.name[1];
    const double least = kind == 'f' || kind == 'i' ? -2 : 0;
    const bool is_bool = kind == 'b', is_wide = entry.name.substr(1, 2) == "f8";
    const DType dtype = is_bool       ? DType::boolean
                        : is_wide     ? DType::float64
                        : kind == 'f' ? DType::float32
                                      : DType::int64;
    EXPECT_EQ(entry.tensor.shape(), (Shape{2, 3})) << entry.name;
    ASSERT_EQ(entry.tensor.dtype(), dtype) << entry.name;
    const Tensor values = entry.tensor.to(DType::float64);
    for (int i = 0; i < 6; ++i) {
      EXPECT_EQ(values.span<double>()[static_cast<std::size_t>(i)], is_bool ? i != 0 : i + least)
          << entry.name;
    }
  }
}

TEST_F(Npz, FortranOrderOfEveryRank) {
  const StateDict state = load_npz(format_file("made_ranks.npz"));
  for (int rank = 0; rank <= Shape::max_rank; ++rank) {
    const Tensor& t = state.at(fmt::format("rank{}", rank));
    EXPECT_EQ(t.dim(), rank);
    for (std::int64_t i = 0; i < t.numel(); ++i) {
      ASSERT_EQ(t.span<float>()[static_cast<std::size_t>(i)], static_cast<float>(i)) << rank;
    }
  }
  const Tensor& permuted = state.at("permuted");  // of 0 to 23 [2, 3, 4], axes 0 and 1 exchanged
  EXPECT_EQ(permuted.shape(), (Shape{3, 2, 4}));
  for (std::int64_t i = 0; i < 24; ++i) {
    EXPECT_EQ(permuted.span<std::int64_t>()[static_cast<std::size_t>(i)],
              i / 4 % 2 * 12 + i / 8 * 4 + i % 4);
  }
}

TEST_F(Npz, ReadWhatNumPyWrote) {
  const StateDict state = load_npz(format_file("stored.npz"));
  ASSERT_EQ(state.size(), 3U);
  EXPECT_EQ(state.at("w").shape(), (Shape{3, 4}));
  EXPECT_EQ(state.at("w").span<float>()[11], 2.75F);
  EXPECT_THAT(state.at("b").span<float>(), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(state.at("idx").span<std::int64_t>(), ElementsAre(0, 1, 2));
  const StateDict positional = load_npz(format_file("made_positional.npz"));
  EXPECT_THAT(positional.at("arr_0").span<float>(), ElementsAre(1, 2));
  EXPECT_EQ(positional.at("arr_1").shape(), (Shape{1, 1}));
}

TEST_F(Npz, DescriptorsCommentsFoldersAndZip64) {
  for (const char* name : {"made_descriptor.npz", "made_zip64.npz", "made_comment.npz"}) {
    const StateDict state = load_npz(format_file(name));
    ASSERT_EQ(state.size(), 1U) << name;  // README is left out
    EXPECT_EQ(state.entries()[0].name, name == "made_comment.npz"s ? "layer/weight" : "w");
    EXPECT_THAT(state.entries()[0].tensor.span<float>(), ElementsAre(1, 2, 3, 4)) << name;
  }
}

TEST_F(Npz, OneArrayByName) {
  EXPECT_THAT(load_npz(format_file("stored.npz"), "idx").span<std::int64_t>(),
              ElementsAre(0, 1, 2));
  EXPECT_THAT(message_of<IndexError>([] { load_npz(format_file("stored.npz"), "w.npy"); }),
              HasSubstr("has no array 'w.npy'; there are [w, b, idx]"));
}

TEST_F(Npz, KeepTensors) {
  StateDict state;
  state.set("layer/\xC3\xBC.weight", tensor({{1.5f, 2.5f}, {3.5f, 4.5f}}));
  state.set("wide", tensor({1e300}));
  state.set("ids", tensor({std::int64_t{1} << 60}));
  state.set("mask", tensor({true, false}));
  state.set("none", zeros({0, 4}));
  state.set("zeros", zeros({1000}));
  for (const bool compress : {false, true}) {
    save_npz(state, file("a.npz"), {.compress = compress});
    EXPECT_EQ(std::filesystem::file_size(file("a.npz")) < 4000, compress);
    const StateDict back = load_npz(file("a.npz"));
    ASSERT_EQ(back.size(), state.size());
    for (const StateEntry& entry : state) {
      const Tensor& t = back.at(entry.name);
      EXPECT_EQ(t.shape(), entry.tensor.shape()) << entry.name;
      ASSERT_EQ(t.dtype(), entry.tensor.dtype()) << entry.name;
      EXPECT_EQ(t.str(), entry.tensor.str());
    }
  }
  EXPECT_THAT(names(), ElementsAre("a.npz"));  // nothing beside it
  const std::string bytes = read_text(file("a.npz"));
  save_npz(state, file("a.npz"), {.compress = true});
  EXPECT_EQ(read_text(file("a.npz")), bytes);  // no times
}

TEST_F(Npz, NoArraysAtAll) {
  save_npz({}, file("a.npz"));
  EXPECT_EQ(load_npz(file("a.npz")).size(), 0U);
}

TEST_F(Npz, AFailedSaveKeepsTheFile) {
  write_text(file("a.npz"), "old");
  StateDict state;
  state.set("a", ones({2}));
  state.set("b\xff", ones({2}));
  EXPECT_THAT(message_of<ValueError>([&] { save_npz(state, file("a.npz")); }),
              HasSubstr("the name 'b\\xff.npy' is not UTF-8"));
  StateDict undefined;
  undefined.set("x", {});
  EXPECT_THAT(message_of<ValueError>([&] { save_npz(undefined, file("a.npz")); }),
              HasSubstr("the tensor 'x' is undefined"));
  EXPECT_EQ(read_text(file("a.npz")), "old");
  EXPECT_THAT(names(), ElementsAre("a.npz"));
  EXPECT_THAT(message_of<Error>([&] { save_npz({}, file("no/a.npz")); }),
              HasSubstr("save_npz: cannot"));
}

TEST_F(Npz, AFullDiskIsReported) {
  StateDict state;
  state.set("a", ones({2}));
  EXPECT_THAT(message_of<Error>([&] { save_npz(state, "/dev/full"); }),
              HasSubstr("save_npz: cannot write '/dev/full'"));
}

TEST_F(Npz, GoThroughAPipe) {
  StateDict state;
  state.set("a", arange(0, 1000));
  state.set("b", ones({2, 2}));
  for (const bool compress : {false, true}) {
    save_npz(state, file("whole"), {.compress = compress});
    const std::string pipe = file(compress ? "packed" : "stored").string();
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    std::string passed;
    std::thread reader([&] { passed = read_text(pipe); });
    save_npz(state, pipe, {.compress = compress});
    reader.join();
    EXPECT_EQ(passed, read_text(file("whole")));
  }
}

TEST_F(Npz, RefuseWhatIsNoNpz) {
  const auto message = [&](const std::string& bytes) {
    write_text(file("a"), bytes);
    return message_of<FormatError>([&] { load_npz(file("a")); });
  };
  const std::string good = read_text(format_file("stored.npz"));
  EXPECT_THAT(message(""), HasSubstr("it is not a zip archive"));
  EXPECT_THAT(message(read_text(format_file("f8.npy"))),
              HasSubstr("it looks like a NumPy .npy file"));
  EXPECT_THAT(message(good.substr(0, 700)), HasSubstr("a damaged or truncated zip archive of 700"));
  EXPECT_THAT(message(read_text(format_file("tied_zip.pt"))), HasSubstr("read it with load_pt()"));
  EXPECT_THAT(message(replaced(good, ".npy", ".txt")), HasSubstr("ends in '.npy'"));
  EXPECT_THAT(message(replaced(good, "b.npy", "w.npy")), HasSubstr("it has two members 'w.npy'"));
  std::string flipped = good;
  flipped[good.find("\x93NUMPY") + 140] ^= 1;
  EXPECT_THAT(message(flipped),
              AllOf(HasSubstr("member 'w.npy'"), HasSubstr("CRC"), HasSubstr("copy or save")));
  std::string moved = good;  // where the first member begins: 42 bytes into its central record
  moved.replace(good.find("PK\1\2") + 42, 4, bytes_of(5000, 4));
  EXPECT_THAT(message(moved), HasSubstr("are not where the archive says, which is damaged"));
  write_text(file("a"), replaced(good, "b.npy", "\x82.npy"));  // code page 437, as for NumPy
  EXPECT_TRUE(load_npz(file("a")).contains("\xc3\xa9"));
}

// The central directory begins at the last but two "PK\1\2"; fields by the format's description.
TEST_F(Npz, SizesThatCannotBe) {
  const std::string good = read_text(format_file("made_descriptor.npz"));
  const std::size_t entry = good.find("PK\x01\x02");
  const auto message = [&](std::size_t field, const std::string& bytes) {
    std::string bad = good;
    bad.replace(entry + field, bytes.size(), bytes);
    write_text(file("a"), bad);
    reset_peak_memory();
    const std::int64_t before = memory_stats().peak;
    const std::string text = message_of<FormatError>([&] { load_npz(file("a")); });
    EXPECT_LE(memory_stats().peak, before + 1024);
    return text;
  };
  EXPECT_THAT(message(24, bytes_of(3'000'000'000, 4)),
              HasSubstr("3000000000 bytes cannot come from"));
  EXPECT_THAT(message(20, bytes_of(3'000'000'000, 4)), HasSubstr("would take 3000000000 bytes"));
  EXPECT_THAT(message(10, bytes_of(12, 2)), HasSubstr("compressed by method 12"));
  EXPECT_THAT(message(8, bytes_of(9, 2)), HasSubstr("it is encrypted"));
  EXPECT_THAT(message(10, bytes_of(0, 2)), HasSubstr("cannot come from"));
  EXPECT_NE(message(24, bytes_of(143, 4)), "");  // a byte too few
  EXPECT_NE(message(24, bytes_of(145, 4)), "");  // a byte too many
}

TEST_F(Npz, MoreMembersThanTheFileHasRoomFor) {
  std::string bytes = read_text(format_file("made_zip64.npz"));
  const std::size_t record = bytes.find("PK\x06\x06");
  for (const std::uint64_t count : {std::uint64_t{1000}, ~std::uint64_t{0}}) {
    bytes.replace(record + 24, 16, bytes_of(count, 8) + bytes_of(count, 8));
    write_text(file("a"), bytes);
    EXPECT_THAT(message_of<FormatError>([&] { load_npz(file("a")); }),
                HasSubstr(fmt::format("it would have {} members", count)));
  }
}

// Values are guarded by checksums: what is still read under its name is what was there.
TEST_F(Npz, SurviveDamage) {
  for (const char* name : {"made_positional.npz", "made_descriptor.npz", "made_zip64.npz"}) {
    const StateDict good = load_npz(format_file(name));
    reset_peak_memory();
    const std::int64_t before = memory_stats().peak;
    for_all_damage(read_text(format_file(name)), [&](const std::string& bytes) {
      const StateDict state = load_npz(memory_file(bytes).path());
      for (const StateEntry& entry : state) {
        const StateEntry* expected = good.find(entry.name);
        if (expected == nullptr) continue;
        EXPECT_EQ(entry.tensor.str(), expected->tensor.str());
      }
    });
    EXPECT_LE(memory_stats().peak, before + (1 << 20)) << name;
  }
}

}  // namespace
}  // namespace gradus
