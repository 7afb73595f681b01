#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/detail/state_owner.h>
#include <gradus/optim/detail/finite.h>
#include <gradus/optim/training/checkpoint.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace gradus {

struct CheckpointAccess {
  using Order = CheckpointPart::Order;
  static StateDict save(const CheckpointPart& part) { return part.save_(); }
  static void load(const CheckpointPart& part, const StateDict& state) { part.load_(state); }
  static Order order(const CheckpointPart& part) { return part.order_; }
  static bool is_model(const CheckpointPart& part) { return part.order_ == Order::model; }
};

namespace {

using detail::checkpoint_key;

// A part that is a single value is stored under its own name.
std::string key_of(const std::string& part, const std::string& key) {
  return key.empty() ? part : part + "." + key;
}

void check_names(const char* operation, const std::vector<CheckpointPart>& run) {
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
  return all;
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

// What a checkpoint holds, by part.
std::map<std::string, StateDict> read(const std::string& path) {
  const StateDict all = load(path);
  const std::string* names = all.metadata.find(checkpoint_key);
  if (names == nullptr) {
    throw FormatError(
        fmt::format("load_checkpoint: {} is not a checkpoint: save_checkpoint() did not write it: "
                    "read it with load()",
                    path));
  }
  std::map<std::string, StateDict> parts;
  for (const std::string& part : listed(*names)) parts[part];
  for (const StateEntry& entry : all) {
    const auto [part, name] = split(entry.name);
    parts[part].set(name, entry.tensor, entry.frozen);
  }
  for (const auto& [key, text] : all.metadata) {
    const auto [part, name] = split(key);
    if (key != checkpoint_key) parts[part].metadata[name] = text;
  }
  return parts;
}

void check_parts(const std::vector<CheckpointPart>& run,
                 const std::map<std::string, StateDict>& saved, const std::string& path,
                 bool strict) {
  std::vector<std::string> missing, unexpected;
  std::set<std::string> wanted;
  for (const CheckpointPart& part : run) {
    if (saved.count(part.name()) == 0) missing.push_back(part.name());
    wanted.insert(part.name());
  }
  for (const auto& [part, state] : saved) {
    if (strict && wanted.count(part) == 0) unexpected.push_back(part);
  }
  if (missing.empty() && unexpected.empty()) return;
  throw Error(
      fmt::format("load_checkpoint: {} has different parts: missing in it: [{}]; unexpected in it: "
                  "[{}]: name the same parts, or leave some out with .strict = false",
                  path, detail::printable_names(missing), detail::printable_names(unexpected)));
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

void save_checkpoint(const std::vector<CheckpointPart>& run, const std::string& path) {
  check_names("save_checkpoint", run);
  save_checkpoint(state_of(run), path);
}

void load_checkpoint(const std::vector<CheckpointPart>& run, const std::string& path,
                     const LoadOptions& options) {
  check_names("load_checkpoint", run);
  const std::map<std::string, StateDict> saved = read(path);
  check_parts(run, saved, path, options.strict);
  std::vector<CheckpointPart> parts = run;
  std::stable_sort(parts.begin(), parts.end(),
                   [](const CheckpointPart& a, const CheckpointPart& b) {
                     return CheckpointAccess::order(a) < CheckpointAccess::order(b);
                   });
  const Before states = before(parts);
  try {
    for (const CheckpointPart& part : parts) CheckpointAccess::load(part, saved.at(part.name()));
  } catch (...) {
    put_back(states);
    throw;
  }
}

void save_checkpoint(const StateDict& state, const std::string& path) {
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
  save(state, path);
}

}  // namespace gradus
