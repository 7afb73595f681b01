#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <vector>

namespace gradus {

/// Some steps of all streams of a TokenStream.
struct StreamBatch {
  Tensor inputs;   ///< int64 [B, T]
  Tensor targets;  ///< int64 [B, T]: the tokens that follow the inputs
};

/// One long text as `batch_size` contiguous streams side by side, for language models trained by
/// truncated backpropagation: row b of batch k + 1 goes on where row b of batch k ended, so that
/// the state of the model can be carried over. Tokens at the end that do not fill all streams are
/// left out.
///   const TokenStream stream(ids, 20, 35);
///   for (std::int64_t k = 0; k < stream.size(); ++k) train(stream[k]);
/// It is a data set, whose place in an epoch a DataLoader keeps:
///   DataLoader loader(stream, CollateFirst{});
class GRADUS_API TokenStream {
 public:
  /// steps: tokens of each stream in a batch; the last batch may have fewer. Throws ValueError
  /// unless both numbers are above 0 and there are enough ids for two steps of all streams.
  TokenStream(std::vector<std::int64_t> ids, std::int64_t batch_size, std::int64_t steps);

  /// The number of batches.
  std::int64_t size() const;
  /// Batch k. Throws IndexError.
  StreamBatch operator[](std::int64_t k) const;

 private:
  std::vector<std::int64_t> ids_;
  std::int64_t batch_size_, steps_, length_;  // of a stream, its last target included
};

}  // namespace gradus
