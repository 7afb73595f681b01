#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/detail/half.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/detail/elements.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

namespace gradus::detail {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::int64_t block = std::int64_t{1} << 13U;  // elements converted at a time

struct ElementInfo {
  std::size_t bytes;
  DType dtype;
};
constexpr std::array<ElementInfo, 13> infos{{{2, DType::float32},
                                             {2, DType::float32},
                                             {4, DType::float32},
                                             {8, DType::float64},
                                             {1, DType::int64},
                                             {2, DType::int64},
                                             {4, DType::int64},
                                             {8, DType::int64},
                                             {1, DType::int64},
                                             {2, DType::int64},
                                             {4, DType::int64},
                                             {8, DType::int64},
                                             {1, DType::boolean}}};

const ElementInfo& info(Element type) { return infos.at(static_cast<std::size_t>(type)); }

bool is_direct(Element type) {
  return type == Element::float32 || type == Element::float64 || type == Element::int64;
}

void swap_bytes(char* bytes, std::size_t size, std::size_t width) {
  for (std::size_t i = 0; i < size; i += width) std::reverse(bytes + i, bytes + i + width);
}

template <class From, class To, class F>
void convert(const char* bytes, void* out, std::int64_t n, F&& f) {
  To* to = static_cast<To*>(out);
  for (std::int64_t i = 0; i < n; ++i) {
    From value;
    std::memcpy(&value, bytes + static_cast<std::size_t>(i) * sizeof(From), sizeof(From));
    to[i] = f(value);
  }
}

template <class From>
void widen(const char* bytes, void* out, std::int64_t n) {
  convert<From, std::int64_t>(bytes, out, n, [](From value) { return std::int64_t{value}; });
}

// Converts n elements into `out`.
void convert_block(Element type, const char* bytes, void* out, std::int64_t n) {
  switch (type) {
    case Element::float16:
      return convert<std::uint16_t, float>(bytes, out, n, from_half);
    case Element::bfloat16:
      return convert<std::uint16_t, float>(bytes, out, n, from_bfloat16);
    case Element::boolean:
      return convert<std::uint8_t, bool>(bytes, out, n, [](auto value) { return value != 0; });
    case Element::int8:
      return widen<std::int8_t>(bytes, out, n);
    case Element::int16:
      return widen<std::int16_t>(bytes, out, n);
    case Element::int32:
      return widen<std::int32_t>(bytes, out, n);
    case Element::uint8:
      return widen<std::uint8_t>(bytes, out, n);
    case Element::uint16:
      return widen<std::uint16_t>(bytes, out, n);
    case Element::uint32:
      return widen<std::uint32_t>(bytes, out, n);
    case Element::uint64:
    case Element::int64:
    case Element::float32:
    case Element::float64:
      std::memcpy(out, bytes, static_cast<std::size_t>(n) * info(type).bytes);
  }
}

void check_unsigned(const std::int64_t* values, std::int64_t n, std::int64_t first,
                    const Fail& fail) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (values[i] >= 0) continue;
    fail(fmt::format("element {} is {}, which int64 cannot hold", first + i,
                     static_cast<std::uint64_t>(values[i])));
  }
}

template <class T>
void gather(const T* in, T* out, const Shape& shape, std::span<const std::int64_t> strides) {
  const int last = shape.rank() - 1;
  const std::int64_t inner = shape[last], step = strides[static_cast<std::size_t>(last)];
  std::array<std::int64_t, Shape::max_rank> index{};
  std::int64_t start = 0;
  for (;;) {
    for (std::int64_t i = 0; i < inner; ++i) *out++ = in[start + i * step];
    int axis = last - 1;
    for (; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      start += strides[a];
      if (++index[a] < shape[axis]) break;
      start -= strides[a] * shape[axis];
      index[a] = 0;
    }
    if (axis < 0) return;
  }
}

}  // namespace

void Fail::operator()(const std::string& what) const {
  throw FormatError(fmt::format("{}: {}", where_, what));
}

std::size_t element_bytes(Element type) { return info(type).bytes; }
DType dtype_of_element(Element type) { return info(type).dtype; }

Tensor read_elements(Element type, bool big_endian, std::int64_t n, const ReadBytes& read,
                     const Fail& fail) {
  const auto [width, dtype] = info(type);
  Tensor result = empty({n}, dtype);
  char* out = static_cast<char*>(raw(result));
  if (is_direct(type)) {
    const std::size_t bytes = static_cast<std::size_t>(n) * width;
    read(out, bytes);
    if (big_endian) swap_bytes(out, bytes, width);
    return result;
  }
  std::vector<char> buffer(static_cast<std::size_t>(std::min(n, block)) * width);
  for (std::int64_t first = 0; first < n; first += block) {
    const std::int64_t count = std::min(block, n - first);
    const std::size_t bytes = static_cast<std::size_t>(count) * width;
    read(buffer.data(), bytes);
    if (big_endian) swap_bytes(buffer.data(), bytes, width);
    char* target = out + first * item_size(dtype);
    convert_block(type, buffer.data(), target, count);
    if (type == Element::uint64) {
      check_unsigned(result.data<std::int64_t>() + first, count, first, fail);
    }
  }
  return result;
}

Tensor gather_strided(const Tensor& flat, std::int64_t offset, const Shape& shape,
                      std::span<const std::int64_t> strides) {
  Tensor result = empty(shape, flat.dtype());
  if (shape.numel() == 0) return result;
  dispatch(flat.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* in = flat.data<T>() + offset;
    T* out = result.mutable_data<T>();
    if (shape.rank() == 0) {
      *out = *in;
    } else {
      gather(in, out, shape, strides);
    }
  });
  return result;
}

}  // namespace gradus::detail
