#pragma once
#include <gradus/framework/kernels/nn/packed_sequences.h>

#include <cstdint>

// One recurrent layer in one direction. T is float or double. H is the size of the hidden state.
// Weights are PyTorch's; `bias` is what is added to the products of the inputs. Null pointers:
// zeros to read, or a result that is not needed. Padding is not read, and written as 0 in outputs.
// Nothing depends on the number of threads.
namespace gradus::kernels {

/// The state of a layer before each step, as packed rows, and the last one of each sequence [B].
template <class T>
struct States {
  const T* initial;  ///< [B]; null for zeros
  T* before;         ///< [rows]
  T* last;           ///< [B]
};

/// The gradients that arrive at the results of a layer.
template <class T>
struct StateGradients {
  const T* last;  ///< [B]
  T* initial;     ///< [B]
};

/// i, f, o = sigmoid, g = tanh of x W_ih^T + h W_hh^T + bias; c' = f c + i g; h' = o tanh(c'),
/// which a projection turns into h' W_hr^T. Rows of 4 H: i, f, g, o. h has R elements: H if there
/// is no projection. Source: Hochreiter and Schmidhuber 1997, "Long Short-Term Memory"; Sak et al.
/// 2014, "Long Short-Term Memory Based Recurrent Neural Network Architectures" (projection).
template <class T>
struct Lstm {
  int64_t H, R;
  const T* weight_hh;  ///< [4 H, R]
  const T* weight_hr;  ///< [R, H]; null without a projection
  const T* bias;       ///< [4 H]
  T* gates;            ///< [rows, 4 H]: on entry x W_ih^T
  States<T> h, c;      ///< of R and of H elements
  T* output;           ///< [B, T, R]
};
template <class T>
void lstm(const PackedSequences& sequences, const Lstm<T>& layer);

template <class T>
struct LstmVjp {
  int64_t H, R;
  const T *weight_hh, *weight_hr;
  const T *gates, *c_before;  ///< as lstm() left them
  const T* d_output;          ///< [B, T, R]
  StateGradients<T> d_h, d_c;
  T* d_gates;  ///< [rows, 4 H]
  /// With a projection: h before it [rows, H], and the gradient of its result [rows, R]. Both null
  /// if the gradient of weight_hr is not needed.
  T *hidden, *d_projected;
};
template <class T>
void lstm_vjp(const PackedSequences& sequences, const LstmVjp<T>& layer);

/// r, z = sigmoid(x W_ih^T + h W_hh^T + bias); q = h W_hn^T + bias_hn; n = tanh(x W_in^T + bias_n +
/// r q); h' = n + z (h - n). Rows of 3 H: r, z, n. Source: Cho et al. 2014, "Learning Phrase
/// Representations using RNN Encoder-Decoder for Statistical Machine Translation", with r applied
/// after the product, as in cuDNN.
template <class T>
struct Gru {
  int64_t H;
  const T* weight_hh;  ///< [3 H, H]
  const T* bias;       ///< [3 H]
  const T* bias_hn;    ///< [H]
  T* gates;            ///< [rows, 3 H]: on entry x W_ih^T
  T* q;                ///< [rows, H]
  States<T> h;
  T* output;  ///< [B, T, H]
};
template <class T>
void gru(const PackedSequences& sequences, const Gru<T>& layer);

template <class T>
struct GruVjp {
  int64_t H;
  const T* weight_hh;
  const T *gates, *q, *h_before;  ///< as gru() left them
  const T* d_output;              ///< [B, T, H]
  StateGradients<T> d_h;
  T *d_input, *d_hidden;  ///< [rows, 3 H]: of the products of the inputs, and of those of h
};
template <class T>
void gru_vjp(const PackedSequences& sequences, const GruVjp<T>& layer);

/// h' = tanh(x W_ih^T + h W_hh^T + bias), or relu of it. Source: Elman 1990, "Finding Structure in
/// Time".
template <class T>
struct Rnn {
  int64_t H;
  bool relu;
  const T* weight_hh;  ///< [H, H]
  const T* bias;       ///< [H]
  T* hidden;           ///< [rows, H]: on entry x W_ih^T, then h'
  States<T> h;
  T* output;  ///< [B, T, H]
};
template <class T>
void rnn(const PackedSequences& sequences, const Rnn<T>& layer);

template <class T>
struct RnnVjp {
  int64_t H;
  bool relu;
  const T* weight_hh;
  const T* hidden;    ///< as rnn() left it
  const T* d_output;  ///< [B, T, H]
  StateGradients<T> d_h;
  T* d_sum;  ///< [rows, H]: of what tanh or relu gets
};
template <class T>
void rnn_vjp(const PackedSequences& sequences, const RnnVjp<T>& layer);

}  // namespace gradus::kernels
