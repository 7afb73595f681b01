#pragma once
#include <gradus/framework/io/detail/elements.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

enum class PickleKind : std::uint8_t {
  none,
  boolean,     // number: 0 or 1
  integer,     // number
  large,       // an integer beyond int64; text: its bytes, little-endian two's complement
  real,        // real
  text,        // text
  tuple,       // items
  list,        // items
  dict,        // items: keys and values in turn; an OrderedDict too
  global,      // text: "collections OrderedDict", a name that is never looked up
  call,        // items: a global and the tuple of its arguments; nothing is called
  persistent,  // items: what stands for something outside the pickle
};

/// Values refer to others by number, so that neither building nor freeing them recurses. They may
/// refer to one another in cycles, and to one value often.
using PickleId = std::uint32_t;

struct PickleValue {
  PickleKind kind = PickleKind::none;
  std::uint32_t offset = 0;  // in the pickle
  union {
    std::int64_t number = 0;
    double real;
  };
  std::string_view text;  // of the pickle's bytes
  std::vector<PickleId> items;
};

struct Pickle {
  std::vector<PickleValue> values;
  PickleId root = 0;

  const PickleValue& operator[](PickleId id) const { return values[id]; }
};

/// The most bytes of a pickle.
inline constexpr std::uint64_t pickle_limit = std::uint64_t{1} << 26U;

/// Reads a pickle of protocol 2 to 5 as data: nothing is imported or executed. `allowed` are the
/// globals that it may mention, as "module name". Fails for others, for opcodes that data do not
/// need, and for more than 4 million values. `bytes` and `allowed` have to stay.
Pickle parse_pickle(std::string_view bytes, std::span<const std::string_view> allowed,
                    const Fail& fail);

/// An integer of a pickle, in decimal or, if it has more than 128 bits, in hexadecimal.
std::string integer_text(const PickleValue& value);

/// "torch.nn.Linear" of a global.
std::string global_name(std::string_view text);

}  // namespace gradus::detail
