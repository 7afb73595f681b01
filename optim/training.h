#pragma once
#include <gradus/framework/module.h>
#include <gradus/framework/resize.h>
#include <gradus/framework/state_dict.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// Freezes the parameters whose path matches, or makes them trainable again, and returns how many
/// there are. In a pattern `*` stands for any characters and `?` for one: "encoder.*.bias". Throws
/// ValueError listing the paths if none matches.
GRADUS_API std::int64_t freeze(const std::vector<NamedParameter>& parameters,
                               std::string_view pattern);
GRADUS_API std::int64_t unfreeze(const std::vector<NamedParameter>& parameters,
                                 std::string_view pattern);

/// Splits parameters by depth: into those whose path matches the first pattern, the next, ..., and
/// those that match none, last. Each parameter is in one list, that of the first pattern it
/// matches. Throws ValueError for a pattern that no parameter is left for.
GRADUS_API std::vector<std::vector<NamedParameter>> split_by_pattern(
    const std::vector<NamedParameter>& parameters, const std::vector<std::string>& patterns);

/// Groups for an optimizer with rates by depth: layers that match patterns[i], listed from the
/// input on, get lr decay^(n - i); parameters that match none, the head, get lr itself.
/// Source: Howard and Ruder 2018, Universal language model fine-tuning, section 3.2.
template <class Group>
std::vector<Group> groups_by_depth(const std::vector<NamedParameter>& parameters,
                                   const std::vector<std::string>& patterns,
                                   decltype(Group::options) options, double decay) {
  std::vector<Group> groups;
  std::vector<std::vector<NamedParameter>> lists = split_by_pattern(parameters, patterns);
  for (auto list = lists.rbegin(); list != lists.rend(); ++list) {
    if (!list->empty()) groups.insert(groups.begin(), Group{*list, options});
    options.lr *= decay;
  }
  return groups;
}

/// Throws ValueError naming what is not finite first: the loss, or the parameter with a gradient
/// that has NaN or an infinity, its row or element and value. Frozen parameters are left out.
GRADUS_API void check_finite(const Tensor& loss, const std::vector<NamedParameter>& parameters);

/// Writes `state` to a .safetensors file as save() does, unless a float tensor in it is not finite:
/// then it throws ValueError naming the tensor, and the last file stays.
GRADUS_API void save_checkpoint(const StateDict& state, const std::string& path);

/// Gradients of a big batch from small ones: the sum of losses is propagated, and divided once, by
/// the count of all that was summed over (tokens, not batches).
///   for (const Batch& part : parts) accumulator.backward(sum_of_losses(part), part.tokens);
///   const double mean = accumulator.finish();
///   optimizer.step();
class GRADUS_API GradientAccumulator {
 public:
  explicit GradientAccumulator(std::vector<NamedParameter> parameters);

  /// Runs backward from a loss [] that is a sum over `count` items. Throws ValueError if count is
  /// negative.
  void backward(const Tensor& sum, std::int64_t count);
  /// Divides the gradients of trainable parameters by the count so far, which starts again at 0,
  /// and returns the mean loss. With a count of 0 it changes nothing and returns 0.
  double finish();

 private:
  std::vector<NamedParameter> parameters_;
  double sum_ = 0;
  std::int64_t count_ = 0;
};

/// A running average of parameters, for evaluation: exponential, or, with decay 0, the plain mean
/// of all updates (stochastic weight averaging). Every row of a table is averaged, whatever the
/// kind of its gradient. Frozen parameters are copied. Source: Izmailov et al. 2018, Averaging
/// weights leads to wider optima and better generalization.
class GRADUS_API AveragedParameters : public RowFollower {
 public:
  /// Throws ValueError unless decay is in [0, 1).
  AveragedParameters(std::vector<NamedParameter> parameters, double decay);

  /// a = w at first, then a = decay a + (1 - decay) w; with decay 0, a += (w - a) / n.
  void update();
  std::int64_t updates() const { return updates_; }
  /// Exchanges the values of parameters and averages: once to evaluate, once to go on. Throws
  /// ValueError before the first update.
  void swap();

  /// The averages by path, copied; the number of updates in the metadata.
  StateDict state_dict() const;
  /// Replaces them. Throws, having changed nothing, IndexError for a path that is missing,
  /// ShapeError or DTypeError naming the tensor.
  void load_state_dict(const StateDict& state);

  /// For resize_rows(): averages follow their rows; those of new rows start at their values.
  std::function<void()> follow_rows(const Tensor& parameter, const RowPlan& plan) override;

 private:
  std::vector<NamedParameter> parameters_;
  std::vector<Tensor> averages_;
  double decay_;
  std::int64_t updates_ = 0;
};

}  // namespace gradus
