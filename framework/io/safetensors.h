#pragma once
#include <gradus/framework/module/state_dict.h>

#include <string>
#include <string_view>

namespace gradus {

/// Writes tensors and metadata as a .safetensors file, which PyTorch, NumPy and others read. The
/// file is replaced as a whole (see AtomicFile). A tensor that has several names (tied weights) is
/// written once. Frozen flags and ties go into the metadata, as "gradus.frozen" and "gradus.tied".
/// Throws ValueError for an undefined tensor, for metadata keys that begin with "gradus." and for
/// what the format cannot hold, Error with the system's reason; the old file is then unchanged.
/// Source: the safetensors format, github.com/huggingface/safetensors, README "Format".
GRADUS_API void save(const StateDict& state, const std::string& path);

/// Reads a .safetensors file. F32, F64, I64 and BOOL keep their type, F16 and BF16 become float32,
/// I32, I16, I8, U32, U16 and U8 int64. Tied names share one tensor. The whole header is checked
/// before anything is allocated. Throws FormatError naming the file and what is wrong with it,
/// Error if it cannot be read.
GRADUS_API StateDict load(const std::string& path);

/// The same, but F32, F64 and I64 tensors stay in the file, which is mapped into memory: a file
/// larger than memory opens at once, and only what is touched is read. Such tensors are read-only
/// (see Tensor::is_read_only). One that is not aligned in the file works for lookups and clone();
/// reading it in any other way throws. The file may be replaced or removed; if it is overwritten,
/// values change, and if it is truncated, touching the missing part ends the program (SIGBUS).
/// Throws like load().
GRADUS_API StateDict load_mapped(const std::string& path);

/// One tensor of the file. Also throws IndexError listing the names if there is none of that name,
/// FormatError if its type needs conversion.
GRADUS_API Tensor load_mapped(const std::string& path, std::string_view name);

}  // namespace gradus
