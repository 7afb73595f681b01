// A number that asks for more than there is: the error names the op and the number, whether no
// tensor is that large or there is no memory for it.
#include <gradus/framework/core/creation.h>
#include <gradus/framework/data/negative_sampler.h>
#include <gradus/framework/module/resize.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/pad.h>
#include <gradus/framework/ops/product.h>
#include <gradus/framework/ops/random.h>
#include <gradus/framework/ops/repeat.h>
#include <gradus/framework/ops/search.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/triangle.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/tests/support/op_testing.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

struct Request {
  std::string prefix;  ///< of the message, before the number
  std::function<Tensor(std::int64_t)> make;
};

std::vector<Request> requests() {
  return {
      {"bincount: the greatest index is ", [](std::int64_t n) { return bincount(tensor({n})); }},
      {"bincount: minlength is ", [](std::int64_t n) { return bincount(tensor({1}), n); }},
      {"bincount: minlength is ",
       [](std::int64_t n) { return bincount(tensor({1}), tensor({1.0}), n); }},
      {"one_hot: ",
       [](std::int64_t n) {
         return one_hot(tensor({0, 1}), n);
       }},
      {"repeat_interleave: the counts add up to ",
       [](std::int64_t n) { return repeat_interleave(ones({1}), tensor({n})); }},
      {"repeat_interleave: count is ",
       [](std::int64_t n) { return repeat_interleave(ones({1}), n); }},
      {"arange: ", [](std::int64_t n) { return arange(n); }},
      {"randperm: n is ", [](std::int64_t n) { return randperm(n); }},
      {"multinomial: count is ", [](std::int64_t n) { return multinomial(ones({3}), n, true); }},
  };
}

TEST(AbsurdSizes, AreRefusedWithTheOpAndTheNumber) {
  // The last one can be addressed, but no machine has it.
  for (const std::int64_t n : {std::numeric_limits<std::int64_t>::max() - 1, std::int64_t{1} << 62,
                               std::int64_t{1} << 57}) {
    for (const Request& request : requests()) {
      const std::string number = request.prefix + std::to_string(n);
      try {
        request.make(n);
        ADD_FAILURE() << number << " was made";
      } catch (const Error& error) {
        EXPECT_EQ(std::string(error.what()).substr(0, number.size()), number);
      }
    }
  }
}

TEST(AbsurdSizes, AreRefusedWithTheOpAndTheShape) {
  constexpr std::int64_t n = std::int64_t{1} << 57;  // can be addressed, but no machine has it
  const std::string row = ": [144115188075855872] of ";
  const std::string problem = ": cannot allocate ";
  const Tensor x = ones({1}), word = tensor({0});
  const NegativeSampler sampler(std::vector<std::int64_t>{1, 1, 1});
  const std::vector<std::pair<std::string, std::function<void()>>> uses{
      {"zeros" + row + "float32", [] { zeros({n}); }},
      {"ones" + row + "boolean", [] { ones({n}, DType::boolean); }},
      {"full" + row + "float64", [] { full({n}, 1, DType::float64); }},
      {"rand" + row + "float32", [] { rand({n}); }},
      {"randn" + row + "float32", [] { randn({n}); }},
      {"randint" + row + "int64", [] { randint(3, {n}); }},
      {"eye: [268435456, 268435456] of float32", [] { eye(std::int64_t{1} << 28); }},
      {"repeat" + row + "float32", [&] { repeat(x, {n}); }},
      {"tile" + row + "float32", [&] { tile(x, {n}); }},
      {"pad" + row + "float32",
       [&] {
         pad(x, {0, n - 1});
       }},
      {"diag_embed: [268435456, 268435456] of float32",
       [&] { diag_embed(x, (std::int64_t{1} << 28) - 1); }},
      {"broadcast_to" + row + "float32", [&] { expand(x, {n}); }},
      {"mul: [16777216, 16777216] of float32",
       [] {
         const Tensor side = zeros({1 << 24});
         outer(side, side);
       }},
      {"NegativeSampler: K is 144115188075855872", [&] { sampler(word, n); }},
      {"Embedding: num_embeddings is 144115188075855872, embedding_dim is 1",
       [] { Embedding(n, 1); }},
      {"resize_rows: 144115188075855872 rows", [&] { resize_rows(x, n); }},
      {"Linear: [268435456, 268435456] of float32",
       [] { Linear(std::int64_t{1} << 28, std::int64_t{1} << 28); }},
  };
  for (const auto& [what, use] : uses) {
    try {
      use();
      ADD_FAILURE() << what << " was made";
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).substr(0, what.size() + problem.size()), what + problem);
    }
  }
  EXPECT_ERROR(zeros({std::int64_t{1} << 61}), ShapeError,
               "zeros: [2305843009213693952] of float32 has more bytes than can be addressed");
}

TEST(AbsurdSizes, IntegersBeyondInt64AreRefused) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  const std::string message = "tensor: 18446744073709551615 is above 2^63 - 1, the largest int64";
  EXPECT_ERROR(tensor(std::vector<std::uint64_t>{1, most}), ValueError, message);
  EXPECT_ERROR(tensor({std::uint64_t{1}, most}), ValueError, message);
  EXPECT_EQ(tensor(std::vector<std::uint64_t>{most >> 1}).data<std::int64_t>()[0],
            std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace gradus
