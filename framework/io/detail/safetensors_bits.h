#pragma once
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/io/safetensors.h>

#include <cstdint>

namespace gradus::detail {

/// How the elements of a tensor are written.
struct BitFormat {
  const char* name;    ///< the format's: "F16"
  std::int64_t bytes;  ///< of an element
};

/// The format for a tensor. Throws ValueError if it cannot hold one of its values, DTypeError for
/// bytes that are not int64.
BitFormat bit_format(const StateEntry& entry, const SaveOptions& options);
/// Writes the elements of a tensor that bit_format() has accepted.
void write_bits(AtomicFile& file, const Tensor& tensor, const BitFormat& format);

/// The nearest 16-bit floats of a double, ties to even. (Rounded to float first, and to 16 bits
/// then, some would come out wrong.)
std::uint16_t to_half(double value);
std::uint16_t to_bfloat16(double value);

}  // namespace gradus::detail
