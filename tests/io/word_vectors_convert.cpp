// Reads a file of word vectors and writes it in another format, for scripts/word_vectors_check.sh:
//   word_vectors_convert FROM TO glove|word2vec_text|word2vec_binary
// Prints how long the reading took, in seconds of processor time.
#include <gradus/framework/io/word_vectors.h>

#include <cstdio>
#include <ctime>
#include <exception>
#include <string>

int main(int argc, char** argv) {
  using gradus::WordVectorFormat;
  if (argc != 4) return 2;
  const std::string name = argv[3];
  const auto format = name == "glove"           ? WordVectorFormat::glove
                      : name == "word2vec_text" ? WordVectorFormat::word2vec_text
                                                : WordVectorFormat::word2vec_binary;
  try {
    const std::clock_t begin = std::clock();
    const gradus::WordVectors vectors = gradus::load_word_vectors(argv[1]);
    std::printf("%.3f\n", static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    gradus::save_word_vectors(vectors, argv[2], {.format = format});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "word_vectors_convert: %s\n", error.what());
    return 1;
  }
}
