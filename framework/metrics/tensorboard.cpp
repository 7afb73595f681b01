#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/detail/append_file.h>
#include <gradus/framework/metrics/tensorboard.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <mutex>
#include <system_error>
#include <utility>

namespace gradus {
namespace {

constexpr const char* operation = "SummaryWriter";

// CRC-32C (Castagnoli), with reflected bits.
constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
    table[i] = crc;
  }
  return table;
}();

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc = (crc >> 8U) ^ crc_table[(crc ^ static_cast<unsigned char>(c)) & 0xFFU];
  }
  return ~crc;
}

template <class T>
std::string little_endian(T value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  }
  return bytes;
}

// A record of a TFRecord file: its length and its bytes, each followed by its masked CRC.
std::string framed(std::string_view data) {
  const auto checked = [](const std::string& bytes) {
    const std::uint32_t crc = crc32c(bytes);
    return bytes + little_endian(((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U);
  };
  return checked(little_endian(std::uint64_t{data.size()})) + checked(std::string(data));
}

// Fields of protocol buffers.
std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7U) bytes += static_cast<char>((value & 0x7FU) | 0x80U);
  return bytes + static_cast<char>(value);
}
std::string key(unsigned field, unsigned type) { return varint(field << 3U | type); }
std::string integer(unsigned field, std::int64_t value) {
  return key(field, 0) + varint(static_cast<std::uint64_t>(value));
}
std::string real64(unsigned field, double value) {
  return key(field, 1) + little_endian(std::bit_cast<std::uint64_t>(value));
}
std::string real32(unsigned field, float value) {
  return key(field, 5) + little_endian(std::bit_cast<std::uint32_t>(value));
}
std::string bytes(unsigned field, std::string_view value) {
  return key(field, 2) + varint(value.size()) + std::string(value);
}

// The messages of TensorFlow's event.proto, summary.proto and tensor.proto; numbers are those of
// their fields.
std::string event(double time, std::int64_t step, const std::string& what) {
  return framed(real64(1, time) + (step != 0 ? integer(2, step) : "") + what);
}
std::string file_version() { return bytes(3, "brain.Event:2"); }
std::string session_start() { return bytes(7, integer(1, 1)); }
std::string summary(const std::string& value) { return bytes(5, bytes(1, value)); }
std::string scalar(std::string_view tag, float value) {
  return summary(bytes(1, tag) + real32(2, value));
}
std::string text_value(std::string_view tag, std::string_view text) {
  constexpr std::int64_t string_type = 7;
  const std::string shape = bytes(2, bytes(2, integer(1, 1)));  // one axis, of size 1
  const std::string tensor = integer(1, string_type) + shape + bytes(8, text);
  const std::string metadata = bytes(1, bytes(1, "text"));  // the plugin that shows it
  return summary(bytes(1, tag) + bytes(8, tensor) + bytes(9, metadata));
}

float to_float(double value) {
  constexpr double most = std::numeric_limits<float>::max();
  if (std::isfinite(value) && std::abs(value) > most) {
    return std::copysign(std::numeric_limits<float>::infinity(), value < 0 ? -1.0F : 1.0F);
  }
  return static_cast<float>(value);
}

constexpr std::string_view name_head = "events.out.tfevents.";

void check_no_events(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (!entry.path().filename().string().starts_with(name_head)) continue;
    throw Error(
        fmt::format("SummaryWriter: '{}' has the events of another run: choose another folder, or "
                    "go on with that run by .resume = true",
                    folder));
  }
}

SummaryWriterOptions checked(const SummaryWriterOptions& options) {
  if (!options.clock) throw ValueError("SummaryWriter: the clock is an empty function");
  return options;
}

// Makes the folder of a run.
std::string made_folder(const std::string& folder, bool resume) {
  detail::check_path(operation, folder);
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) {
    throw Error(
        fmt::format("SummaryWriter: cannot make the folder '{}': {}", folder, code.message()));
  }
  if (!resume) check_no_events(folder);
  return folder;
}

// TensorBoard reads the files of a folder in the order of their names.
std::string file_name(double time) {
  static std::atomic<int> count{0};
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return fmt::format("{}{:010}.{}.{}.{:03}", name_head, static_cast<std::int64_t>(time),
                     host.data(), getpid(), count++);
}

}  // namespace

struct SummaryWriter::State {
  State(const std::string& log_dir, const SummaryWriterOptions& writer_options)
      : options(checked(writer_options)),
        file(operation, std::filesystem::path(made_folder(log_dir, options.resume)) /
                            file_name(options.clock())) {
    file.append(event(options.clock(), 0, file_version()));
  }

  // The first event of a resumed run follows one that makes older points void from its step on.
  void write(std::int64_t step, const std::string& what) {
    const std::scoped_lock lock(mutex);
    const double time = options.clock();
    const bool voids = options.resume && !started;
    file.append((voids ? event(time, step, session_start()) : "") + event(time, step, what));
    started = true;
  }

  SummaryWriterOptions options;
  detail::AppendFile file;
  bool started = false;
  std::mutex mutex;
};

namespace {

void check(std::string_view tag, std::int64_t step) {
  if (step < 0) throw ValueError(fmt::format("SummaryWriter: step is {}", step));
  if (tag.empty()) throw ValueError("SummaryWriter: the tag is empty");
  if (!detail::is_utf8(tag)) {
    throw ValueError(
        fmt::format("SummaryWriter: the tag '{}' is not UTF-8", detail::printable(tag)));
  }
}

}  // namespace

SummaryWriter::SummaryWriter(const std::string& log_dir, const SummaryWriterOptions& options)
    : state_(std::make_unique<State>(log_dir, options)) {}
SummaryWriter::~SummaryWriter() = default;

const std::string& SummaryWriter::path() const { return state_->file.path(); }

void SummaryWriter::add_scalar(std::string_view tag, double value, std::int64_t step) {
  check(tag, step);
  state_->write(step, scalar(tag, to_float(value)));
}

void SummaryWriter::add_text(std::string_view tag, std::string_view text, std::int64_t step) {
  check(tag, step);
  if (!detail::is_utf8(text)) {
    throw ValueError(fmt::format("SummaryWriter: the text of '{}' is not UTF-8: '{}'",
                                 detail::printable(tag), detail::printable(text)));
  }
  state_->write(step, text_value(tag, text));
}

}  // namespace gradus
