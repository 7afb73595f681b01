#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/module/state_dict.h>

#include <string>
#include <string_view>

namespace gradus {

/// Reads all arrays of a NumPy archive, as `numpy.savez` and `numpy.savez_compressed` write it, by
/// the names that NumPy gives them: those of the members without ".npy". Other members are left
/// out. Element types and errors are those of load_npy(); checksums are verified, and nothing is
/// allocated that the packed bytes cannot fill.
GRADUS_API StateDict load_npz(const std::string& path);

/// One array. Also throws IndexError listing the names if there is none of that name.
GRADUS_API Tensor load_npz(const std::string& path, std::string_view name);

struct SaveNpzOptions {
  bool compress = false;  ///< deflate the values: slower, and weights hardly become smaller
};

/// Writes tensors as an archive that `numpy.load` reads. The file is replaced as a whole (see
/// AtomicFile). A tensor that has several names is written under each; metadata and frozen flags,
/// for which the format has no place, are not written. For a pipe, it is packed in memory. Throws
/// ValueError for an undefined tensor and for a name that is not UTF-8, Error with the system's
/// reason.
GRADUS_API void save_npz(const StateDict& state, const std::string& path,
                         const SaveNpzOptions& options = {});

}  // namespace gradus
