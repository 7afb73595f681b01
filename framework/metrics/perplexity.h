#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/metrics/accuracy.h>

#include <cstdint>

namespace gradus {

/// e to the mean negative log-likelihood of a token:
///
///   Perplexity perplexity;
///   for (...) perplexity.add(loss.item(), tokens);  // a sum of losses: Reduction::sum
///   std::printf("%.2f\n", perplexity.result());
class GRADUS_API Perplexity {
 public:
  explicit Perplexity(const LabelOptions& options = {}) : options_(options) {}

  /// nll: the sum of -log p over `tokens` tokens, with the natural logarithm; a mean must be
  /// multiplied by its number of tokens first. Throws ValueError if nll is NaN or -inf or tokens
  /// negative, for a sum over no tokens that is not 0, and for more tokens than can be counted.
  void add(double nll, std::int64_t tokens);
  /// scores: [..., C], before the softmax; labels: int64 [...]. Throws like Accuracy::add, and
  /// ValueError for a score that is inf.
  void add(const Tensor& scores, const Tensor& labels);
  /// Throws ValueError if the other one has a different ignore_index.
  void merge(const Perplexity& other);

  /// Throws ValueError if no token was added.
  double result() const;
  double nll() const { return nll_; }
  std::int64_t count() const { return tokens_; }

 private:
  LabelOptions options_;
  double nll_ = 0;
  std::int64_t tokens_ = 0;
};

/// The mean negative log-likelihood of a character in bits, whatever the tokens are.
class GRADUS_API BitsPerCharacter {
 public:
  /// nll: the sum of -log p over the tokens that make up `characters` characters, with the natural
  /// logarithm. Throws ValueError like Perplexity::add.
  void add(double nll, std::int64_t characters);
  void merge(const BitsPerCharacter& other);

  /// Throws ValueError if no character was added.
  double result() const;
  double nll() const { return nll_; }
  std::int64_t count() const { return characters_; }

 private:
  double nll_ = 0;
  std::int64_t characters_ = 0;
};

}  // namespace gradus
