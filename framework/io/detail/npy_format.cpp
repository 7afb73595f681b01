#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/detail/npy_format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus::detail {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view magic = "\x93NUMPY"sv;
constexpr std::uint64_t header_limit = std::uint64_t{1} << 20U;

struct Header {
  std::optional<std::string> type;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::int64_t>> sizes;
};

// Reads the header: a Python dict with the keys 'descr', 'fortran_order' and 'shape'.
class HeaderParser {
 public:
  // The text begins at byte `start` of the file.
  HeaderParser(std::string_view text, std::size_t start, const Fail& fail)
      : text_(text), start_(start), fail_(fail) {}

  Header parse() {
    expect('{');
    while (!accept('}')) {
      parse_entry();
      if (accept(',')) continue;
      expect('}');
      break;
    }
    skip_blanks();
    if (at_ < text_.size()) wrong("nothing more");
    if (!header_.type) fail_("its header has no 'descr'");
    if (!header_.fortran_order) fail_("its header has no 'fortran_order'");
    if (!header_.sizes) fail_("its header has no 'shape'");
    return std::move(header_);
  }

 private:
  [[noreturn]] void wrong(std::string_view expected) const {
    const std::string_view rest = text_.substr(std::min(at_, text_.size()));
    const std::string found =
        rest.empty() ? "the end of the header" : fmt::format("'{}'", printable(rest, 20));
    fail_(fmt::format("byte {}, in its header: expected {}, found {}", start_ + at_, expected,
                      found));
  }
  void skip_blanks() {
    while (at_ < text_.size() && " \t\n\r\f"sv.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool accept(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) wrong(fmt::format("'{}'", c));
  }
  bool accept_word(std::string_view word) {
    skip_blanks();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string parse_text() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect('\'');
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) wrong("a quote at the end of a text");
    const std::string_view text = text_.substr(at_, end - at_);
    if (text.find('\\') != std::string_view::npos) wrong("a text without '\\'");
    at_ = end + 1;
    return std::string(text);
  }

  std::int64_t parse_size() {
    skip_blanks();
    const bool negative = accept('-');
    const char* begin = text_.data() + at_;
    std::uint64_t size = 0;
    const auto [end, code] = std::from_chars(begin, text_.data() + text_.size(), size);
    if (code == std::errc::invalid_argument) wrong("a size");
    const std::string_view digits(begin, static_cast<std::size_t>(end - begin));
    if (negative) fail_(fmt::format("its shape has the negative size -{}", printable(digits)));
    if (code != std::errc() || size > std::uint64_t{1} << 62U) {
      fail_(fmt::format("its shape has the size {}, which is too large", printable(digits)));
    }
    at_ += digits.size();
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // as Python 2 wrote long integers
    return static_cast<std::int64_t>(size);
  }

  std::vector<std::int64_t> parse_shape() {
    std::vector<std::int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      sizes.push_back(parse_size());
      if (accept(',')) continue;
      if (sizes.size() == 1) wrong("','");  // in Python, (3) is a number
      expect(')');
      break;
    }
    return sizes;
  }

  std::string parse_type() {
    skip_blanks();
    if (at_ < text_.size() && (text_[at_] == '[' || text_[at_] == '(')) {
      fail_("it is a structured array: save its fields as arrays of their own");
    }
    return parse_text();
  }

  void parse_entry() {
    const std::string key = parse_text();
    expect(':');
    const auto once = [&](bool seen) {
      if (seen) fail_(fmt::format("its header has '{}' twice", key));
    };
    if (key == "descr") {
      once(header_.type.has_value());
      header_.type = parse_type();
    } else if (key == "fortran_order") {
      once(header_.fortran_order.has_value());
      const bool yes = accept_word("True");
      if (!yes && !accept_word("False")) wrong("True or False");
      header_.fortran_order = yes;
    } else if (key == "shape") {
      once(header_.sizes.has_value());
      header_.sizes = parse_shape();
    } else {
      fail_(fmt::format("its header has the unknown key '{}'", printable(key)));
    }
  }

  std::string_view text_;
  std::size_t start_, at_ = 0;
  const Fail& fail_;
  Header header_;
};

struct Type {
  std::string_view name;
  Element element;
};
constexpr std::array<Type, 12> types{{{"f2", Element::float16},
                                      {"f4", Element::float32},
                                      {"f8", Element::float64},
                                      {"i1", Element::int8},
                                      {"i2", Element::int16},
                                      {"i4", Element::int32},
                                      {"i8", Element::int64},
                                      {"u1", Element::uint8},
                                      {"u2", Element::uint16},
                                      {"u4", Element::uint32},
                                      {"u8", Element::uint64},
                                      {"b1", Element::boolean}}};

// What the elements of a type are that a tensor cannot hold, with the cure.
std::string_view refusal(std::string_view type) {
  switch (type.empty() ? '\0' : type[0]) {
    case 'O':
      return "Python objects, which are never unpickled: save an array of numbers";
    case 'S':
    case 'a':
    case 'U':
      return "texts: save them as a text file";
    case 'V':
      return "raw bytes, as bfloat16 is saved too: convert them with .astype('float32')";
    case 'c':
      return "complex numbers: save .real and .imag";
    case 'M':
    case 'm':
      return "times: convert them with .astype('int64')";
    default:
      return "of an unknown type: convert them to float32, float64, int64 or bool";
  }
}

Element element_of(const std::string& type, bool& big_endian, const Fail& fail) {
  std::string_view name = type;
  const char order = name.empty() ? '\0' : name[0];
  if ("<>|="sv.find(order) != std::string_view::npos) name.remove_prefix(1);
  big_endian = order == '>';
  const auto* known =
      std::find_if(types.begin(), types.end(), [&](const Type& t) { return t.name == name; });
  if (known == types.end()) {
    fail(fmt::format("its elements, '{}', are {}", printable(type), refusal(name)));
  }
  return known->element;
}

Shape shape_of(const std::vector<std::int64_t>& sizes, const Fail& fail) {
  if (sizes.size() > static_cast<std::size_t>(Shape::max_rank)) {
    fail(fmt::format("it has {} axes, but a Tensor has at most {}: reshape it in NumPy",
                     sizes.size(), Shape::max_rank));
  }
  try {
    return Shape(sizes);
  } catch (const ShapeError& error) {
    fail(error.what());
  }
}

// Reads magic, version and length, and returns the header's text. `read` counts what it takes.
std::string read_header_text(std::uint64_t size, std::uint64_t& start, const ReadBytes& read,
                             const Fail& fail) {
  std::array<unsigned char, 12> head{};
  if (size < 10) fail(fmt::format("it has {} bytes, but the shortest header has 10", size));
  read(head.data(), 10);
  std::string bytes(reinterpret_cast<const char*>(head.data()), 10);
  if (!bytes.starts_with(magic)) {
    bytes.resize(std::min<std::uint64_t>(size, 64));
    read(bytes.data() + 10, bytes.size() - 10);
    fail(fmt::format("it begins with '{}', not with '{}'{}{}", printable(bytes.substr(0, 6)),
                     printable(magic), looks_like(bytes), looks_like_vectors(bytes)));
  }
  const int version = head[6];
  if (version < 1 || version > 3 || head[7] != 0) {
    fail(fmt::format("its version is {}.{}; versions 1.0, 2.0 and 3.0 are read", version, head[7]));
  }
  std::uint64_t length = head[8] | std::uint64_t{head[9]} << 8U;
  start = 10;
  if (version > 1) {
    start = 12;
    if (size < start) fail("it is cut off within the length of its header");
    read(head.data() + 10, 2);
    length |= std::uint64_t{head[10]} << 16U | std::uint64_t{head[11]} << 24U;
  }
  if (length > header_limit) {
    fail(fmt::format("its header would have {} bytes; up to {} are read", length, header_limit));
  }
  if (length > size - start) {
    fail(fmt::format("it is cut off: its header has {} bytes, of which {} are there", length,
                     size - start));
  }
  std::string text(length, '\0');
  read(text.data(), text.size());
  start += length;
  return text;
}

void check_size(std::uint64_t left, const Shape& shape, Element type, const std::string& name,
                const Fail& fail) {
  const auto count = static_cast<std::uint64_t>(shape.numel());
  const std::uint64_t width = element_bytes(type);
  if (count > left / width) {
    fail(fmt::format("{} bytes for shape {} of '{}', which has {} elements: is the file truncated?",
                     left, shape.str(), name, count));
  }
  if (count * width != left) {
    fail(
        fmt::format("{} bytes follow the array of shape {}: a file with several arrays is an "
                    ".npz, made by numpy.savez",
                    left - count * width, shape.str()));
  }
}

// The strides of a shape whose first axis is the one that varies fastest.
std::array<std::int64_t, Shape::max_rank> fortran_strides(const Shape& shape) {
  std::array<std::int64_t, Shape::max_rank> strides{};
  std::int64_t step = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    strides[static_cast<std::size_t>(axis)] = step;
    step *= shape[axis];
  }
  return strides;
}

}  // namespace

Tensor read_npy(std::uint64_t size, const ReadBytes& read, const Fail& fail) {
  std::uint64_t start = 0;
  const std::string text = read_header_text(size, start, read, fail);
  const Header header = HeaderParser(text, start - text.size(), fail).parse();
  bool big_endian = false;
  const Element type = element_of(*header.type, big_endian, fail);
  const Shape shape = shape_of(*header.sizes, fail);
  check_size(size - start, shape, type, *header.type, fail);
  const Tensor flat = read_elements(type, big_endian, shape.numel(), read, fail);
  if (!*header.fortran_order || shape.rank() < 2 || shape.numel() == 0) {
    return Access::view(flat, 0, shape);
  }
  return gather_strided(flat, 0, shape, fortran_strides(shape));
}

std::string npy_header(const Tensor& tensor) {
  const DType dtype = tensor.dtype();
  const std::string_view type = dtype == DType::float32   ? "<f4"
                                : dtype == DType::float64 ? "<f8"
                                : dtype == DType::int64   ? "<i8"
                                                          : "|b1";
  std::string sizes;
  for (const std::int64_t size : tensor.shape()) {
    sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ", size);
  }
  if (tensor.dim() == 1) sizes += ",";
  std::string text =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, sizes);
  // NumPy leaves room for a first size of 21 digits, then aligns the values to 64 bytes.
  if (tensor.dim() > 0) text.append(21 - std::to_string(tensor.size(0)).size(), ' ');
  text.append(63 - (10 + text.size()) % 64, ' ');
  text += '\n';
  std::string head(magic);
  head += {'\1', '\0', static_cast<char>(text.size() & 255U), static_cast<char>(text.size() >> 8U)};
  return head + text;
}

}  // namespace gradus::detail
