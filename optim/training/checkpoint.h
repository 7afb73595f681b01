#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/module/state_dict.h>
#include <gradus/framework/text/vocabulary.h>
#include <gradus/optim/optimizer.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace gradus {

/// Something that has a state, as optimizers, schedulers and averages do: load_state_dict()
/// restores what state_dict() returned, and checks all of it before anything changes.
template <class T>
concept Stateful = !std::derived_from<T, Module> && requires(T & part, const StateDict& state) {
  { part.state_dict() } -> std::same_as<StateDict>;
  part.load_state_dict(state);
};

/// A part of a training run, with its name in a checkpoint. It refers to what it was made from,
/// which must outlive it.
class GRADUS_API CheckpointPart {
 public:
  CheckpointPart(std::string name, const Module& model);
  /// An Optimizer, LRScheduler, ReduceLROnPlateau, AveragedParameters, or a type of your own.
  template <Stateful T>
  CheckpointPart(std::string name, T& part)
      : CheckpointPart(
            std::move(name), std::derived_from<T, Optimizer> ? Order::optimizer : Order::first,
            [&part] { return part.state_dict(); },
            [&part](const StateDict& state) { part.load_state_dict(state); }) {}
  CheckpointPart(const std::string& name, Generator& generator);
  /// A count: of steps, of epochs. Loading throws FormatError for a count that T cannot hold.
  template <std::integral T>
  requires(!std::is_const_v<T>) CheckpointPart(const std::string& name, T& count)
      : CheckpointPart(
            name, Order::first, [&count] { return text_state(std::to_string(count)); },
            [&count, name](const StateDict& state) {
              using Range = std::numeric_limits<T>;
              if constexpr (std::is_signed_v<T>) {
                count = static_cast<T>(signed_in(state, name, Range::min(), Range::max()));
              } else {
                count = static_cast<T>(unsigned_in(state, name, Range::max()));
              }
            }) {}
  /// A number: the best loss so far. Loading throws FormatError for a number that a float cannot
  /// hold.
  CheckpointPart(const std::string& name, double& number);
  CheckpointPart(const std::string& name, float& number);
  /// A tensor, which loading replaces: the order of the examples of an epoch. One that was
  /// undefined, as before the first epoch, is undefined again. Loading throws FormatError for a
  /// part of another kind.
  CheckpointPart(const std::string& name, Tensor& tensor);

  /// A vocabulary, as a text of bytes. Loading changes nothing: it throws Error for a checkpoint of
  /// another vocabulary, naming what differs. checkpoint_vocabulary() reads it.
  CheckpointPart(const std::string& name, const Vocabulary& vocabulary);

  const std::string& name() const { return name_; }

 private:
  friend struct CheckpointAccess;
  /// When a part is loaded: whatever sets rates goes before the optimizers, whose state has the
  /// rates that were in force; models go last, since loading writes into them.
  enum class Order { first, optimizer, model };
  CheckpointPart(std::string name, Order order, std::function<StateDict()> save,
                 std::function<void(const StateDict&)> load)
      : name_(std::move(name)), order_(order), save_(std::move(save)), load_(std::move(load)) {}

  static StateDict text_state(std::string text);
  static std::int64_t signed_in(const StateDict& state, const std::string& part, std::int64_t least,
                                std::int64_t most);
  static std::uint64_t unsigned_in(const StateDict& state, const std::string& part,
                                   std::uint64_t most);

  std::string name_;
  Order order_;
  bool is_text_ = false;  // its tensor is one of bytes
  std::function<StateDict()> save_;
  std::function<void(const StateDict&)> load_;
};

/// Writes a whole training run into one .safetensors file, from which it resumes bit for bit:
///   const std::vector<CheckpointPart> run = {{"model", model},         {"optimizer", optimizer},
///                                            {"scheduler", scheduler}, {"averages", averages},
///                                            {"generator", default_generator()}, {"step", step}};
///   if (std::filesystem::exists(path)) load_checkpoint(run, path);
///   for (; step < steps; ) { ...; ++step; save_checkpoint(run, path); }
/// Tensors are called `<part>.<name in its state>`: "model.embedding.weight". The file is replaced
/// as a whole, as by save(). Throws ValueError, leaving the last file in place, naming a tensor in
/// a state that is undefined, a float tensor that is not finite or a number that is NaN (a best
/// loss may be infinite); and for names of parts that are empty, contain a dot or a comma, or
/// appear twice.
GRADUS_API void save_checkpoint(const std::vector<CheckpointPart>& run, const std::string& path);

/// Restores what save_checkpoint() wrote, before the first step or later; doing so twice is the
/// same as once. Throws, having changed nothing, FormatError for a file that is not a checkpoint,
/// Error for one that a newer gradus wrote, for parts that are missing in it or, if strict,
/// unexpected, and for what loading the parts throws: one error lists everything that differs. If
/// that is a single part, the error is that of its loading, in its type.
GRADUS_API void load_checkpoint(const std::vector<CheckpointPart>& run, const std::string& path,
                                const LoadOptions& options = {});

/// The vocabulary that a checkpoint has as a part: what a program needs to build the model before
/// it loads it. Throws IndexError if there is no such part, FormatError if it is no vocabulary.
GRADUS_API Vocabulary checkpoint_vocabulary(const std::string& path,
                                            const std::string& part = "vocabulary");

/// Writes `state` to a .safetensors file as save() does. If a tensor in it is undefined, a float
/// tensor is not finite, or a text of its metadata is "nan", throws ValueError naming it, and the
/// last file stays.
GRADUS_API void save_checkpoint(const StateDict& state, const std::string& path);

}  // namespace gradus
