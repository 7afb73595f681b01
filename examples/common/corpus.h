#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace gradus::examples {

struct LabelledText {
  std::string label, text;
};
using Corpus = std::vector<LabelledText>;

/// Reads lines `label<TAB>text`; empty lines are skipped. Throws Error if the file cannot be read,
/// FormatError with file and line for a line without a tab, a label or a text, and for a file
/// without lines.
Corpus read_corpus(const std::filesystem::path& path);

/// Writes what read_corpus() reads; the file is replaced as a whole.
void write_corpus(const Corpus& corpus, const std::filesystem::path& path);

struct Split {
  Corpus train, test;
};

/// Shuffles by the seed and sets aside one text in every `parts` for the test (at least one).
/// Throws ValueError if that leaves nothing to train on.
Split split_corpus(Corpus corpus, std::int64_t parts, std::uint64_t seed);

/// Takes one text in every `parts` (at least one) out of the training texts, chosen by the seed,
/// and returns them. The last text of a label stays, so there may be fewer, or none.
Corpus set_aside(Corpus& train, std::int64_t parts, std::uint64_t seed);

/// The distinct labels in the order in which they first appear.
std::vector<std::string> labels_of(const Corpus& corpus);

/// Throws ValueError if there is nothing to distinguish (fewer than two labels in the training
/// texts), or if the test has a label that the training texts lack.
void check_split(const Split& split);

}  // namespace gradus::examples
