// Compares gradus with what PyTorch computed: see make_golden.py.
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/tests/golden/golden_case.h>

#include <set>

namespace gradus::golden {
namespace {

// Largest |a - b| / (1 + |b|).
double tolerance_of(DType dtype, bool training) {
  if (dtype == DType::float32) return training ? 1e-6 : 1e-5;
  return dtype == DType::float64 ? training ? 1e-12 : 1e-11 : 0;
}

void compare(const Case& c, const std::string& what, const Tensor& actual, double tolerance) {
  const Tensor reference = c.tensor(what);
  EXPECT_EQ(actual.dtype(), reference.dtype()) << what;
  EXPECT_TRUE(is_close(actual, reference.shape(), c.expected(what), tolerance)) << what;
}

// One backward pass from all the results that have a cotangent.
void run_backward(const Case& c, const std::vector<Tensor>& results) {
  Tensor total;
  for (std::size_t k = 0; k < results.size(); ++k) {
    const std::string cotangent = "cot" + std::to_string(k);
    if (!c.has_tensor(cotangent)) continue;
    if (results.size() == 1) return results[0].backward(c.tensor(cotangent));
    const Tensor term = sum(results[k] * c.tensor(cotangent));
    total = total.defined() ? total + term : term;
  }
  if (total.defined()) total.backward();
}

void compare_gradients(const Case& c, double tolerance) {
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    const std::string what = "grad" + std::to_string(i);
    if (!c.inputs[i].trainable()) continue;
    const Gradient& gradient = c.inputs[i].grad();
    ASSERT_FALSE(gradient.empty()) << what;
    if (i == 0 && c.has("sparse")) {  // of a table
      EXPECT_EQ(gradient.is_sparse(), c.flag("sparse")) << what;
    }
    if (c.has_tensor(what)) {
      compare(c, what, gradient.to_dense(), tolerance);
    } else {  // entry by entry, in order
      compare(c, what + ".ids", gradient.sparse().ids(), 0);
      compare(c, what + ".values", gradient.sparse().values(), tolerance);
    }
  }
}

void run_case(const Line& line, Runner runner, DType dtype, bool training) {
  SCOPED_TRACE(line.name + " in " + std::string(name(dtype)));
  Case c(line, dtype);
  const double tolerance = tolerance_of(dtype, training);
  const std::vector<Tensor> results = runner(c);
  for (std::size_t k = 0; k < results.size(); ++k) {
    ASSERT_TRUE(c.has_tensor("out" + std::to_string(k)));
    compare(c, "out" + std::to_string(k), results[k], tolerance);
  }
  if (c.has_tensor("cot0")) {
    run_backward(c, results);
    compare_gradients(c, tolerance);
  }
  EXPECT_EQ(c.ignored(), std::vector<std::string>());
}

}  // namespace

void run_cases(const std::string& op, Runner runner, bool training) {
  int count = 0;
  for (const Line& line : lines()) {
    if (line.op != op) continue;
    ++count;
    const auto given = line.options.find("dtype");
    for (const DType dtype : {DType::float32, DType::float64, DType::int64}) {
      const bool wanted = given == line.options.end() ? dtype != DType::int64
                                                      : given->second == gradus::name(dtype);
      if (wanted) run_case(line, runner, dtype, training);
    }
  }
  EXPECT_GT(count, 0) << "no file of values/ has a case of " << op;
}

namespace {

class GoldenOp : public testing::TestWithParam<Runners::value_type> {};
class GoldenTraining : public testing::TestWithParam<Runners::value_type> {};

std::string name_of(const testing::TestParamInfo<Runners::value_type>& info) {
  return info.param.first;
}

TEST_P(GoldenOp, AgreesWithPyTorch) { run_cases(GetParam().first, GetParam().second, false); }
INSTANTIATE_TEST_SUITE_P(All, GoldenOp, testing::ValuesIn(op_runners()), name_of);

TEST_P(GoldenTraining, AgreesWithPyTorch) { run_cases(GetParam().first, GetParam().second, true); }
INSTANTIATE_TEST_SUITE_P(All, GoldenTraining, testing::ValuesIn(training_runners()), name_of);

TEST(Golden, EveryCaseAndTensorOfTheFilesIsCompared) {
  used_tensors().clear();
  std::set<std::string> names, families;
  for (const Line& line : lines()) {
    EXPECT_TRUE(names.insert(line.name).second) << line.name << " is there twice";
    families.insert(line.family);
    EXPECT_EQ(op_runners().count(line.op) + training_runners().count(line.op), 1u) << line.op;
  }
  EXPECT_GE(names.size(), 300u);
  for (const auto& [op, runner] : op_runners()) run_cases(op, runner, false);
  for (const auto& [op, runner] : training_runners()) run_cases(op, runner, true);
  EXPECT_GE(families.size(), 10u);
  for (const std::string& family : families) {
    for (const StateEntry& entry : tensors(family)) {
      EXPECT_TRUE(used_tensors().count(entry.name)) << entry.name << " was not used";
    }
  }
}

}  // namespace
}  // namespace gradus::golden
