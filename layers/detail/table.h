#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/module/resize.h>

#include <cstdint>
#include <optional>

/// What Embedding and EmbeddingBag share. `layer` is the name that errors start with.
namespace gradus::detail {

/// padding_idx counted from the front. Throws IndexError unless it is in [-rows, rows).
std::optional<std::int64_t> normalized_padding(const char* layer,
                                               std::optional<std::int64_t> padding_idx,
                                               std::int64_t rows);

/// Throws ValueError unless both are positive.
void check_max_norm(const char* layer, std::optional<double> max_norm, double norm_type);

/// [rows, width] from N(0, 1). Throws ValueError for negative sizes.
Tensor new_table(const char* layer, std::int64_t rows, std::int64_t width, DType dtype,
                 Generator& generator);

/// Throws ValueError if there is a max_norm and the table is mapped from a file.
void check_can_scale(const char* layer, std::optional<double> max_norm, const Tensor& table);

/// The table of from_pretrained(), of its argument, which it takes by value: the same storage if
/// that is the only handle, or if nobody can change it, else a copy. Throws ShapeError, DTypeError.
Tensor adopted_table(const char* operation, const Tensor& weight);

/// Scales the distinct rows among valid ids whose norm exceeds max_norm, behind the back of
/// autograd: the lookup that follows is differentiated as if the rows had been like that before.
void scale_rows_down(const Tensor& weight, const Tensor& ids, double max_norm, double norm_type);

/// resize() and remap() of a layer; new rows are drawn from N(0, 1) unless options.init makes them.
/// remap_table() returns where the padding row is now: the first row that was it. Throw ValueError
/// if the padding row would go, and as resize_rows() and remap_rows().
void resize_table(const char* layer, const Tensor& weight, std::optional<std::int64_t> padding_idx,
                  std::int64_t rows, const ResizeOptions& options);
std::optional<std::int64_t> remap_table(const char* layer, const Tensor& weight,
                                        std::optional<std::int64_t> padding_idx,
                                        const Tensor& sources, const ResizeOptions& options);

/// Sets a row to zeros, if there is one.
void zero_row(const Tensor& weight, std::optional<std::int64_t> row);

}  // namespace gradus::detail
