#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/module/detail/state_owner.h>

#include <array>
#include <string>

namespace gradus::detail {
namespace {

struct Owner {
  const char* key;  // in the metadata
  const char* name;
};
constexpr std::array<Owner, 6> owners = {{{"optimizer", "an optimizer"},
                                          {"scheduler.epoch", "an LRScheduler"},
                                          {"plateau.best", "a ReduceLROnPlateau"},
                                          {"averages.updates", "AveragedParameters"},
                                          {"early_stopping.best", "an EarlyStopping"},
                                          {"best_weights.kept", "BestWeights"}}};

// "model, optimizer" from "model,optimizer".
std::string spaced(const std::string& names) {
  std::string text;
  for (const char c : names) text += c == ',' ? ", " : std::string(1, c);
  return text;
}

// Empty if the metadata do not tell.
std::string owner_of(const StateDict& state) {
  for (const auto& [key, name] : owners) {
    if (state.metadata.contains(key)) return name;
  }
  return "";
}

[[noreturn]] void refuse(std::string_view owner, std::string_view part, const StateDict& state) {
  if (const std::string* parts = state.metadata.find(checkpoint_key)) {
    throw Error(
        fmt::format("load_state_dict: the state is a checkpoint with the parts [{}], not the state "
                    "of {}: read it from the file with load_checkpoint({{{{\"{}\", {}}}}}, file, "
                    "{{.strict = false}})",
                    printable(spaced(*parts), std::string::npos), owner, part, part));
  }
  if (state.size() == 0 && state.metadata.empty()) {
    throw Error(fmt::format("load_state_dict: the state is empty, not that of {}", owner));
  }
  const std::string own = owner_of(state);
  throw Error(fmt::format(
      "load_state_dict: the state is that of {}, not of {}: pass what state_dict() of {} returned",
      own.empty() ? "a model" : own, owner, owner));
}

}  // namespace

void require_model_state(const StateDict& state) {
  if (state.metadata.contains(checkpoint_key) || !owner_of(state).empty()) {
    refuse("a model", "model", state);
  }
}

void require_state_of(std::string_view owner, std::string_view part, const StateDict& state,
                      std::string_view key) {
  if (!state.metadata.contains(key)) refuse(owner, part, state);
}

}  // namespace gradus::detail
