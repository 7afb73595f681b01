#pragma once
#include <gradus/framework/detail/moved_from.h>
#include <gradus/framework/module.h>

#include <cstdint>
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
  detail::MovedFrom moved_;
};

}  // namespace gradus
