#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

/// Zeroes each element with probability p, independently, and multiplies the others by 1 / (1 - p).
/// With p = 0 it returns x itself and draws nothing; with p = 1 it returns zeros. For float types.
/// Throws ValueError unless 0 <= p <= 1, DTypeError.
GRADUS_API Tensor dropout(const Tensor& x, double p, Generator& generator = default_generator());

/// The same for sequences x [B, T, ...] with one mask per sequence: what is zeroed at one time is
/// zeroed at all times (variational dropout). For an empty x it returns x itself. Throws ShapeError
/// for fewer than two axes, and as dropout().
/// Source: Gal, Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural
/// Networks", 2016.
GRADUS_API Tensor locked_dropout(const Tensor& x, double p,
                                 Generator& generator = default_generator());

/// For rows x [..., D] that were looked up by `ids` [...] in a table of `num_embeddings` rows:
/// zeroes all rows of an id with probability p, and multiplies the others by 1 / (1 - p). Throws
/// ShapeError unless the shape of ids is that of x without its last axis, IndexError for an id
/// outside the table, ValueError for num_embeddings < 0, and as dropout(). Source: Merity, Keskar,
/// Socher, "Regularizing and Optimizing LSTM Language Models", 2018.
GRADUS_API Tensor embedding_dropout(const Tensor& x, const Tensor& ids, std::int64_t num_embeddings,
                                    double p, Generator& generator = default_generator());

}  // namespace gradus
