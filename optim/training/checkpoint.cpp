#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/detail/state_owner.h>
#include <gradus/optim/detail/finite.h>
#include <gradus/optim/training/checkpoint.h>
#include <gradus/optim/training/detail/checkpoint_file.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <map>
#include <set>
#include <string_view>

namespace gradus {

struct CheckpointAccess {
  using Order = CheckpointPart::Order;
  static bool is_text(const CheckpointPart& part) { return part.is_text_; }
  static StateDict save(const CheckpointPart& part) { return part.save_(); }
  static void load(const CheckpointPart& part, const StateDict& state) { part.load_(state); }
  static Order order(const CheckpointPart& part) { return part.order_; }
  static bool is_model(const CheckpointPart& part) { return part.order_ == Order::model; }
};

namespace {

using detail::checkpoint_format_key;
using detail::checkpoint_key;
using detail::CheckpointFile;

constexpr std::int64_t newest_format = 1;

// A part that is a single value is stored under its own name.
std::string key_of(const std::string& part, const std::string& key) {
  return key.empty() ? part : part + "." + key;
}

StateDict state_of(const std::vector<CheckpointPart>& run) {
  StateDict all;
  std::vector<std::string> names;
  for (const CheckpointPart& part : run) {
    const StateDict state = CheckpointAccess::save(part);
    for (const StateEntry& entry : state) {
      all.set(key_of(part.name(), entry.name), entry.tensor, entry.frozen);
    }
    for (const auto& [key, text] : state.metadata) all.metadata[key_of(part.name(), key)] = text;
    names.push_back(part.name());
  }
  all.metadata[checkpoint_key] = fmt::format("{}", fmt::join(names, ","));
  all.metadata[checkpoint_format_key] = fmt::to_string(newest_format);
  return all;
}

std::vector<std::string> texts_of(const std::vector<CheckpointPart>& run) {
  std::vector<std::string> names;
  for (const CheckpointPart& part : run) {
    if (CheckpointAccess::is_text(part)) names.push_back(part.name());
  }
  return names;
}

// Splits a name in the file into the part and the name in its state.
std::pair<std::string, std::string> split(const std::string& name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return {name, ""};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

std::vector<std::string> listed(const std::string& names) {
  std::vector<std::string> result;
  for (std::size_t begin = 0; begin < names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    result.push_back(names.substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

// The parts that are not the same, or an empty text.
std::string other_parts(const std::vector<CheckpointPart>& run, const CheckpointFile& file,
                        bool strict) {
  std::vector<std::string> missing, unexpected;
  std::set<std::string> wanted;
  for (const CheckpointPart& part : run) {
    if (file.parts.count(part.name()) == 0) missing.push_back(part.name());
    wanted.insert(part.name());
  }
  for (const auto& [part, state] : file.parts) {
    if (strict && wanted.count(part) == 0) unexpected.push_back(part);
  }
  if (missing.empty() && unexpected.empty()) return "";
  return fmt::format("has different parts: missing in it: [{}]; unexpected in it: [{}]",
                     detail::printable_names(missing), detail::printable_names(unexpected));
}

StateDict deep_copy(const StateDict& state) {
  StateDict copy;
  for (const StateEntry& entry : state) copy.set(entry.name, entry.tensor.clone(), entry.frozen);
  copy.metadata = state.metadata;
  return copy;
}

// What a part was, to restore it. Loading writes only into the tensors of models, and not if it
// fails, so a single model needs no copy.
using Before = std::vector<std::pair<CheckpointPart, StateDict>>;

Before before(const std::vector<CheckpointPart>& parts) {
  const bool copies = std::count_if(parts.begin(), parts.end(), CheckpointAccess::is_model) > 1;
  Before states;
  for (const CheckpointPart& part : parts) {
    if (!CheckpointAccess::is_model(part)) {
      states.emplace_back(part, CheckpointAccess::save(part));
    } else if (copies) {
      states.emplace_back(part, deep_copy(CheckpointAccess::save(part)));
    }
  }
  return states;
}

// Restores every part that can be restored; the error that made it necessary is the one to report.
void put_back(const Before& states) {
  for (const auto& [part, state] : states) {
    try {
      CheckpointAccess::load(part, state);
    } catch (...) {  // a user's part that refuses even its own state: go on with the others
    }
  }
}

// Everything that does not fit, to be thrown as one error.
class Differences {
 public:
  explicit Differences(std::string parts) : parts_(std::move(parts)) {}

  bool empty() const { return parts_.empty() && texts_.empty(); }
  void add(const std::string& part, const Error& error) {
    std::string_view text = error.what();
    for (const std::string_view operation : {"load_state_dict: ", "load_checkpoint: "}) {
      if (text.starts_with(operation)) text.remove_prefix(operation.size());
    }
    texts_.push_back(text.starts_with(part) ? std::string(text)
                                            : fmt::format("{}: {}", part, text));
    only_ = std::current_exception();
  }
  // The error of a single part keeps its type.
  [[noreturn]] void raise(const std::string& path) const {
    if (parts_.empty() && texts_.size() == 1) std::rethrow_exception(only_);
    if (texts_.empty()) {
      throw Error(
          fmt::format("load_checkpoint: {} {}: name the same parts, or leave some out with "
                      ".strict = false",
                      path, parts_));
    }
    throw Error(fmt::format("load_checkpoint: {} {}{}{}", path,
                            parts_.empty() ? "is that of another run: " : parts_,
                            parts_.empty() ? "" : "; ", fmt::join(texts_, "; ")));
  }

 private:
  std::string parts_;
  std::vector<std::string> texts_;
  std::exception_ptr only_;
};

// Loads a part. If the run will not be loaded, a model is only looked at.
void load_part(const CheckpointPart& part, const StateDict& state, bool goes_on) {
  if (goes_on || !CheckpointAccess::is_model(part)) return CheckpointAccess::load(part, state);
  const StateDict old = deep_copy(CheckpointAccess::save(part));
  CheckpointAccess::load(part, state);
  CheckpointAccess::load(part, old);
}

// The tensor of a part that is a tensor.
const Tensor& tensor_in(const StateDict& state, const std::string& part) {
  if (const StateEntry* entry = state.find("")) return entry->tensor;
  throw FormatError(fmt::format("load_checkpoint: {} is not a tensor in this file", part));
}

// The text of a part that is a number.
const std::string& number_text(const StateDict& state, const std::string& part) {
  const std::string* text = state.metadata.find("");
  if (text != nullptr) return *text;
  throw FormatError(fmt::format("load_checkpoint: {} is not a number in this file", part));
}

template <class Number>
bool parse(const std::string& text, Number& value) {
  return detail::parse_number(text, value) == detail::NumberText::number;
}

template <class Integer>
Integer integer_in(const StateDict& state, const std::string& part, Integer least, Integer most) {
  const std::string& text = number_text(state, part);
  const auto in_range = [&](auto value) {
    return std::cmp_greater_equal(value, least) && std::cmp_less_equal(value, most);
  };
  std::int64_t small = 0;
  std::uint64_t large = 0;  // for values above the range of int64
  if (parse(text, small)) {
    if (in_range(small)) return static_cast<Integer>(small);
  } else if (parse(text, large)) {
    if (in_range(large)) return static_cast<Integer>(large);
  } else {
    throw FormatError(fmt::format("load_checkpoint: {} is '{}', not a 64-bit integer", part,
                                  detail::printable(text)));
  }
  throw FormatError(
      fmt::format("load_checkpoint: {} is {}, outside [{}, {}]: load it into a wider type", part,
                  detail::printable(text), least, most));
}

double double_in(const StateDict& state, const std::string& part) {
  const std::string& text = number_text(state, part);
  double value = 0;
  if (parse(text, value)) return value;
  throw FormatError(
      fmt::format("load_checkpoint: {} is '{}', not a number", part, detail::printable(text)));
}

float float_in(const StateDict& state, const std::string& part) {
  const double value = double_in(state, part);
  const bool finite_above =
      std::isfinite(value) && std::abs(value) > std::numeric_limits<float>::max();
  const float result = finite_above ? 0.0F : static_cast<float>(value);
  if (static_cast<double>(result) == value || std::isnan(value)) return result;
  throw FormatError(fmt::format(
      "load_checkpoint: {} is {}, which is not a float: load it into a double", part, value));
}

}  // namespace

CheckpointPart::CheckpointPart(std::string name, const Module& model)
    : CheckpointPart(
          std::move(name), Order::model, [model] { return model.state_dict(); },
          [model](const StateDict& state) { model.load_state_dict(state); }) {}

CheckpointPart::CheckpointPart(const std::string& name, Generator& generator)
    : CheckpointPart(
          name, Order::first,
          [&generator] {
            StateDict state;
            state.set("", generator.state());
            return state;
          },
          [&generator, name](const StateDict& state) {
            generator.set_state(tensor_in(state, name));
          }) {}

StateDict CheckpointPart::text_state(std::string text) {
  StateDict state;
  state.metadata[""] = std::move(text);
  return state;
}

std::int64_t CheckpointPart::signed_in(const StateDict& state, const std::string& part,
                                       std::int64_t least, std::int64_t most) {
  return integer_in(state, part, least, most);
}

std::uint64_t CheckpointPart::unsigned_in(const StateDict& state, const std::string& part,
                                          std::uint64_t most) {
  return integer_in(state, part, std::uint64_t{0}, most);
}

CheckpointPart::CheckpointPart(const std::string& name, double& number)
    : CheckpointPart(
          name, Order::first, [&number] { return text_state(fmt::to_string(number)); },
          [&number, name](const StateDict& state) { number = double_in(state, name); }) {}

// Saved as the double of the same value, so that it can be loaded into either type.
CheckpointPart::CheckpointPart(const std::string& name, float& number)
    : CheckpointPart(
          name, Order::first,
          [&number] { return text_state(fmt::to_string(static_cast<double>(number))); },
          [&number, name](const StateDict& state) { number = float_in(state, name); }) {}

CheckpointPart::CheckpointPart(const std::string& name, Tensor& tensor)
    : CheckpointPart(
          name, Order::first,
          [&tensor] {
            StateDict state;
            if (tensor.defined()) state.set("", tensor);
            return state;
          },
          [&tensor, name](const StateDict& state) {
            const bool undefined = state.size() == 0 && state.metadata.empty();
            tensor = undefined ? Tensor() : tensor_in(state, name);
          }) {}

namespace {

void write_finite(const StateDict& state, const std::string& path, const SaveOptions& options) {
  for (const StateEntry& entry : state) {
    if (!entry.tensor.defined()) {
      throw ValueError(
          fmt::format("save_checkpoint: {} is undefined: {} stays as it was", entry.name, path));
    }
    if (!is_floating(entry.tensor.dtype())) continue;
    const std::int64_t bad = detail::first_not_finite(entry.tensor);
    if (bad < 0) continue;
    throw ValueError(fmt::format("save_checkpoint: {} {} is {} in element {}: {} stays as it was",
                                 entry.name, entry.tensor.shape().str(),
                                 detail::element(entry.tensor, bad), bad, path));
  }
  for (const auto& [key, text] : state.metadata) {
    if (text != "nan" && text != "-nan") continue;
    throw ValueError(fmt::format("save_checkpoint: {} is {}: {} stays as it was", key, text, path));
  }
  save(state, path, options);
}

// Of a file that does not say so, 1.
std::int64_t format_of(const StateDict& state, const std::string& path) {
  const std::string* text = state.metadata.find(checkpoint_format_key);
  if (text == nullptr) return 1;
  std::int64_t format = 0;
  if (parse(*text, format) && format > 0) return format;
  throw FormatError(fmt::format("load_checkpoint: {} is of format '{}', not a number", path,
                                detail::printable(*text)));
}

}  // namespace

namespace detail {

void check_part_names(const char* operation, const std::vector<CheckpointPart>& run) {
  std::set<std::string> seen;
  for (const CheckpointPart& part : run) {
    const std::string& name = part.name();
    if (name.empty() || name == "gradus" || name.find_first_of(".,") != std::string::npos) {
      throw ValueError(
          fmt::format("{}: a part cannot be called '{}': a name must not be empty, contain a dot "
                      "or a comma, or be 'gradus'",
                      operation, name));
    }
    if (!seen.insert(name).second) {
      throw ValueError(fmt::format("{}: two parts are called {}", operation, name));
    }
  }
}

CheckpointFile read_checkpoint(const std::string& path) {
  const StateDict all = load(path);
  const std::string* names = all.metadata.find(checkpoint_key);
  if (names == nullptr) {
    throw FormatError(
        fmt::format("load_checkpoint: {} is not a checkpoint: save_checkpoint() did not write it: "
                    "read it with load()",
                    path));
  }
  CheckpointFile file{path, format_of(all, path)};
  if (file.format > newest_format) return file;
  for (const std::string& part : listed(*names)) file.parts[part];
  for (const StateEntry& entry : all) {
    const auto [part, name] = split(entry.name);
    file.parts[part].set(name, entry.tensor, entry.frozen);
  }
  for (const auto& [key, dtype] : all.left_out) {
    const auto [part, name] = split(key);
    file.parts[part].left_out[name] = dtype;
  }
  for (const auto& [key, text] : all.metadata) {
    const auto [part, name] = split(key);
    if (!key.starts_with(checkpoint_key)) file.parts[part].metadata[name] = text;
  }
  return file;
}

void write_checkpoint(const std::vector<CheckpointPart>& run, const std::string& path,
                      const Metadata& further) {
  StateDict state = state_of(run);
  for (const auto& [key, text] : further) state.metadata[key] = text;
  write_finite(state, path, {.bytes = texts_of(run)});
}

void load_parts(const std::vector<CheckpointPart>& run, const CheckpointFile& file, bool strict) {
  if (file.format > newest_format) {
    throw Error(
        fmt::format("load_checkpoint: {} is a checkpoint of format {}, which a newer gradus "
                    "wrote, and this one reads formats up to {}: load it with that one",
                    file.path, file.format, newest_format));
  }
  Differences differences(other_parts(run, file, strict));
  std::vector<CheckpointPart> parts = run;
  std::stable_sort(parts.begin(), parts.end(),
                   [](const CheckpointPart& a, const CheckpointPart& b) {
                     return CheckpointAccess::order(a) < CheckpointAccess::order(b);
                   });
  const Before states = before(parts);
  try {
    for (const CheckpointPart& part : parts) {
      const auto state = file.parts.find(part.name());
      if (state == file.parts.end()) continue;
      try {
        load_part(part, state->second, differences.empty());
      } catch (const Error& error) {
        differences.add(part.name(), error);
      }
    }
    if (!differences.empty()) differences.raise(file.path);
  } catch (...) {
    put_back(states);
    throw;
  }
}

}  // namespace detail

void save_checkpoint(const std::vector<CheckpointPart>& run, const std::string& path) {
  detail::check_part_names("save_checkpoint", run);
  detail::write_checkpoint(run, path, {});
}

void load_checkpoint(const std::vector<CheckpointPart>& run, const std::string& path,
                     const LoadOptions& options) {
  detail::check_part_names("load_checkpoint", run);
  detail::load_parts(run, detail::read_checkpoint(path), options.strict);
}

void save_checkpoint(const StateDict& state, const std::string& path) {
  write_finite(state, path, {});
}

}  // namespace gradus
