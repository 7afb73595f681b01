#pragma once
#include <cstdint>

// Attention of queries to keys, in blocks of both, so that memory is linear in their numbers. T is
// float or double. Nothing depends on the number of threads.
// Source: Dao et al. 2022, "FlashAttention: Fast and Memory-Efficient Exact Attention with
// IO-Awareness".
namespace gradus::kernels {

/// The vectors of all heads: that of head h at time t of sequence b starts at
/// data + b * batch + h * head + t * time.
template <class T>
struct Heads {
  T* data;
  int64_t batch, head, time;

  T* at(int64_t b, int64_t h, int64_t t) const { return data + b * batch + h * head + t * time; }
};

/// What is added to the scores [B, H, Q, K], or says which of them take part. A stride of 0
/// repeats; that of keys is 0 or 1.
template <class T>
struct AttentionMask {
  const bool* takes_part;  ///< or null
  const T* addend;         ///< or null
  int64_t batch, head, query, key;

  bool defined() const { return takes_part || addend; }
  int64_t place(int64_t b, int64_t h, int64_t i, int64_t j) const {
    return b * batch + h * head + i * query + j * key;
  }
};

/// Which weights are dropped depends on the place (seed, offset) in a random stream, and on that of
/// the weight.
struct AttentionDropout {
  uint64_t seed, offset;
  double p;
};

template <class T>
struct Attention {
  int64_t B;
  int64_t H, kv_heads;  ///< H is a multiple of kv_heads: query head h reads h / (H / kv_heads)
  int64_t Q, K;
  int64_t d, dv;  ///< elements of a query and a key, and of a value
  Heads<const T> q, k, v;
  const int64_t* lengths;  ///< of the keys [B], in [0, K]; null if all are K
  AttentionMask<T> mask;
  bool causal;  ///< query i takes part with keys up to K - Q + i
  T scale;
  AttentionDropout dropout;

  int64_t length(int64_t b) const { return lengths ? lengths[b] : K; }
  int64_t group() const { return kv_heads > 0 ? H / kv_heads : 0; }
};

/// out = softmax(scale q k^T + mask) v, for d, dv > 0; 0 for a query without keys. `greatest`
/// and `factor` [B, H, Q] are the greatest score of each query, and 1 over the sum of the
/// exponentials of the differences from it; infinity and 0 for one without keys. They are null if
/// there will be no gradients, which saves work for few queries.
template <class T>
void attention(const Attention<T>& call, Heads<T> out, T* greatest, T* factor);

/// Gradients; those that are not needed have null data.
template <class T>
struct AttentionVjp {
  Heads<const T> out, d_out;
  const T *greatest, *factor;  ///< as attention() left them
  Heads<T> dq, dk, dv;
  T* d_mask;  ///< laid out as the mask, and 0 on entry
};
template <class T>
void attention_vjp(const Attention<T>& call, const AttentionVjp<T>& vjp);

}  // namespace gradus::kernels
