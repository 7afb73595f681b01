#pragma once
#include <gradus/framework/io/detail/pickle.h>
#include <gradus/framework/io/detail/zip.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace gradus::detail {

/// A file that torch.save() wrote: a zip archive of a pickle and of the storages of tensors.
class PtArchive {
 public:
  /// Opens it and reads the pickle as data. Fails for what torch.save() does not write, and names
  /// it where that is known.
  explicit PtArchive(const std::string& path);

  PickleId root() const { return pickle_.root; }
  const PickleValue& at(PickleId id) const { return pickle_[id]; }
  /// The items of a tuple of so many. `parent` is what is wrong otherwise.
  std::span<const PickleId> arguments_of(PickleId id, PickleId parent, std::size_t least,
                                         std::size_t most, std::string_view name) const;

  bool big_endian() const { return big_endian_; }
  /// The member of a storage, or nullptr.
  const ZipEntry* storage(std::string_view key) const { return zip_.find(path_of(key)); }
  std::string path_of(std::string_view key) const { return folder_ + "data/" + std::string(key); }
  const ZipReader& zip() const { return zip_; }

  /// About the pickle; and about a value in it, of what has that name.
  const Fail& fail() const { return fail_; }
  [[noreturn]] void fail_at(PickleId id, std::string_view name, const std::string& what) const;

 private:
  std::string read_entry(const ZipEntry& entry) const;
  const ZipEntry& find_pickle();
  void read_byte_order();

  ZipReader zip_;
  std::string folder_;  // of the archive's members, with a slash
  std::string bytes_;   // of the pickle
  Pickle pickle_;
  Fail fail_;
  bool big_endian_ = false;
};

}  // namespace gradus::detail
