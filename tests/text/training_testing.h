#pragma once
#include <gradus/framework/text/vocabulary.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

/// Words and texts that tokenizers are trained on in tests.
namespace gradus {

using Strings = std::vector<std::string>;

inline WordCounter counts_of(const std::vector<std::pair<std::string, std::int64_t>>& words) {
  WordCounter counter;
  for (const auto& [word, times] : words) counter.add(word, times);
  return counter;
}

/// Words with few letters, so that most pairs are there, and overlap.
inline Strings random_words(int n, unsigned seed) {
  std::mt19937 random(seed);
  Strings words;
  for (int i = 0; i < n; ++i) {
    std::string word;
    const auto length = 1 + random() % 9;
    for (std::size_t k = 0; k < length; ++k)
      word += static_cast<char>('a' + random() % static_cast<unsigned>(2 + i % 3));
    words.push_back(word);
  }
  return words;
}

/// Texts of some of a few hundred words, the first ones most often.
inline Strings random_texts(int n, unsigned seed) {
  const Strings words = random_words(300, seed);
  std::mt19937 random(seed);
  Strings texts;
  for (int i = 0; i < n; ++i) {
    std::string text;
    for (int k = 0; k < 20; ++k) {
      const std::size_t a = random() % words.size(), b = random() % words.size();
      if (k > 0) text += ' ';
      text += words[std::min(a, b)];
    }
    texts.push_back(text);
  }
  return texts;
}

}  // namespace gradus
