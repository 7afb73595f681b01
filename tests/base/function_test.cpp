// Function: what it takes, who owns what is called, and what a call passes on.
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/function.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/tests/support/op_testing.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace gradus {
namespace {

int twice(int x) { return 2 * x; }

// Counts how many of its kind live, and how often one was copied.
struct Watched {
  explicit Watched(int& alive, int& copies) : alive_(&alive), copies_(&copies) { ++*alive_; }
  Watched(const Watched& other) : alive_(other.alive_), copies_(other.copies_) {
    ++*alive_;
    ++*copies_;
  }
  Watched(Watched&& other) noexcept : alive_(other.alive_), copies_(other.copies_) { ++*alive_; }
  Watched& operator=(const Watched&) = delete;
  Watched& operator=(Watched&&) = delete;
  ~Watched() { --*alive_; }

 private:
  int* alive_;
  int* copies_;
};

TEST(Function, CallsLambdasFunctionsAndStdFunctions) {
  const Function<int(int)> lambda = [](int x) { return x + 1; };
  EXPECT_EQ(lambda(3), 4);
  const Function<int(int)> pointer = twice;
  EXPECT_EQ(pointer(3), 6);
  const Function<int(int)> standard = std::function<int(int)>(twice);
  EXPECT_EQ(standard(4), 8);
  const std::function<int(int)> back = pointer;
  EXPECT_EQ(back(5), 10);
  const Function<double(int)> converted = pointer;
  EXPECT_EQ(converted(5), 10.0);
  const Function<void(int)> dropped = pointer;
  dropped(5);
}

TEST(Function, EmptyThrowsWhenCalled) {
  const Function<int(int)> empty;
  EXPECT_FALSE(empty);
  EXPECT_TRUE(empty == nullptr);
  EXPECT_ERROR(empty(1), Error, "function: an empty Function was called");
  const Function<int(int)> null = nullptr;
  EXPECT_FALSE(null);
  int (*const no_pointer)(int) = nullptr;
  EXPECT_FALSE((Function<int(int)>(no_pointer)));
  EXPECT_FALSE((Function<int(int)>(std::function<int(int)>())));
  EXPECT_FALSE((Function<void(int)>(empty)));
  EXPECT_TRUE((Function<int(int)>(twice)) != nullptr);
}

TEST(Function, CopiesShareWhatIsCalled) {
  const Function<int()> counter = [n = 0]() mutable { return ++n; };
  const Function<int()> copy = counter;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(counter(), 1);
  EXPECT_EQ(copy(), 2);
  EXPECT_EQ(counter(), 3);
}

TEST(Function, MovesAndAssigns) {
  Function<int(int)> a = twice;
  Function<int(int)> b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): left empty
  EXPECT_EQ(b(2), 4);
  a = [](int x) { return -x; };
  EXPECT_EQ(a(2), -2);
  b = a;
  EXPECT_EQ(b(2), -2);
  b = nullptr;
  EXPECT_FALSE(b);
  EXPECT_EQ(a(1), -1);
}

TEST(Function, HoldsWhatCannotBeCopied) {
  const Function<int(int)> f = [p = std::make_unique<int>(3)](int x) { return *p + x; };
  const Function<int(int)> copy = f;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(f(1) + copy(2), 9);
}

TEST(Function, DestroysACaptureOnceWithItsLastHandle) {
  int alive = 0, copies = 0;
  {
    Function<void()> last;
    {
      const Function<void()> first = [w = Watched(alive, copies)] {};
      EXPECT_EQ(alive, 1);
      last = first;
    }
    EXPECT_EQ(alive, 1);
    last();
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(copies, 0);
}

TEST(Function, PassesReferencesOnWithoutCopies) {
  int alive = 0, copies = 0;
  const Watched watched(alive, copies);
  const Function<const Watched*(const Watched&)> address = [](const Watched& w) { return &w; };
  EXPECT_EQ(address(watched), &watched);
  EXPECT_EQ(copies, 0);
  const Function<void(int&)> add = [](int& x) { ++x; };
  int x = 1;
  add(x);
  EXPECT_EQ(x, 2);
  const Function<std::unique_ptr<int>(std::unique_ptr<int>)> same = [](std::unique_ptr<int> p) {
    return p;
  };
  EXPECT_EQ(*same(std::make_unique<int>(7)), 7);
}

TEST(Function, IsMadeOnlyOfWhatFits) {
  using TensorFunction = Function<Tensor(const Tensor&)>;
  const auto fits = [](const Tensor& x) { return x; };
  const auto takes_text = [](const std::string&) { return Tensor(); };
  const auto gives_text = [](const Tensor&) { return std::string(); };
  EXPECT_TRUE((std::is_convertible_v<decltype(fits), TensorFunction>));
  EXPECT_FALSE((std::is_convertible_v<decltype(takes_text), TensorFunction>));
  EXPECT_FALSE((std::is_convertible_v<decltype(gives_text), TensorFunction>));
  EXPECT_FALSE((std::is_convertible_v<int, TensorFunction>));
}

}  // namespace
}  // namespace gradus
