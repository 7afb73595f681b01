#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/half.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/detail/safetensors_bits.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>
#include <vector>

namespace gradus::detail {
namespace {

constexpr std::int64_t chunk = std::int64_t{1} << 16;  // elements that are converted at a time

constexpr BitFormat half{"F16", 2}, brain{"BF16", 2}, byte{"U8", 1};

BitFormat own_format(DType dtype) {
  const char* name = dtype == DType::float32   ? "F32"
                     : dtype == DType::float64 ? "F64"
                     : dtype == DType::int64   ? "I64"
                                               : "BOOL";
  return {name, item_size(dtype)};
}

bool is(const BitFormat& a, const BitFormat& b) { return std::string_view(a.name) == b.name; }

// A float between a double and zero whose last bit is 1 if it is not the double itself: rounded
// once more, to fewer bits, it gives what the double would.
float rounded_to_odd(double value) {
  const auto nearest = static_cast<float>(value);
  if (std::isnan(value) || static_cast<double>(nearest) == value) return nearest;
  auto bits = std::bit_cast<std::uint32_t>(nearest);
  if (std::abs(static_cast<double>(nearest)) > std::abs(value)) --bits;
  return std::bit_cast<float>(bits | 1U);
}

template <class T>
std::uint16_t rounded(T value, const BitFormat& format) {
  return is(format, half) ? to_half(value) : to_bfloat16(value);
}

// The first finite element that would become infinite, or -1.
template <class T>
std::int64_t first_too_large(const Tensor& tensor, const BitFormat& format) {
  const std::uint16_t infinity = is(format, half) ? 0x7C00 : 0x7F80;
  const std::span<const T> values = tensor.span<T>();
  const auto bad = std::find_if(values.begin(), values.end(), [&](T value) {
    return std::isfinite(value) && (rounded(value, format) & 0x7FFFU) == infinity;
  });
  return bad == values.end() ? -1 : bad - values.begin();
}

void check_floats(const StateEntry& entry, const BitFormat& format) {
  const bool single = entry.tensor.dtype() == DType::float32;
  const std::int64_t bad = single ? first_too_large<float>(entry.tensor, format)
                                  : first_too_large<double>(entry.tensor, format);
  if (bad < 0) return;
  const double value = single ? entry.tensor.span<float>()[static_cast<std::size_t>(bad)]
                              : entry.tensor.span<double>()[static_cast<std::size_t>(bad)];
  throw ValueError(
      fmt::format("save: {} {} is {} in element {}, which {} cannot hold: save it as it is",
                  printable(entry.name), entry.tensor.shape().str(), value, bad, format.name));
}

BitFormat check_bytes(const StateEntry& entry) {
  if (entry.tensor.dtype() != DType::int64) {
    throw DTypeError(fmt::format("save: {} is {}, bytes are int64: convert it with to()",
                                 printable(entry.name), name(entry.tensor.dtype())));
  }
  const std::span<const std::int64_t> values = entry.tensor.span<std::int64_t>();
  const auto bad = std::find_if(values.begin(), values.end(),
                                [](std::int64_t value) { return value < 0 || value > 255; });
  if (bad == values.end()) return byte;
  throw ValueError(fmt::format("save: {} {} is {} in element {}, which is not a byte",
                               printable(entry.name), entry.tensor.shape().str(), *bad,
                               bad - values.begin()));
}

template <class From, class To, class F>
void write_converted(AtomicFile& file, const Tensor& tensor, F&& f) {
  const std::span<const From> values = tensor.span<From>();
  std::vector<To> out;
  for (std::size_t begin = 0; begin < values.size(); begin += chunk) {
    const auto part = values.subspan(begin, std::min<std::size_t>(chunk, values.size() - begin));
    out.resize(part.size());
    std::transform(part.begin(), part.end(), out.begin(), f);
    file.write(out.data(), out.size() * sizeof(To));
  }
}

}  // namespace

std::uint16_t to_half(double value) { return to_half(rounded_to_odd(value)); }
std::uint16_t to_bfloat16(double value) { return to_bfloat16(rounded_to_odd(value)); }

BitFormat bit_format(const StateEntry& entry, const SaveOptions& options) {
  const auto& bytes = options.bytes;
  if (std::find(bytes.begin(), bytes.end(), entry.name) != bytes.end()) return check_bytes(entry);
  if (options.dtype == SaveDType::same || !is_floating(entry.tensor.dtype())) {
    return own_format(entry.tensor.dtype());
  }
  const BitFormat format = options.dtype == SaveDType::float16 ? half : brain;
  check_floats(entry, format);
  return format;
}

void write_bits(AtomicFile& file, const Tensor& tensor, const BitFormat& format) {
  if (is(format, byte)) {
    return write_converted<std::int64_t, std::uint8_t>(
        file, tensor, [](std::int64_t v) { return static_cast<std::uint8_t>(v); });
  }
  if (format.bytes == item_size(tensor.dtype())) {
    const auto bytes = static_cast<std::size_t>(tensor.numel() * format.bytes);
    return file.write(data(tensor), bytes);
  }
  const auto write = [&]<class T>(T) {
    write_converted<T, std::uint16_t>(file, tensor, [&](T v) { return rounded(v, format); });
  };
  tensor.dtype() == DType::float32 ? write(float{}) : write(double{});
}

}  // namespace gradus::detail
