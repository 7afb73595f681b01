#pragma once
#include <cstdint>

/// Ordering within rows. Equal values keep their order; -0 equals 0, and all NaNs are one value,
/// the greatest. T is float, double, int64_t or bool; null outputs are not written.
namespace gradus::kernels {

/// values [R, C] = each row of x [R, C] in ascending or descending order; index [R, C] = the places
/// in the row that they come from.
template <class T>
void sort_rows(const T* x, int64_t R, int64_t C, bool descending, T* values, int64_t* index);

/// values and index [R, k] = the first k <= C of sort_rows(), in that order if `sorted`, else in
/// the order of their places.
template <class T>
void top_rows(const T* x, int64_t R, int64_t C, int64_t k, bool descending, bool sorted, T* values,
              int64_t* index);

}  // namespace gradus::kernels
