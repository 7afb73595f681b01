// What error messages show of files.
#include <gmock/gmock.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/module/state_dict.h>
#include <gradus/tests/support/message_of.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus::detail {
namespace {

using testing::HasSubstr;
using namespace std::string_view_literals;

TEST(Printable, LeavesWhatCanBeSeen) {
  for (const std::string_view text :
       {"the"sv, "don't \"quote\" \\"sv,
        "K\xC3\xB6nig \xE0\xA5\xA4 \xE4\xB8\xAD \xF0\x9F\x98\x80"sv, ""sv}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, EscapesWhatATerminalWouldObeyOrHide) {
  const std::vector<std::pair<std::string_view, std::string>> cases{
      {"a\0b"sv, "a\\x00b"},
      {"\x1b[31m\n\t\r\x7f"sv, "\\x1b[31m\\x0a\\x09\\x0d\\x7f"},
      {"\xC2\x9B"
       "2J"sv,
       "\\xc2\\x9b2J"},  // an escape sequence of one character
      {"\xC2\xA0|\xC2\xAD|\xE2\x80\xAE"sv, "\\xc2\\xa0|\\xc2\\xad|\\xe2\\x80\\xae"},
      {"\xEF\xBB\xBFx"sv, "\\xef\\xbb\\xbfx"},           // a byte order mark
      {"\xff\xC3(\xE4\xB8"sv, "\\xff\\xc3(\\xe4\\xb8"},  // not UTF-8
      {"\xC0\xAF\xED\xA0\x80"sv, "\\xc0\\xaf\\xed\\xa0\\x80"},
      {"\xF4\x90\x80\x80"sv, "\\xf4\\x90\\x80\\x80"},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(printable(text), shown);
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef...");
  EXPECT_EQ(printable("\xC3\xB6\xC3\xB6\xC3\xB6", 2), "\xC3\xB6\xC3\xB6...");
  EXPECT_EQ(printable("ab\x01", 5), "ab...");
  EXPECT_EQ(printable("ab\x01", 6), "ab\\x01");
}

TEST(Printable, KnowsUtf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("K\xC3\xB6nig \xF4\x8F\xBF\xBF"));
  EXPECT_TRUE(is_utf8("\xEF\xBF\xBD"));  // the replacement character itself
  for (const char* text :
       {"\xff", "a\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80"}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

TEST(Printable, NamesFormatsByTheirFirstBytes) {
  EXPECT_EQ(looks_like("\x1f\x8b\x08\0"sv), ": it looks like a gzip file: unpack it first");
  EXPECT_EQ(looks_like("PK\x03\x04"sv),
            ": it looks like a zip archive (a PyTorch .pt or a NumPy .npz file?)");
  EXPECT_EQ(looks_like("\x93NUMPY\x01\0"sv), ": it looks like a NumPy .npy file");
  EXPECT_EQ(looks_like("\x40\0\0\0\0\0\0\0{\"a\""sv), ": it looks like a .safetensors file");
  for (const std::string_view text : {""sv, "3 2"sv, "the 0.1 {"sv, "{\"a\":1}"sv}) {
    EXPECT_EQ(looks_like(text), "");
  }
}

// Names come from files.
TEST(Printable, IsWhatErrorsShowOfNames) {
  StateDict state;
  state.set("a\x1b[2J", ones({1}));
  state.set(std::string(100, 'x'), ones({1}));
  state.metadata["k\x07"] = "";
  const std::string names = "[a\\x1b[2J, " + std::string(100, 'x') + "]";
  EXPECT_EQ(message_of([&] { state.at("b"); }), "state_dict: no entry 'b'; there are " + names);
  EXPECT_EQ(message_of([&] { state.metadata.at("b"); }),
            "metadata: no key 'b'; there are [k\\x07]");
  EXPECT_THAT(message_of([&] { Module().load_state_dict(state); }),
              HasSubstr("unexpected in it: " + names));
}

}  // namespace
}  // namespace gradus::detail
