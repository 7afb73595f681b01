#pragma once
#include <gradus/framework/module/resize.h>
#include <gradus/framework/module/state_dict.h>
#include <gradus/optim/optimizer.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace gradus::detail {

/// Saves, loads and moves what an optimizer keeps, along with the rows of a table. The functions do
/// what Optimizer's functions of similar names promise.
struct OptimizerState {
  static StateDict save(const Optimizer& optimizer);
  static void load(Optimizer& optimizer, const StateDict& state);
  static std::function<void()> follow_rows(Optimizer& optimizer, const Tensor& parameter,
                                           const RowPlan& plan);
  /// All parameters that an optimizer updates.
  static std::vector<NamedParameter> parameters(const Optimizer& optimizer);

 private:
  using Slot = Optimizer::Slot;

  static void save_slot(const Optimizer& optimizer, const Slot& slot, StateDict& state);
  static void check_entries(const Optimizer& optimizer, const StateDict& state);
  static void load_options(Optimizer& optimizer, const StateDict& state);
  static Slot::State load_slot(const Optimizer& optimizer, const Slot& slot, const StateDict& state,
                               std::vector<std::string>& missing);
  static bool has_rows(const Optimizer& optimizer, std::size_t i, const Shape& parameter);
  static Tensor moved_buffer(const Optimizer& optimizer, const Slot& slot, std::size_t i,
                             const RowPlan& plan);
};

}  // namespace gradus::detail
