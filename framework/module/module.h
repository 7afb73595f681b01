#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/module/state_dict.h>

#include <concepts>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

namespace gradus {

/// A parameter and its path in a model: "embedding.weight".
struct NamedParameter {
  std::string path;
  Parameter parameter;
};

/// The names that load_state_dict() could not match.
struct LoadResult {
  std::vector<std::string> missing;     ///< names of the model that the state lacks
  std::vector<std::string> unexpected;  ///< names of the state that the model lacks
};

struct LoadOptions {
  bool strict = true;  ///< missing or unexpected names are an error
};

/// What compilers report first if a layer is not initialised, or is assigned later. Layers have
///   GRADUS_TOO_LATE Linear();
///   template <class M>
///   GRADUS_TOO_LATE Linear& operator=(M&&);
#define GRADUS_TOO_LATE                                                        \
  GRADUS_UNAVAILABLE(                                                          \
      "initialise it in the constructor's initializer list, as in "            \
      "`: output(add(\"output\", Linear(4, 2)))`: a layer cannot be assigned " \
      "later, since parameters() would list the old one")

namespace detail {
struct ModuleNode;
struct ModuleAccess;
}  // namespace detail

/// Base of every layer and model: a handle to a named tree of parameters, buffers and submodules.
/// Copying a Module copies the handle: both are the same layer. A layer derives from Module,
/// registers what it owns in its constructor and defines operator():
///
///   struct TextClassifier : Module {
///     TextClassifier(const Embedding& table, int64_t classes)
///         : embedding(add("embedding", table)),
///           output(add("output", Linear(table.embedding_dim(), classes))) {}
///     Tensor operator()(const Tensor& tokens) const { return output(mean(embedding(tokens), 1)); }
///     const Embedding embedding;
///     const Linear output;
///   };
///
/// All state of a layer lives in what the handle points to, so its functions are const.
class GRADUS_API Module {
 public:
  Module();
  Module(const Module&) = default;
  Module(Module&&) = default;
  ~Module();
  /// Deleted: operator() would use the new layer while parameters() lists the old one. Initialise a
  /// layer in the initializer list of a constructor, as above, not in its body. To change weights,
  /// use load_state_dict() or copy_state().
  Module& operator=(const Module&) = delete;  // initialise it in the initializer list
  Module& operator=(Module&&) = delete;       // initialise it in the initializer list

  /// All parameters of the tree, including frozen ones; a shared one is listed once, under the
  /// first of its paths.
  std::vector<NamedParameter> parameters() const;
  /// Number of elements of all parameters(), or of the trainable ones only.
  std::int64_t num_parameters(bool trainable_only = false) const;

  /// All parameters and buffers by path (a shared parameter under each of its paths). The tensors
  /// are handles to the model's own: snapshot() copies.
  StateDict state_dict() const;
  /// Copies values into the parameters and buffers, in place, so that shared ones stay shared, and
  /// restores the frozen flags that the state carries. Everything is checked before anything is
  /// written. Throws one error that lists everything that is wrong: names that are missing,
  /// unexpected (if strict) and perhaps renamed, shapes and dtypes that differ, parameters that are
  /// mapped from a file. It is a ShapeError if a shape is wrong, else a DTypeError, a ValueError or
  /// an Error. Throws Error also, strict or not, for a whole checkpoint and for the state of an
  /// optimizer, which load_checkpoint() reads.
  LoadResult load_state_dict(const StateDict& state, const LoadOptions& options = {}) const;

  /// Sets training mode for the whole tree.
  void train(bool training = true) const;
  void eval() const { train(false); }
  bool is_training() const;

  /// Freezes or unfreezes every parameter of the tree. Throws ValueError, having changed nothing,
  /// if a parameter to unfreeze is mapped from a file.
  void set_trainable(bool trainable) const;
  /// Drops the gradients of all parameters.
  void zero_grad() const;
  /// Converts all float parameters and buffers, in place; drops their gradients. One that was
  /// mapped from a file becomes a copy in memory.
  void to(DType dtype) const;

  /// The tree, one line per layer, as PyTorch prints it. The root is shown as "Module", unless it
  /// has a name or description of its own; `std::cout << model` shows its type.
  std::string str() const;

 protected:
  /// A module that is shown under this name instead of that of its type.
  explicit Module(std::string_view name);

  /// Registers a submodule and returns it. Throws ValueError for a name that is empty, contains a
  /// dot or is taken, and for a module that is already part of this tree. For a list of layers, use
  /// a ModuleList.
  template <std::derived_from<Module> M>
  M add(std::string_view name, M module) {
    add_module(name, module, typeid(M));
    return module;
  }
  /// Registers a leaf tensor as a parameter; it becomes trainable unless `trainable` is false.
  /// Throws ValueError, as add_buffer() does, for a name that add() refuses and for an undefined
  /// tensor.
  Parameter add_parameter(std::string_view name, const Tensor& tensor, bool trainable = true);
  /// Registers a parameter of another layer here too (tied weights); it keeps its frozen flag.
  Parameter add_parameter(std::string_view name, const Parameter& shared);
  /// Registers a tensor that is saved and loaded but not trained.
  Tensor add_buffer(std::string_view name, const Tensor& tensor);
  /// Sets how str() shows this layer: "Linear(in_features=4, out_features=2)".
  void set_description(std::function<std::string()> describe);

 private:
  friend struct detail::ModuleAccess;
  /// Throws Error if this handle was moved from.
  detail::ModuleNode& node() const;
  void add_module(std::string_view name, const Module& module, const std::type_info& type);

  std::shared_ptr<detail::ModuleNode> node_;
};

namespace detail {
GRADUS_API void write(std::ostream& out, const Module& module, const std::type_info& type);
}  // namespace detail

/// Writes str(), with the type of the root.
template <std::derived_from<Module> M>
std::ostream& operator<<(std::ostream& out, const M& module) {
  detail::write(out, module, typeid(M));
  return out;
}

/// A deep copy of the state of a model, for restore(), to keep the best weights of a run. Tensors
/// that are mapped from a file, which cannot change, are not copied.
GRADUS_API StateDict snapshot(const Module& module);
/// Restores the values of a snapshot; frozen flags stay as they are.
GRADUS_API void restore(const Module& module, const StateDict& state);
/// Copies the values of all parameters and buffers of one model into another of the same structure.
GRADUS_API void copy_state(const Module& from, const Module& to);

/// Throws AutogradError naming the shapes of the trainable leaves that `loss` was computed from and
/// that model.parameters() lacks: a layer that was never registered would not be trained.
GRADUS_API void check_registered(const Tensor& loss, const Module& model);

}  // namespace gradus
