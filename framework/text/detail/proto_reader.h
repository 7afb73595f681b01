#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gradus::detail {

/// Reads the fields of a message in protocol buffers' wire format, in the order of the file.
/// Errors are FormatErrors that name the byte. Source: protobuf.dev, "Encoding".
class GRADUS_API ProtoReader {
 public:
  /// `where` is the operation and the file; `place` is where in it the message begins.
  ProtoReader(std::string_view bytes, const std::string& where, std::size_t place = 0)
      : bytes_(bytes), where_(&where), origin_(place) {}

  /// Goes to the next field; false at the end of the message.
  bool next();
  std::uint32_t field() const { return field_; }
  /// Where in the file the field begins.
  std::size_t place() const { return origin_ + begin_; }

  /// The value of the field, as one of these types.
  std::int64_t integer() const;
  bool flag() const { return integer() != 0; }
  float number() const;
  std::string_view bytes() const;
  ProtoReader message() const;

  /// Throws a FormatError about the field.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  enum class Wire : std::uint8_t { varint = 0, bits64 = 1, bytes = 2, bits32 = 5 };

  std::uint64_t varint();
  std::string_view take(std::uint64_t count);
  void expect(Wire wire) const;

  std::string_view bytes_;
  const std::string* where_;
  std::size_t origin_;
  std::size_t begin_ = 0, next_ = 0;  // of the field, and of what follows it
  std::uint32_t field_ = 0;
  Wire wire_ = Wire::varint;
  std::uint64_t value_ = 0;
  std::string_view view_;
};

}  // namespace gradus::detail
