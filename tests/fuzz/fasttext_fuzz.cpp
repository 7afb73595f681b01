#include <gradus/framework/core/tensor.h>
#include <gradus/framework/io/fasttext.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gradus::MemoryFile file(data, size);
  gradus::read_any([&] {
    const gradus::FastTextModel model = gradus::FastTextModel::load(file.path());
    for (const char* word : {"the", "", "\xc3\xa9t\xc3\xa9"}) {
      const std::vector<std::int64_t> rows = model.rows(word);
      gradus::require(std::all_of(rows.begin(), rows.end(), [&](std::int64_t row) {
        return row >= 0 && row < model.input().size(0);
      }));
      model.vector(word);
    }
    gradus::require(model.word_vectors().matrix.size(0) == model.output().size(0) ||
                    model.options().task == gradus::FastTextTask::supervised);
    model.sentence_vector("the sea __label__a");
    const std::vector<std::string> texts{"the sea", ""};
    for (const auto& predictions : model.predict(texts, 2)) gradus::require(predictions.size() < 3);
  });
  return 0;
}
