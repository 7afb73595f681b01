#include <fmt/format.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/tensor.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <vector>

namespace gradus {
namespace {

constexpr std::int64_t most_elements = 1000;  // above this, every axis shows only its ends
constexpr std::int64_t ends = 3;

bool elided(const Tensor& tensor, int axis) {
  return tensor.numel() > most_elements && tensor.shape()[axis] > 2 * ends;
}

// Calls f(i) for the shown indices of an axis and gap() between the two ends of an elided one.
template <class F, class G>
void for_shown(const Tensor& tensor, int axis, F&& f, G&& gap) {
  const std::int64_t size = tensor.shape()[axis];
  if (!elided(tensor, axis)) {
    for (std::int64_t i = 0; i < size; ++i) f(i);
    return;
  }
  for (std::int64_t i = 0; i < ends; ++i) f(i);
  gap();
  for (std::int64_t i = size - ends; i < size; ++i) f(i);
}

// The positions of the shown elements.
void collect(const Tensor& tensor, int axis, std::int64_t offset,
             std::vector<std::int64_t>& shown) {
  if (axis == tensor.dim()) {
    shown.push_back(offset);
    return;
  }
  const std::int64_t stride = tensor.shape().numel(axis + 1, tensor.dim());
  for_shown(
      tensor, axis, [&](std::int64_t i) { collect(tensor, axis + 1, offset + i * stride, shown); },
      [] {});
}

// One format for all shown values, so that columns line up.
class ValueFormat {
 public:
  explicit ValueFormat(const Tensor& tensor) : tensor_(tensor) {
    std::vector<std::int64_t> shown;
    if (tensor.numel() > 0) collect(tensor, 0, 0, shown);
    if (is_floating(tensor.dtype())) choose_notation(shown);
    for (const std::int64_t index : shown) width_ = std::max(width_, text(index).size());
  }

  // The element at a position.
  std::string operator()(std::int64_t index) const {
    return fmt::format("{:>{}}", text(index), width_);
  }

 private:
  void choose_notation(const std::vector<std::int64_t>& shown) {
    bool whole = true;
    double largest = 0;
    double smallest = INFINITY;
    for (const std::int64_t index : shown) {
      const double value = real(index);
      if (!std::isfinite(value) || value == 0) continue;
      whole = whole && value == std::floor(value);
      largest = std::max(largest, std::abs(value));
      smallest = std::min(smallest, std::abs(value));
    }
    whole_ = whole && largest < 1e8;
    scientific_ = !whole_ && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1e8);
  }

  double real(std::int64_t index) const {
    if (tensor_.dtype() == DType::float64) return tensor_.data<double>()[index];
    return static_cast<double>(tensor_.data<float>()[index]);
  }

  std::string text(std::int64_t index) const {
    if (tensor_.dtype() == DType::boolean) return tensor_.data<bool>()[index] ? "true" : "false";
    if (tensor_.dtype() == DType::int64) return fmt::to_string(tensor_.data<std::int64_t>()[index]);
    const double value = real(index);
    if (!std::isfinite(value)) return fmt::to_string(value);
    if (whole_) return fmt::format("{:.0f}.", value);
    return scientific_ ? fmt::format("{:.4e}", value) : fmt::format("{:.4f}", value);
  }

  const Tensor& tensor_;
  bool whole_ = false, scientific_ = false;
  std::size_t width_ = 0;
};

void print(const Tensor& tensor, int axis, std::int64_t offset, std::string_view indent,
           const ValueFormat& format, std::string& out) {
  if (axis == tensor.dim()) {
    out += format(offset);
    return;
  }
  const bool last = axis == tensor.dim() - 1;
  const std::string newline = fmt::format("\n{}{:{}}", indent, "", axis + 1);
  const std::int64_t stride = tensor.shape().numel(axis + 1, tensor.dim());
  bool first = true;
  const auto separate = [&] {
    if (!first) out += last ? ", " : "," + newline;
    first = false;
  };
  out += '[';
  for_shown(
      tensor, axis,
      [&](std::int64_t i) {
        separate();
        print(tensor, axis + 1, offset + i * stride, indent, format, out);
      },
      [&] {
        separate();
        out += "...";
      });
  out += ']';
}

}  // namespace

std::string Tensor::str() const {
  if (!defined()) return "tensor(undefined)";
  std::string out = "tensor(";
  if (numel() > 0 || dim() > 0) {
    if (numel() == 0) {
      out += "[]";
    } else {
      print(*this, 0, 0, "       ", ValueFormat(*this), out);
    }
  }
  out += fmt::format(", {} {}", name(dtype()), shape().str());
  const detail::Body& body = detail::Access::body(*this);
  if (body.node) {
    out += fmt::format(", from {}", body.node->name());
  } else if (trainable()) {
    out += ", trainable";
  }
  return out + ")";
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << tensor.str(); }

}  // namespace gradus
