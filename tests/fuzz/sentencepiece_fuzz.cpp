#include <gradus/framework/text/tokenizer.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// A .model of SentencePiece, which encodes and decodes a text, and is saved if it can be.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gradus::read_any([&] {
    const gradus::MemoryFile file(data, size);
    const auto tokenizer = gradus::Tokenizer::load_sentencepiece(file.path());
    constexpr std::string_view text = " It's  the na\u00EFve <s> \xFF e\u0301\u4E2D \u2581\n ab ";
    const auto encoding = tokenizer.encode(text);
    gradus::require(encoding.offsets.size() == encoding.ids.size());
    for (const auto& span : encoding.offsets) {
      gradus::require(span.begin >= 0 && span.begin <= span.end &&
                      span.end <= static_cast<std::int64_t>(text.size()));
    }
    for (const auto id : encoding.ids) gradus::require(id >= 0 && id < tokenizer.size());
    const std::string decoded = tokenizer.decode(encoding.ids);
    gradus::DecodeStream stream(tokenizer);
    std::string streamed;
    for (const auto id : encoding.ids) streamed += stream.step(id);
    streamed += stream.finish();
    gradus::require(streamed == decoded);
    gradus::read_any([&] {
      const auto saved = gradus::Tokenizer::from_json(tokenizer.json());
      gradus::require(saved.size() == tokenizer.size());
      gradus::read_any([&] { saved.encode(text); });
    });
  });
  return 0;
}
