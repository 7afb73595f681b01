// Every op is tested. For each name passed to record("layer_norm", ...) or record_joint(...) in
// framework/, layers/ and optim/ there is a suite OpLayerNorm in tests/ that has tests whose names
// start with KnownValues, Gradient and BrokenInput, and a sample OpCase{"layer_norm", ...} for
// every_op.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace gradus {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kinds{"KnownValues", "Gradient", "BrokenInput"};

std::string suite_of(const std::string& op) {
  std::string suite = "Op";
  bool start = true;
  for (const char c : op) {
    if (c == '_') {
      start = true;
    } else {
      suite += start ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
      start = false;
    }
  }
  return suite;
}

// Calls f(match) for every match in the text, comments left out.
template <class F>
void for_each_match(const std::string& text, const std::regex& pattern, F f) {
  const std::string code = std::regex_replace(text, std::regex("//[^\n]*"), "");
  for (std::sregex_iterator match(code.begin(), code.end(), pattern), end; match != end; ++match) {
    f(*match);
  }
}

// The names of the ops that a source records, with a complaint for each that is no literal.
void collect_ops(const std::string& source, std::set<std::string>& ops,
                 std::vector<std::string>& complaints) {
  static const std::regex call(R"(\brecord(?:_joint)?\s*\(\s*(?:"([a-z0-9_]+)\"|([^\s)][^,)]*)))");
  for_each_match(source, call, [&](const std::smatch& match) {
    if (match[1].matched) {
      ops.insert(match[1]);
    } else {
      complaints.push_back("record(" + match[2].str() +
                           ", ...): the name is not a snake_case literal");
    }
  });
}

// "OpTanh.KnownValues..." for each test of a source.
void collect_tests(const std::string& source, std::set<std::string>& tests) {
  static const std::regex test(R"(\b(?:TYPED_)?TEST(?:_F|_P)?\s*\(\s*(\w+)\s*,\s*(\w+))");
  for_each_match(source, test, [&](const std::smatch& match) {
    tests.insert(match.str(1) + "." + match.str(2));
  });
}

// The names of ops that a source has samples of.
void collect_cases(const std::string& source, std::set<std::string>& cases) {
  static const std::regex sample(R"(\bOpCase\s*\{\s*"([a-z0-9_]+)\")");
  for_each_match(source, sample, [&](const std::smatch& match) { cases.insert(match[1]); });
}

std::vector<std::string> missing_tests(const std::set<std::string>& ops,
                                       const std::set<std::string>& tests) {
  std::vector<std::string> missing;
  for (const std::string& op : ops) {
    for (const std::string& kind : kinds) {
      const std::string start = suite_of(op) + "." + kind;
      const auto test = tests.lower_bound(start);
      if (test == tests.end() || test->compare(0, start.size(), start) != 0) {
        missing.push_back(start);
      }
    }
  }
  return missing;
}

template <class F>
void for_each_source(const fs::path& folder, F f) {
  if (!fs::exists(folder)) return;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path& path = entry.path();
    if (path.extension() != ".cpp" && path.extension() != ".h") continue;
    std::ifstream file(path);
    f(path, std::string(std::istreambuf_iterator<char>(file), {}));
  }
}

// Slow under a sanitizer, which has nothing to see here.
TEST(SlowCoverage, EveryRecordedOpHasItsTests) {
  const fs::path root = fs::current_path();  // tests run in the folder of the sources
  std::set<std::string> ops;
  std::vector<std::string> complaints;
  for (const char* folder : {"framework", "layers", "optim"}) {
    for_each_source(root / folder, [&](const fs::path& path, const std::string& source) {
      if (path != root / "framework/core/autograd.h") collect_ops(source, ops, complaints);
    });
  }
  std::set<std::string> tests;
  std::set<std::string> cases;
  for_each_source(root / "tests", [&](const fs::path& path, const std::string& source) {
    if (path.filename() == "coverage_test.cpp") return;
    collect_tests(source, tests);
    collect_cases(source, cases);
  });
  ASSERT_TRUE(ops.count("tanh") && tests.count("SlowCoverage.EveryRecordedOpHasItsTests") == 0)
      << "the sources are not where this test looks: " << root;
  EXPECT_EQ(complaints, std::vector<std::string>());
  EXPECT_EQ(missing_tests(ops, tests), std::vector<std::string>());
  std::vector<std::string> without_case;
  std::set_difference(ops.begin(), ops.end(), cases.begin(), cases.end(),
                      std::back_inserter(without_case));
  // float32 in the middle has no differences.
  EXPECT_EQ(without_case, std::vector<std::string>{"to"});
}

TEST(Coverage, AnOpWithoutOneKindOfTestIsRefused) {
  std::set<std::string> ops;
  std::vector<std::string> complaints;
  collect_ops(R"(
    return record("layer_norm", y, vjp(x, f));  // record("comment", y)
    record_joint(
        "lstm", {y, c}, {x}, f);
  )",
              ops, complaints);
  EXPECT_EQ(ops, (std::set<std::string>{"layer_norm", "lstm"}));
  EXPECT_EQ(complaints, std::vector<std::string>());
  std::set<std::string> tests;
  collect_tests(R"(
    TEST(OpLayerNorm, KnownValuesOfTwoRows) {}
    TYPED_TEST(OpLayerNorm, Gradient) {}
    TEST_P(OpLstm, GradientOfAllInputs) {}
    // TEST(OpLstm, KnownValues) {}
    TEST_F(OpLstm, BrokenInput) {}
    TEST(Op, KnownValues) {}
  )",
                tests);
  EXPECT_EQ(missing_tests(ops, tests),
            (std::vector<std::string>{"OpLayerNorm.BrokenInput", "OpLstm.KnownValues"}));
}

TEST(Coverage, ANameThatIsNoLiteralIsRefused) {
  std::set<std::string> ops;
  std::vector<std::string> complaints;
  collect_ops("return record(name, y, vjp(x, f));\nrecord_joint(\"Tanh\", y);\nrecord();", ops,
              complaints);
  EXPECT_EQ(complaints.size(), 2u);
  EXPECT_TRUE(ops.empty());
}

}  // namespace
}  // namespace gradus
