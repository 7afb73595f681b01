#pragma once
#include <gradus/framework/core/tensor.h>

#include <string>

namespace gradus {

/// Reads a NumPy array, as `numpy.save` writes it, of any version, byte order and memory order.
/// float32, float64, int64 and bool keep their type; float16 becomes float32, every other integer
/// int64. All is checked before anything is allocated. Throws FormatError naming the file and what
/// is wrong with it, also for elements that are objects (which are never unpickled), records, texts
/// or complex, for more than 8 axes, for bytes after the array, and for an unsigned integer that
/// int64 cannot hold; Error if the file cannot be read.
GRADUS_API Tensor load_npy(const std::string& path);

/// Writes a tensor as a file that `numpy.load` reads. The file is replaced as a whole (see
/// AtomicFile). Throws ValueError for an undefined tensor, Error with the system's reason.
GRADUS_API void save_npy(const Tensor& tensor, const std::string& path);

}  // namespace gradus
