#include <gradus/framework/text/tokenizer.h>
#include <gradus/framework/text/unicode.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// A text, which need not be UTF-8.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gradus::NormalForm;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const NormalForm form :
       {NormalForm::nfc, NormalForm::nfd, NormalForm::nfkc, NormalForm::nfkd}) {
    const std::string normal = gradus::unicode_normalize(text, form);
    gradus::require(gradus::unicode_normalize(normal, form) == normal);
  }
  std::string joined;
  for (const std::string& cluster : gradus::grapheme_clusters(text)) joined += cluster;
  gradus::require(joined == text);
  gradus::case_fold(text);
  gradus::lowercase(text);
  gradus::strip_accents(text);
  return 0;
}
