// Reading and writing 400,000 x 50 vectors in each format: random numbers with the five digits that
// GloVe's files have, in the cache of the system. tests/scripts/word_vectors_check.sh measures
// gensim and fastText on such a file.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/gradus.h>
#include <gradus/text.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

namespace {

using namespace gradus;
using Format = WordVectorFormat;

constexpr int64_t kWords = 400'000, kColumns = 50;

std::string word(int64_t i) { return fmt::format("w{}", i * 7919 % kWords); }

/// The same vectors in all formats, which are gone with the program.
struct Files {
  Files() {
    const Tensor values = randn({kWords, kColumns}, DType::float32, generator);
    fmt::memory_buffer text;
    const float* value = values.data<float>();
    for (int64_t i = 0; i < kWords; ++i) {
      fmt::format_to(std::back_inserter(text), "{}", word(i));
      for (int64_t d = 0; d < kColumns; ++d, ++value) {
        fmt::format_to(std::back_inserter(text), " {:.5g}", *value / 2);
      }
      text.push_back('\n');
    }
    AtomicFile file(path(Format::glove));
    file.write({text.data(), text.size()});
    file.commit();
    const WordVectors vectors = load_word_vectors(path(Format::glove));
    save_word_vectors(vectors, path(Format::word2vec_text));
    save_word_vectors(vectors, path(Format::word2vec_binary), {.format = Format::word2vec_binary});
  }
  ~Files() { std::filesystem::remove_all(folder); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  std::string path(Format format) const {
    return (folder / fmt::format("{}", static_cast<int>(format))).string();
  }

  Generator generator{1};
  std::filesystem::path folder = [] {
    const auto name = std::filesystem::temp_directory_path() / "gradus-word-vectors-bench";
    std::filesystem::create_directories(name);
    return name;
  }();
};

const Files& files() {
  static const Files all;
  return all;
}

void count_bytes(benchmark::State& state, const std::string& path) {
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(std::filesystem::file_size(path)));
}

void LoadWordVectors(benchmark::State& state, Format format) {
  const std::string path = files().path(format);
  for (auto _ : state) benchmark::DoNotOptimize(load_word_vectors(path));
  count_bytes(state, path);
}

/// Keeps every hundredth word.
void LoadVocabulary(benchmark::State& state, Format format) {
  const std::string path = files().path(format);
  std::vector<std::string> kept;
  for (int64_t i = 0; i < kWords; i += 100) kept.push_back(word(i));
  const auto vocabulary = Vocabulary::from_words(kept);
  for (auto _ : state) benchmark::DoNotOptimize(load_word_vectors(path, vocabulary));
  count_bytes(state, path);
}

BENCHMARK_CAPTURE(LoadWordVectors, glove, Format::glove)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(LoadWordVectors, word2vec_text, Format::word2vec_text)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(LoadWordVectors, word2vec_binary, Format::word2vec_binary)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(LoadVocabulary, glove, Format::glove)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(LoadVocabulary, word2vec_binary, Format::word2vec_binary)
    ->Unit(benchmark::kMillisecond);

}  // namespace
