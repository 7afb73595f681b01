#pragma once
#include <gradus/framework/module/module.h>

#include <concepts>
#include <string>
#include <typeinfo>

namespace gradus {

namespace detail {
GRADUS_API std::string summary(const Module& model, const std::type_info& type);
}  // namespace detail

/// A table of the tree of a model: the path and type of each layer; the path, shape (and dtype
/// unless float32), elements and bytes of each parameter, and whether it is trainable; buffers; and
/// the totals. A shared parameter counts once, under the first of its paths.
template <std::derived_from<Module> M>
std::string summary(const M& model) {
  return detail::summary(model, typeid(M));
}

}  // namespace gradus
