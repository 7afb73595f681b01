#pragma once
// Samples of every differentiable op, for the tests of every_op.h. Each test file of an op adds its
// own:
//
//   const OpCases tanh_cases{OpCase{"tanh", "a matrix", leaves({{2, 3}}), [](const Inputs& in) {
//                              return tanh(in[0]);
//                            }}};
#include <gradus/tests/support/op_testing.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace gradus {

using Inputs = std::vector<Tensor>;

/// One use of an op: its float64 inputs, away from kinks, are trainable leaves; the other inputs
/// (ids, masks) are fixed.
struct OpCase {
  std::string op;    ///< the name that it records
  std::string form;  ///< which use of it
  std::function<Inputs()> inputs;
  std::function<Tensor(const Inputs&)> apply;
  double float32_tolerance = 1e-5;  ///< relative, of float32 against float64
};

/// All samples that the test program has.
inline std::vector<OpCase>& op_cases() {
  static std::vector<OpCase> cases;
  return cases;
}

/// Adds samples before main() runs.
struct OpCases {
  OpCases(std::initializer_list<OpCase> cases) {
    for (const OpCase& op_case : cases) op_cases().push_back(op_case);
  }
};

/// Makes trainable leaves of these shapes with values from [low, high).
inline std::function<Inputs()> leaves(std::vector<Shape> shapes, double low = -2, double high = 2) {
  return [shapes = std::move(shapes), low, high] {
    Inputs inputs;
    for (const Shape& shape : shapes) {
      inputs.push_back(random_leaf(shape, inputs.size() + 1, low, high));
    }
    return inputs;
  };
}

/// The same, and then these inputs, which have no gradient.
inline std::function<Inputs()> leaves_and(std::vector<Shape> shapes, std::function<Inputs()> fixed,
                                          double low = -2, double high = 2) {
  return [make = leaves(std::move(shapes), low, high), fixed = std::move(fixed)] {
    Inputs inputs = make();
    for (const Tensor& input : fixed()) inputs.push_back(input);
    return inputs;
  };
}

}  // namespace gradus
