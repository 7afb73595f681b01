// What save() writes in fewer bits than a tensor has.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/tests/io/safetensors_testing.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SafetensorsBits : public FolderTest {
 protected:
  // The values after they were written in 16 bits, and read.
  template <class T>
  std::vector<float> through(const std::vector<T>& values, SaveDType dtype) const {
    StateDict state;
    state.set("t", tensor(values, {static_cast<std::int64_t>(values.size())}));
    save(state, file("m"), {.dtype = dtype});
    const Tensor t = load(file("m")).at("t");
    return {t.span<float>().begin(), t.span<float>().end()};
  }
  template <class T>
  std::string refused(T value, SaveDType dtype) const {
    StateDict state;
    state.set("good", ones({2}));
    state.set("w", tensor(std::vector<T>{T(1), value}, {2}));
    return message_of<ValueError>([&] { save(state, file("m"), {.dtype = dtype}); });
  }
};

const float inf = std::numeric_limits<float>::infinity();

// 1 and 1 + 2^-10 are neighbours in binary16, 1 and 1 + 2^-7 in bfloat16.
TEST_F(SafetensorsBits, AreRoundedToNearestEven) {
  EXPECT_THAT(through<float>({1 + 0x1p-11F, 1 + 0x1.8p-10F, 1 + 0x1.002p-11F, 0x1.8p-24F, -0.0F,
                              65519.0F, 0.1F, -0x1p-25F},
                             SaveDType::float16),
              ElementsAre(1.0F, 1 + 0x1p-9F, 1 + 0x1p-10F, 0x1p-23F, 0.0F, 65504.0F,
                          0.0999755859375F, 0.0F));
  EXPECT_THAT(through<float>({1 + 0x1p-8F, 1 + 0x1.8p-7F, 1 + 0x1.002p-8F, 0x1p-149F, 3e38F},
                             SaveDType::bfloat16),
              ElementsAre(1.0F, 1 + 0x1p-6F, 1 + 0x1p-7F, 0.0F, 0x1.c4p127F));
}

// A double that lies a little beside the middle of two 16-bit floats, so little that a float would
// not show it.
TEST_F(SafetensorsBits, AreRoundedOnce) {
  const double above = 1 + 0x1p-11 + 0x1p-40, below = 1 + 0x1.8p-10 - 0x1p-40;
  EXPECT_THAT(through<double>({above, -above, below, 0x1p-25 + 0x1p-70, 1e-300, -1e-300},
                              SaveDType::float16),
              ElementsAre(1 + 0x1p-10F, -1 - 0x1p-10F, 1 + 0x1p-10F, 0x1p-24F, 0.0F, 0.0F));
  EXPECT_THAT(through<double>({1 + 0x1p-8 + 0x1p-40, 1 + 0x1.8p-7 - 0x1p-40}, SaveDType::bfloat16),
              ElementsAre(1 + 0x1p-7F, 1 + 0x1p-7F));
}

TEST_F(SafetensorsBits, KeepEverySixteenBitFloat) {
  std::vector<float> all;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float brain = std::bit_cast<float>(bits << 16U);
    if (!std::isnan(brain)) all.push_back(brain);
  }
  EXPECT_EQ(through(all, SaveDType::bfloat16), all);
  const auto special = through<float>({inf, -inf, std::nanf(""), -0.0F}, SaveDType::float16);
  EXPECT_EQ(special[0], inf);
  EXPECT_EQ(special[1], -inf);
  EXPECT_TRUE(std::isnan(special[2]));
  EXPECT_TRUE(std::signbit(special[3]));
}

TEST_F(SafetensorsBits, RefuseAFiniteValueThatWouldBeInfinite) {
  EXPECT_EQ(refused(65520.0F, SaveDType::float16),
            "save: w [2] is 65520 in element 1, which F16 cannot hold: save it as it is");
  EXPECT_EQ(refused(-1e300, SaveDType::float16),
            "save: w [2] is -1e+300 in element 1, which F16 cannot hold: save it as it is");
  EXPECT_THAT(refused(std::numeric_limits<float>::max(), SaveDType::bfloat16),
              HasSubstr("in element 1, which BF16 cannot hold"));
  EXPECT_THAT(refused(1e39, SaveDType::bfloat16), HasSubstr("is 1e+39 in element 1"));
  EXPECT_THAT(names(), testing::IsEmpty());
}

TEST_F(SafetensorsBits, LeaveOtherTensorsAndTheirTies) {
  StateDict state;
  state.set("ids", tensor({std::int64_t{1} << 40}));
  state.set("mask", tensor({true, false, true}));
  state.set("w", tensor({1.5f, 2.5f, 3.5f}), true);
  state.set("tied", state.at("w"));
  save(state, file("m"), {.dtype = SaveDType::float16});
  const StateDict back = load(file("m"));
  EXPECT_EQ(back.at("ids").item<std::int64_t>(), std::int64_t{1} << 40);
  EXPECT_THAT(back.at("mask").span<bool>(), ElementsAre(true, false, true));
  EXPECT_THAT(back.at("w").span<float>(), ElementsAre(1.5F, 2.5F, 3.5F));
  EXPECT_TRUE(back.at("w").is_same(back.at("tied")));
  EXPECT_EQ(back.find("w")->frozen, true);
  EXPECT_THAT(read_text(file("m")),
              HasSubstr(R"("w":{"dtype":"F16","shape":[3],"data_offsets":[8,14]})"));
}

TEST_F(SafetensorsBits, CanBeBytes) {
  StateDict state;
  state.set("text", tensor({0, 65, 255}));
  save(state, file("m"), {.bytes = {"text"}});
  EXPECT_THAT(read_text(file("m")), testing::EndsWith(std::string("\0A\xff", 3)));
  EXPECT_THAT(load(file("m")).at("text").span<std::int64_t>(), ElementsAre(0, 65, 255));
  state.set("text", tensor({0, 256}));
  EXPECT_EQ(message_of<ValueError>([&] { save(state, file("m"), {.bytes = {"text"}}); }),
            "save: text [2] is 256 in element 1, which is not a byte");
  state.set("text", tensor({-1}));
  EXPECT_THROW(save(state, file("m"), {.bytes = {"text"}}), ValueError);
  state.set("text", tensor({1.0f}));
  EXPECT_EQ(message_of<DTypeError>([&] { save(state, file("m"), {.bytes = {"text"}}); }),
            "save: text is float32, bytes are int64: convert it with to()");
  EXPECT_EQ(message_of<ValueError>([&] { save(state, file("m"), {.bytes = {"no"}}); }),
            "save: there is no tensor 'no' to write as bytes");
  EXPECT_EQ(load(file("m")).at("text").numel(), 3);
}

}  // namespace
}  // namespace gradus
