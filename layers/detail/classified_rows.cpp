#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/layers/detail/classified_rows.h>

#include <algorithm>
#include <vector>

namespace gradus::detail {

void check_features(const char* layer, const Tensor& x, std::int64_t in_features,
                    const std::string& description) {
  check_defined(layer, "x", x);
  if (x.dim() > 0 && x.size(-1) == in_features) return;
  throw ShapeError(fmt::format("{}: x is {}, its last axis must be {}: layer {}", layer,
                               x.shape().str(), in_features, description));
}

void check_label_shape(const char* layer, const Tensor& x, const Tensor& labels) {
  check_defined(layer, "labels", labels);
  const Shape &rows = labels.shape(), &all = x.shape();
  if (rows.rank() + 1 == all.rank() && std::equal(rows.begin(), rows.end(), all.begin())) return;
  throw ShapeError(fmt::format("{}: x is {}, labels are {}: each row has one label", layer,
                               all.str(), rows.str()));
}

Shape with_last(const Shape& shape, std::int64_t last) {
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  sizes.back() = last;
  return Shape(sizes);
}

}  // namespace gradus::detail
