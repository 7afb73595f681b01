#pragma once
#include <gradus/framework/module.h>

#include <concepts>
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

/// A plain function as a layer, so that it has a place and a line in the tree.
class FunctionLayer : public Module {
 public:
  explicit FunctionLayer(std::function<Tensor(const Tensor&)> function)
      : function_(std::move(function)) {
    set_description([] { return std::string("function"); });
  }
  Tensor operator()(const Tensor& x) const { return function_(x); }

 private:
  const std::function<Tensor(const Tensor&)> function_;
};

}  // namespace detail

/// Applies layers and functions of one Tensor in order:
///
///   Sequential net(Linear(784, 512), relu, Linear(512, 10));
///
/// Names are positions, functions included, as in PyTorch: "0.weight", "2.weight". Without parts it
/// returns its argument.
class Sequential : public Module {
 public:
  template <class... Parts>
  requires(!detail::is_copy_of<Sequential, Parts...>) explicit Sequential(Parts&&... parts) {
    set_description([] { return std::string("Sequential"); });
    steps_->reserve(sizeof...(Parts));
    (append(std::forward<Parts>(parts)), ...);
  }

  Tensor operator()(const Tensor& x) const {
    Tensor y = x;
    for (const auto& step : *steps_) y = step(y);
    return y;
  }

  /// Number of parts.
  std::size_t size() const { return steps_->size(); }

 private:
  using Step = std::function<Tensor(const Tensor&)>;

  template <class Part>
  void append(Part&& part) {
    using P = std::decay_t<Part>;
    constexpr bool fits = std::is_invocable_r_v<Tensor, const P&, const Tensor&>;
    static_assert(fits,
                  "Sequential: every part is a layer or a function that makes one Tensor of one "
                  "Tensor; call other layers (an LSTM, an attention) from a Module of your own");
    if constexpr (fits) {
      const std::string name = std::to_string(steps_->size());
      if constexpr (std::derived_from<P, Module>) {
        steps_->emplace_back(add(name, std::forward<Part>(part)));
      } else {
        steps_->emplace_back(add(name, detail::FunctionLayer(std::forward<Part>(part))));
      }
    }
  }

  const std::shared_ptr<std::vector<Step>> steps_ = std::make_shared<std::vector<Step>>();
};

}  // namespace gradus
