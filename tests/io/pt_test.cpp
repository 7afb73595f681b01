#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/pt.h>
#include <gradus/tests/fuzz/zip_of.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "damage_testing.h"

namespace gradus {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using namespace std::string_literals;

using Pt = FolderTest;

std::vector<double> values_of(const Tensor& tensor) {
  const Tensor wide = tensor.to(DType::float64);
  return {wide.span<double>().begin(), wide.span<double>().end()};
}

// All numbers of nested lists, and their sizes.
void flatten(const nlohmann::json& list, std::vector<double>& values) {
  if (list.is_number()) return values.push_back(list.get<double>());
  for (const auto& item : list) flatten(item, values);
}

TEST_F(Pt, AStateDictHasTheValuesOfPyTorch) {
  const auto expected = nlohmann::json::parse(read_text(format_file("state_dict_expected.json")));
  const StateDict state = load_pt(format_file("state_dict_zip.pt"));
  ASSERT_EQ(state.size(), expected.size());
  EXPECT_EQ(state.entries()[0].name, "0.weight");
  EXPECT_EQ(state.at("1.weight_ih_l0").shape(), (Shape{12, 4}));
  for (const auto& [name, list] : expected.items()) {
    std::vector<double> values;
    flatten(list, values);
    EXPECT_EQ(values_of(state.at(name)), values) << name;
    EXPECT_EQ(state.find(name)->frozen, std::nullopt);
  }
  EXPECT_TRUE(state.metadata.empty());
}

TEST_F(Pt, ViewsAndTypes) {
  const StateDict state = load_pt(format_file("views_dtypes_zip.pt"));
  EXPECT_EQ(state.size(), 10U);
  EXPECT_EQ(state.at("a_view").shape(), (Shape{2, 2}));
  EXPECT_THAT(state.at("a_view").span<float>(), ElementsAre(5, 6, 9, 10));
  EXPECT_EQ(state.at("a_T").shape(), (Shape{4, 3}));
  EXPECT_THAT(state.at("a_T").span<float>(), ElementsAre(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11));
  for (const char* name : {"a", "half", "bf16"}) {
    EXPECT_EQ(state.at(name).shape(), (Shape{3, 4})) << name;
    EXPECT_EQ(state.at(name).span<float>()[11], 11) << name;
  }
  EXPECT_EQ(state.at("f64").span<double>()[11], 11);
  EXPECT_THAT(state.at("i64").span<std::int64_t>(), ElementsAre(0, 1, 2));
  EXPECT_THAT(state.at("bool").span<bool>(), ElementsAre(true, false));
  EXPECT_EQ(state.at("scalar").shape(), Shape{});
  EXPECT_EQ(state.at("scalar").item(), 2.5);
  EXPECT_EQ(state.at("empty").shape(), (Shape{0, 3}));
}

// tests/golden/make_formats.py makes these views of 0 to 23.
TEST_F(Pt, StridesOfEveryKind) {
  const StateDict state = load_pt(format_file("made_views.pt"));
  EXPECT_THAT(state.at("expanded").span<float>(), ElementsAre(1, 1, 1, 2, 2, 2));
  EXPECT_EQ(state.at("permuted").shape(), (Shape{4, 2, 3}));
  for (std::int64_t i = 0; i < 24; ++i) {
    const auto at = static_cast<std::size_t>(i);
    EXPECT_EQ(state.at("whole").span<float>()[at], static_cast<float>(i));
    EXPECT_EQ(state.at("permuted").span<float>()[at],
              static_cast<float>(i / 6 + i / 3 % 2 * 12 + i % 3 * 4));
  }
  EXPECT_THAT(state.at("tail").span<float>(), ElementsAre(20, 21, 22, 23));
  EXPECT_THAT(state.at("steps").span<float>(), ElementsAre(1, 6, 11, 16, 21));
  EXPECT_THAT(state.at("windows").span<float>(), ElementsAre(0, 1, 2, 2, 3, 4, 4, 5, 6));
  EXPECT_EQ(state.at("none").shape(), (Shape{0, 4}));
  EXPECT_TRUE(state.at("whole").is_same(state.at("same")));
  state.at("tail").fill_(0);  // other views are copies
  EXPECT_EQ(state.at("whole").span<float>()[23], 23);
}

TEST_F(Pt, TiedNamesShareATensor) {
  const StateDict state = load_pt(format_file("tied_zip.pt"));
  EXPECT_TRUE(state.at("emb.weight").is_same(state.at("out.weight")));
  EXPECT_FLOAT_EQ(state.at("out.weight").span<float>()[0], -1.1258398294448853F);
}

TEST_F(Pt, EveryTypeWidens) {
  const StateDict state = load_pt(format_file("made_types.pt"));
  EXPECT_EQ(state.size(), 13U);
  for (const StateEntry& entry : state) {
    const std::string& name = entry.name;
    const DType dtype = name == "bool"                            ? DType::boolean
                        : name == "float64"                       ? DType::float64
                        : name.find("float") != std::string::npos ? DType::float32
                                                                  : DType::int64;
    EXPECT_EQ(entry.tensor.dtype(), dtype) << name;
    EXPECT_THAT(values_of(entry.tensor), ElementsAre(0, 1, name == "bool" ? 1 : 2)) << name;
  }
}

TEST_F(Pt, ACheckpointIsNamedWithDots) {
  const StateDict state = load_pt(format_file("made_checkpoint.pt"));
  EXPECT_THAT(state.at("model.0.weight").span<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(state.at("model.1.num_batches_tracked").item<std::int64_t>(), 1);
  EXPECT_EQ(state.at("optimizer.state.0.exp_avg").shape(), (Shape{2, 3}));
  EXPECT_EQ(state.at("optimizer.state.3.step").item(), 1);
  EXPECT_THAT(state.at("list.0").span<std::int64_t>(), ElementsAre(1, 2));
  EXPECT_EQ(state.at("list.1.0").item<bool>(), true);
  const Metadata& texts = state.metadata;
  EXPECT_EQ(texts.at("epoch"), "3");
  EXPECT_EQ(texts.at("loss"), "0.25");
  EXPECT_EQ(texts.at("name"),
            "gr\xC3\xB6\xC3\x9F"
            "e");
  EXPECT_EQ(texts.at("done"), "false");
  EXPECT_EQ(texts.at("seed"), "18446744073709551611");
  EXPECT_EQ(texts.at("shape.1"), "5");
  EXPECT_EQ(texts.at("dtype"), "torch.float32");
  EXPECT_EQ(texts.at("list.1.1"), "7");
  EXPECT_EQ(texts.at("optimizer.param_groups.0.betas.1"), "0.999");
  EXPECT_EQ(texts.at("optimizer.param_groups.0.params.3"), "3");
  EXPECT_FALSE(texts.contains("none"));
}

TEST_F(Pt, ProtocolsParametersAndBareTensors) {
  const StateDict state = load_pt(format_file("made_protocol4.pt"));
  EXPECT_EQ(state.size(), 7U);
  EXPECT_THAT(state.at("0.bias").span<float>(), ElementsAre(10, 11));
  const StateDict parameters = load_pt(format_file("made_parameters.pt"));
  EXPECT_EQ(parameters.find("live")->frozen, false);
  EXPECT_EQ(parameters.find("frozen")->frozen, true);
  EXPECT_THAT(load_pt(format_file("made_tensor.pt")).at("tensor").span<float>(),
              ElementsAre(1.5F, 2.5F));
  EXPECT_THAT(load_pt(format_file("made_big_endian.pt")).at("tensor").span<float>(),
              ElementsAre(1.5F, 2.5F));
}

TEST_F(Pt, OtherFormsAreNamedWithTheCure) {
  const auto message = [](const std::string& name) {
    return message_of<FormatError>([&] { load_pt(format_file(name)); });
  };
  EXPECT_THAT(message("made_legacy.pt"), HasSubstr("the form of PyTorch before 1.6: load it with"));
  EXPECT_THAT(message("made_module.pt"),
              AllOf(HasSubstr("member 'made_module/data.pkl': byte 2: it refers to "
                              "'torch.nn.modules.linear.Linear'"),
                    HasSubstr("nothing is executed: save it with torch.save(model.state_dict()")));
  EXPECT_THAT(message("made_script.pt"), HasSubstr("it is a TorchScript archive: torch.save("));
  EXPECT_THAT(message("made_complex.pt"),
              HasSubstr("'z': its elements, torch.ComplexFloatStorage, are not supported: save "
                        "torch.view_as_real() of it"));
  EXPECT_THAT(message("made_float8.pt"),
              HasSubstr("'z': its elements, torch.float8_e5m2, are not"));
  EXPECT_THAT(message("made_negated.pt"),
              HasSubstr("'neg': it is a view that is conjugated or neg"));
  EXPECT_THAT(message("made_sparse.pt"),
              HasSubstr("'torch._utils._rebuild_sparse_tensor': it holds a sparse tensor: save it "
                        "with .to_dense()"));
  EXPECT_THAT(message("stored.npz"), HasSubstr("which load_npz() reads"));
  EXPECT_THAT(message("f8.npy"), HasSubstr("it looks like a NumPy .npy file"));
  std::string tar(512, '\0');
  write_text(file("t"), tar.replace(257, 5, "ustar"));
  EXPECT_THAT(message_of<FormatError>([&] { load_pt(file("t")); }),
              HasSubstr("it is a tar archive"));
  write_text(file("t"), "GGUF\x03\0\0\0"s);
  EXPECT_THAT(message_of<FormatError>([&] { load_pt(file("t")); }), HasSubstr("a GGUF file"));
  write_text(file("t"), "");
  EXPECT_THAT(message_of<FormatError>([&] { load_pt(file("t")); }), HasSubstr("not a zip archive"));
  EXPECT_THAT(message_of<Error>([&] { load_pt(file("missing")); }), HasSubstr("cannot read"));
}

// Files of one's own: a pickle, and storages of float32.
class HandMade : public Pt {
 protected:
  using Members = std::vector<std::pair<std::string, std::string>>;

  static StateDict load(const std::string& pickle, const Members& members = {}) {
    Members all{{"p/data.pkl", pickle}};
    all.insert(all.end(), members.begin(), members.end());
    return load_pt(memory_file(zip_of(all)).path());
  }
  static std::string refusal(const std::string& pickle, const Members& members = {}) {
    return message_of<FormatError>([&] { load(pickle, members); });
  }
};

// Pickled values.
std::string text(const std::string& value) {
  return "X"s + static_cast<char>(value.size()) + "\0\0\0"s + value;
}
std::string number(std::int64_t value) {
  return "\x8a\x08" + little_endian(static_cast<std::uint64_t>(value), 8);
}
std::string numbers(const std::vector<std::int64_t>& values) {
  std::string all = "(";
  for (const std::int64_t value : values) all += number(value);
  return all + "t";
}
std::string storage(std::int64_t numel, const std::string& type = "FloatStorage") {
  return "(" + text("storage") + "ctorch\n" + type + "\n" + text("0") + text("cpu") +
         number(numel) + "tQ";
}
std::string rebuilt(const std::string& store, const std::string& offset, const std::string& sizes,
                    const std::string& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + store + offset + sizes + strides + "\x89Nt" + "R";
}
std::string view(std::int64_t offset, const std::vector<std::int64_t>& sizes,
                 const std::vector<std::int64_t>& strides) {
  return rebuilt(storage(4), number(offset), numbers(sizes), numbers(strides));
}
const std::string four("\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40", 16);  // 0, 1, 2, 3

TEST_F(HandMade, ViewsOutsideTheirStorage) {
  const auto message = [&](const std::string& tensor) {
    return refusal("\x80\x02}" + text("w") + tensor + "s.", {{"p/data/0", four}});
  };
  const StateDict kept = load("\x80\x02" + view(3, {2, 1}, {0, 77}) + ".", {{"p/data/0", four}});
  EXPECT_THAT(kept.at("tensor").span<float>(), ElementsAre(3, 3));
  const StateDict none = load("\x80\x02" + view(9, {0}, {1}) + ".", {{"p/data/0", four}});
  EXPECT_EQ(none.at("tensor").numel(), 0);
  const std::string beyond = "'w': its elements go beyond its storage '0' of 4 elements";
  EXPECT_THAT(message(view(1, {4}, {1})), HasSubstr(beyond));
  EXPECT_THAT(message(view(4, {}, {})), HasSubstr(beyond));
  EXPECT_THAT(message(view(0, {2, 2}, {3, 1})), HasSubstr(beyond));
  const std::int64_t huge = std::int64_t{1} << 61;
  EXPECT_THAT(message(view(0, {2}, {huge})), HasSubstr(beyond));
  EXPECT_THAT(message(view(0, {huge}, {8})), HasSubstr(beyond));
  EXPECT_THAT(message(view(3 * huge, {2}, {3 * huge})), HasSubstr(beyond));
  EXPECT_THAT(message(view(-1, {1}, {1})), HasSubstr("its offset is not an integer from 0"));
  EXPECT_THAT(message(view(0, {-2}, {1})), HasSubstr("its size is not an integer from 0"));
  EXPECT_THAT(message(view(0, {2}, {-1})), HasSubstr("its stride is not an integer from 0"));
  EXPECT_THAT(message(view(0, {huge, 8}, {0, 0})), HasSubstr("elements"));
  EXPECT_THAT(message(view(0, {2, 2}, {1})), HasSubstr("it should have 2 parts, but has 1"));
  EXPECT_THAT(message(view(0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1})),
              HasSubstr("it has 9 axes"));
}

TEST_F(HandMade, StoragesThatDoNotFit) {
  const std::string pickle = "\x80\x02" + view(0, {4}, {1}) + ".";
  EXPECT_THAT(refusal(pickle), HasSubstr("the archive has no storage 'p/data/0'"));
  EXPECT_THAT(refusal(pickle, {{"p/data/0", four.substr(0, 12)}}),
              HasSubstr("storage '0' has 12 bytes, not 4 elements of 4"));
  EXPECT_THAT(refusal(pickle, {{"p/data/0", four + "x"}}), HasSubstr("has 17 bytes, not 4"));
  EXPECT_THAT(refusal(pickle, {{"q/data.pkl", "N."}}), HasSubstr("it has two pickles"));
  EXPECT_THAT(refusal(pickle, {{"p/byteorder", "middle"}}),
              HasSubstr("member 'p/byteorder': it holds 'middle', not 'little' or 'big'"));
  const std::string huge =
      "\x80\x02" + rebuilt(storage(std::int64_t{1} << 62), number(0), numbers({1}), numbers({1})) +
      ".";
  EXPECT_THAT(refusal(huge, {{"p/data/0", four}}), HasSubstr("not 4611686018427387904 elements"));
}

// A pickle of 100 bytes can ask for any number of elements.
TEST_F(HandMade, ExpandedViewsDoNotFillTheMemory) {
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  EXPECT_THAT(refusal("\x80\x02" + view(0, {1 << 20, 1 << 20}, {0, 0}) + ".", {{"p/data/0", four}}),
              HasSubstr("views that would take 4398046511104 bytes, of storages of 16"));
  EXPECT_LE(memory_stats().peak, before + 1024);
}

TEST_F(HandMade, OpcodesAndGlobalsAreRefused) {
  const std::string p = "\x80\x02";
  const auto has = [](const std::string& what) { return HasSubstr("'p/data.pkl': byte " + what); };
  EXPECT_THAT(refusal(p + "cos\nsystem\n" + text("true") + "\x85R."),
              has("2: it refers to 'os.system'"));
  EXPECT_THAT(refusal("\x80\x04" + text("posix") + text("system") + "\x93."),
              has("23: it refers to 'posix.system'"));
  EXPECT_THAT(refusal("\x80\x04" + text("builtins") + text("eval") + "\x93."),
              HasSubstr("'builtins.eval'"));
  EXPECT_THAT(refusal(p + "(ios\nsystem\n."), has("3: the opcode INST (0x69)"));
  EXPECT_THAT(refusal(p + "\x82\x01."), has("2: the opcode EXT1 (0x82)"));
  EXPECT_THAT(refusal(p + "N2."), has("3: the opcode DUP (0x32)"));
  EXPECT_THAT(refusal(p + "ctorch\nSize\n)\x81."), has("15: the opcode NEWOBJ (0x81)"));
  EXPECT_THAT(refusal(p + "\xff."), has("2: the opcode unknown (0xff)"));
  EXPECT_THAT(refusal("\x80\x06N."), has("0: protocol 6"));
  EXPECT_THAT(refusal("(I01\nt."), AllOf(has("1: the opcode INT (0x49) is one of protocol 0 or 1"),
                                         HasSubstr("path, pickle_protocol=2)")));
  for (const auto& [global, cure] : std::vector<std::pair<std::string, std::string>>{
           {"torch._utils\n_rebuild_qtensor", ".dequantize()"},
           {"torch._utils\n_rebuild_parameter_with_state", ".detach()"},
           {"torch._tensor\n_rebuild_from_type_v2", ".as_subclass(torch.Tensor)"},
           {"torch._utils\n_rebuild_meta_tensor_no_storage", "which has no values"},
           {"numpy._core.multiarray\nscalar", "save float(x)"},
           {"numpy.core.multiarray\n_reconstruct", "save torch.from_numpy(x)"}}) {
    EXPECT_THAT(refusal(p + "c" + global + "\n."),
                AllOf(HasSubstr(cure), Not(HasSubstr("state_dict"))));
  }
  const auto of_type = [&](const std::string& type) {
    return refusal(p + rebuilt(storage(4, type), number(0), numbers({4}), numbers({1})) + ".",
                   {{"p/data/0", four}});
  };
  EXPECT_THAT(of_type("QUInt8Storage"), HasSubstr("not supported: save it with .dequantize()"));
  EXPECT_THAT(of_type("ComplexDoubleStorage"), HasSubstr("save torch.view_as_real() of it"));
  EXPECT_THAT(refusal(p + "ctorch\nSize\n)R."), HasSubstr("it should have 1 parts, but has 0"));
  EXPECT_THAT(refusal(p + "ctorch\nFloatStorage\n)R."), HasSubstr("'torch.FloatStorage' makes no"));
  EXPECT_THAT(refusal(p + "ccollections\nOrderedDict\n" + text("x") + "\x85R."),
              HasSubstr("with arguments"));
  EXPECT_THAT(refusal(p + storage(4) + "."), HasSubstr("it is a storage, not a tensor"));
}

TEST_F(HandMade, MalformedPickles) {
  const std::string p = "\x80\x02";
  struct Case {
    std::string pickle, message;
  };
  const std::vector<Case> cases{
      {"", "byte 0: the pickle has no end"},
      {p + "N", "byte 3: the pickle has no end"},
      {p + ".", "byte 2: a value is missing"},
      {p + "NN.", "something is left over"},
      {p + "N.N", "something is left over"},
      {p + "(N.", "something is left over"},
      {p + "t.", "byte 2: a MARK is missing"},
      {p + "Ns.", "a value is missing"},
      {p + "NNNs.", "a dict is missing"},
      {p + "}(Nu.", "a key without a value"},
      {p + "}Na.", "a list is missing"},
      {p + "h\x05.", "memo 5 is empty"},
      {p + "Nr\xff\xff\xff\xff.", "4294967295 is too large for the memo"},
      {p + "q\x01.", "a value is missing"},
      {p + "X\xff\xff\xff\x7f.", "2147483647 bytes should follow"},
      {"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "18446744073709551615 bytes should follow"},
      {p + "\x8a\xff.", "255 bytes should follow"},
      {p + "ctorch", "a name has no end"},
      {p + text("\xff") + ".", "the text '\\xff' is not UTF-8"},
      {p + "NNR.", "what is called has no name"},
      {p + "}Nb.", "BUILD without a dict"},
      {p + "N}b.", "BUILD sets, is missing"},
      {p + "}NNs.", "a key is neither a text of up to"},
      {p + std::string(2000, '('), "nested too deeply"},
  };
  for (const Case& c : cases) EXPECT_THAT(refusal(c.pickle), HasSubstr(c.message));
}

// Ten lists, each ten times in the next: ten billion values in a pickle of 300 bytes. And a list of
// itself, and one of 100,000 lists in one another.
TEST_F(HandMade, NestedAndRepeatedListsEnd) {
  std::string laughs = "\x80\x02]q" + "\0"s;
  for (char i = 0; i < 10; ++i) {
    laughs += "](";
    for (int k = 0; k < 10; ++k) laughs += "h"s + i;
    laughs += "eq"s + static_cast<char>(i + 1);
  }
  EXPECT_THAT(refusal(laughs + std::string(10, '\x86') + "."),
              HasSubstr("more than 4194304 values"));
  EXPECT_THAT(refusal("\x80\x02]q" + "\0h\0a."s), HasSubstr("nested more than 64 deep"));
  std::string deep = "\x80\x02)";
  deep += std::string(100000, '\x85') + ".";
  EXPECT_THAT(refusal(deep), HasSubstr("nested more than 64 deep"));
  const std::string key = "X\xa0\x0f\0\0"s + std::string(4000, 'x') + "q\0"s;
  EXPECT_THAT(refusal("\x80\x02}" + key + "}h\0}h\0Nsss."s), HasSubstr("longer than 4096 bytes"));
  EXPECT_THAT(refusal("\x80\x02" + std::string(5'000'000, '}') + "."),
              HasSubstr("more than 4194304"));
}

TEST_F(HandMade, NamesAndIntegers) {
  const std::string w = view(0, {4}, {1});
  const std::string twice =
      "\x80\x02}(" + text("a.b") + w + text("a") + "}" + text("b") + w + "su.";
  EXPECT_THAT(refusal(twice, {{"p/data/0", four}}), HasSubstr("two tensors are called 'a.b'"));
  const std::string integers =
      "\x80\x02(\x8a\x00J\xfe\xff\xff\xff\x8a\x09\0\0\0\0\0\0\0\0\xff\x8a\x11"s +
      std::string(16, '\0') + "\x01t.";
  const StateDict state = load(integers);
  EXPECT_EQ(state.metadata.at("0"), "0");
  EXPECT_EQ(state.metadata.at("1"), "-2");
  EXPECT_EQ(state.metadata.at("2"), "-18446744073709551616");
  EXPECT_EQ(state.metadata.at("3"), "0x01" + std::string(32, '0'));
  const std::string large = "\x8a\x09\0\0\0\0\0\0\0\0\x01"s;
  EXPECT_THAT(refusal("\x80\x02" + rebuilt(storage(4), large, numbers({1}), numbers({1})) + ".",
                      {{"p/data/0", four}}),
              HasSubstr("its offset is not an integer from 0 to 2^63 - 1"));
}

TEST_F(HandMade, UnsignedBeyondInt64) {
  const std::string pickle =
      "\x80\x02"
      "ctorch._utils\n_rebuild_tensor_v3\n(("s +
      text("storage") + "ctorch.storage\nUntypedStorage\n" + text("0") + text("cpu") + number(16) +
      "tQ" + number(0) + numbers({2}) + numbers({1}) + "\x89Nctorch\nuint64\ntR.";
  EXPECT_THAT(
      refusal(pickle, {{"p/data/0", std::string(15, '\0') + "\x80"}}),
      HasSubstr("member 'p/data/0': element 1 is 9223372036854775808, which int64 cannot hold"));
}

// Checksums guard all of it: whatever is still read is what was there.
TEST_F(Pt, SurviveDamage) {
  for (const char* name : {"tied_zip.pt", "made_tensor.pt"}) {
    const StateDict good = load_pt(format_file(name));
    reset_peak_memory();
    const std::int64_t before = memory_stats().peak;
    for_all_damage(read_text(format_file(name)), [&](const std::string& bytes) {
      const StateDict state = load_pt(memory_file(bytes).path());
      ASSERT_EQ(state.size(), good.size());
      for (const StateEntry& entry : state) {
        EXPECT_EQ(values_of(entry.tensor), values_of(good.at(entry.name)));
      }
    });
    EXPECT_LE(memory_stats().peak, before + (1 << 20)) << name;
  }
}

// The pickle itself, without a checksum in the way.
TEST_F(HandMade, SurviveDamagedPickles) {
  std::string pickle =
      "\x80\x02}q" + "\0("s + text("w") + view(0, {2, 2}, {2, 1}) + text("n") + number(5) + "u.";
  for_all_damage(pickle, [&](const std::string& bytes) {
    const StateDict state = load(bytes, {{"p/data/0", four}});
    for (const StateEntry& entry : state) EXPECT_LE(entry.tensor.numel(), 1 << 24);
  });
}

}  // namespace
}  // namespace gradus
