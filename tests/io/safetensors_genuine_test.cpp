// Files that other programs wrote: tests/golden/formats/.
#include <gmock/gmock.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/tests/io/file_testing.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;

StateDict genuine(const std::string& name) {
  return load("tests/golden/formats/" + name + ".safetensors");
}

// The values are those that PyTorch 2.15 reads with safetensors 0.8.
TEST(SafetensorsGenuine, AreReadAsPyTorchReadsThem) {
  const StateDict basic = genuine("basic");
  EXPECT_EQ(basic.metadata.at("format"), "pt");
  EXPECT_EQ(basic.at("weight").shape(), (Shape{2, 3}));
  EXPECT_THAT(basic.at("weight").span<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(basic.at("bias").span<float>(), ElementsAre(0, 1, 2));

  const StateDict dtypes = genuine("dtypes");
  EXPECT_TRUE(dtypes.left_out.empty());
  EXPECT_THAT(dtypes.at("f64").span<double>(), ElementsAre(0, 1, 2, 3, 4, 5));
  for (const char* name : {"f32", "f16", "bf16"}) {
    EXPECT_THAT(dtypes.at(name).span<float>(), ElementsAre(0, 1, 2, 3, 4, 5)) << name;
  }
  EXPECT_THAT(dtypes.at("i64").span<std::int64_t>(), ElementsAre(0, 1, 2));
  EXPECT_THAT(dtypes.at("i32").span<std::int64_t>(), ElementsAre(0, 1));
  EXPECT_THAT(dtypes.at("u8").span<std::int64_t>(), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(dtypes.at("bool").span<bool>(), ElementsAre(true, false));

  const StateDict names = genuine("unicode_names");
  EXPECT_EQ(names.at("\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82").item<float>(), 0);
  EXPECT_EQ(names.at("a\"b\\c\n").item<float>(), 1);
  EXPECT_EQ(names.at("a.b.0.weight").item<float>(), 2);

  EXPECT_THAT(genuine("no_padding_unaligned").at("x").span<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  const StateDict small = genuine("scalar_and_empty");
  EXPECT_EQ(small.at("scalar").shape(), Shape{});
  EXPECT_EQ(small.at("scalar").item<float>(), 3);
  EXPECT_EQ(small.at("empty").shape(), (Shape{0, 4}));
  EXPECT_EQ(genuine("empty").size(), 0U);
  EXPECT_EQ(genuine("metadata_only").metadata.at("a"), "b");
}

}  // namespace
}  // namespace gradus
