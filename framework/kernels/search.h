#pragma once
#include <cstdint>
#include <vector>

/// Searches for values. In their order, -0 equals 0 and all NaNs are one value, the greatest.
namespace gradus::kernels {

/// The elements that one task searches in the two functions below.
inline constexpr int64_t search_block = 65536;

/// The number of nonzero values before each block of `search_block`; the last entry counts all n
/// values. A NaN is not 0. T is float, double, int64_t or bool.
template <class T>
std::vector<int64_t> count_nonzero(const T* x, int64_t n);

/// The index of each value that is not 0, in row-major order: out [count, rank], where `before` is
/// the result of count_nonzero().
template <class T>
void list_nonzero(const T* x, int64_t n, const std::vector<int64_t>& before, const int64_t* shape,
                  int64_t rank, int64_t* out);

/// The first position of x [R, C] whose value is below the one before it in its row, or -1. T is
/// float, double or int64_t.
template <class T>
int64_t first_unsorted(const T* x, int64_t R, int64_t C);

/// out [R, m] = how many values of row r of sorted [R, C], or of [C] if `one_row`, are below
/// values[r, i], or not above it if `right`. T is float, double or int64_t.
template <class T>
void search_rows(const T* sorted, int64_t C, bool one_row, const T* values, int64_t R, int64_t m,
                 bool right, int64_t* out);

/// counts [bins] = how often each id of [0, bins) occurs among the n ids.
void count_ids(const int64_t* ids, int64_t n, int64_t* counts, int64_t bins);

}  // namespace gradus::kernels
