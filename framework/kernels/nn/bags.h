#pragma once
#include <cstdint>

/// Bags of rows of a table [V, D]: bag b has the ids at positions starts[b] to starts[b + 1]; the
/// last of the starts is the number of positions. Ids must be valid. T is float or double. Results
/// have the same bits for any number of threads.
namespace gradus::kernels {

/// out[b, :] = the sum over the positions k of bag b of weights[k] * table[ids[k], :], divided by
/// their number for a `mean`; zeros for an empty bag. Null `weights` mean ones. The rows of a bag
/// are never written out.
template <class T>
void bag_sums(const T* table, const int64_t* ids, const int64_t* starts, const T* weights,
              int64_t bags, int64_t D, bool mean, T* out);

/// out[b, d] = the largest table[ids[k], d] of bag b, NaN if there is one; zeros for an empty bag.
/// winners[b, d] is the id of the first position that attains it, -1 for an empty bag; may be null.
template <class T>
void bag_maxima(const T* table, const int64_t* ids, const int64_t* starts, int64_t bags, int64_t D,
                T* out, int64_t* winners);

/// table[winners[b, d], d] += rows[b, d] where winners[b, d] >= 0: the derivative of `bag_maxima`.
template <class T>
void scatter_to_winners(const T* rows, const int64_t* winners, int64_t bags, int64_t D, T* table);

/// out[b, :] = rows[b, :] / the number of positions of bag b; zeros for an empty bag.
template <class T>
void divide_by_bag_sizes(const T* rows, const int64_t* starts, int64_t bags, int64_t D, T* out);

/// out[k] = table[ids[k], :] . rows[segments[k], :], summed in double: the derivative of `bag_sums`
/// with respect to its weights.
template <class T>
void bag_dots(const T* table, const int64_t* ids, const T* rows, const int64_t* segments, int64_t n,
              int64_t D, T* out);

/// segments[k] = the bag of position k.
void bag_segments(const int64_t* starts, int64_t bags, int64_t* segments);

/// The position of the first bad offset: the first one if it is not 0, or one that is below the one
/// before it or above n. -1 if all are valid.
int64_t first_bad_offset(const int64_t* offsets, int64_t count, int64_t n);

}  // namespace gradus::kernels
