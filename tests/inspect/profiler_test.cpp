#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/inspect/profiler.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/linalg.h>
#include <gradus/framework/ops/random.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/search.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/sort.h>
#include <gradus/optim/sgd.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gradus {
namespace {

using testing::HasSubstr;
using testing::StrEq;
using testing::ThrowsMessage;

void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

// Adds up how long calls take, so that a busy machine changes nothing in what is compared.
class Stopwatch {
 public:
  template <class F>
  auto time(const F& f) {
    const Lap lap(total_);
    return f();
  }
  double ms() const { return std::chrono::duration<double, std::milli>(total_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Lap {
    explicit Lap(Clock::duration& t) : total(t) {}
    ~Lap() { total += Clock::now() - begin; }
    Clock::duration& total;
    const Clock::time_point begin = Clock::now();
  };
  Clock::duration total_{};
};

// The entry of that name; one without calls if there is none.
ProfileEntry entry(const std::vector<ProfileEntry>& entries, const std::string& name) {
  for (const ProfileEntry& e : entries) {
    if (e.name == name) return e;
  }
  return {};
}

Tensor leaf(std::int64_t n) { return full({n}, 0.5, DType::float64).set_trainable(true); }

// The identity, which takes its time.
Tensor slow(const Tensor& x, int forward_ms, int backward_ms) {
  const Tensor y = empty_like(x);
  sleep_ms(forward_ms);
  y.copy_(x.detach());
  return record("slow", y, vjp(x, [backward_ms](const Tensor& g) {
                  sleep_ms(backward_ms);
                  return g.clone();
                }));
}

TEST(Profiler, CountsCallsForwardAndBackward) {
  const Tensor x = leaf(3), frozen = ones({3}, DType::float64);
  const Profiler profiler;
  const Tensor y = exp(x * frozen) * x + exp(frozen);
  {
    const NoGradGuard no_grad;
    static_cast<void>(tanh(x));
  }
  static_cast<void>(greater(x, 0.0));
  sum(y).backward();
  const std::vector<ProfileEntry> ops = profiler.ops();
  const auto calls = [&](const std::string& name) {
    const ProfileEntry e = entry(ops, name);
    return std::pair(e.calls, e.backward_calls);
  };
  EXPECT_EQ(calls("mul"), std::pair(std::int64_t{2}, std::int64_t{2}));
  EXPECT_EQ(calls("exp"), std::pair(std::int64_t{2}, std::int64_t{1}));
  EXPECT_EQ(calls("add"), std::pair(std::int64_t{1}, std::int64_t{1}));
  EXPECT_EQ(calls("sum"), std::pair(std::int64_t{1}, std::int64_t{1}));
  EXPECT_EQ(calls("tanh"), std::pair(std::int64_t{1}, std::int64_t{0}));
  EXPECT_EQ(calls("greater"), std::pair(std::int64_t{1}, std::int64_t{0}));
  EXPECT_EQ(entry(profiler.scopes(), "backward").calls, 1);
  EXPECT_EQ(entry(profiler.scopes(), "mul").calls, 0);
}

TEST(Profiler, CountsOpsWithoutADerivative) {
  const Tensor x = full({2, 3}, 0.5, DType::float64), flags = greater(x, 0.0);
  const Tensor row = tensor({1.0, 2.0, 3.0}), ids = tensor({0, 2, 2});
  Generator generator(1);
  const Profiler profiler;
  const auto expect_only = [&](const char* name, const auto& op, std::int64_t calls = 1) {
    SCOPED_TRACE(name);
    static_cast<void>(op());
    EXPECT_EQ(entry(profiler.ops(), name).calls, calls);
    static_cast<void>(exp(row));  // which would count what came before it
    EXPECT_EQ(entry(profiler.ops(), "exp").allocated_bytes,
              24 * entry(profiler.ops(), "exp").calls);
  };
  expect_only("argmax", [&] { return argmax(x, 1); });
  expect_only("argsort", [&] { return argsort(x, 1); });
  expect_only("bernoulli", [&] { return bernoulli(x, generator); });
  expect_only(
      "bernoulli", [&] { return bernoulli(0.5, {3}, DType::float32, generator); }, 2);
  expect_only("bincount", [&] { return bincount(ids); });
  expect_only("isnan", [&] { return isnan(x); });
  expect_only("logical_not", [&] { return logical_not(flags); });
  expect_only("multinomial", [&] { return multinomial(row, 2, false, generator); });
  expect_only("nonzero", [&] { return nonzero(x); });
  expect_only("one_hot", [&] { return one_hot(ids, 3); });
  expect_only("searchsorted", [&] { return searchsorted(row, x); });
  expect_only("svd", [&] { return svd(x); });
}

TEST(Profiler, CountsAnOpOfSeveralOutputsOnce) {
  const Tensor x = leaf(2);
  const Profiler profiler;
  const Tensor a = x.detach().clone(), b = x.detach().clone();
  record_joint("two", {a, b}, {x},
               [](Cotangents g, Needs) { return std::vector<Gradient>{g[0].clone()}; });
  sum(a * b).backward();
  EXPECT_EQ(entry(profiler.ops(), "two").calls, 1);
  EXPECT_EQ(entry(profiler.ops(), "two").backward_calls, 1);
}

TEST(Profiler, TimesWhatAnOpDoesAndNotWhatIsBetweenOps) {
  const Tensor x = leaf(3);
  Stopwatch forward, backward;
  const Profiler profiler;
  sleep_ms(20);
  const Tensor y = forward.time([&] { return slow(x, 20, 30); });
  sleep_ms(20);
  const Tensor z = forward.time([&] { return slow(y, 20, 30); });
  sleep_ms(20);
  backward.time([&] { z.backward(ones_like(z)); });
  const ProfileEntry e = entry(profiler.ops(), "slow");
  EXPECT_GE(e.forward_ms, 40);
  EXPECT_LE(e.forward_ms, forward.ms());
  EXPECT_GE(e.backward_ms, 60);
  EXPECT_LE(e.backward_ms, backward.ms());
  EXPECT_EQ(e.total_ms(), e.forward_ms + e.backward_ms);
  EXPECT_EQ(profiler.ops()[0].name, "slow");  // the first in the table
}

TEST(Profiler, LeavesWhatAProgramMakesOutOfTheNextOp) {
  Stopwatch ops;
  const Profiler profiler;
  const Tensor batch = ops.time([] { return tensor(std::vector<double>{1, 2, 3}); });
  sleep_ms(20);
  ops.time([] { static_cast<void>(zeros({3}, DType::int64)), static_cast<void>(randn({3})); });
  sleep_ms(20);
  const Tensor copy = ops.time([&] { return batch.clone(); });
  sleep_ms(20);
  ops.time([&] { static_cast<void>(exp(copy)); });
  double total = 0;
  for (const ProfileEntry& e : profiler.ops()) total += e.total_ms();
  EXPECT_LE(total, ops.ms());
  for (const char* name : {"tensor", "zeros", "randn", "clone", "exp"}) {
    EXPECT_EQ(entry(profiler.ops(), name).calls, 1) << name;
  }
}

TEST(Profiler, CountsWhatAnOpMakesForItselfAsTheOp) {
  const Tensor x = leaf(100);
  const Profiler profiler;
  const Tensor scratch = empty({100}), filled = zeros({100});
  sleep_ms(10);
  const Tensor y = record("own", x.detach().clone(), vjp(x, [](const Tensor& g) { return g; }));
  const std::vector<ProfileEntry> ops = profiler.ops();
  EXPECT_EQ(entry(ops, "zeros").calls, 0);
  EXPECT_EQ(entry(ops, "clone").calls, 0);
  EXPECT_GE(entry(ops, "own").forward_ms, 10);
  EXPECT_EQ(entry(ops, "own").allocated_bytes, 400 + 400 + 800);
}

TEST(Profiler, CountsViewsWithoutTimeAndTemporariesWithIt) {
  const Tensor x = full({1 << 16}, 0.5);
  const Profiler profiler;
  const Tensor view = reshape(x, {1 << 8, 1 << 8});
  sleep_ms(50);
  const Tensor y = add(exp(x), x);  // written over exp(x)
  const std::vector<ProfileEntry> ops = profiler.ops();
  EXPECT_EQ(entry(ops, "reshape").calls, 1);
  EXPECT_EQ(entry(ops, "reshape").total_ms(), 0);
  EXPECT_EQ(entry(ops, "add").calls, 1);
  EXPECT_GT(entry(ops, "add").total_ms(), 0);
  EXPECT_EQ(entry(ops, "add").allocated_bytes, 0);
  EXPECT_EQ(entry(ops, "exp").peak_bytes, 4 << 16);
}

TEST(Profiler, DoesNotTakeOpsInsideBackwardForForwardOps) {
  const Tensor x = leaf(3);
  const Profiler profiler;
  const Tensor y =
      record("user", x.detach().clone(), vjp(x, [](const Tensor& g) { return mul(g, 2.0) + g; }));
  y.backward(ones_like(y));
  EXPECT_EQ(entry(profiler.ops(), "mul").calls, 0);
  EXPECT_EQ(entry(profiler.ops(), "user").backward_calls, 1);
  EXPECT_EQ(entry(profiler.ops(), "user").allocated_bytes, 24);  // its y is of clone
}

TEST(Profiler, AttributesThePeakToTheOpsThatMadeIt) {
  const Tensor x = full({1000}, 0.5, DType::float64);
  const Profiler profiler;
  const Tensor a = exp(x);                    // 8000
  static_cast<void>(x * 2.0);                 // 8000, freed
  const Tensor c = tanh(slice(x, 0, 0, 10));  // 80
  const std::vector<ProfileEntry> ops = profiler.ops();
  EXPECT_EQ(profiler.peak_bytes(), 16000);
  EXPECT_EQ(entry(ops, "exp").peak_bytes, 8000);
  EXPECT_EQ(entry(ops, "mul").peak_bytes, 8000);
  EXPECT_EQ(entry(ops, "tanh").peak_bytes, 0);
  EXPECT_EQ(entry(ops, "tanh").allocated_bytes, 80);
}

TEST(Profiler, AttributesAPeakInTheMiddleOfAnOpToTheOp) {
  const Tensor x = leaf(100);
  const Profiler profiler;
  const Tensor kept = exp(x);  // 800
  Tensor y = empty({100}, DType::float64);
  { const Tensor scratch = empty({1000}, DType::float64); }
  y = record("own", y, vjp(x, [](const Tensor& g) { return g; }));
  EXPECT_EQ(profiler.peak_bytes(), 800 + 800 + 8000);
  EXPECT_EQ(entry(profiler.ops(), "own").peak_bytes, 8800);
  EXPECT_EQ(entry(profiler.ops(), "exp").peak_bytes, 800);
}

TEST(Profiler, CountsMemoryThatBackwardTakes) {
  const Tensor x = leaf(1000);
  const Tensor y = exp(x);
  const Profiler profiler;
  y.backward(ones_like(y));  // 8000, then the gradient of 8000
  EXPECT_EQ(entry(profiler.ops(), "exp").allocated_bytes, 8000);
  EXPECT_EQ(profiler.peak_bytes(), 16000);
  EXPECT_EQ(entry(profiler.ops(), "exp").peak_bytes, 8000);
  EXPECT_EQ(entry(profiler.ops(), "ones").peak_bytes, 8000);
}

TEST(Profiler, TensorsOfAnEarlierOneDoNotCount) {
  const Tensor x = full({1000}, 0.5, DType::float64);
  std::optional<Tensor> old;
  {
    const Profiler first;
    old = exp(x);
  }
  const Tensor unseen = exp(x);
  const Profiler second;
  old.reset();
  const Tensor y = tanh(x);
  EXPECT_EQ(second.peak_bytes(), 8000);
  EXPECT_EQ(second.ops().size(), 1U);
}

TEST(Profiler, TimesScopesStepsAndBackward) {
  const Tensor x = leaf(3);
  SGD optimizer({{"x", Parameter(x)}}, {.lr = 0.1});
  const Profiler profiler;
  for (int i = 0; i < 3; ++i) {
    const ProfilerScope step("step");
    {
      const ProfilerScope load("load");
      sleep_ms(10);
    }
    sum(exp(x)).backward();
    optimizer.step();
  }
  const std::vector<ProfileEntry> scopes = profiler.scopes();
  EXPECT_EQ(scopes[0].name, "step");
  EXPECT_EQ(scopes[0].calls, 3);
  EXPECT_GE(entry(scopes, "load").total_ms(), 30);
  EXPECT_GE(scopes[0].total_ms(), entry(scopes, "load").total_ms());
  EXPECT_EQ(entry(scopes, "SGD").calls, 3);
  EXPECT_EQ(entry(scopes, "backward").calls, 3);
}

TEST(Profiler, SeesTheOpsOfEveryThread) {
  const Profiler profiler;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      const Tensor x = leaf(10);
      for (int i = 0; i < 50; ++i) sum(exp(x)).backward();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(entry(profiler.ops(), "exp").calls, 200);
  EXPECT_EQ(entry(profiler.ops(), "exp").backward_calls, 200);
  std::set<int> numbers;
  const nlohmann::json trace = nlohmann::json::parse(profiler.trace());
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] == "X") numbers.insert(event["tid"].get<int>());
  }
  EXPECT_EQ(numbers.size(), 4U);
}

TEST(Profiler, RecordsWhileItLivesOnly) {
  const Tensor x = leaf(3);
  static_cast<void>(exp(x));
  Profiler profiler;
  static_cast<void>(exp(x));
  EXPECT_THAT([] { const Profiler second; },
              ThrowsMessage<ValueError>(
                  StrEq("profiler: another one is recording: stop() it first, or end its scope")));
  profiler.stop();
  static_cast<void>(exp(x));
  {
    const Profiler second;
    static_cast<void>(tanh(x));
    EXPECT_EQ(entry(second.ops(), "exp").calls, 0);
  }
  profiler.stop();
  EXPECT_EQ(entry(profiler.ops(), "exp").calls, 1);
  EXPECT_EQ(entry(profiler.ops(), "tanh").calls, 0);
  EXPECT_THAT(
      [] { const Profiler wrong({.max_events = -1}); },
      ThrowsMessage<ValueError>(StrEq("profiler: max_events is -1, it must be at least 0")));
}

TEST(Profiler, GoesOnAfterABackwardThatThrew) {
  const Tensor x = leaf(3);
  const Profiler profiler;
  const Tensor y = record("bad", x.detach().clone(), vjp(x, [](const Tensor& g) {
                            if (g.defined()) throw std::runtime_error("no");
                            return g;
                          }));
  EXPECT_THROW(y.backward(ones_like(y)), std::runtime_error);
  static_cast<void>(exp(x));
  EXPECT_EQ(entry(profiler.ops(), "bad").backward_calls, 1);
  EXPECT_EQ(entry(profiler.ops(), "exp").calls, 1);
}

TEST(Profiler, WritesATraceThatIsJson) {
  const Tensor x = leaf(3);
  const Profiler profiler;
  {
    const ProfilerScope scope("a \"quoted\"\tname\\");
    sum(exp(x)).backward();
  }
  const std::string path = testing::TempDir() + "gradus_trace.json";
  profiler.save_trace(path);
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::remove(path.c_str());
  EXPECT_EQ(text, profiler.trace());
  const nlohmann::json trace = nlohmann::json::parse(text);
  std::multiset<std::string> names;
  double begin = -1, end = -1;
  for (const auto& event : trace["traceEvents"]) {
    EXPECT_GE(event["ts"].get<double>(), 0);
    if (event["ph"] == "C") {
      EXPECT_GE(event["args"]["bytes"].get<std::int64_t>(), 0);
      continue;
    }
    EXPECT_EQ(event["ph"], "X");
    EXPECT_EQ(event["tid"], 1);
    names.insert(event["name"].get<std::string>() + " " + event["cat"].get<std::string>());
    if (event["cat"] != "scope" || event["name"] == "backward") continue;
    begin = event["ts"].get<double>();
    end = begin + event["dur"].get<double>();
  }
  EXPECT_EQ(names, (std::multiset<std::string>{"exp forward", "sum forward", "ones forward",
                                               "exp backward", "sum backward", "backward scope",
                                               "a \"quoted\"\tname\\ scope"}));
  for (const auto& event : trace["traceEvents"]) {  // all is inside of the scope
    if (event["ph"] != "X") continue;
    EXPECT_GE(event["ts"].get<double>(), begin - 0.001);
    EXPECT_LE(event["ts"].get<double>() + event["dur"].get<double>(), end + 0.002);
  }
  EXPECT_THAT([&] { profiler.save_trace("/nowhere/trace.json"); },
              ThrowsMessage<Error>(StrEq(
                  "profiler: cannot create a file next to '/nowhere/trace.json': No such file or "
                  "directory (0 bytes were written; the file that was there, if any, is "
                  "unchanged)")));
}

TEST(Profiler, KeepsSoManyEventsAndAllSums) {
  const Tensor x = leaf(3);
  const Profiler profiler({.max_events = 4});
  for (int i = 0; i < 10; ++i) static_cast<void>(exp(x));
  EXPECT_EQ(nlohmann::json::parse(profiler.trace())["traceEvents"].size(), 8U);
  EXPECT_EQ(entry(profiler.ops(), "exp").calls, 10);
  EXPECT_THAT(profiler.str(), HasSubstr("the trace lacks the last 6 events"));
}

TEST(Profiler, PrintsATable) {
  const Tensor x = full({1 << 18}, 0.5);
  const Profiler profiler;
  const Tensor y = exp(x);
  {
    const ProfilerScope scope("part");
    static_cast<void>(tanh(slice(x, 0, 0, 1)));
  }
  const std::string text = profiler.str();
  EXPECT_THAT(text, testing::StartsWith(
                        "op                           calls  forward ms  backward backward ms"));
  const std::vector<ProfileEntry> ops = profiler.ops();
  std::size_t place = 0;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (i > 0) {
      EXPECT_GE(ops[i - 1].total_ms(), ops[i].total_ms()) << ops[i].name;
    }
    const std::size_t next = text.find("\n" + ops[i].name + " ");
    ASSERT_NE(next, std::string::npos) << ops[i].name;
    EXPECT_GE(next, place) << ops[i].name;
    place = next;
  }
  EXPECT_GE(entry(ops, "exp").calls, 1);
  EXPECT_GE(entry(ops, "tanh").calls, 1);
  EXPECT_THAT(text, HasSubstr("\nscope "));
  EXPECT_THAT(text, HasSubstr("\npart                             1 "));
  EXPECT_THAT(text, HasSubstr("\nat peak: 1.000 MiB in tensors made since the start\n"));
}

}  // namespace
}  // namespace gradus
