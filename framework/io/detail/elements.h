#pragma once
#include <gradus/framework/base/dtype.h>
#include <gradus/framework/core/tensor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>

/// Element types of files, and what they become.
namespace gradus::detail {

enum class Element : std::uint8_t {
  float16,
  bfloat16,
  float32,
  float64,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  boolean
};

/// Bytes of one element in a file.
std::size_t element_bytes(Element type);
/// float32 for the 16-bit floats, int64 for all integers.
DType dtype_of_element(Element type);

/// Fills `out` with the next bytes of a file, or throws FormatError.
using ReadBytes = std::function<void(void* out, std::size_t bytes)>;

/// Throws FormatError: `<where>: <what>`.
class Fail {
 public:
  explicit Fail(std::string where) : where_(std::move(where)) {}
  [[noreturn]] void operator()(const std::string& what) const;

 private:
  std::string where_;
};

/// Reads [n] elements. Fails for an unsigned integer that int64 cannot hold.
Tensor read_elements(Element type, bool big_endian, std::int64_t n, const ReadBytes& read,
                     const Fail& fail);

/// A copy of the elements offset + sum of index * stride of a flat tensor; they must lie in it.
Tensor gather_strided(const Tensor& flat, std::int64_t offset, const Shape& shape,
                      std::span<const std::int64_t> strides);

}  // namespace gradus::detail
