#pragma once

// The one file that includes xtensor, from version 0.24 to the newest, whose headers moved.

#ifndef XTENSOR_USE_XSIMD
#error "gradus: link the CMake target gradus::xtensor, which defines XTENSOR_USE_XSIMD"
#endif
#ifdef XTENSOR_USE_TBB
#error "gradus: XTENSOR_USE_TBB makes small expressions several times slower: leave it undefined"
#endif

// clang-format off
#if __has_include(<xtensor/containers/xarray.hpp>)

#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#include <xtensor/containers/xtensor.hpp>
#include <xtensor/core/xeval.hpp>
#include <xtensor/core/xmath.hpp>
#include <xtensor/core/xnoalias.hpp>
#include <xtensor/generators/xbuilder.hpp>
#include <xtensor/misc/xmanipulation.hpp>
#include <xtensor/misc/xsort.hpp>
#include <xtensor/reducers/xnorm.hpp>
#include <xtensor/views/xstrided_view.hpp>
#include <xtensor/views/xview.hpp>

#else

#include <xtensor/xtensor_config.hpp>
#if defined(__cpp_template_template_args) && __cplusplus > 201703L && \
    XTENSOR_VERSION_MAJOR == 0 && XTENSOR_VERSION_MINOR < 26
// g++, and clang from 19 on, mistake the dynamic shape of an xarray for a std::array of 4 in C++20,
// so that temporaries of its expressions become xtensor<T, 4> and run past their ends. The fix must
// come before any use.
#ifdef XTENSOR_EXPRESSION_TRAITS_HPP
#error "gradus: include <gradus/framework/bridge/xtensor.h> before any header of xtensor"
#endif
#include <xtensor/xexpression_traits.hpp>
#include <xtensor/xstorage.hpp>
#ifdef __clang__
namespace xt {
// clang 19 cannot choose between the forms for std::array and svector.
template <class X, class T>
struct rebind_container<X, svector<T>> {
  using type = svector<X>;
};
}  // namespace xt
#endif
namespace xt::detail {
template <template <class, std::size_t, class, bool> class S, class X, std::size_t N, class A,
          bool Init>
struct xtype_for_shape<S<X, N, A, Init>> {
  template <class T, layout_type L>
  using type = xarray<T, L>;
};
}  // namespace xt::detail
#endif

#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xbuilder.hpp>
#include <xtensor/xeval.hpp>
#include <xtensor/xmanipulation.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xnoalias.hpp>
#include <xtensor/xnorm.hpp>
#include <xtensor/xsort.hpp>
#include <xtensor/xstrided_view.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

#endif
// clang-format on

#include <cstddef>
#include <type_traits>
#include <utility>

namespace gradus::detail {
using XArray = xt::xarray<float>;
static_assert(
    std::is_same_v<
        std::decay_t<decltype(xt::eval(std::declval<XArray&>() + std::declval<XArray&>()))>,
        XArray>,
    "xtensor makes temporaries of the wrong type: memory would be corrupted");
static_assert(std::is_same_v<XArray::strides_type, xt::dynamic_shape<std::ptrdiff_t>>,
              "xtensor keeps strides in the wrong type");
}  // namespace gradus::detail
