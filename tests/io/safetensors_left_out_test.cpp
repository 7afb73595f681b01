// Tensors of a .safetensors file whose dtype gradus lacks.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/rename.h>
#include <gradus/layers/linear.h>
#include <gradus/tests/io/safetensors_testing.h>
#include <gtest/gtest.h>

#include <string>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

using SafetensorsLeftOut = FolderTest;

// A weight in 8 bits, one in 64, one of a type to come, and a bias that can be read.
std::string quantized() {
  return with_length(
      R"({"weight":{"dtype":"F8_E4M3","shape":[2,1],"data_offsets":[0,2]},)"
      R"("bias":{"dtype":"F32","shape":[2],"data_offsets":[2,10]},)"
      R"("count":{"dtype":"U64","shape":[1],"data_offsets":[10,18]},)"
      R"("odd":{"dtype":"F3\u001b[2J","shape":[5],"data_offsets":[18,20]}})",
      std::string("\x01\x02\x00\x00\x80\x3f\x00\x00\x00\x40", 10) + std::string(10, '\x07'));
}

TEST_F(SafetensorsLeftOut, CostTheirTensorsAlone) {
  write_text(file("q"), quantized());
  for (const StateDict& state : {load(file("q")), load_mapped(file("q"))}) {
    ASSERT_EQ(state.size(), 1U);
    EXPECT_THAT(state.at("bias").clone().span<float>(), ElementsAre(1, 2));
    EXPECT_THAT(state.left_out, ElementsAre(Pair("weight", "F8_E4M3"), Pair("count", "U64"),
                                            Pair("odd", "F3\x1b[2J")));
  }
}

TEST_F(SafetensorsLeftOut, AreNamedWithTheirDtypeWhereOneIsAskedFor) {
  write_text(file("q"), quantized());
  const StateDict state = load(file("q"));
  EXPECT_EQ(
      message_of<DTypeError>([&] { (void)state.at("weight"); }),
      "state_dict: 'weight' is F8_E4M3 in its file, which gradus cannot read: convert it there");
  EXPECT_THAT(message_of<FormatError>([&] {
                load(file("q"), {"bias", "count"});
              }),
              HasSubstr("q': tensor 'count' is of dtype U64, which is not supported: convert it to "
                        "one of F32, F64,"));
  EXPECT_THAT(message_of<FormatError>([&] { load_mapped(file("q"), "odd"); }),
              HasSubstr("tensor 'odd' is of dtype F3\\x1b[2J, which is not supported"));
  const Linear model(1, 2);
  for (const bool strict : {true, false}) {
    EXPECT_EQ(message_of<DTypeError>([&] {
                model.load_state_dict(rename(state, {{"odd", ""}}), {.strict = strict});
              }),
              "load_state_dict: weight is F8_E4M3 in its file, which gradus cannot read: convert "
              "it there");
  }
  EXPECT_EQ(load(file("q"), {"bias"}).size(), 1U);
}

TEST_F(SafetensorsLeftOut, AreNotLostBySavingUnnoticed) {
  write_text(file("q"), quantized());
  StateDict state = load(file("q"));
  EXPECT_EQ(message_of<ValueError>([&] { save(state, file("r")); }),
            "save: load() left out 3 tensors, such as 'weight', which is F8_E4M3: to save the "
            "others alone, write state.left_out.clear()");
  EXPECT_THAT(names(), ElementsAre("q"));
  state.left_out.clear();
  save(state, file("r"));
  EXPECT_THAT(load(file("r")).at("bias").span<float>(), ElementsAre(1, 2));
}

TEST_F(SafetensorsLeftOut, AreRenamedWithTheOthers) {
  write_text(file("q"), quantized());
  const StateDict state = rename(load(file("q")), {{"weight", "table"}, {"odd", ""}, {"b*", "c*"}});
  EXPECT_TRUE(state.contains("cias"));
  EXPECT_THAT(state.left_out, ElementsAre(Pair("table", "F8_E4M3"), Pair("count", "U64")));
  EXPECT_EQ(message_of<ValueError>([&] {
              rename(state, {{"table", "cias"}});
            }),
            "rename: 'cias' and 'table' would both be 'cias'");
}

TEST_F(SafetensorsLeftOut, KeepTheirTies) {
  write_text(file("q"), with_length(R"({"__metadata__":{"gradus.tied":"{\"b\":\"a\"}",)"
                                    R"("gradus.frozen":"{\"a\":true,\"b\":true}"},)"
                                    R"("a":{"dtype":"F4","shape":[4],"data_offsets":[0,2]}})",
                                    "ab"));
  const StateDict state = load(file("q"));
  EXPECT_EQ(state.size(), 0U);
  EXPECT_THAT(state.left_out, ElementsAre(Pair("a", "F4"), Pair("b", "F4")));
}

}  // namespace
}  // namespace gradus
