#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/proto_reader.h>

#include <bit>

namespace gradus::detail {
namespace {

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i)
    value = value << 8U | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

}  // namespace

void ProtoReader::fail(const std::string& what) const {
  throw FormatError(fmt::format("{}: byte {}: {}", *where_, place(), what));
}

std::uint64_t ProtoReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(take(1)[0]);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  fail("a number has more than 10 bytes");
}

std::string_view ProtoReader::take(std::uint64_t count) {
  if (count > bytes_.size() - next_) {
    fail(
        fmt::format("a value takes {} bytes, but there are {} left: the file is cut off or damaged",
                    count, bytes_.size() - next_));
  }
  const std::string_view result = bytes_.substr(next_, static_cast<std::size_t>(count));
  next_ += result.size();
  return result;
}

bool ProtoReader::next() {
  begin_ = next_;
  if (next_ == bytes_.size()) return false;
  const std::uint64_t key = varint();
  if (key >> 3U == 0 || key >> 3U >= std::uint64_t{1} << 29U)
    fail(fmt::format("there is no field {}", key >> 3U));
  field_ = static_cast<std::uint32_t>(key >> 3U);
  wire_ = static_cast<Wire>(key & 7U);
  switch (wire_) {
    case Wire::varint:
      value_ = varint();
      return true;
    case Wire::bits64:
      value_ = little_endian(take(8));
      return true;
    case Wire::bytes:
      view_ = take(varint());
      return true;
    case Wire::bits32:
      value_ = little_endian(take(4));
      return true;
  }
  fail(fmt::format("field {} has the wire type {}, which is not known", field_, key & 7U));
}

void ProtoReader::expect(Wire wire) const {
  if (wire_ == wire) return;
  fail(fmt::format("field {} has the wire type {}, not {}", field_, static_cast<int>(wire_),
                   static_cast<int>(wire)));
}

std::int64_t ProtoReader::integer() const {
  expect(Wire::varint);
  return static_cast<std::int64_t>(value_);
}

float ProtoReader::number() const {
  expect(Wire::bits32);
  return std::bit_cast<float>(static_cast<std::uint32_t>(value_));
}

std::string_view ProtoReader::bytes() const {
  expect(Wire::bytes);
  return view_;
}

ProtoReader ProtoReader::message() const {
  expect(Wire::bytes);
  return {view_, *where_, origin_ + next_ - view_.size()};
}

}  // namespace gradus::detail
