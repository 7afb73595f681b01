#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/detail/npy_format.h>
#include <gradus/framework/io/detail/zip.h>
#include <gradus/framework/io/npz.h>

#include <algorithm>
#include <vector>

namespace gradus {
namespace {

constexpr std::string_view ending = ".npy";

std::string array_name(const detail::ZipEntry& entry) {
  return entry.name.substr(0, entry.name.size() - ending.size());
}

std::vector<const detail::ZipEntry*> arrays_of(const detail::ZipReader& archive) {
  std::vector<const detail::ZipEntry*> arrays;
  for (const detail::ZipEntry& entry : archive.entries()) {
    if (entry.name.ends_with(".npy")) arrays.push_back(&entry);
  }
  const auto is_pickle = [](const auto& entry) { return entry.name.ends_with("/data.pkl"); };
  const auto& all = archive.entries();
  if (arrays.empty() && std::any_of(all.begin(), all.end(), is_pickle)) {
    archive.fail()("it is a PyTorch file: read it with load_pt()");
  }
  if (arrays.empty() && !all.empty()) {
    archive.fail()(fmt::format("none of its members, such as '{}', ends in '.npy'",
                               detail::printable(all.front().name)));
  }
  return arrays;
}

Tensor read_array(const detail::ZipReader& archive, const detail::ZipEntry& entry) {
  detail::ZipMember member(archive, entry);
  const auto read = [&](void* out, std::size_t bytes) { member.read(out, bytes); };
  Tensor tensor = detail::read_npy(entry.bytes, read, archive.fail(entry));
  member.finish();
  return tensor;
}

}  // namespace

StateDict load_npz(const std::string& path) {
  const detail::ZipReader archive("load_npz", path);
  StateDict state;
  for (const detail::ZipEntry* entry : arrays_of(archive)) {
    state.set(array_name(*entry), read_array(archive, *entry));
  }
  return state;
}

Tensor load_npz(const std::string& path, std::string_view name) {
  const detail::ZipReader archive("load_npz", path);
  std::vector<std::string> names;
  for (const detail::ZipEntry* entry : arrays_of(archive)) {
    names.push_back(array_name(*entry));
    if (names.back() == name) return read_array(archive, *entry);
  }
  throw IndexError(fmt::format("load_npz: '{}' has no array '{}'; there are [{}]", path,
                               detail::printable(name), detail::printable_names(names)));
}

void save_npz(const StateDict& state, const std::string& path, const SaveNpzOptions& options) {
  for (const StateEntry& entry : state) {
    if (entry.tensor.defined()) continue;
    throw ValueError(
        fmt::format("save_npz: the tensor '{}' is undefined", detail::printable(entry.name)));
  }
  detail::ZipWriter archive("save_npz", path);
  for (const StateEntry& entry : state) {
    const Tensor& tensor = entry.tensor;
    archive.add(entry.name + ".npy", detail::npy_header(tensor), detail::data(tensor),
                static_cast<std::size_t>(tensor.numel() * item_size(tensor.dtype())),
                options.compress);
  }
  archive.commit();
}

}  // namespace gradus
