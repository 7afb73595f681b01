// Its half of tests/scripts/safetensors_check.sh: writes files for safetensors_check.py to read,
// and reads what that wrote. Element i of a tensor is (i * 7 % 64 - 31) / 8, where its dtype is one
// of floats, i * 7 % 64 for integers, and i % 3 == 0 for booleans.
#include <fmt/format.h>
#include <gradus/gradus.h>

#include <string>
#include <vector>

using namespace gradus;

namespace {

double element(std::int64_t i) { return static_cast<double>(i * 7 % 64 - 31) / 8; }

Tensor floats(const Shape& shape, DType dtype) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < shape.numel(); ++i) values.push_back(element(i));
  return tensor(values, shape).to(dtype);
}

Tensor integers(const Shape& shape) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < shape.numel(); ++i) values.push_back(i * 7 % 64);
  return tensor(values, shape);
}

Tensor booleans(const Shape& shape) {
  return reshape(equal(remainder(arange(shape.numel()), 3), 0), shape);
}

void require(bool right, const std::string& what) {
  if (!right) throw Error("safetensors_check: " + what);
}

void write(const std::string& folder) {
  StateDict all;
  all.set("f32", floats({5, 7}, DType::float32), true);
  all.set("f64", floats({3}, DType::float64));
  all.set("i64", integers({2, 2}));
  all.set("bool", booleans({9}));
  all.set("scalar", floats({}, DType::float32));
  all.set("empty", zeros({0, 4}));
  all.set("\xD0\xBF.\"b\\\n", floats({1}, DType::float32));
  all.set("tied", all.at("f32"));
  all.metadata["note"] = "K\xC3\xB6nig";
  save(all, folder + "/same.safetensors");
  save(all, folder + "/half.safetensors", {.dtype = SaveDType::float16});
  save(all, folder + "/brain.safetensors", {.dtype = SaveDType::bfloat16});

  const Linear model(3, 2);
  Adam optimizer(model.parameters());
  const Vocabulary words = Vocabulary::from_words({"<unk>", "der", "K\xC3\xB6nig"});
  std::int64_t step = 7;
  const CheckpointFolder checkpoints(folder + "/run");
  checkpoints.save(
      {{"model", model}, {"optimizer", optimizer}, {"vocabulary", words}, {"step", step}}, step);
}

void check(const StateDict& state, const std::string& name, const Tensor& expected) {
  const Tensor& found = state.at(name);
  require(found.shape() == expected.shape(), name + " is " + found.shape().str());
  require(found.dtype() == expected.dtype(), name + " has another dtype");
  if (expected.numel() > 0) {
    require(all(equal(found.to(DType::float64), expected.to(DType::float64))).item<bool>(),
            name + " has other values: " + found.str());
  }
}

void check_all(const StateDict& state) {
  for (const char* name : {"f32", "f16", "bf16"})
    check(state, name, floats({5, 7}, DType::float32));
  check(state, "f64", floats({3}, DType::float64));
  for (const char* name : {"i64", "i32", "i16", "i8", "u8"}) check(state, name, integers({2, 2}));
  check(state, "bool", booleans({9}));
  check(state, "scalar", floats({}, DType::float32));
  check(state, "empty", zeros({0, 4}));
  require(state.left_out.size() == 3 && state.left_out.at("f8") == "F8_E4M3" &&
              state.left_out.at("u64") == "U64" && state.left_out.at("c64") == "C64",
          "what is left out is wrong");
}

void read(const std::string& folder) {
  check_all(load(folder + "/torch.safetensors"));
  check_all(load(folder + "/shards"));
  check_all(load(folder + "/shards/model.safetensors.index.json"));
  const StateDict some = load(folder + "/shards", {"bf16", "i8"});
  require(some.size() == 2, "more was read than asked for");
  check(some, "bf16", floats({5, 7}, DType::float32));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    require(argc == 3, "usage: safetensors_check write|read FOLDER");
    argv[1] == std::string("write") ? write(argv[2]) : read(argv[2]);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
