#pragma once
#include <gradus/framework/module/module.h>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace gradus {

namespace detail {

/// True if a constructor with these arguments is the copy or move constructor of T.
template <class T, class... Arguments>
inline constexpr bool is_copy_of = sizeof...(Arguments) == 1 &&
                                   (std::same_as<std::remove_cvref_t<Arguments>, T> && ...);

/// Wraps a plain function as a layer, so that it has a place and a line in the tree.
class GRADUS_API FunctionLayer : public Module {
 public:
  explicit FunctionLayer(std::function<Tensor(const Tensor&)> function);
  Tensor operator()(const Tensor& x) const { return function_(x); }

 private:
  const std::function<Tensor(const Tensor&)> function_;
};

}  // namespace detail

/// Applies layers and functions of one Tensor in order:
///
///   Sequential net(Linear(784, 512), relu, Linear(512, 10));
///
/// Names are positions, functions included, as in PyTorch: "0.weight", "2.weight". Without parts,
/// it returns its argument.
class GRADUS_API Sequential : public Module {
 public:
  template <class M>
  GRADUS_TOO_LATE Sequential& operator=(M&&);

  template <class... Parts>
  requires(!detail::is_copy_of<Sequential, Parts...>) explicit Sequential(Parts&&... parts) {
    describe();
    (append(std::forward<Parts>(parts)), ...);
  }

  Tensor operator()(const Tensor& x) const;

  /// Number of parts.
  std::size_t size() const;

 private:
  using Step = std::function<Tensor(const Tensor&)>;

  template <class Part>
  void append(Part&& part) {
    using P = std::decay_t<Part>;
    constexpr bool fits = std::is_invocable_r_v<Tensor, const P&, const Tensor&>;
    static_assert(fits,
                  "Sequential: every part must be a layer or a function from one Tensor to one "
                  "Tensor; call other layers (an LSTM, an attention) from a Module of your own");
    if constexpr (fits) {
      const std::string name = std::to_string(size());
      if constexpr (std::derived_from<P, Module>) {
        steps_->push_back(add(name, std::forward<Part>(part)));
      } else {
        steps_->push_back(add(name, detail::FunctionLayer(std::forward<Part>(part))));
      }
    }
  }

  void describe();

  const std::shared_ptr<std::vector<Step>> steps_ = std::make_shared<std::vector<Step>>();
};

}  // namespace gradus
