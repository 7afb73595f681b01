#include <gradus/framework/io/word_vectors.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace {

using gradus::WordVectorFormat;
using gradus::WordVectorOptions;

void check(const gradus::WordVectors& vectors, bool finite) {
  gradus::require(vectors.matrix.size(0) == std::ssize(vectors.words));
  gradus::require(vectors.report.words >= std::ssize(vectors.words));
  for (const float v : vectors.matrix.span<float>()) gradus::require(!finite || std::isfinite(v));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto words = gradus::Vocabulary::from_words({"the", "of", ". . .", "a"});
  const gradus::MemoryFile file(data, size);
  gradus::read_any([&] { check(gradus::load_word_vectors(file.path()), true); });
  for (const auto format : {WordVectorFormat::glove, WordVectorFormat::word2vec_text,
                            WordVectorFormat::word2vec_binary}) {
    const WordVectorOptions options{
        .format = format, .allow_not_finite = true, .bad_lines = gradus::BadLines::skip};
    gradus::read_any([&] { check(gradus::load_word_vectors(file.path(), options), false); });
    gradus::read_any([&] { check(gradus::load_word_vectors(file.path(), words, options), false); });
  }
  return 0;
}
