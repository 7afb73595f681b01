// Prints what the fastText program prints, with FastTextModel, for scripts/fasttext_check.sh:
//   fasttext_check print-word-vectors MODEL <words
//   fasttext_check print-sentence-vectors MODEL <lines
//   fasttext_check predict-prob MODEL K THRESHOLD <lines
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/fasttext.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

namespace {

using gradus::FastTextModel;

void print(const gradus::Tensor& vector) {
  for (const float value : vector.span<float>()) std::printf("%.5g ", static_cast<double>(value));
  std::printf("\n");
}

void predict(const FastTextModel& model, const std::vector<std::string>& lines, int k,
             float threshold) {
  for (const auto& predictions : model.predict(lines, k, threshold)) {
    const char* before = "";
    for (const auto& [id, label, probability] : predictions) {
      std::printf("%s%s %g", before, label.c_str(), static_cast<double>(probability));
      before = " ";
    }
    std::printf("\n");
  }
}

int run(const std::vector<std::string>& arguments) {
  const FastTextModel model = FastTextModel::load(arguments.at(1));
  std::vector<std::string> lines;
  for (std::string line; std::getline(std::cin, line);) lines.push_back(line);
  if (arguments[0] == "predict-prob") {
    predict(model, lines, std::stoi(arguments.at(2)), std::stof(arguments.at(3)));
    return 0;
  }
  for (const std::string& line : lines) {
    if (arguments[0] == "print-word-vectors") std::printf("%s ", line.c_str());
    print(arguments[0] == "print-word-vectors" ? model.vector(line) : model.sentence_vector(line));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fasttext_check: %s\n", error.what());
    return 1;
  }
}
