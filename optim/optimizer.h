#pragma once
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/module/resize.h>
#include <gradus/framework/module/state_dict.h>
#include <gradus/optim/options.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace gradus {

/// Parameters that are trained with the same options.
template <class Options>
struct ParameterGroup {
  std::vector<NamedParameter> parameters;
  Options options = {};
};

/// What distinguishes an optimizer besides its rule.
struct OptimizerInfo {
  const char* name;                  ///< what error messages start with
  std::vector<const char*> buffers;  ///< the tensors kept, at most 4
  std::vector<OptionField> options;  ///< of the object that the info was asked for
};

namespace detail {
struct OptimizerState;
}

/// Updates parameters along their gradients. It has groups of parameters with options, and one
/// rule, which is applied to the whole array of a parameter if its gradient is dense, and to the
/// rows present if it is sparse.
///
/// step() skips a parameter that has no gradient, and one that is frozen, whatever gradient it
/// still holds: no decay, no momentum, no state. State that was kept for it is used again once it
/// is unfrozen. State belongs to the parameter, not to its storage: changing values keeps it.
///
/// Every function of an optimizer that was moved from throws Error.
///
/// A new optimizer derives from OptimizerWith.
class GRADUS_API Optimizer : public RowFollower {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  Optimizer(Optimizer&&) = default;
  Optimizer& operator=(Optimizer&&) = default;
  ~Optimizer() override;

  /// Updates every trainable parameter that has a gradient. Everything is checked before anything
  /// changes. Warns once if all parameters are frozen, and once if none has a gradient.
  /// Throws AutogradError naming a parameter whose gradient is of a kind that the rule does not
  /// take, ShapeError if a parameter no longer has the shape of what is kept for it.
  void step();

  /// Drops the gradients of all parameters. With set_to_none = false a dense gradient becomes zeros
  /// and a sparse one empty (nnz 0); zeros still let momentum, decay and Adam move a parameter.
  void zero_grad(bool set_to_none = true) const;

  std::int64_t num_groups() const {
    check_not_moved();
    return num_groups_;
  }
  /// Throws IndexError for a group that does not exist, as do all functions that take one.
  double lr(std::int64_t group = 0) const;
  /// Sets the learning rate of all groups. Throws ValueError if it is negative or not finite.
  void set_lr(double lr);
  void set_lr(std::int64_t group, double lr);

  /// Any option of a group, by its name in state_dict(): `betas.0` for a member of an array; a flag
  /// is 0 or 1. Throw ValueError, having changed nothing, for an unknown name (listing the known
  /// ones) and an invalid value.
  double option(std::string_view name, std::int64_t group = 0) const;
  void set_option(std::string_view name, double value, std::int64_t group = 0);
  bool has_option(std::string_view name, std::int64_t group = 0) const;

  /// What resuming needs: the buffers, as `<path>.<buffer>` (handles, not copies), and, in the
  /// metadata, the options and step counts.
  virtual StateDict state_dict() const;
  /// Replaces options and everything kept by copies of what `state` holds, before the first step or
  /// later. Throws, having changed nothing, Error if the state is that of a model or of another
  /// optimizer or has different groups or parameters, ShapeError or DTypeError if tensors differ;
  /// one error lists all of these. Throws FormatError for a text that is not a number.
  virtual void load_state_dict(const StateDict& state);

  /// For resize_rows(): what is kept for the rows of a parameter follows them, new rows start as in
  /// a new optimizer, and the step count of the parameter continues.
  std::function<void()> follow_rows(const Tensor& parameter, const RowPlan& plan) override;

 protected:
  static constexpr std::size_t max_buffers = 4;

  /// A parameter and what is kept for it.
  struct Slot {
    const Parameter& parameter() const { return target.parameter; }
    const Gradient& gradient() const { return target.parameter.grad(); }

    NamedParameter target;
    std::int64_t group;
    struct State {
      std::int64_t steps = 0;  // updates so far; the rule counts
      double product = 1;      // of factors that change with each step, if the rule has any
      std::array<Tensor, max_buffers> buffers;
    } state;
  };

  /// Each buffer has the parameter's dtype and, unless buffer_shape says otherwise, its shape.
  explicit Optimizer(OptimizerInfo info);

  /// Appends a group. Throws, having added nothing, ValueError for an empty list and for a
  /// parameter or path that is listed twice, DTypeError for one that is not a float tensor,
  /// AutogradError for one that an op made.
  void append_group(const std::vector<NamedParameter>& parameters);
  void check_group(std::int64_t group) const;
  /// Throws Error if this optimizer was moved from.
  void check_not_moved() const { moved_.check(name_); }
  /// Notes that a step is made, and warns if it has nothing to do. For optimizers that have their
  /// own step().
  void begin_step();
  const char* name() const { return name_; }
  const std::vector<Slot>& slots() const { return slots_; }

  /// True if the options of a group need this buffer; always, unless overridden.
  virtual bool uses_buffer(std::size_t buffer, std::int64_t group) const;
  /// What a buffer is initially filled with; 0, unless overridden.
  virtual double buffer_start(std::size_t buffer, std::int64_t group) const;
  virtual Shape buffer_shape(std::size_t buffer, const Shape& parameter) const;
  /// A buffer that has no rows of its own, when the parameter gets other rows: the same, unless
  /// overridden.
  virtual Tensor buffer_of_new_rows(std::size_t buffer, const Slot& slot,
                                    const RowPlan& plan) const;
  /// Throws if the rule cannot use this gradient; a sparse one, unless overridden.
  virtual void check_gradient(const Slot& slot) const;
  /// Applies the rule to one parameter; its buffers exist.
  virtual void update(Slot& slot) = 0;

  virtual std::vector<OptionField> fields(std::int64_t group) = 0;
  /// Throws ValueError if the options of a group are invalid.
  virtual void check_fields(std::int64_t group) const = 0;

  /// Throws AutogradError `<name>: <problem> and the gradient of '<path>' is sparse: <cure>`.
  [[noreturn]] void throw_sparse(const Slot& slot, std::string_view problem,
                                 std::string_view cure) const;
  /// Throws this error if the gradient is sparse and weight_decay is not 0.
  void require_no_sparse_decay(const Slot& slot, double weight_decay) const;

 private:
  friend class LRScheduler;
  friend struct detail::OptimizerState;

  OptionField field(std::string_view name, std::int64_t group) const;
  void check_buffer(const Slot& slot, std::size_t i) const;
  Tensor new_buffer(const Slot& slot, std::size_t i) const;
  void make_buffers(Slot& slot) const;
  void check_slot(const Slot& slot) const;
  void warn_of_idle_step();

  const char* name_;
  std::vector<const char*> buffer_names_;
  std::vector<Slot> slots_;
  std::int64_t num_groups_ = 0;
  detail::MovedFrom moved_;
  bool has_stepped_ = false;  // or has loaded a state
  bool warned_frozen_ = false, warned_no_gradient_ = false;
};

/// An optimizer whose groups have `Options`: an aggregate with a member `double lr`, for which
///   OptimizerInfo optimizer_info(Options&);
/// is declared and, for what the checks of single options cannot see,
///   void check_options(const Options&);   // throws ValueError
/// Only update() must still be written: see docs/optimizers.md.
template <class Options>
class GRADUS_API OptimizerWith : public Optimizer {
 public:
  /// Throws ValueError for an empty list, a parameter or path that is listed twice, and invalid
  /// options.
  explicit OptimizerWith(const std::vector<NamedParameter>& parameters, const Options& options = {})
      : OptimizerWith(std::vector<ParameterGroup<Options>>{{parameters, options}}) {}
  explicit OptimizerWith(const std::vector<ParameterGroup<Options>>& groups)
      : Optimizer(info_of(Options{})) {
    if (groups.empty()) append_group({});  // throws
    for (const ParameterGroup<Options>& group : groups) add_group(group.parameters, group.options);
  }

  const Options& options(std::int64_t group = 0) const {
    check_group(group);
    return options_[static_cast<std::size_t>(group)];
  }
  /// Throws ValueError if the options are invalid.
  void set_options(std::int64_t group, const Options& options) {
    check_group(group);
    check(options);
    options_[static_cast<std::size_t>(group)] = options;
  }
  /// Adds parameters with their own options, at any time. Throws as the constructor does.
  void add_group(const std::vector<NamedParameter>& parameters, const Options& options = {}) {
    check(options);
    options_.reserve(options_.size() + 1);
    append_group(parameters);
    options_.push_back(options);
  }

 protected:
  const Options& options_of(const Slot& slot) const {
    return options_[static_cast<std::size_t>(slot.group)];
  }
  std::vector<OptionField> fields(std::int64_t group) final {
    return optimizer_info(options_[static_cast<std::size_t>(group)]).options;
  }
  void check_fields(std::int64_t group) const final { check(options(group)); }

 private:
  static OptimizerInfo info_of(Options options) {
    OptimizerInfo info = optimizer_info(options);
    info.options.clear();  // they refer to the copy
    return info;
  }
  static void check(Options options) {
    const OptimizerInfo info = optimizer_info(options);
    detail::check_fields(info.name, info.options);
    if constexpr (requires { check_options(options); }) check_options(options);
  }

  std::vector<Options> options_;
};

}  // namespace gradus
