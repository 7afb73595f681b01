// A number that asks for more than there is: the error names the op and the number, whether no
// tensor is that large or there is no memory for it.
#include <gradus/framework/core/creation.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/random.h>
#include <gradus/framework/ops/repeat.h>
#include <gradus/framework/ops/search.h>
#include <gradus/tests/support/op_testing.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
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

TEST(AbsurdSizes, IntegersBeyondInt64AreRefused) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  const std::string message =
      "tensor: 18446744073709551615 is above 2^63 - 1, the greatest number that int64 holds";
  EXPECT_ERROR(tensor(std::vector<std::uint64_t>{1, most}), ValueError, message);
  EXPECT_ERROR(tensor({std::uint64_t{1}, most}), ValueError, message);
  EXPECT_EQ(tensor(std::vector<std::uint64_t>{most >> 1}).data<std::int64_t>()[0],
            std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace gradus
