#pragma once
#include <cstdint>
#include <vector>

/// Rows of a table [V, D] by id. Ids must be valid (see `first_outside`); arrays are row-major; n
/// and D may be 0. T is float or double unless stated otherwise. Every row is updated in the order
/// of the positions, whatever the number of threads; rows that many positions add to are summed in
/// double (wide_sums.h).
namespace gradus::kernels {

/// out[k, :] = table[ids[k], :]; out is [n, D]. T is float, double, int64_t or bool; the table
/// needs no alignment.
template <class T>
void gather_rows(const T* table, const int64_t* ids, int64_t n, int64_t D, T* out);

/// table[ids[k], :] += alpha * rows[k, :] for k = 0, 1, ...; rows is [n, D], table [V, D]. The
/// sparse SGD step (alpha = -lr) and the dense gradient of a lookup (alpha = 1).
template <class T>
void scatter_add_rows(const T* rows, const int64_t* ids, int64_t n, int64_t D, T alpha, T* table,
                      int64_t V);

/// out[k, :] = weights[k] * rows[segments[k], :]; out is [n, D]. Null `weights` mean ones, null
/// `segments` mean k.
template <class T>
void gather_weighted_rows(const T* rows, const int64_t* segments, const T* weights, int64_t n,
                          int64_t D, T* out);

/// table[ids[k], :] += alpha * weights[k] * rows[segments[k], :] for k = 0, 1, ...; null `weights`
/// mean ones, null `segments` mean k. The derivative of `bag_sums`, or its SGD step, directly from
/// the gradients of the bags.
template <class T>
void scatter_add_segments(const T* rows, const int64_t* segments, const T* weights,
                          const int64_t* ids, int64_t n, int64_t D, T alpha, T* table, int64_t V);

/// table[ids[k], :] *= alpha. Ids must be distinct.
template <class T>
void scale_rows(T* table, const int64_t* ids, int64_t n, int64_t D, T alpha);

/// table[ids[k], :] *= factors[k]; factors is [n]. Ids must be distinct.
template <class T>
void scale_rows(T* table, const int64_t* ids, int64_t n, int64_t D, const T* factors);

/// The distinct ids in ascending order, and for every position k the index of ids[k] among them.
/// Ids must be in [0, V).
void unique_rows(const int64_t* ids, int64_t n, int64_t V, std::vector<int64_t>& unique,
                 std::vector<int64_t>& slot);

/// out[k] = 1 / the number of positions whose id is ids[k].
template <class T>
void inverse_counts(const int64_t* ids, int64_t n, int64_t V, T* out);

/// norms[k] = ||table[ids[k], :]||_p, p in (0, inf], accumulated in double; null `ids` means row k.
/// Large and small values neither overflow nor underflow; NaN gives NaN.
template <class T>
void row_norms(const T* table, const int64_t* ids, int64_t n, int64_t D, double p, double* norms);

/// The first position whose id is outside [low, high), or -1.
int64_t first_outside(const int64_t* ids, int64_t n, int64_t low, int64_t high);

}  // namespace gradus::kernels
