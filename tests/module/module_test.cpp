#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/tests/support/message_of.h>
#include <gtest/gtest.h>

#include <functional>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StrEq;
using testing::ThrowsMessage;

// y = x * scale, with a buffer that counts nothing but is saved.
struct Scale : Module {
  explicit Scale(double value = 1)
      : scale(add_parameter("scale", tensor({value}))),
        seen(add_buffer("seen", tensor({std::int64_t{0}}))) {}
  Tensor operator()(const Tensor& x) const { return x * scale; }
  const Parameter scale;
  const Tensor seen;
};

struct Pair : Module {
  Pair() : first(add("first", Scale(2))), second(add("second", Scale(3))) {}
  Tensor operator()(const Tensor& x) const { return second(first(x)); }
  const Scale first, second;
};

struct Model : Module {
  Model() : pair(add("pair", Pair())), bias(add_parameter("bias", tensor({5.0}))) {}
  Tensor operator()(const Tensor& x) const { return pair(x) + bias; }
  const Pair pair;
  const Parameter bias;
};

// Two layers that share one parameter.
struct Tied : Module {
  struct User : Module {
    explicit User(const Parameter& p) : weight(add_parameter("weight", p)) {}
    const Parameter weight;
  };
  Tied() : scale(add("scale", Scale(2))), user(add("user", User(scale.scale))) {}
  Tensor operator()(const Tensor& x) const { return scale(x) + x * 10.0 * user.weight; }
  const Scale scale;
  const User user;
};

// A module that anything can be added to.
struct Open : Module {
  using Module::add;
  using Module::add_buffer;
  using Module::add_parameter;
  using Module::set_description;
};

std::vector<std::string> paths(const Module& module) {
  std::vector<std::string> result;
  for (const NamedParameter& p : module.parameters()) result.push_back(p.path);
  return result;
}

std::vector<std::string> names(const StateDict& state) {
  std::vector<std::string> result;
  for (const StateEntry& entry : state) result.push_back(entry.name);
  return result;
}

static_assert(!std::is_copy_assignable_v<Scale> && !std::is_move_assignable_v<Scale>);
static_assert(!std::is_copy_assignable_v<Parameter> && !std::is_move_assignable_v<Parameter>);
static_assert(std::is_copy_constructible_v<Model>);

TEST(Module, ListsParametersByPathInTheOrderOfTheTree) {
  EXPECT_THAT(paths(Model()), ElementsAre("bias", "pair.first.scale", "pair.second.scale"));
}

TEST(Module, StateDictHoldsBuffersToo) {
  EXPECT_THAT(names(Pair().state_dict()),
              ElementsAre("first.scale", "first.seen", "second.scale", "second.seen"));
}

TEST(Module, CopyIsTheSameLayer) {
  const Model model;
  const Model copy = model;  // NOLINT(performance-unnecessary-copy-initialization)
  copy.eval();
  EXPECT_FALSE(model.is_training());
  const NoGradGuard no_grad;
  copy.bias.fill_(7);
  EXPECT_EQ(model(tensor({0.0})).item(), 7);
}

TEST(Module, ComputesWithWhatItLists) {
  const Model model;
  model(tensor({7.0})).backward();  // 7 * 2 * 3 + 5
  EXPECT_EQ(model(tensor({7.0})).item(), 47);
  const auto all = model.parameters();
  EXPECT_EQ(all[0].parameter.grad().dense().item(), 1);
  EXPECT_EQ(all[1].parameter.grad().dense().item(), 21);
  EXPECT_EQ(all[2].parameter.grad().dense().item(), 14);
}

TEST(Module, TrainAndEvalReachEverySubmodule) {
  const Model model;
  EXPECT_TRUE(model.pair.second.is_training());
  model.eval();
  EXPECT_FALSE(model.pair.second.is_training());
  EXPECT_FALSE(model.is_training());
  model.pair.train();
  EXPECT_TRUE(model.pair.first.is_training());
  EXPECT_FALSE(model.is_training());
}

TEST(Module, FreezesTheWholeTreeAndCountsWhatIsLeft) {
  const Model model;
  EXPECT_EQ(model.num_parameters(), 3);
  model.pair.set_trainable(false);
  EXPECT_EQ(model.num_parameters(/*trainable_only=*/true), 1);
  EXPECT_EQ(model.num_parameters(), 3);
  model(tensor({1.0})).backward();
  EXPECT_TRUE(model.pair.first.scale.grad().empty());
  EXPECT_FALSE(model.bias.grad().empty());
}

TEST(Module, ZeroGradDropsGradients) {
  const Model model;
  model(tensor({1.0})).backward();
  model.zero_grad();
  for (const NamedParameter& p : model.parameters()) EXPECT_TRUE(p.parameter.grad().empty());
}

TEST(Module, ToConvertsFloatsInPlace) {
  const Model model;
  model(tensor({1.0})).backward();
  model.pair.first.scale.set_trainable(false);
  model.to(DType::float32);
  EXPECT_EQ(model.bias.dtype(), DType::float32);
  EXPECT_EQ(model.pair.first.seen.dtype(), DType::int64);
  EXPECT_TRUE(model.bias.grad().empty());
  EXPECT_FALSE(model.pair.first.scale.trainable());
  EXPECT_TRUE(model.bias.trainable());
  EXPECT_EQ(model(tensor({7.0F})).item(), 47);
  EXPECT_EQ(message_of<DTypeError>([&] { model.to(DType::int64); }),
            "module: to(int64): a float type is needed");
}

TEST(Module, RefusesBadNames) {
  Open module;
  module.add_parameter("a", tensor({1.0}));
  module.add_buffer("b", tensor({1.0}));
  module.add("c", Scale());
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(message_of<ValueError>([&] { module.add_parameter(name, tensor({1.0})); }),
              std::string("module: the name '") + name + "' is taken");
    EXPECT_THAT(message_of<ValueError>([&] { module.add(name, Scale()); }), HasSubstr("is taken"));
    EXPECT_THAT(message_of<ValueError>([&] { module.add_buffer(name, tensor({1.0})); }),
                HasSubstr("is taken"));
  }
  EXPECT_EQ(message_of<ValueError>([&] { module.add("", Scale()); }), "module: a name is empty");
  EXPECT_EQ(
      message_of<ValueError>([&] { module.add("layers.0", Scale()); }),
      "module: the name 'layers.0' contains a dot, which separates paths: for a list of "
      "layers, use a ModuleList, which names them 0, 1, ...: add(\"layers\", ModuleList(...))");
}

TEST(Module, RefusesAModuleThatIsPartOfTheTree) {
  const Scale scale;
  Open module, inner;
  inner.add("scale", scale);
  module.add("inner", inner);
  EXPECT_THAT(message_of<ValueError>([&] { module.add("again", scale); }),
              HasSubstr("'again' (Scale) is already part of this model"));
  EXPECT_THAT(message_of<ValueError>([&] { module.add("self", module); }),
              HasSubstr("is already part of this model"));
  EXPECT_THAT(message_of<ValueError>([&] { inner.add("parent", module); }),
              HasSubstr("is already part of this model"));
}

TEST(Module, RefusesParametersThatCannotBeTrained) {
  Open module;
  EXPECT_THAT(message_of<DTypeError>([&] { module.add_parameter("a", arange(3)); }),
              HasSubstr("int64"));
  const Tensor leaf = tensor({1.0}).set_trainable(true);
  EXPECT_EQ(message_of<ValueError>([&] { module.add_parameter("a", Tensor()); }),
            "module: the parameter 'a' is undefined: give it a tensor");
  EXPECT_EQ(message_of<ValueError>([&] { module.add_parameter("a", Parameter(Tensor())); }),
            "module: the parameter 'a' is undefined: give it a tensor");
  EXPECT_EQ(message_of<ValueError>([&] { module.add_buffer("a", Tensor()); }),
            "module: the buffer 'a' is undefined: give it a tensor");
  EXPECT_EQ(module.state_dict().size(), 0U);
  EXPECT_THAT(message_of<AutogradError>([&] { module.add_parameter("a", leaf * 2.0); }),
              HasSubstr("only leaves can be trainable"));
  EXPECT_THAT(module.parameters(), IsEmpty());
}

TEST(TiedWeights, AreListedOnceAndGetTheSumOfGradients) {
  const Tied model;
  EXPECT_THAT(paths(model), ElementsAre("scale.scale"));
  EXPECT_THAT(names(model.state_dict()), ElementsAre("scale.scale", "scale.seen", "user.weight"));
  model(tensor({3.0})).backward();
  EXPECT_EQ(model.user.weight.grad().dense().item(), 3 + 30);
}

TEST(TiedWeights, HaveOneTrainableFlag) {
  const Tied model;
  model.user.set_trainable(false);
  EXPECT_FALSE(model.scale.scale.trainable());
}

TEST(TiedWeights, StayTiedThroughLoadingAndConversion) {
  const Tied from, to;
  {
    const NoGradGuard no_grad;
    from.scale.scale.fill_(9);
  }
  to.load_state_dict(snapshot(from));
  to.to(DType::float32);
  EXPECT_EQ(to.user.weight.item(), 9);
  EXPECT_TRUE(to.user.weight.is_same(to.scale.scale));
  EXPECT_EQ(to.user.weight.dtype(), DType::float32);
}

TEST(TiedWeights, KeepTheFrozenFlagWhenRegisteredAgain) {
  const Scale scale;
  scale.set_trainable(false);
  const Tied::User user(scale.scale);
  EXPECT_FALSE(user.weight.trainable());
}

TEST(LoadStateDict, NamesWhatIsMissingAndUnexpected) {
  const Model model;
  StateDict state = snapshot(Pair());
  EXPECT_EQ(message_of<Error>([&] { model.load_state_dict(state); }),
            "load_state_dict: missing in the state: [bias, pair.first.scale, pair.first.seen, "
            "pair.second.scale, pair.second.seen]; unexpected in it: [first.scale, first.seen, "
            "second.scale, second.seen]; perhaps renamed: [first.scale -> pair.first.scale, "
            "first.seen -> pair.first.seen, second.scale -> pair.second.scale, second.seen -> "
            "pair.second.seen]: build the model that was saved, or pass .strict = false");
  state.set("bias", tensor({8.0}));
  const LoadResult result = model.load_state_dict(state, {.strict = false});
  EXPECT_EQ(model.bias.item(), 8);
  EXPECT_THAT(result.missing, ElementsAre("pair.first.scale", "pair.first.seen",
                                          "pair.second.scale", "pair.second.seen"));
  EXPECT_THAT(result.unexpected,
              ElementsAre("first.scale", "first.seen", "second.scale", "second.seen"));
}

TEST(LoadStateDict, ChecksEverythingBeforeItWrites) {
  const Model model;
  StateDict state = snapshot(model);
  state.set("bias", tensor({8.0}));
  state.set("pair.second.scale", tensor({1.0, 2.0}));
  EXPECT_EQ(message_of<ShapeError>([&] { model.load_state_dict(state); }),
            "load_state_dict: pair.second.scale is [2] in the state, [1] in the model");
  state.set("pair.second.scale", tensor({1.0F}));
  EXPECT_EQ(message_of<DTypeError>([&] { model.load_state_dict(state); }),
            "load_state_dict: pair.second.scale is float32 in the state, float64 in the model: "
            "convert one with to()");
  EXPECT_EQ(model.bias.item(), 5);
}

TEST(LoadStateDict, RefusesFlagsThatCannotBeSetBeforeItWrites) {
  struct Ids : Open {
    Ids() : a(add_parameter("a", tensor({1.0}))) {
      add_parameter("ids", tensor({1, 2}), /*trainable=*/false);
    }
    const Parameter a;
  };
  const Ids model;
  StateDict state = snapshot(model);
  state.set("a", tensor({8.0}));
  state.set("ids", tensor({3, 4}), /*frozen=*/false);
  EXPECT_EQ(message_of<ValueError>([&] { model.load_state_dict(state); }),
            "load_state_dict: ids is trainable in the state, but int64");
  EXPECT_EQ(model.a.item(), 1);
}

TEST(Module, RefusesABufferThatIsPartOfAGraph) {
  const Tensor a = tensor({1.0, 2.0}).set_trainable(true);
  Open model;
  EXPECT_EQ(message_of<AutogradError>([&] { model.add_buffer("b", a * 2); }),
            "module: the buffer 'b' [2] is part of a graph (made by mul), so no state could be "
            "loaded into it: pass a detach() of the tensor");
  EXPECT_EQ(model.state_dict().size(), 0U);
  model.add_buffer("b", (a * 2).detach());
  restore(model, snapshot(model));
}

// A state may hold the model's own tensors.
TEST(LoadStateDict, SwapsTensorsOfTheModelItself) {
  const Pair model;
  const auto swapped = [&] {
    StateDict state = model.state_dict();
    const Tensor first = state.at("first.scale");
    state.set("first.scale", state.at("second.scale"));
    state.set("second.scale", first);
    return state;
  };
  model.load_state_dict(swapped());
  EXPECT_EQ(model.first.scale.item(), 3);
  EXPECT_EQ(model.second.scale.item(), 2);
  restore(model, swapped());
  EXPECT_EQ(model.first.scale.item(), 2);
  EXPECT_EQ(model.second.scale.item(), 3);
}

// A layer was renamed, the shape of another one changed, one parameter is missing and one is new.
struct Before : Module {
  Before()
      : table(add_parameter("table", zeros({5, 2}))),
        head(add("fc", Head())),
        scale(add_parameter("scale", zeros({3}))) {}
  struct Head : Module {
    Head()
        : weight(add_parameter("weight", ones({3, 2}))), bias(add_parameter("bias", ones({3}))) {}
    const Parameter weight, bias;
  };
  const Parameter table;
  const Head head;
  const Parameter scale;
};
struct After : Module {
  After()
      : table(add_parameter("table", zeros({7, 2}))),
        head(add("output", Before::Head())),
        shift(add_parameter("shift", zeros({4}))),
        count(add_buffer("count", zeros({}))) {}
  const Parameter table;
  const Before::Head head;
  const Parameter shift;
  const Tensor count;
};

TEST(LoadStateDict, ReportsEverythingInOneError) {
  const After model;
  StateDict state = snapshot(Before());
  EXPECT_EQ(message_of<ShapeError>([&] { model.load_state_dict(state); }),
            "load_state_dict: missing in the state: [shift, count, output.weight, output.bias]; "
            "unexpected in it: [scale, fc.weight, fc.bias]; perhaps renamed: [fc.weight -> "
            "output.weight, fc.bias -> output.bias]; table is [5, 2] in the state, [7, 2] in the "
            "model: build the model that was saved");
  state.set("shift", Tensor());
  state.set("count", zeros({}, DType::float64));
  state.set("output.bias", zeros({2}));
  EXPECT_EQ(
      message_of<ShapeError>([&] { model.load_state_dict(state, {.strict = false}); }),
      "load_state_dict: table is [5, 2] in the state, [7, 2] in the model; shift is undefined "
      "in the state; count is float64 in the state, float32 in the model: convert one with "
      "to(); output.bias is [2] in the state, [3] in the model");
  state.set("table", zeros({7, 2}));
  state.set("output.bias", zeros({3}));
  EXPECT_THROW(model.load_state_dict(state), DTypeError);
  state.set("count", zeros({}));
  EXPECT_EQ(message_of<ValueError>([&] { model.load_state_dict(state, {.strict = false}); }),
            "load_state_dict: shift is undefined in the state");
  EXPECT_EQ(model.head.bias.span<float>()[0], 1);  // nothing was written
}

TEST(LoadStateDict, GuessesARenamedNameOfOnePart) {
  Open model, other;
  model.add_parameter("bias", zeros({2}));
  model.add_parameter("gain", zeros({3}));
  other.add_parameter("b", zeros({2}));
  other.add_parameter("g", zeros({4}));
  EXPECT_EQ(
      message_of<Error>([&] { model.load_state_dict(other.state_dict()); }),
      "load_state_dict: missing in the state: [bias, gain]; unexpected in it: [b, g]; perhaps "
      "renamed: [b -> bias]: build the model that was saved, or pass .strict = false");
}

TEST(LoadStateDict, CopiesValuesAndFrozenFlags) {
  const Model from, to;
  from.pair.first.set_trainable(false);
  {
    const NoGradGuard no_grad;
    from.bias.fill_(11);
  }
  from.pair.second.seen.fill_(4);
  to.load_state_dict(from.state_dict());
  EXPECT_EQ(to.bias.item(), 11);
  EXPECT_EQ(to.pair.second.seen.item(), 4);
  EXPECT_FALSE(to.pair.first.scale.trainable());
  EXPECT_TRUE(to.bias.trainable());
  const NoGradGuard no_grad;
  from.bias.fill_(12);
  EXPECT_EQ(to.bias.item(), 11);
}

TEST(Snapshot, IsADeepCopyThatRestorePutsBack) {
  const Model model;
  const StateDict best = snapshot(model);
  {
    const NoGradGuard no_grad;
    model.bias.fill_(-1);
  }
  EXPECT_EQ(best.at("bias").item(), 5);
  model.bias.set_trainable(false);
  restore(model, best);
  EXPECT_EQ(model.bias.item(), 5);
  EXPECT_FALSE(model.bias.trainable());
}

TEST(CopyState, CopiesValuesOnly) {
  const Model from, to;
  {
    const NoGradGuard no_grad;
    from.bias.fill_(6);
  }
  from.set_trainable(false);
  copy_state(from, to);
  EXPECT_EQ(to.bias.item(), 6);
  EXPECT_TRUE(to.bias.trainable());
  EXPECT_FALSE(to.bias.is_same(from.bias));
}

TEST(StateDict, SaysWhatThereIs) {
  StateDict state;
  state.set("a", tensor({1.0}));
  state.set("b", tensor({2.0}));
  state.set("a", tensor({3.0}));
  EXPECT_EQ(state.size(), 2U);
  EXPECT_EQ(state.at("a").item(), 3);
  EXPECT_EQ(message_of<IndexError>([&] { state.at("c"); }),
            "state_dict: no entry 'c'; there are [a, b]");
}

TEST(CheckRegistered, NamesLeavesThatTheModelLacks) {
  const Model model;
  EXPECT_NO_THROW(check_registered(model(tensor({1.0})), model));
  const Parameter forgotten(zeros({1, 1}, DType::float64).set_trainable(true));
  EXPECT_EQ(
      message_of<AutogradError>([&] { check_registered(model(tensor({1.0})) + forgotten, model); }),
      "check_registered: the loss depends on trainable leaves that model.parameters() lacks, "
      "of shapes [1, 1]: register layers with add(\"name\", layer), tensors and parameters of "
      "your own with add_parameter(\"name\", tensor)");
}

TEST(ModuleText, ShowsTheTree) {
  Open root;
  root.add("pair", Pair());
  Open leaf;
  leaf.set_description([] { return std::string("Leaf(4)"); });
  root.add("leaf", leaf);
  EXPECT_EQ(root.str(),
            "Module(\n"
            "  (pair): Pair(\n"
            "    (first): Scale()\n"
            "    (second): Scale()\n"
            "  )\n"
            "  (leaf): Leaf(4)\n"
            ")");
}

TEST(Module, ThrowsFromEveryFunctionOnceItWasMovedFrom) {
  Model model;
  const Model moved = std::move(model);
  const std::vector<std::pair<std::string, std::function<void()>>> uses{
      // NOLINTBEGIN(bugprone-use-after-move): what is tested
      {"parameters", [&] { (void)model.parameters(); }},
      {"num_parameters", [&] { (void)model.num_parameters(); }},
      {"state_dict", [&] { (void)model.state_dict(); }},
      {"load_state_dict", [&] { model.load_state_dict(moved.state_dict()); }},
      {"train", [&] { model.train(); }},
      {"eval", [&] { model.eval(); }},
      {"is_training", [&] { (void)model.is_training(); }},
      {"set_trainable", [&] { model.set_trainable(false); }},
      {"zero_grad", [&] { model.zero_grad(); }},
      {"to", [&] { model.to(DType::float32); }},
      {"str", [&] { (void)model.str(); }},
      {"<<", [&] { std::ostringstream() << model; }},
      {"snapshot", [&] { (void)snapshot(model); }},
      {"copy_state to it", [&] { copy_state(moved, model); }},
      {"copy_state from it", [&] { copy_state(model, moved); }},
      {"check_registered", [&] { check_registered(moved.bias * 1, model); }},
      {"add it", [&] { Open().add("it", model); }},
      // NOLINTEND(bugprone-use-after-move)
  };
  for (const auto& [what, use] : uses) {
    EXPECT_THAT(use, ThrowsMessage<Error>(StrEq("Module: this object was moved from: use the one "
                                                "that it was moved to")))
        << what;
  }
  EXPECT_EQ(moved.num_parameters(), 3);
  Open open;
  const Open taken = std::move(open);
  EXPECT_THROW(open.add("it", moved), Error);  // NOLINT(bugprone-use-after-move)
  EXPECT_NO_THROW(taken.str());
}

TEST(ModuleText, IndentsDescriptionsOfSeveralLines) {
  Open inner, middle, root;
  inner.set_description([] { return std::string("Table(\n  4 rows\n)"); });
  middle.add("inner", inner);
  root.add("middle", middle);
  EXPECT_EQ(root.str(),
            "Module(\n"
            "  (middle): Open(\n"
            "    (inner): Table(\n"
            "      4 rows\n"
            "    )\n"
            "  )\n"
            ")");
}

// The text of a model of depth n has n^2 characters. Work of n^3, which it took once, is minutes
// here, as are the paths of all layers of all layers where it is built.
TEST(ModuleText, OfADeepModelTakesNoMoreWorkThanItIsLong) {
  constexpr std::size_t depth = 4000;
  std::vector<Open> layers(depth);
  for (std::size_t i = depth - 1; i > 0; --i) layers[i - 1].add("in", layers[i]);
  std::string expected = "Module(", indent;
  for (std::size_t i = 1; i < depth; ++i) {
    indent += "  ";
    expected += "\n" + indent + "(in): Open(";
  }
  expected += ")";
  for (std::size_t i = 1; i < depth; ++i) {
    indent.resize(indent.size() - 2);
    expected += "\n" + indent + ")";
  }
  EXPECT_TRUE(layers[0].str() == expected);  // EXPECT_EQ would print 32 MB
}

}  // namespace
}  // namespace gradus
