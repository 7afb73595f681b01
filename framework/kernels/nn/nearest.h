#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>

namespace gradus::kernels {

enum class Closeness : uint8_t { cosine, dot, euclidean };

/// Rows that queries are compared with: [V, D], with the squared length of each.
template <class T>
struct NearestTable {
  const T* rows;
  const double* squares;
  int64_t V, D;
};

/// squares [R] = the squared length of each row of x [R, C].
template <class T>
void squared_lengths(const T* x, int64_t R, int64_t C, double* squares);

/// ids and scores [Q, k] = the k rows closest to each query [Q, D], the closest first and of equal
/// ones the first; scores are cosines, 0 for rows of zeros, products or distances. They are summed
/// in double, so that the result depends neither on how a product of matrices rounds nor on the
/// number of threads. The rows excluded [Q, E] are left out; negative ones exclude nothing. Where
/// fewer than k rows remain, ids are -1 and scores those of a row that is infinitely far. Squared
/// lengths are at most max_squared_length.
template <class T>
void nearest_rows(Closeness closeness, const NearestTable<T>& table, const T* queries, int64_t Q,
                  const int64_t* excluded, int64_t E, int64_t k, int64_t* ids, T* scores);

inline constexpr double max_squared_length = 1e300;

extern template GRADUS_API void squared_lengths(const float*, int64_t, int64_t, double*);
extern template GRADUS_API void squared_lengths(const double*, int64_t, int64_t, double*);
extern template GRADUS_API void nearest_rows(Closeness, const NearestTable<float>&, const float*,
                                             int64_t, const int64_t*, int64_t, int64_t, int64_t*,
                                             float*);
extern template GRADUS_API void nearest_rows(Closeness, const NearestTable<double>&, const double*,
                                             int64_t, const int64_t*, int64_t, int64_t, int64_t*,
                                             double*);

}  // namespace gradus::kernels
