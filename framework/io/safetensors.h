#pragma once
#include <gradus/framework/module/state_dict.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// A dtype in which save() writes float tensors.
enum class SaveDType : std::uint8_t {
  same,      ///< that of the tensor
  float16,   ///< F16, IEEE 754's binary16
  bfloat16,  ///< BF16, the upper half of a float32
};

struct SaveOptions {
  SaveDType dtype = SaveDType::same;  ///< of the float tensors; values are rounded to nearest, even
  /// int64 tensors to write as U8: bytes, such as those of a text.
  std::vector<std::string> bytes = {};
  /// Above 0: `path` is a folder, where the tensors lie in shards of at most so many bytes (or of
  /// one tensor) with an index, as Hugging Face has them. It is made if its parent is there. The
  /// index is switched last, from all of the old shards to all of the new ones; the old ones are
  /// then removed.
  std::int64_t max_shard_bytes = 0;
};

/// Writes tensors and metadata as a .safetensors file, which PyTorch, NumPy and others read. The
/// file is replaced as a whole (see AtomicFile). A tensor that has several names (tied weights) is
/// written once. Frozen flags and ties go into the metadata, as "gradus.frozen" and "gradus.tied".
/// Throws ValueError for an undefined tensor, for a value that the dtype cannot hold (one that is
/// finite and would be infinite, a byte outside [0, 255]), for tensors that load() left out, for
/// metadata keys that begin with "gradus." and for what the format cannot hold, Error with the
/// system's reason; the old file is then unchanged.
/// Source: the safetensors format, github.com/huggingface/safetensors, README "Format".
GRADUS_API void save(const StateDict& state, const std::string& path,
                     const SaveOptions& options = {});

/// Reads a .safetensors file, or a model in several of them: `path` is then the index that Hugging
/// Face writes ("model.safetensors.index.json"), beside which they lie. Of a folder, it reads
/// "model.safetensors" or else that index.
///
/// F32, F64, I64 and BOOL keep their type, F16 and BF16 become float32, I32, I16, I8, U32, U16 and
/// U8 int64. A tensor of another type (F8_E4M3, U64) is left out: see StateDict::left_out. Tied
/// names share one tensor. All headers are checked before anything is allocated; one that begins
/// with white space is refused, as the format has it. Throws FormatError naming the file and what
/// is wrong with it, Error if it cannot be read.
GRADUS_API StateDict load(const std::string& path);

/// Reads only the tensors of these names, and the metadata: no others are read from the file, and
/// of a model in shards only those are opened that have them. Also throws IndexError for names that
/// are not there, listing those that are, FormatError for a tensor that load() would leave out.
GRADUS_API StateDict load(const std::string& path, const std::vector<std::string>& names);

/// The same as load(path), but F32, F64 and I64 tensors stay in the file, which is mapped into
/// memory: a file larger than memory opens at once, and only what is touched is read. Such tensors
/// are read-only (see Tensor::is_read_only). One that is not aligned in the file works for lookups
/// and clone(); reading it in any other way throws. The file may be replaced or removed; if it is
/// overwritten, values change, and if it is truncated, touching the missing part ends the program
/// (SIGBUS). Throws like load().
GRADUS_API StateDict load_mapped(const std::string& path);

/// One tensor of the file. Also throws IndexError listing the names if there is none of that name,
/// FormatError if its type needs conversion.
GRADUS_API Tensor load_mapped(const std::string& path, std::string_view name);

}  // namespace gradus
