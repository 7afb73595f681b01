#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/detail/sequences.h>
#include <gradus/framework/metrics/detail/words.h>
#include <gradus/framework/metrics/rouge.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using Words = std::vector<std::string>;

/// Runs of ASCII letters and digits in lower case. Two more characters have a lower case that
/// begins with an ASCII letter: the Kelvin sign and the capital I with a dot.
Words rouge_words(std::string_view text) {
  Words words;
  std::string word;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (('a' <= c && c <= 'z') || ('0' <= c && c <= '9')) {
      word += c;
    } else if ('A' <= c && c <= 'Z') {
      word += static_cast<char>(c - 'A' + 'a');
    } else if (text.substr(i, 3) == "\u212A") {
      word += 'k';
      i += 2;
    } else {
      const bool dotted = text.substr(i, 2) == "\u0130";  // i, and a mark that separates
      if (dotted) word += 'i';
      if (dotted) ++i;
      if (!word.empty()) words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

double longest_common_subsequence(const Words& a, const Words& b) {
  const std::vector<std::string_view> x(a.begin(), a.end()), y(b.begin(), b.end());
  detail::TextIds ids;
  return static_cast<double>(detail::longest_common_subsequence(ids(x), ids(y)));
}

PrecisionRecall score(const Words& found, const Words& wanted) {
  PrecisionRecall score;
  if (found.empty() || wanted.empty()) return score;
  const double common = longest_common_subsequence(found, wanted);
  score.precision = common / static_cast<double>(found.size());
  score.recall = common / static_cast<double>(wanted.size());
  const double sum = score.precision + score.recall;
  score.f1 = sum > 0 ? 2 * score.precision * score.recall / sum : 0;
  return score;
}

}  // namespace

void RougeL::add(std::string_view hypothesis, std::string_view reference) {
  add_all(hypothesis, {&reference, 1});
}

void RougeL::add(std::string_view hypothesis, std::span<const std::string> references) {
  const std::vector<std::string_view> views(references.begin(), references.end());
  add_all(hypothesis, views);
}

void RougeL::add(std::string_view hypothesis, std::initializer_list<std::string_view> references) {
  add_all(hypothesis, {references.begin(), references.size()});
}

void RougeL::add_all(std::string_view hypothesis, std::span<const std::string_view> references) {
  if (references.empty()) throw ValueError("RougeL: a hypothesis has no reference");
  detail::check_utf8("RougeL", "the hypothesis", hypothesis);
  for (const std::string_view text : references) detail::check_utf8("RougeL", "a reference", text);
  const Words found = rouge_words(hypothesis);
  PrecisionRecall best = score(found, rouge_words(references[0]));
  for (const std::string_view text : references.subspan(1)) {
    const PrecisionRecall other = score(found, rouge_words(text));
    if (other.f1 > best.f1) best = other;
  }
  sum_.precision += best.precision;
  sum_.recall += best.recall;
  sum_.f1 += best.f1;
  ++examples_;
}

void RougeL::merge(const RougeL& other) {
  sum_.precision += other.sum_.precision;
  sum_.recall += other.sum_.recall;
  sum_.f1 += other.sum_.f1;
  examples_ += other.examples_;
}

PrecisionRecall RougeL::result() const {
  detail::check_added("RougeL", examples_);
  const auto n = static_cast<double>(examples_);
  return {sum_.precision / n, sum_.recall / n, sum_.f1 / n};
}

}  // namespace gradus
