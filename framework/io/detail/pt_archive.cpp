#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/io/detail/pt_archive.h>

#include <algorithm>
#include <array>

namespace gradus::detail {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view legacy = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;

// What the pickle of a state dict may mention. Types that no Tensor holds are refused later, where
// the name of the tensor is known.
constexpr std::array<std::string_view, 47> allowed{
    "collections OrderedDict",
    "torch Size",
    "torch._utils _rebuild_tensor",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_tensor_v3",
    "torch._utils _rebuild_parameter",
    "torch.storage UntypedStorage",
    "torch HalfStorage",
    "torch BFloat16Storage",
    "torch FloatStorage",
    "torch DoubleStorage",
    "torch CharStorage",
    "torch ShortStorage",
    "torch IntStorage",
    "torch LongStorage",
    "torch ByteStorage",
    "torch BoolStorage",
    "torch ComplexFloatStorage",
    "torch ComplexDoubleStorage",
    "torch QInt8Storage",
    "torch QUInt8Storage",
    "torch QInt32Storage",
    "torch float16",
    "torch bfloat16",
    "torch float32",
    "torch float64",
    "torch int8",
    "torch int16",
    "torch int32",
    "torch int64",
    "torch uint8",
    "torch uint16",
    "torch uint32",
    "torch uint64",
    "torch bool",
    "torch complex32",
    "torch complex64",
    "torch complex128",
    "torch float8_e4m3fn",
    "torch float8_e4m3fnuz",
    "torch float8_e5m2",
    "torch float8_e5m2fnuz",
    "torch float8_e8m0fnu",
    "torch float4_e2m1fn_x2",
    "torch qint8",
    "torch quint8",
    "torch strided",
};

// Names what is no zip archive of PyTorch's.
const std::string& recognised(const std::string& path) {
  InputFile file("load_pt", path, Streams::refused);
  const Fail fail(fmt::format("load_pt: '{}'", path));
  std::string head(std::min<std::uint64_t>(file.size(), 512), '\0');
  if (!file.read_at(0, head.data(), head.size())) fail("it became shorter while read");
  constexpr std::string_view again = "load it with PyTorch and torch.save() it again";
  if (head.starts_with(legacy)) {
    fail(fmt::format("it has the form of PyTorch before 1.6: {}", again));
  }
  if (head.size() > 262 && head.compare(257, 5, "ustar") == 0) {
    fail(fmt::format("it is a tar archive, as of PyTorch before 0.4: {}", again));
  }
  if (!head.starts_with("PK")) {
    fail(fmt::format("it is not a zip archive, as torch.save() writes it{}{}", looks_like(head),
                     looks_like_vectors(head.substr(0, 64))));
  }
  return path;
}

}  // namespace

PtArchive::PtArchive(const std::string& path)
    : zip_("load_pt", recognised(path)), fail_(zip_.fail()) {
  const ZipEntry& entry = find_pickle();
  fail_ = zip_.fail(entry);
  if (entry.bytes > pickle_limit) {
    fail_(fmt::format("it has {} bytes; up to {} are read", entry.bytes, pickle_limit));
  }
  bytes_ = read_entry(entry);
  pickle_ = parse_pickle(bytes_, allowed, fail_);
  read_byte_order();
}

std::string PtArchive::read_entry(const ZipEntry& entry) const {
  ZipMember member(zip_, entry);
  std::string bytes(entry.bytes, '\0');
  member.read(bytes.data(), bytes.size());
  member.finish();
  return bytes;
}

// Finds "<folder>/data.pkl"; the folder is called as the file was or "archive".
const ZipEntry& PtArchive::find_pickle() {
  const ZipEntry* found = nullptr;
  bool is_script = false, has_arrays = false;
  for (const ZipEntry& entry : zip_.entries()) {
    const std::string_view name = entry.name;
    const std::size_t slash = name.find('/');
    if (name.ends_with(".npy")) has_arrays = true;
    if (slash == std::string_view::npos) continue;
    const std::string_view rest = name.substr(slash + 1);
    if (rest == "constants.pkl" || rest.starts_with("code/")) is_script = true;
    if (rest != "data.pkl") continue;
    if (found != nullptr) {
      fail_(fmt::format("it has two pickles, '{}' and '{}'", printable(found->name),
                        printable(entry.name)));
    }
    found = &entry;
    folder_ = name.substr(0, slash + 1);
  }
  if (is_script) {
    fail_("it is a TorchScript archive: torch.save(torch.jit.load(path).state_dict(), new_path)");
  }
  if (found == nullptr) {
    fail_(fmt::format("it has no member '<folder>/data.pkl'{}",
                      has_arrays ? ": it looks like an .npz file, which load_npz() reads" : ""));
  }
  return *found;
}

void PtArchive::read_byte_order() {
  const ZipEntry* entry = zip_.find(folder_ + "byteorder");
  if (entry == nullptr) return;
  const Fail fail = zip_.fail(*entry);
  if (entry->bytes > 16) fail(fmt::format("it has {} bytes", entry->bytes));
  const std::string order = read_entry(*entry);
  if (order != "little" && order != "big") {
    fail(fmt::format("it holds '{}', not 'little' or 'big'", printable(order)));
  }
  big_endian_ = order == "big";
}

void PtArchive::fail_at(PickleId id, std::string_view name, const std::string& what) const {
  fail_(fmt::format("byte {}, '{}': {}", at(id).offset, printable(name), what));
}

std::span<const PickleId> PtArchive::arguments_of(PickleId id, PickleId parent, std::size_t least,
                                                  std::size_t most, std::string_view name) const {
  const std::vector<PickleId>& items = at(id).items;
  if (at(id).kind != PickleKind::tuple || items.size() < least || items.size() > most) {
    fail_at(
        parent, name,
        fmt::format("it should have {} parts, but has {}",
                    least == most ? fmt::to_string(least) : fmt::format("{} to {}", least, most),
                    items.size()));
  }
  return items;
}

}  // namespace gradus::detail
