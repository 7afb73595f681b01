#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/io/detail/pickle.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>
#include <utility>

namespace gradus::detail {
namespace {

using Kind = PickleKind;

constexpr std::size_t value_limit = std::size_t{1} << 22U;
constexpr PickleId nothing = ~PickleId{0};  // in the memo
constexpr std::size_t mark_limit = 1000;    // lists in lists

struct Opcode {
  unsigned char code;
  const char* name;
};
// Those that are refused. Source: CPython, Lib/pickletools.py.
constexpr std::array<Opcode, 32> refused{{{'0', "POP"},
                                          {'1', "POP_MARK"},
                                          {'2', "DUP"},
                                          {'F', "FLOAT"},
                                          {'I', "INT"},
                                          {'L', "LONG"},
                                          {'S', "STRING"},
                                          {'V', "UNICODE"},
                                          {'P', "PERSID"},
                                          {'T', "BINSTRING"},
                                          {'U', "SHORT_BINSTRING"},
                                          {'B', "BINBYTES"},
                                          {'C', "SHORT_BINBYTES"},
                                          {'d', "DICT"},
                                          {'g', "GET"},
                                          {'i', "INST"},
                                          {'l', "LIST"},
                                          {'o', "OBJ"},
                                          {'p', "PUT"},
                                          {0x81, "NEWOBJ"},
                                          {0x82, "EXT1"},
                                          {0x83, "EXT2"},
                                          {0x84, "EXT4"},
                                          {0x8b, "LONG4"},
                                          {0x8e, "BINBYTES8"},
                                          {0x8f, "EMPTY_SET"},
                                          {0x90, "ADDITEMS"},
                                          {0x91, "FROZENSET"},
                                          {0x92, "NEWOBJ_EX"},
                                          {0x96, "BYTEARRAY8"},
                                          {0x97, "NEXT_BUFFER"},
                                          {0x98, "READONLY_BUFFER"}}};

struct Cure {
  std::string_view global, text;
};
// What PyTorch saves as something else than a plain tensor. Source: torch/_utils.py, _tensor.py.
constexpr std::array<Cure, 10> cures{{
    {"torch._utils _rebuild_sparse_tensor", "a sparse tensor: save it with .to_dense()"},
    {"torch._utils _rebuild_qtensor", "a quantised tensor: save it with .dequantize()"},
    {"torch._utils _rebuild_parameter_with_state",
     "a parameter with attributes of its own: save it with .detach()"},
    {"torch._tensor _rebuild_from_type_v2",
     "a tensor of a subclass, or with attributes of its own: save it with "
     ".detach().as_subclass(torch.Tensor)"},
    {"torch._utils _rebuild_meta_tensor_no_storage",
     "a tensor on the device 'meta', which has no values: save the model with its weights"},
    {"torch._utils _rebuild_device_tensor_from_numpy", "a tensor on a device: save it with .cpu()"},
    {"numpy.core.multiarray scalar", "a number of NumPy's: save float(x)"},
    {"numpy._core.multiarray scalar", "a number of NumPy's: save float(x)"},
    {"numpy.core.multiarray _reconstruct", "an array of NumPy's: save torch.from_numpy(x)"},
    {"numpy._core.multiarray _reconstruct", "an array of NumPy's: save torch.from_numpy(x)"},
}};

class Machine {
 public:
  Machine(std::string_view bytes, std::span<const std::string_view> allowed, const Fail& fail)
      : bytes_(bytes), allowed_(allowed), fail_(fail) {}

  Pickle run();

 private:
  [[noreturn]] void wrong(const std::string& what) const {
    fail_(fmt::format("byte {}: {}", op_, what));
  }
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) {
      wrong(fmt::format("{} bytes should follow, but the pickle ends at byte {}", count,
                        bytes_.size()));
    }
    const std::string_view taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }
  std::uint64_t take_number(std::size_t width) {
    const std::string_view taken = take(width);
    std::uint64_t value = 0;
    for (std::size_t i = width; i > 0; --i) {
      value = value << 8U | static_cast<unsigned char>(taken[i - 1]);
    }
    return value;
  }
  std::string_view take_line();

  PickleValue& push(Kind kind);
  PickleId pop();
  std::vector<PickleId> pop_many(std::size_t count);
  std::vector<PickleId> pop_to_mark();
  PickleValue& top(Kind kind, const char* name);
  void push_text(std::uint64_t size);
  void push_integer(std::uint64_t size);
  void push_global(std::string_view module, std::string_view name);
  void append(Kind kind, const char* name, const std::vector<PickleId>& items);
  void remember(std::uint64_t index);
  void recall(std::uint64_t index);
  void reduce();
  void build();
  [[noreturn]] void refuse(unsigned char code) const;
  bool step_value(unsigned char code);
  bool step_container(unsigned char code);
  bool step_other(unsigned char code);

  std::string_view bytes_;
  std::span<const std::string_view> allowed_;
  const Fail& fail_;
  std::size_t at_ = 0, op_ = 0;  // the next byte; that of the opcode
  Pickle pickle_;
  std::vector<PickleId> stack_, memo_;
  std::vector<std::size_t> marks_;
};

std::string_view Machine::take_line() {
  const std::size_t end = bytes_.substr(0, std::min(bytes_.size(), at_ + 1000)).find('\n', at_);
  if (end == std::string_view::npos) wrong("a name has no end");
  const std::string_view line = bytes_.substr(at_, end - at_);
  at_ = end + 1;
  return line;
}

PickleValue& Machine::push(Kind kind) {
  if (pickle_.values.size() >= value_limit) {
    wrong(fmt::format("more than {} values, the most that are read", value_limit));
  }
  stack_.push_back(static_cast<PickleId>(pickle_.values.size()));
  PickleValue& value = pickle_.values.emplace_back();
  value.kind = kind;
  value.offset = static_cast<std::uint32_t>(op_);
  return value;
}

PickleId Machine::pop() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) wrong("a value is missing");
  const PickleId id = stack_.back();
  stack_.pop_back();
  return id;
}

std::vector<PickleId> Machine::pop_many(std::size_t count) {
  std::vector<PickleId> items(count);
  for (std::size_t i = count; i > 0; --i) items[i - 1] = pop();
  return items;
}

std::vector<PickleId> Machine::pop_to_mark() {
  if (marks_.empty()) wrong("a MARK is missing");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleId> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

// The value on top of the stack, which has to be of a kind.
PickleValue& Machine::top(Kind kind, const char* name) {
  const PickleId id = pop();
  stack_.push_back(id);
  PickleValue& value = pickle_.values[id];
  if (value.kind != kind) wrong(fmt::format("a {} is missing", name));
  return value;
}

void Machine::push_text(std::uint64_t size) {
  const std::string_view text = take(size);
  if (!is_utf8(text)) wrong(fmt::format("the text '{}' is not UTF-8", printable(text)));
  push(Kind::text).text = text;
}

void Machine::push_integer(std::uint64_t size) {
  const std::string_view digits = take(size);
  if (size > 8) {
    push(Kind::large).text = digits;
    return;
  }
  const bool negative = size > 0 && static_cast<signed char>(digits.back()) < 0;
  std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
  for (std::size_t i = size; i > 0; --i) {
    value = value << 8U | static_cast<unsigned char>(digits[i - 1]);
  }
  push(Kind::integer).number = static_cast<std::int64_t>(value);
}

void Machine::push_global(std::string_view module, std::string_view name) {
  const std::string text = fmt::format("{} {}", module, name);
  const auto known = std::find(allowed_.begin(), allowed_.end(), text);
  if (known == allowed_.end()) {
    const auto* cure =
        std::find_if(cures.begin(), cures.end(), [&](const Cure& c) { return c.global == text; });
    if (cure != cures.end()) {
      wrong(fmt::format("it refers to '{}': it holds {}", global_name(text), cure->text));
    }
    wrong(
        fmt::format("it refers to '{}'. Nothing but tensors, numbers, texts, lists and dicts is "
                    "read, and nothing is executed: save it with "
                    "torch.save(model.state_dict(), path)",
                    printable(global_name(text))));
  }
  push(Kind::global).text = *known;
}

void Machine::append(Kind kind, const char* name, const std::vector<PickleId>& items) {
  std::vector<PickleId>& all = top(kind, name).items;
  all.insert(all.end(), items.begin(), items.end());
}

void Machine::remember(std::uint64_t index) {
  if (index >= value_limit) wrong(fmt::format("{} is too large for the memo", index));
  const PickleId id = pop();
  stack_.push_back(id);
  if (index >= memo_.size()) memo_.resize(index + 1, nothing);
  memo_[index] = id;
}

void Machine::recall(std::uint64_t index) {
  if (index >= memo_.size() || memo_[index] == nothing) {
    wrong(fmt::format("memo {} is empty", index));
  }
  stack_.push_back(memo_[index]);
}

void Machine::reduce() {
  const PickleId arguments = pop(), function = pop();
  const auto& values = pickle_.values;
  if (values[function].kind != Kind::global || values[arguments].kind != Kind::tuple) {
    wrong("what is called has no name or no arguments");
  }
  const bool is_dict = values[function].text == "collections OrderedDict";
  if (is_dict && !values[arguments].items.empty()) wrong("an OrderedDict with arguments");
  PickleValue& value = push(is_dict ? Kind::dict : Kind::call);
  if (!is_dict) value.items = {function, arguments};
}

// Attributes of a dict (the _metadata of a state dict) say nothing about tensors.
void Machine::build() {
  const PickleId state = pop();
  if (pickle_.values[state].kind != Kind::dict) wrong("BUILD without a dict");
  top(Kind::dict, "dict, whose attributes BUILD sets,");
}

void Machine::refuse(unsigned char code) const {
  const auto* known = std::find_if(refused.begin(), refused.end(),
                                   [&](const Opcode& opcode) { return opcode.code == code; });
  const bool is_old = !bytes_.starts_with('\x80');
  wrong(
      fmt::format("the opcode {} (0x{:02x}) is {}: save it with "
                  "torch.save(model.state_dict(), path{})",
                  known == refused.end() ? "unknown" : known->name, code,
                  is_old ? "one of protocol 0 or 1, of which little is read"
                         : "not one that a state dict needs",
                  is_old ? ", pickle_protocol=2" : ""));
}

bool Machine::step_value(unsigned char code) {
  switch (code) {
    case 'N':
      push(Kind::none);
      return true;
    case 0x88:
    case 0x89:
      push(Kind::boolean).number = code == 0x88;
      return true;
    case 'K':
      push(Kind::integer).number = static_cast<std::int64_t>(take_number(1));
      return true;
    case 'M':
      push(Kind::integer).number = static_cast<std::int64_t>(take_number(2));
      return true;
    case 'J':
      push_integer(4);
      return true;
    case 0x8a:
      push_integer(take_number(1));
      return true;
    case 'G': {
      std::uint64_t bits = 0;
      for (const char c : take(8)) bits = bits << 8U | static_cast<unsigned char>(c);
      push(Kind::real).real = std::bit_cast<double>(bits);
      return true;
    }
    case 'X':
      push_text(take_number(4));
      return true;
    case 0x8c:
      push_text(take_number(1));
      return true;
    case 0x8d:
      push_text(take_number(8));
      return true;
    case 'c': {
      const std::string_view module = take_line(), name = take_line();
      push_global(module, name);
      return true;
    }
    default:
      return false;
  }
}

bool Machine::step_container(unsigned char code) {
  switch (code) {
    case '(':
      if (marks_.size() == mark_limit) wrong("it is nested too deeply");
      marks_.push_back(stack_.size());
      return true;
    case ')':
      push(Kind::tuple);
      return true;
    case ']':
      push(Kind::list);
      return true;
    case '}':
      push(Kind::dict);
      return true;
    case 't': {
      std::vector<PickleId> items = pop_to_mark();
      push(Kind::tuple).items = std::move(items);
      return true;
    }
    case 0x85:
    case 0x86:
    case 0x87: {
      std::vector<PickleId> items = pop_many(code - 0x84U);
      push(Kind::tuple).items = std::move(items);
      return true;
    }
    case 'a':
      append(Kind::list, "list", {pop()});
      return true;
    case 'e':
      append(Kind::list, "list", pop_to_mark());
      return true;
    case 's':
      append(Kind::dict, "dict", pop_many(2));
      return true;
    case 'u': {
      const std::vector<PickleId> items = pop_to_mark();
      if (items.size() % 2 != 0) wrong("a key without a value");
      append(Kind::dict, "dict", items);
      return true;
    }
    default:
      return false;
  }
}

bool Machine::step_other(unsigned char code) {
  switch (code) {
    case 0x80:
      if (const std::uint64_t protocol = take_number(1); protocol > 5) {
        wrong(fmt::format("protocol {}; up to 5 are read", protocol));
      }
      return true;
    case 0x95:
      take(8);  // the size of a frame
      return true;
    case 'q':
      remember(take_number(1));
      return true;
    case 'r':
      remember(take_number(4));
      return true;
    case 0x94:
      remember(memo_.size());
      return true;
    case 'h':
      recall(take_number(1));
      return true;
    case 'j':
      recall(take_number(4));
      return true;
    case 0x93: {
      const std::vector<PickleId> names = pop_many(2);
      const PickleValue &module = pickle_[names[0]], &name = pickle_[names[1]];
      if (module.kind != Kind::text || name.kind != Kind::text) wrong("no name");
      push_global(module.text, name.text);
      return true;
    }
    case 'Q': {
      const PickleId id = pop();
      push(Kind::persistent).items = {id};
      return true;
    }
    case 'R':
      reduce();
      return true;
    case 'b':
      build();
      return true;
    default:
      return false;
  }
}

Pickle Machine::run() {
  for (;;) {
    op_ = at_;
    if (at_ == bytes_.size()) wrong("the pickle has no end");
    const auto code = static_cast<unsigned char>(bytes_[at_++]);
    if (code == '.') break;
    if (!step_value(code) && !step_container(code) && !step_other(code)) refuse(code);
  }
  pickle_.root = pop();
  if (!stack_.empty() || !marks_.empty() || at_ != bytes_.size()) {
    wrong("something is left over at the end of the pickle");
  }
  return std::move(pickle_);
}

}  // namespace

Pickle parse_pickle(std::string_view bytes, std::span<const std::string_view> allowed,
                    const Fail& fail) {
  return Machine(bytes, allowed, fail).run();
}

std::string integer_text(const PickleValue& value) {
  if (value.kind == Kind::integer) return fmt::format("{}", value.number);
  const bool negative = static_cast<signed char>(value.text.back()) < 0;
  __extension__ using Wide = __int128;
  if (value.text.size() <= sizeof(Wide)) {
    Wide number = negative ? -1 : 0;
    std::memcpy(&number, value.text.data(), value.text.size());
    return fmt::format("{}", number);
  }
  std::string text = "0x";
  for (std::size_t i = value.text.size(); i > 0; --i) {
    text += fmt::format("{:02x}", static_cast<unsigned char>(value.text[i - 1]));
  }
  return text;
}

std::string global_name(std::string_view text) {
  std::string name(text);
  std::replace(name.begin(), name.end(), ' ', '.');
  return name;
}

}  // namespace gradus::detail
