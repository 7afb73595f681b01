#include <gradus/framework/base/error.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/tests/support/message_of.h>
#include <gradus/tests/text/tokenizer_testing.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace gradus;
using nlohmann::json;

TEST(Tokenizer, StopsAnExpressionThatTakesTooManySteps) {
  json file = small();
  file["pre_tokenizer"] = {
      {"type", "Split"}, {"pattern", {{"Regex", "(?:a|a)+[bc]"}}}, {"behavior", "Isolated"}};
  const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
  EXPECT_MESSAGE(ValueError,
                 "regular expression '(?:a|a)+[bc]': match limit exceeded: there are too many ways "
                 "to match a part of the text. Write it without a repetition within a repetition, "
                 "or make the inner one possessive, as in (?:a++)+",
                 tokenizer.encode(std::string(100, 'a')));
  file["pre_tokenizer"]["pattern"]["Regex"] = "(a+)+b";
  EXPECT_MESSAGE(ValueError,
                 "regular expression '(a+)+b': match limit exceeded: there are too many ways to "
                 "match a part of the text. Write it without a repetition within a repetition, or "
                 "make the inner one possessive, as in (?:a++)+",
                 Tokenizer::from_json(file.dump()).encode(std::string(100, 'a') + "cb"));
  file["pre_tokenizer"]["pattern"]["Regex"] = "(";
  expect_refused(file,
                 "Tokenizer::from_json: pre_tokenizer.pattern.Regex: regular expression '(': "
                 "missing closing parenthesis");
}

TEST(Tokenizer, ReadsExpressionsAsOnigurumaDoes) {
  const auto parts = [](const std::string& expression, const std::string& text) {
    json file = small();
    file["pre_tokenizer"] = {
        {"type", "Split"}, {"pattern", {{"Regex", expression}}}, {"behavior", "Isolated"}};
    std::vector<std::string> result;
    for (const ByteSpan& span : Tokenizer::from_json(file.dump()).encode(text).offsets)
      result.push_back(text.substr(static_cast<std::size_t>(span.begin),
                                   static_cast<std::size_t>(span.end - span.begin)));
    return result;
  };
  using Parts = std::vector<std::string>;
  EXPECT_EQ(parts("\\s", "x\u180Ey z"), (Parts{"x\u180Ey", " ", "z"}));  // U+180E is no blank
  EXPECT_EQ(parts("[\\S]+", "x\u180Ey z"), (Parts{"x\u180Ey", " ", "z"}));
  EXPECT_EQ(parts("\\h+", "xa9y"), (Parts{"x", "a9", "y"}));
  EXPECT_EQ(parts("[\\h]+|\\H", "a9yz"), (Parts{"a9", "y", "z"}));
  EXPECT_EQ(parts(" ?[^(\\s|[.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C])]+", "hi you, (all)"),
            (Parts{"hi", " you", ", (", "all", ")"}));  // of BLOOM
  EXPECT_EQ(parts("[[:digit:]x]+|[]y]", "1x]z"), (Parts{"1x", "]", "z"}));
  json file = small();
  file["pre_tokenizer"] = {
      {"type", "Split"}, {"pattern", {{"Regex", "[a[^b]]"}}}, {"behavior", "Isolated"}};
  expect_refused(file,
                 "Tokenizer::from_json: pre_tokenizer.pattern.Regex: regular expression "
                 "'[a[^b]]': '[^' within a class is not supported: write the class without");
}

// The parts are those of Hugging Face's tokenizers 0.23.3, as are those of the next test.
TEST(Tokenizer, SplitsAtEmptyMatches) {
  const auto parts = [](const std::string& expression, const std::string& behavior,
                        const std::string& text) {
    json file = small();
    file["pre_tokenizer"] = {
        {"type", "Split"}, {"pattern", {{"Regex", expression}}}, {"behavior", behavior}};
    std::string result;
    for (const ByteSpan& span : Tokenizer::from_json(file.dump()).encode(text).offsets)
      result += text.substr(static_cast<std::size_t>(span.begin),
                            static_cast<std::size_t>(span.end - span.begin)) +
                "|";
    return result;
  };
  EXPECT_EQ(parts("", "Isolated", "aB b\u00E9"), "a|B| |b|\u00E9|");
  EXPECT_EQ(parts("", "Removed", "abC"), "a|b|C|");
  EXPECT_EQ(parts("(?!^)(?!$)", "Isolated", ".\nb"), ".\nb|");  // ^ and $ are those of lines
  EXPECT_EQ(parts("(?=[A-Z])", "Isolated", "aB bCd"), "a|B b|Cd|");
  EXPECT_EQ(parts("(?=[A-Z])", "MergedWithNext", "A bbC"), "A bb|C|");
  EXPECT_EQ(parts("(?=[A-Z])", "Contiguous", "A bbC"), "A bb|C|");
  EXPECT_EQ(parts("(?<=[a-z])(?=[A-Z])", "MergedWithPrevious", "abC"), "ab|C|");
  EXPECT_EQ(parts("\\s*", "Removed", "A bbC"), "A|b|b|C|");
  EXPECT_EQ(parts("b*", "Isolated", "A bbC"), "A| |bb|C|");
}

TEST(Tokenizer, ReplacesEmptyMatches) {
  const auto replaced = [](const std::string& expression, const std::string& text) {
    const json vocabulary = {{"2", 0}, {"a", 1}, {"b", 2}, {"c", 3}, {"\u00E9", 4}};
    const json file = {
        {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", json::array()}}},
        {"normalizer",
         {{"type", "Replace"}, {"pattern", {{"Regex", expression}}}, {"content", "2"}}},
        {"decoder", {{"type", "Fuse"}}}};
    const Tokenizer tokenizer = Tokenizer::from_json(file.dump());
    return tokenizer.decode(tokenizer.encode(text).ids);
  };
  EXPECT_EQ(replaced("", "\u00E9b"), "2\u00E92b2");
  EXPECT_EQ(replaced("^", "abc"), "2abc");
  EXPECT_EQ(replaced("$", "abc"), "abc2");
  EXPECT_EQ(replaced("(?=b)", "bb"), "2b2b");
  EXPECT_EQ(replaced("b*", "abc"), "2a2c2");
  EXPECT_EQ(replaced("b*", "bb"), "2");
  EXPECT_EQ(replaced("a|", "abc"), "2b2c2");
  EXPECT_EQ(replaced("", ""), "");
}
