#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/random.h>

#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

/// Groups sequences of similar length into batches, so that there is little padding: a random order
/// is cut into pools of `pool` batches, and each pool is sorted by length. The order of the batches
/// is random too. Batches have `batch_size` sequences; one of them may have fewer.
/// lengths: of each sequence. Returns positions in `lengths`, each in exactly one batch. Throws
/// ValueError unless batch_size and pool are positive.
GRADUS_API std::vector<std::vector<std::int64_t>> length_batches(
    std::span<const std::int64_t> lengths, std::int64_t batch_size,
    Generator& generator = default_generator(), std::int64_t pool = 50);

}  // namespace gradus
