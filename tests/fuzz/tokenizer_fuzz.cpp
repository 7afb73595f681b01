#include <gradus/framework/text/tokenizer.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

// A tokenizer.json, which encodes and decodes a text, and is read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gradus::read_any([&] {
    const auto tokenizer =
        gradus::Tokenizer::from_json(std::string_view(reinterpret_cast<const char*>(data), size));
    const auto again = gradus::Tokenizer::from_json(tokenizer.json());
    gradus::require(again.json() == tokenizer.json());
    gradus::read_any([&] {
      constexpr std::string_view text = "It's  the na\u00EFve [X] \xFF e\u0301\u4E2D\n";
      const auto encoding = tokenizer.encode(text, "b",
                                             {.truncation = gradus::Truncation{.max_length = 50},
                                              .padding = gradus::BatchPadding{.length = 4}});
      gradus::require(encoding.ids ==
                      again
                          .encode(text, "b",
                                  {.truncation = gradus::Truncation{.max_length = 50},
                                   .padding = gradus::BatchPadding{.length = 4}})
                          .ids);
      gradus::require(encoding.offsets.size() == encoding.ids.size());
      for (const auto& span : encoding.offsets) {
        gradus::require(span.begin >= 0 && span.begin <= span.end &&
                        span.end <= static_cast<std::int64_t>(text.size()));
      }
      tokenizer.decode(encoding.ids);
    });
  });
  return 0;
}
