#pragma once
#include <gradus/framework/module/module.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace gradus {

namespace detail {
/// The position of an index; a negative index counts from the end. Throws IndexError.
GRADUS_API std::size_t list_position(std::int64_t index, std::size_t size);
/// Throws ValueError for a negative number.
GRADUS_API std::int64_t list_size(std::int64_t count);
template <class Make, class M>
concept MakesLayer = std::is_invocable_r_v<M, Make&, std::int64_t>;
}  // namespace detail

/// Layers of one type, registered under their positions as in PyTorch: "0", "1", ...
///
///   struct Stack : Module {
///     explicit Stack(int64_t depth)
///         : layers(add("layers", ModuleList(depth, [](int64_t) { return Linear(8, 8); }))) {}
///     Tensor operator()(Tensor x) const {
///       for (const Linear& layer : layers) x = relu(layer(x));
///       return x;
///     }
///     const ModuleList<Linear> layers;  // "layers.0.weight", "layers.0.bias", "layers.1.weight"
///   };
///
/// For layers of any types that are called one after another, see Sequential.
template <std::derived_from<Module> M>
class ModuleList : public Module {
 public:
  template <class Other>
  GRADUS_TOO_LATE ModuleList& operator=(Other&&);

  ModuleList() {
    set_description([] { return std::string("ModuleList"); });
  }
  /// Throws ValueError for a layer that appears twice.
  ModuleList(std::initializer_list<M> layers) : ModuleList() {
    for (const M& layer : layers) append(layer);
  }
  explicit ModuleList(const std::vector<M>& layers) : ModuleList() {
    for (const M& layer : layers) append(layer);
  }
  /// make(0), ..., make(count - 1). Throws ValueError for a negative count.
  template <detail::MakesLayer<M> Make>
  ModuleList(std::int64_t count, Make&& make) : ModuleList() {
    for (std::int64_t i = 0; i < detail::list_size(count); ++i) append(make(i));
  }

  /// Appends a layer, for all copies of this list. Throws ValueError for one that is already in it.
  void append(const M& layer) const {
    ModuleList self(*this);  // a copy of the handle is the same list
    layers_->push_back(self.add(std::to_string(size()), layer));
  }

  std::size_t size() const { return layers_->size(); }
  /// A negative index counts from the end. Throws IndexError.
  const M& operator[](std::int64_t index) const {
    return (*layers_)[detail::list_position(index, size())];
  }
  auto begin() const { return layers_->cbegin(); }
  auto end() const { return layers_->cend(); }

 private:
  const std::shared_ptr<std::vector<M>> layers_ = std::make_shared<std::vector<M>>();
};

template <class Make>
ModuleList(std::int64_t, Make&&) -> ModuleList<std::invoke_result_t<Make&, std::int64_t>>;

}  // namespace gradus
