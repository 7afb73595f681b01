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
std::vector<OpCase>& op_cases();

/// Adds samples before main() runs.
struct OpCases {
  OpCases(std::initializer_list<OpCase> cases);
};

/// Makes trainable leaves of these shapes with values from [low, high).
std::function<Inputs()> leaves(std::vector<Shape> shapes, double low = -2, double high = 2);

/// The same, and then these inputs, which have no gradient.
std::function<Inputs()> leaves_and(std::vector<Shape> shapes, std::function<Inputs()> fixed,
                                   double low = -2, double high = 2);

}  // namespace gradus
