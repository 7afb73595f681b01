#include <gradus/tests/support/op_cases.h>

#include <utility>

namespace gradus {

std::vector<OpCase>& op_cases() {
  static std::vector<OpCase> cases;
  return cases;
}

OpCases::OpCases(std::initializer_list<OpCase> cases) {
  for (const OpCase& op_case : cases) op_cases().push_back(op_case);
}

std::function<Inputs()> leaves(std::vector<Shape> shapes, double low, double high) {
  return [shapes = std::move(shapes), low, high] {
    Inputs inputs;
    for (const Shape& shape : shapes) {
      inputs.push_back(random_leaf(shape, inputs.size() + 1, low, high));
    }
    return inputs;
  };
}

std::function<Inputs()> leaves_and(std::vector<Shape> shapes, std::function<Inputs()> fixed,
                                   double low, double high) {
  return [make = leaves(std::move(shapes), low, high), fixed = std::move(fixed)] {
    Inputs inputs = make();
    for (const Tensor& input : fixed()) inputs.push_back(input);
    return inputs;
  };
}

}  // namespace gradus
