#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/npy.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "damage_testing.h"

namespace gradus {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;

using Npy = FolderTest;

// A file of version 1 with a header of one's own.
std::string npy(const std::string& header, const std::string& data) {
  return "\x93NUMPY\x01\x00"s + static_cast<char>(header.size() & 255U) +
         static_cast<char>(header.size() >> 8U) + header + data;
}
std::string array(const std::string& type, const std::string& shape, const std::string& data) {
  return npy("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + "}\n", data);
}

TEST_F(Npy, ReadWhatNumPyWrote) {
  const std::vector<float> quarters{0,    0.25F, 0.5F, 0.75F, 1,    1.25F,
                                    1.5F, 1.75F, 2,    2.25F, 2.5F, 2.75F};
  for (const char* name : {"f4_c.npy", "f4_fortran.npy", "v2.npy"}) {
    const Tensor t = load_npy(format_file(name));
    EXPECT_EQ(t.shape(), (Shape{3, 4})) << name;
    EXPECT_THAT(t.span<float>(), testing::ElementsAreArray(quarters)) << name;
  }
  const Tensor wide = load_npy(format_file("f8.npy"));
  EXPECT_EQ(wide.dtype(), DType::float64);
  EXPECT_EQ(wide.span<double>()[11], 2.75);
  const Tensor ids = load_npy(format_file("i8.npy"));
  EXPECT_EQ(ids.shape(), (Shape{2, 3}));
  EXPECT_THAT(ids.span<std::int64_t>(), ElementsAre(0, 1, 2, 3, 4, 5));
  const Tensor one = load_npy(format_file("scalar_0d.npy"));
  EXPECT_EQ(one.shape(), Shape{});
  EXPECT_EQ(one.item(), 3.5);
  EXPECT_EQ(load_npy(format_file("empty_0x3.npy")).shape(), (Shape{0, 3}));
}

TEST_F(Npy, WriteTheBytesOfNumPy) {
  for (const char* name : {"f4_c.npy", "f8.npy", "i8.npy", "scalar_0d.npy", "empty_0x3.npy"}) {
    save_npy(load_npy(format_file(name)), file("a.npy"));
    EXPECT_EQ(read_text(file("a.npy")), read_text(format_file(name))) << name;
  }
}

TEST_F(Npy, KeepEveryTypeAndRank) {
  for (int rank = 0; rank <= Shape::max_rank; ++rank) {
    const Shape shape(std::vector<std::int64_t>(static_cast<std::size_t>(rank), 2));
    save_npy(full(shape, 2.5), file("a"));
    const Tensor back = load_npy(file("a"));
    EXPECT_EQ(back.shape(), shape);
    EXPECT_THAT(back.span<float>(), testing::Each(2.5F));
  }
  save_npy(tensor({true, false}), file("a"));
  EXPECT_THAT(load_npy(file("a")).span<bool>(), ElementsAre(true, false));
  save_npy(tensor({1e300, -0.0}), file("a"));
  EXPECT_TRUE(std::signbit(load_npy(file("a")).span<double>()[1]));
  save_npy(zeros({3, 0, 2}, DType::int64), file("a"));
  EXPECT_EQ(load_npy(file("a")).shape(), (Shape{3, 0, 2}));
}

TEST_F(Npy, HeadersOfOtherWriters) {
  const std::string data("\x01\x00\x00\x00\x02\x00\x00\x00", 8);
  for (const char* header : {
           "{'shape': (2,), 'fortran_order': False, 'descr': '<i4'}\n",
           "{ \"descr\" : \"<i4\" ,\"fortran_order\":True,'shape' : ( 2 , ) , }  ",
           "{'descr': '=i4', 'fortran_order': False, 'shape': (2L,), }\n",
           "{'descr': 'i4', 'fortran_order': False, 'shape': (1L, 2L), }\n",
       }) {
    write_text(file("a"), npy(header, data));
    EXPECT_THAT(load_npy(file("a")).span<std::int64_t>(), ElementsAre(1, 2)) << header;
  }
}

TEST_F(Npy, LimitsOfIntegers) {
  write_text(file("a"), array("<u8", "(1,)", "\xff\xff\xff\xff\xff\xff\xff\x7f"));
  EXPECT_EQ(load_npy(file("a")).item<std::int64_t>(), std::numeric_limits<std::int64_t>::max());
  write_text(file("a"), array("<u8", "(2,)", "\x01\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\x80"s));
  EXPECT_THAT(message_of<FormatError>([&] { load_npy(file("a")); }),
              HasSubstr("element 1 is 9223372036854775813, which int64 cannot hold"));
  write_text(file("a"), array(">i2", "(2,)", "\x80\x00\xff\xfe"s));
  EXPECT_THAT(load_npy(file("a")).span<std::int64_t>(), ElementsAre(-32768, -2));
  write_text(file("a"), array(">u4", "()", "\xff\xff\xff\xfe"));
  EXPECT_EQ(load_npy(file("a")).item<std::int64_t>(), 4294967294);
}

TEST_F(Npy, BytesOfBooleans) {
  write_text(file("a"), array("|b1", "(3,)", "\x00\x02\xff"s));
  EXPECT_THAT(load_npy(file("a")).span<bool>(), ElementsAre(false, true, true));
}

struct Bad {
  std::string bytes, message;
};

TEST_F(Npy, RefuseTypesByName) {
  const std::vector<Bad> cases{
      {array("|O", "(1,)", "\x80\x04"), "'|O', are Python objects, which are never unpickled"},
      {array("<U3", "(1,)", ""), "'<U3', are texts"},
      {array("|S3", "(1,)", ""), "'|S3', are texts"},
      {array("<c8", "(1,)", ""), "'<c8', are complex numbers"},
      {array("<V2", "(1,)", ""), "'<V2', are raw bytes, as bfloat16 is saved too"},
      {array("<M8[s]", "(1,)", ""), "'<M8[s]', are times"},
      {array("<f16", "(1,)", ""), "'<f16', are of an unknown type"},
      {array("", "(1,)", ""), "'', are of an unknown type"},
      {npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", ""),
       "it is a structured array"},
      {read_text(format_file("v3.npy")), "it is a structured array"},
  };
  for (const Bad& bad : cases) {
    write_text(file("a"), bad.bytes);
    const std::string message = message_of<FormatError>([&] { load_npy(file("a")); });
    EXPECT_THAT(message,
                AllOf(HasSubstr(bad.message), HasSubstr("load_npy: '" + file("a").string())));
  }
}

TEST_F(Npy, RefuseBadShapes) {
  const std::string data(16, '\0');
  const std::vector<Bad> cases{
      {array("<f4", "(-2, 2)", data), "the negative size -2"},
      {array("<f4", "(4294967296, 4294967296)", data), "more than 2^62 elements"},
      {array("<f4", "(99999999999999999999999,)", data),
       "the size 99999999999999999999999, which is too large"},
      {array("<f4", "(1, 1, 1, 1, 1, 1, 1, 2, 2)", data), "it has 9 axes"},
      {array("<f4", "(5,)", data), "16 bytes for shape [5] of '<f4', which has 5 elements"},
      {array("<f4", "(4611686018427387904,)", data), "16 bytes for shape"},
      {array("<f4", "(3,)", data), "4 bytes follow the array of shape [3]"},
      {array("<f4", "(0, 3)", data), "16 bytes follow the array"},
      {array("<f4", "(4)", data), "expected ',', found ')"},
      {array("<f4", "(,)", data), "expected a size"},
      {array("<f4", "(2, x)", data), "byte 64, in its header: expected a size, found 'x)}\\x0a"},
      {array("<f4", "[2]", data), "expected '('"},
  };
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  for (const Bad& bad : cases) {
    write_text(file("a"), bad.bytes);
    EXPECT_THAT(message_of<FormatError>([&] { load_npy(file("a")); }), HasSubstr(bad.message));
  }
  EXPECT_LE(memory_stats().peak, before + 1024);
}

TEST_F(Npy, RefuseBadHeaders) {
  const std::string good = array("<f4", "(1,)", "\0\0\0\0"s);
  const std::vector<Bad> cases{
      {"", "it has 0 bytes"},
      {good.substr(0, 9), "it has 9 bytes"},
      {"PK\x03\x04" + std::string(100, ' '), "not with '\\x93NUMPY': it looks like a zip archive"},
      {"\x93NUMPX" + good.substr(6), "it begins with '\\x93NUMPX'"},
      {good.substr(0, 6) + '\x04' + good.substr(7), "its version is 4.0"},
      {good.substr(0, 7) + '\x01' + good.substr(8), "its version is 1.1"},
      {good.substr(0, 8) + "\xff\xff" + good.substr(10),
       "it is cut off: its header has 65535 bytes, of which"},
      {"\x93NUMPY\x02\x00\xff\xff\xff\xff"s + good, "its header would have 4294967295 bytes"},
      {"\x93NUMPY\x02\x00\x01\x00\x00"s, "it is cut off within the length of its header"},
      {"the 0.418 0.24968 -0.41242 0.1217\n", "not with '\\x93NUMPY': it looks like word vectors"},
      {npy("{'descr': '<f4', 'shape': (1,)}", ""), "its header has no 'fortran_order'"},
      {npy("{'descr': '<f4', 'fortran_order': False}", ""), "its header has no 'shape'"},
      {npy("{'fortran_order': False, 'shape': (1,)}", ""), "its header has no 'descr'"},
      {npy("{'descr': '<f4', 'descr': '<f4'}", ""), "its header has 'descr' twice"},
      {npy("{'descr': '<f4', 'other': 1}", ""), "its header has the unknown key 'other'"},
      {npy("{'descr': '<f4', 'fortran_order': 0}", ""), "expected True or False, found '0}'"},
      {npy("{'descr': '<f4", ""), "expected a quote at the end of a text"},
      {npy("{'descr'", ""), "expected ':', found the end of the header"},
      {npy("", ""), "expected '{', found the end of the header"},
      {npy("{'a\\x41': 1}", ""), "expected a text without '\\'"},
      {npy("{} x", ""), "byte 13, in its header: expected nothing more, found 'x'"},
      {npy(std::string(60000, '('), ""), "expected '{'"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': " + std::string(60000, '('), ""),
       "expected a size"},
  };
  for (const Bad& bad : cases) {
    write_text(file("a"), bad.bytes);
    EXPECT_THAT(message_of<FormatError>([&] { load_npy(file("a")); }), HasSubstr(bad.message));
  }
  EXPECT_THAT(message_of<Error>([&] { load_npy(file("missing")); }), HasSubstr("cannot read"));
  EXPECT_THAT(message_of<ValueError>([&] { save_npy({}, file("a")); }), HasSubstr("undefined"));
}

// Every cut is noticed; a flipped bit can give another array, but of the same number of bytes.
TEST_F(Npy, SurviveDamage) {
  const std::string good = read_text(format_file("f4_fortran.npy"));
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  for_all_damage(good, [](const std::string& bytes) {
    EXPECT_LE(load_npy(memory_file(bytes).path()).numel(), 48);
  });
  EXPECT_LE(memory_stats().peak, before + (1 << 16));
  for (std::size_t size = 0; size < good.size(); ++size) {
    const MemoryFile cut = memory_file(good.substr(0, size));
    EXPECT_THROW(load_npy(cut.path()), FormatError) << size;
  }
}

}  // namespace
}  // namespace gradus
