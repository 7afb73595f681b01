#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/gemm.h>
#include <gradus/framework/kernels/reduce.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/matmul.h>

#include <algorithm>
#include <array>
#include <vector>

namespace gradus {
namespace {

// c = op(a) op(b) for stacks of matrices: op(a) is m x k, op(b) k x n. The batch shapes of all
// three broadcast to `batch`; where c lacks an axis, the products are summed.
struct Product {
  bool trans_a, trans_b;
  std::int64_t m, n, k;
  Shape batch, batch_a, batch_b, batch_c;
};

std::string described(const Shape& shape, bool transposed) {
  return shape.str() + (transposed ? " transposed" : "");
}

[[noreturn]] void throw_unfit(const char* problem, const Shape& a, const Shape& b,
                              const MatmulOptions& options, const char* cure = "") {
  throw ShapeError(fmt::format("matmul: {}: a is {}, b is {}{}", problem,
                               described(a, options.trans_a), described(b, options.trans_b), cure));
}

/// What to change if the inner dimensions differ: the one operand whose other axis would fit.
const char* cure_of(const Shape& a, const Shape& b, std::int64_t k_a, std::int64_t k_b,
                    const MatmulOptions& options) {
  const auto other = [](const Shape& x, bool transposed) {
    const int rank = x.rank();
    return rank < 2 ? -1 : x[transposed ? rank - 1 : rank - 2];
  };
  if (other(b, !options.trans_b) == k_a) {
    return options.trans_b ? ": leave out .trans_b" : ": set .trans_b = true";
  }
  if (other(a, options.trans_a) == k_b) {
    return options.trans_a ? ": leave out .trans_a" : ": set .trans_a = true";
  }
  return "";
}

Shape leading(const Shape& shape) {
  return Shape(shape.sizes().first(static_cast<std::size_t>(std::max(0, shape.rank() - 2))));
}

Product product_of(const Shape& a, const Shape& b, const MatmulOptions& options) {
  const int ra = a.rank(), rb = b.rank();
  if (ra == 0 || rb == 0) throw_unfit("an operand has no axis", a, b, options);
  if ((ra == 1 && options.trans_a) || (rb == 1 && options.trans_b)) {
    throw_unfit("a vector cannot be transposed", a, b, options);
  }
  Product p{options.trans_a, options.trans_b, 1, 1, 0, {}, leading(a), leading(b), {}};
  p.k = a[options.trans_a ? ra - 2 : ra - 1];
  if (ra > 1) p.m = a[options.trans_a ? ra - 1 : ra - 2];
  if (rb > 1) p.n = b[options.trans_b ? rb - 2 : rb - 1];
  const std::int64_t k = rb == 1 ? b[0] : b[options.trans_b ? rb - 1 : rb - 2];
  if (p.k != k) {
    throw_unfit("inner dimensions differ", a, b, options, cure_of(a, b, p.k, k, options));
  }
  if (!broadcastable(p.batch_a, p.batch_b)) {
    throw_unfit("leading axes do not broadcast", a, b, options);
  }
  p.batch = p.batch_c = broadcast_shapes(p.batch_a, p.batch_b, "matmul");
  return p;
}

// The product that computes the cotangent of a from b and g; g is its a or its b.
Product product_for_a(const Product& p) {
  if (p.trans_a) return {p.trans_b, true, p.k, p.m, p.n, p.batch, p.batch_b, p.batch, p.batch_a};
  return {false, !p.trans_b, p.m, p.k, p.n, p.batch, p.batch, p.batch_b, p.batch_a};
}

// The product that computes the cotangent of b from a and g; g is its b or its a.
Product product_for_b(const Product& p) {
  if (p.trans_b) return {true, p.trans_a, p.n, p.k, p.m, p.batch, p.batch, p.batch_a, p.batch_b};
  return {!p.trans_a, false, p.k, p.n, p.m, p.batch, p.batch_a, p.batch, p.batch_b};
}

// Adjacent batch axes along which the same ones of a, b and c advance.
struct AxisRun {
  std::int64_t size = 1;
  std::array<bool, 3> moves{true, true, true};
  std::array<std::int64_t, 3> stride{};
};

class Groups {
 public:
  explicit Groups(const Product& p) {
    const std::array<const Shape*, 3> shapes{&p.batch_a, &p.batch_b, &p.batch_c};
    for (int axis = 0; axis < p.batch.rank(); ++axis) {
      if (p.batch[axis] == 1) continue;
      AxisRun group{p.batch[axis], {}, {}};
      for (std::size_t i = 0; i < 3; ++i) {
        const int own = axis - (p.batch.rank() - shapes[i]->rank());
        group.moves[i] = own >= 0 && (*shapes[i])[own] != 1;
      }
      if (count_ > 0 && groups_[count_ - 1].moves == group.moves) {
        groups_[count_ - 1].size *= group.size;
      } else {
        groups_[count_++] = group;
      }
    }
  }

  // Folds the innermost group into the matrices, if the memory layout allows it.
  void fold_into(Product& p) {
    if (count_ == 0) return;
    const AxisRun& last = groups_[count_ - 1];
    if (last.moves == std::array{true, false, true} && !p.trans_a) {
      p.m *= last.size;  // the rows of all a times one b
    } else if (last.moves == std::array{true, true, false} && p.trans_a && !p.trans_b) {
      p.k *= last.size;  // the sum over the batch is part of the sum over k
    } else {
      return;
    }
    --count_;
  }

  void set_strides(const Product& p) {
    std::array<std::int64_t, 3> stride{p.m * p.k, p.k * p.n, p.m * p.n};
    for (std::size_t g = count_; g-- > 0;) {
      for (std::size_t i = 0; i < 3; ++i) {
        if (!groups_[g].moves[i]) continue;
        groups_[g].stride[i] = stride[i];
        stride[i] *= groups_[g].size;
      }
    }
  }

  // True if products are summed in c.
  bool reduce() const {
    return std::any_of(groups_.begin(), groups_.begin() + static_cast<std::ptrdiff_t>(count_),
                       [](const AxisRun& group) { return !group.moves[2]; });
  }

  AxisRun innermost() const { return count_ == 0 ? AxisRun{} : groups_[count_ - 1]; }

  std::int64_t outer() const {
    std::int64_t product = 1;
    for (std::size_t g = 0; g + 1 < count_; ++g) product *= groups_[g].size;
    return product;
  }

  // Offsets of a, b and c at index i of the groups around the innermost.
  std::array<std::int64_t, 3> offsets(std::int64_t i) const {
    std::array<std::int64_t, 3> result{};
    for (std::size_t g = count_ > 0 ? count_ - 1 : 0; g-- > 0;) {
      const std::int64_t index = i % groups_[g].size;
      i /= groups_[g].size;
      for (std::size_t x = 0; x < 3; ++x) result[x] += index * groups_[g].stride[x];
    }
    return result;
  }

 private:
  std::array<AxisRun, Shape::max_rank> groups_;
  std::size_t count_ = 0;
};

// Sums in double of the products that go to one place of the result. If it has no elements,
// products are written directly to their places.
template <class T>
class Addends {
 public:
  explicit Addends(std::int64_t elements) : sums_(static_cast<std::size_t>(elements), 0.0) {}

  // Where to write addends of the part of the result that begins at `result`.
  T* place(std::int64_t elements, T* result) {
    if (sums_.empty()) return result;
    addends_.resize(static_cast<std::size_t>(elements));
    return addends_.data();
  }
  // Adds those addends to the sums from `at` on.
  void add(std::int64_t at, std::int64_t elements) {
    if (sums_.empty()) return;
    double* sum = sums_.data() + at;
    for (std::int64_t i = 0; i < elements; ++i) {
      sum[i] += static_cast<double>(addends_[static_cast<std::size_t>(i)]);
    }
  }
  void finish(T* result) const {
    for (const double sum : sums_) *result++ = static_cast<T>(sum);
  }

 private:
  std::vector<double> sums_;
  std::vector<T> addends_;
};

// How many products are added in T before they are added in double.
constexpr std::int64_t longest_run = 256;

template <class T>
void multiply(Product p, const T* a, const T* b, T* c) {
  const std::int64_t elements = p.batch_c.numel() * p.m * p.n;
  if (p.batch.numel() == 0) return kernels::fill(c, T{0}, elements);
  Groups groups(p);
  groups.fold_into(p);
  groups.set_strides(p);
  Addends<T> sums(groups.reduce() ? elements : 0);
  const std::int64_t lda = p.trans_a ? p.m : p.k, ldb = p.trans_b ? p.k : p.n;
  const auto [size, moves, stride] = groups.innermost();
  for (std::int64_t i = 0; i < groups.outer(); ++i) {
    const auto [at_a, at_b, at_c] = groups.offsets(i);
    if (size > 1 && moves[2]) {
      T* to = sums.place(size * p.m * p.n, c + at_c);
      kernels::gemm_batched(p.trans_a, p.trans_b, size, p.m, p.n, p.k, T{1}, a + at_a, stride[0],
                            b + at_b, stride[1], T{0}, to, stride[2]);
      sums.add(at_c, size * p.m * p.n);
      continue;
    }
    T* to = sums.place(p.m * p.n, c + at_c);
    for (std::int64_t j = 0; j < size; ++j) {
      const bool first = j % longest_run == 0;
      kernels::gemm(p.trans_a, p.trans_b, p.m, p.n, p.k, T{1}, a + at_a + j * stride[0], lda,
                    b + at_b + j * stride[1], ldb, first ? T{0} : T{1}, to, p.n);
      if ((j + 1) % longest_run == 0 || j + 1 == size) sums.add(at_c, p.m * p.n);
    }
  }
  sums.finish(c);
}

Tensor multiply(const Product& p, const Tensor& a, const Tensor& b, const Shape& result) {
  Tensor c = empty(result, a.dtype());
  visit_float("matmul", a,
              [&]<class T>(T) { multiply(p, a.data<T>(), b.data<T>(), c.mutable_data<T>()); });
  return c;
}

// The batch shape, then m unless a is a vector, then n unless b is one.
Shape result_shape(const Product& p, int rank_a, int rank_b) {
  std::array<std::int64_t, Shape::max_rank> sizes{};
  auto end = std::copy(p.batch.begin(), p.batch.end(), sizes.begin());
  if (rank_a > 1) *end++ = p.m;
  if (rank_b > 1) *end++ = p.n;
  return Shape(std::span<const std::int64_t>(sizes.begin(), end));
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  detail::check_same_dtype("matmul", a, b);
  const Product p = product_of(a.shape(), b.shape(), options);
  return record("matmul", multiply(p, a, b, result_shape(p, a.dim(), b.dim())),
                vjp(a,
                    [b = Saved(b), shape = a.shape(), options](const Tensor& g) {
                      const Product da = product_for_a(product_of(shape, b.shape(), options));
                      return options.trans_a ? multiply(da, *b, g, shape)   // op(b) g^T
                                             : multiply(da, g, *b, shape);  // g op(b)^T
                    }),
                vjp(b, [a = Saved(a), shape = b.shape(), options](const Tensor& g) {
                  const Product db = product_for_b(product_of(a.shape(), shape, options));
                  return options.trans_b ? multiply(db, g, *a, shape)   // g^T op(a)
                                         : multiply(db, *a, g, shape);  // op(a)^T g
                }));
}

namespace {

void check_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  detail::check_defined("linear", {{"x", x}, {"weight", weight}});
  if (weight.dim() != 2 || x.dim() == 0 || x.shape()[x.dim() - 1] != weight.shape()[1]) {
    throw ShapeError(
        fmt::format("linear: x does not fit the weight: x is {}, weight is {}: x [..., in] and "
                    "weight [out, in] are needed",
                    x.shape().str(), weight.shape().str()));
  }
  if (bias.defined() && (bias.dim() != 1 || bias.shape()[0] != weight.shape()[0])) {
    throw ShapeError(
        fmt::format("linear: bias does not fit the weight: bias is {}, weight is {}: bias [out] "
                    "and weight [out, in] are needed",
                    bias.shape().str(), weight.shape().str()));
  }
  if (weight.dtype() != x.dtype() || (bias.defined() && bias.dtype() != x.dtype())) {
    throw DTypeError(
        fmt::format("linear: dtypes differ: x is {}, weight is {}{}{}: convert with "
                    "to()",
                    name(x.dtype()), name(weight.dtype()), bias.defined() ? ", bias is " : "",
                    bias.defined() ? name(bias.dtype()) : ""));
  }
}

// c [m, n] = op(a) op(b), each stored as one matrix.
Tensor one_gemm(bool trans_a, bool trans_b, std::int64_t m, std::int64_t n, std::int64_t k,
                const Tensor& a, const Tensor& b, const Shape& shape) {
  Tensor c = empty(shape, a.dtype());
  visit_float("linear", a, [&]<class T>(T) {
    kernels::gemm(trans_a, trans_b, m, n, k, T{1}, a.data<T>(), trans_a ? m : k, b.data<T>(),
                  trans_b ? k : n, T{0}, c.mutable_data<T>(), n);
  });
  return c;
}

Tensor column_sums(const Tensor& g, std::int64_t rows, std::int64_t columns) {
  Tensor sums = empty({columns}, g.dtype());
  visit_float("linear", g, [&]<class T>(T) {
    kernels::sum(g.data<T>(), sums.mutable_data<T>(), 1, rows, columns);
  });
  return sums;
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check_linear(x, weight, bias);
  const std::int64_t out = weight.shape()[0], in = weight.shape()[1];
  const std::int64_t rows = x.shape().numel(0, x.dim() - 1);
  const Shape shape = detail::splice(x.shape(), x.dim() - 1, 1, {out});
  Tensor y = empty(shape, x.dtype());
  visit_float("linear", x, [&]<class T>(T) {
    kernels::linear(x.data<T>(), weight.data<T>(), bias.defined() ? bias.data<T>() : nullptr,
                    y.mutable_data<T>(), rows, in, out);
  });
  return record("linear", y,
                vjp(x,
                    [=, weight = Saved(weight), shape = x.shape()](const Tensor& g) {
                      return one_gemm(false, false, rows, in, out, g, *weight, shape);  // g W
                    }),
                vjp(weight,
                    [=, x = Saved(x), shape = weight.shape()](const Tensor& g) {
                      return one_gemm(true, false, out, in, rows, g, *x, shape);  // g^T x
                    }),
                vjp(bias, [=](const Tensor& g) { return column_sums(g, rows, out); }));
}

}  // namespace gradus
