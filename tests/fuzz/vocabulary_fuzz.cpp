#include <gradus/framework/text/vocabulary.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gradus::read_any([&] {
    using gradus::Vocabulary;
    const auto vocabulary =
        Vocabulary::from_text(std::string_view(reinterpret_cast<const char*>(data), size));
    const auto again = Vocabulary::from_text(vocabulary.text());
    gradus::require(again.words() == vocabulary.words());
    gradus::require(again.counts() == vocabulary.counts());
    gradus::require(again.special_ids() == vocabulary.special_ids());
    gradus::require(again.default_id() == vocabulary.default_id());
  });
  return 0;
}
