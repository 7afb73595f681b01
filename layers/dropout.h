#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
#include <gradus/layers/embedding.h>

namespace gradus {

/// In training mode, zeroes each element with probability p and multiplies the others by
/// 1 / (1 - p), each call with new random numbers; in eval mode, returns its argument itself.
class GRADUS_API Dropout : public Module {
 public:
  template <class M>
  GRADUS_TOO_LATE Dropout& operator=(M&&);

  /// The generator must live as long as the layer. Throws ValueError unless 0 <= p <= 1.
  explicit Dropout(double p = 0.5, Generator& generator = default_generator());

  /// x may have any shape and float type. Throws DTypeError.
  Tensor operator()(const Tensor& x) const;

  double p() const { return p_; }

 private:
  const double p_;
  Generator* const generator_;
};

/// locked_dropout() in training mode: one mask per sequence of x [B, T, ...], the same at all
/// times. Between the layers of a recurrent network, and on its input and output.
class GRADUS_API LockedDropout : public Module {
 public:
  template <class M>
  GRADUS_TOO_LATE LockedDropout& operator=(M&&);

  /// As Dropout.
  explicit LockedDropout(double p = 0.5, Generator& generator = default_generator());

  /// Throws ShapeError for fewer than two axes, DTypeError.
  Tensor operator()(const Tensor& x) const;

  double p() const { return p_; }

 protected:
  /// `layer` is the name in errors and in the printed form.
  LockedDropout(const char* layer, double p, Generator& generator);

 private:
  const double p_;
  Generator* const generator_;
};

/// The same under PyTorch's name: whole channels of x [B, T, C] are zeroed.
class GRADUS_API Dropout1d : public LockedDropout {
 public:
  template <class M>
  GRADUS_TOO_LATE Dropout1d& operator=(M&&);
  // Declared so that no assignment operator is generated, which would call the base class's.
  Dropout1d(const Dropout1d&) = default;
  Dropout1d(Dropout1d&&) = default;

  explicit Dropout1d(double p = 0.5, Generator& generator = default_generator())
      : LockedDropout("Dropout1d", p, generator) {}
};

/// Looks words up in a table and, in training mode, drops whole words: each word of the vocabulary
/// with probability p, wherever it stands in the batch; the others are multiplied by 1 / (1 - p).
///
///   const Tensor x = drop_words(table, ids);
class GRADUS_API EmbeddingDropout : public Module {
 public:
  template <class M>
  GRADUS_TOO_LATE EmbeddingDropout& operator=(M&&);

  /// As Dropout.
  explicit EmbeddingDropout(double p = 0.1, Generator& generator = default_generator());

  /// table(ids) with dropout. Throws as Embedding does.
  Tensor operator()(const Embedding& table, const Tensor& ids) const;

  double p() const { return p_; }

 private:
  const double p_;
  Generator* const generator_;
};

}  // namespace gradus
