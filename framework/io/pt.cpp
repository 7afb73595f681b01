#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/detail/pickle.h>
#include <gradus/framework/io/detail/zip.h>
#include <gradus/framework/io/pt.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using namespace std::string_view_literals;
using detail::Element;
using detail::Fail;
using detail::Pickle;
using detail::PickleId;
using detail::PickleKind;
using detail::PickleValue;
using detail::printable;
using detail::ZipEntry;

constexpr std::size_t depth_limit = 64;
constexpr std::size_t visit_limit = std::size_t{1} << 22U;
constexpr std::size_t name_limit = 4096;                     // bytes
constexpr std::size_t text_limit = std::size_t{1} << 26U;    // bytes of all names and texts
constexpr std::int64_t view_limit = std::int64_t{1} << 26U;  // bytes that views may repeat
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

struct Type {
  std::string_view storage, dtype;
  Element element;
};
constexpr std::array<Type, 13> types{{
    {"torch HalfStorage", "torch float16", Element::float16},
    {"torch BFloat16Storage", "torch bfloat16", Element::bfloat16},
    {"torch FloatStorage", "torch float32", Element::float32},
    {"torch DoubleStorage", "torch float64", Element::float64},
    {"torch CharStorage", "torch int8", Element::int8},
    {"torch ShortStorage", "torch int16", Element::int16},
    {"torch IntStorage", "torch int32", Element::int32},
    {"torch LongStorage", "torch int64", Element::int64},
    {"torch ByteStorage", "torch uint8", Element::uint8},
    {"", "torch uint16", Element::uint16},
    {"", "torch uint32", Element::uint32},
    {"", "torch uint64", Element::uint64},
    {"torch BoolStorage", "torch bool", Element::boolean},
}};

// Elements of a storage: what one tensor is, or several of the same view are.
struct View {
  std::string key;  // of the storage
  Element type;
  std::int64_t storage_numel;
  std::int64_t offset;
  Shape shape;
  std::array<std::int64_t, Shape::max_rank> strides;

  bool is_whole() const {
    std::int64_t step = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      if (shape[axis] != 1 && strides[static_cast<std::size_t>(axis)] != step) return false;
      step *= shape[axis];
    }
    return offset == 0 && shape.numel() == storage_numel;
  }
  std::int64_t bytes(std::int64_t numel) const {
    return numel * item_size(detail::dtype_of_element(type));
  }
};

struct Leaf {
  std::string name;
  std::size_t view;
  std::optional<bool> frozen;
};

std::string_view cure_of(std::string_view type) {
  if (type.find("omplex") != std::string_view::npos) return "save torch.view_as_real() of it";
  const bool is_quantised = type.starts_with("torch Q") || type.starts_with("torch q");
  return is_quantised ? "save it with .dequantize()" : "convert it with .float()";
}

class Reader {
 public:
  explicit Reader(const std::string& path);

  StateDict read();

 private:
  // A container that is being walked through.
  struct Frame {
    PickleId id;
    std::size_t next;         // item
    std::size_t name_length;  // of its own name
  };

  void check_kind(const std::string& path) const;
  std::string read_entry(const ZipEntry& entry) const;
  const ZipEntry& find_pickle();
  void read_byte_order();

  const PickleValue& at(PickleId id) const { return pickle_[id]; }
  [[noreturn]] void fail_at(PickleId id, const std::string& what) const;
  void walk();
  void enter(std::vector<Frame>& frames, PickleId id);
  void visit(std::vector<Frame>& frames, PickleId id);
  void add_name(const Frame& frame);
  void count_text(std::size_t bytes, PickleId id);
  void add_metadata(PickleId id);
  void add_tensor(PickleId id);
  std::size_t view_of(PickleId id);
  View make_view(PickleId id) const;
  std::int64_t size_of(PickleId id, const char* what) const;
  std::span<const PickleId> arguments_of(PickleId id, PickleId parent, std::size_t least,
                                         std::size_t most) const;
  Shape shape_of(PickleId id) const;
  void set_strides(View& view, PickleId id) const;
  void check_view(const View& view, PickleId id) const;
  void check_total() const;
  std::vector<Tensor> read_views() const;

  detail::ZipReader archive_;
  std::string folder_;  // of the archive's members, with a slash
  std::string bytes_;   // of the pickle
  Pickle pickle_;
  Fail fail_;  // about the pickle
  bool big_endian_ = false;

  std::string name_;  // of what is being read
  std::size_t visits_ = 0, text_bytes_ = 0;
  std::map<PickleId, std::size_t> view_of_value_;
  std::map<std::tuple<std::string, Element, std::int64_t, std::vector<std::int64_t>>, std::size_t>
      view_of_layout_;
  std::vector<View> views_;
  std::vector<Leaf> leaves_;
  StateDict state_;
};

// Names what is no zip archive of PyTorch's.
const std::string& recognised(const std::string& path) {
  detail::InputFile file("load_pt", path, detail::Streams::refused);
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
    fail(fmt::format("it is not a zip archive, as torch.save() writes it{}{}",
                     detail::looks_like(head), detail::looks_like_vectors(head.substr(0, 64))));
  }
  return path;
}

Reader::Reader(const std::string& path)
    : archive_("load_pt", recognised(path)), fail_(archive_.fail()) {
  const ZipEntry& entry = find_pickle();
  fail_ = archive_.fail(entry);
  if (entry.bytes > detail::pickle_limit) {
    fail_(fmt::format("it has {} bytes; up to {} are read", entry.bytes, detail::pickle_limit));
  }
  bytes_ = read_entry(entry);
  pickle_ = detail::parse_pickle(bytes_, allowed, fail_);
  read_byte_order();
}

std::string Reader::read_entry(const ZipEntry& entry) const {
  detail::ZipMember member(archive_, entry);
  std::string bytes(entry.bytes, '\0');
  member.read(bytes.data(), bytes.size());
  member.finish();
  return bytes;
}

// Finds "<folder>/data.pkl"; the folder is called as the file was or "archive".
const ZipEntry& Reader::find_pickle() {
  const ZipEntry* found = nullptr;
  bool is_script = false, has_arrays = false;
  for (const ZipEntry& entry : archive_.entries()) {
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

void Reader::read_byte_order() {
  const ZipEntry* entry = archive_.find(folder_ + "byteorder");
  if (entry == nullptr) return;
  const Fail fail = archive_.fail(*entry);
  if (entry->bytes > 16) fail(fmt::format("it has {} bytes", entry->bytes));
  const std::string order = read_entry(*entry);
  if (order != "little" && order != "big") {
    fail(fmt::format("it holds '{}', not 'little' or 'big'", printable(order)));
  }
  big_endian_ = order == "big";
}

void Reader::fail_at(PickleId id, const std::string& what) const {
  fail_(fmt::format("byte {}, '{}': {}", at(id).offset, printable(name_), what));
}

void Reader::count_text(std::size_t bytes, PickleId id) {
  text_bytes_ += bytes;
  if (text_bytes_ > text_limit) {
    fail_at(id, fmt::format("names and texts take more than {} bytes", text_limit));
  }
}

// Walks through all containers from the root on. A container may be in several others, or in
// itself, so depth and steps are limited.
void Reader::walk() {
  std::vector<Frame> frames;
  visit(frames, pickle_.root);
  while (!frames.empty()) {
    Frame& frame = frames.back();
    name_.resize(frame.name_length);
    if (frame.next == at(frame.id).items.size()) {
      frames.pop_back();
      continue;
    }
    add_name(frame);
    const bool is_dict = at(frame.id).kind == PickleKind::dict;
    const PickleId item = at(frame.id).items[frame.next + (is_dict ? 1 : 0)];
    frame.next += is_dict ? 2 : 1;
    visit(frames, item);
  }
}

// Appends the name of the next item of a container.
void Reader::add_name(const Frame& frame) {
  const PickleValue& container = at(frame.id);
  if (name_.size() > name_limit) fail_at(frame.id, "names are longer than 4096 bytes");
  if (!name_.empty()) name_ += '.';
  if (container.kind != PickleKind::dict) {
    name_ += std::to_string(frame.next);
    return;
  }
  const PickleId key = container.items[frame.next];
  if (at(key).kind == PickleKind::text && at(key).text.size() <= name_limit) {
    name_ += at(key).text;
  } else if (at(key).kind == PickleKind::integer) {
    name_ += std::to_string(at(key).number);
  } else {
    fail_at(key, "a key is neither a text of up to 4096 bytes nor an integer");
  }
}

void Reader::enter(std::vector<Frame>& frames, PickleId id) {
  if (frames.size() == depth_limit) {
    fail_at(id, fmt::format("containers are nested more than {} deep", depth_limit));
  }
  frames.push_back({id, 0, name_.size()});
}

void Reader::visit(std::vector<Frame>& frames, PickleId id) {
  if (++visits_ > visit_limit) {
    fail_at(id, fmt::format("it has more than {} values, the most that are read", visit_limit));
  }
  const PickleValue& value = at(id);
  switch (value.kind) {
    case PickleKind::dict:
    case PickleKind::list:
    case PickleKind::tuple:
      return enter(frames, id);
    case PickleKind::call:
      if (at(value.items[0]).text == "torch Size") {
        const PickleId sizes = arguments_of(value.items[1], id, 1, 1)[0];
        if (at(sizes).kind != PickleKind::tuple) fail_at(id, "a torch.Size without sizes");
        return enter(frames, sizes);
      }
      return add_tensor(id);
    case PickleKind::persistent:
      fail_at(id, "it is a storage, not a tensor");
    case PickleKind::none:
      return;
    default:
      return add_metadata(id);
  }
}

void Reader::add_metadata(PickleId id) {
  const PickleValue& value = at(id);
  std::string text;
  if (value.kind == PickleKind::text) {
    text = value.text;
  } else if (value.kind == PickleKind::boolean) {
    text = value.number != 0 ? "true" : "false";
  } else if (value.kind == PickleKind::real) {
    text = fmt::format("{}", value.real);
  } else if (value.kind == PickleKind::global) {
    text = detail::global_name(value.text);
  } else {
    text = detail::integer_text(value);
  }
  count_text(name_.size() + text.size(), id);
  if (name_.empty()) name_ = "value";
  state_.metadata[name_] = std::move(text);
}

std::span<const PickleId> Reader::arguments_of(PickleId id, PickleId parent, std::size_t least,
                                               std::size_t most) const {
  const std::vector<PickleId>& items = at(id).items;
  if (at(id).kind != PickleKind::tuple || items.size() < least || items.size() > most) {
    fail_at(parent, fmt::format("it should have {} parts, but has {}",
                                least == most ? fmt::to_string(least)
                                              : fmt::format("{} to {}", least, most),
                                items.size()));
  }
  return items;
}

void Reader::add_tensor(PickleId id) {
  std::optional<bool> frozen;
  const PickleValue& call = at(id);
  if (at(call.items[0]).text == "torch._utils _rebuild_parameter") {
    const auto arguments = arguments_of(call.items[1], id, 2, 3);
    if (at(arguments[1]).kind != PickleKind::boolean) fail_at(id, "requires_grad is no bool");
    frozen = at(arguments[1]).number == 0;
    id = arguments[0];
  }
  const auto [place, is_new] = view_of_value_.try_emplace(id, 0);
  if (is_new) place->second = view_of(id);
  if (name_.empty()) name_ = "tensor";
  count_text(name_.size(), id);
  leaves_.push_back({name_, place->second, frozen});
}

// The number of a view; equal ones have one.
std::size_t Reader::view_of(PickleId id) {
  View view = make_view(id);
  std::vector<std::int64_t> layout(view.shape.begin(), view.shape.end());
  layout.insert(layout.end(), view.strides.begin(), view.strides.end());
  const auto [place, is_new] = view_of_layout_.try_emplace(
      {view.key, view.type, view.offset, std::move(layout)}, views_.size());
  if (is_new) views_.push_back(std::move(view));
  return place->second;
}

std::int64_t Reader::size_of(PickleId id, const char* what) const {
  if (at(id).kind != PickleKind::integer || at(id).number < 0) {
    fail_at(id, fmt::format("its {} is not an integer from 0 to 2^63 - 1", what));
  }
  return at(id).number;
}

// Reads _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata), or v3,
// which has the dtype before the metadata.
View Reader::make_view(PickleId id) const {
  const PickleValue& call = at(id);
  if (call.kind != PickleKind::call) fail_at(id, "a parameter without a tensor");
  const std::string_view function = at(call.items[0]).text;
  const bool has_dtype = function == "torch._utils _rebuild_tensor_v3";
  if (!has_dtype && function != "torch._utils _rebuild_tensor_v2" &&
      function != "torch._utils _rebuild_tensor") {
    fail_at(id, fmt::format("'{}' makes no tensor", detail::global_name(function)));
  }
  const auto arguments = arguments_of(call.items[1], id, has_dtype ? 7 : 4, has_dtype ? 8 : 7);
  const std::size_t metadata = has_dtype ? 7 : 6;
  if (arguments.size() > metadata && !at(arguments[metadata]).items.empty()) {
    fail_at(id, "it is a view that is conjugated or negated: save .resolve_conj().resolve_neg()");
  }
  if (at(arguments[0]).kind != PickleKind::persistent) fail_at(id, "it has no storage");
  const auto storage = arguments_of(at(arguments[0]).items[0], id, 5, 6);
  if (at(storage[0]).text != "storage" || at(storage[1]).kind != PickleKind::global ||
      at(storage[2]).kind != PickleKind::text) {
    fail_at(arguments[0], "its storage is not ('storage', type, key, location, size)");
  }
  const std::string_view text = at(has_dtype ? arguments[6] : storage[1]).text;
  const auto* type = std::find_if(types.begin(), types.end(), [&](const Type& t) {
    return !text.empty() && text == (has_dtype ? t.dtype : t.storage);
  });
  if (type == types.end()) {
    fail_at(id, fmt::format("its elements, {}, are not supported: {}",
                            printable(detail::global_name(text)), cure_of(text)));
  }
  View view{std::string(at(storage[2]).text), type->element,
            size_of(storage[4], "storage"),   size_of(arguments[1], "offset"),
            shape_of(arguments[2]),           {}};
  if (at(storage[1]).text == "torch.storage UntypedStorage") {
    view.storage_numel /= static_cast<std::int64_t>(detail::element_bytes(view.type));
  }
  set_strides(view, arguments[3]);
  check_view(view, id);
  return view;
}

Shape Reader::shape_of(PickleId id) const {
  // torch.Size is saved as a tuple in tensors.
  std::vector<std::int64_t> sizes;
  for (const PickleId size : arguments_of(id, id, 0, 1000)) sizes.push_back(size_of(size, "size"));
  if (sizes.size() > static_cast<std::size_t>(Shape::max_rank)) {
    fail_at(id, fmt::format("it has {} axes, but a Tensor has at most {}: reshape it in PyTorch",
                            sizes.size(), Shape::max_rank));
  }
  try {
    return Shape(sizes);
  } catch (const ShapeError& error) {
    fail_at(id, error.what());
  }
}

// The stride of an axis of one element says nothing, and is left 0.
void Reader::set_strides(View& view, PickleId id) const {
  const auto rank = static_cast<std::size_t>(view.shape.rank());
  const auto strides = arguments_of(id, id, rank, rank);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t stride = size_of(strides[axis], "stride");
    if (view.shape[static_cast<int>(axis)] > 1) view.strides[axis] = stride;
  }
}

// Checks that the storage is there and whole, and that all elements of the view lie in it.
void Reader::check_view(const View& view, PickleId id) const {
  const ZipEntry* entry = archive_.find(folder_ + "data/" + view.key);
  if (entry == nullptr) {
    fail_at(id, fmt::format("the archive has no storage '{}'",
                            printable(folder_ + "data/" + view.key)));
  }
  const std::uint64_t width = detail::element_bytes(view.type);
  const auto numel = static_cast<std::uint64_t>(view.storage_numel);
  if (numel > entry->bytes / width || entry->bytes / width != numel || entry->bytes % width != 0) {
    fail_at(id, fmt::format("storage '{}' has {} bytes, not {} elements of {}", printable(view.key),
                            entry->bytes, numel, width));
  }
  if (view.shape.numel() == 0) return;
  std::int64_t last = view.offset;
  bool overflow = false;
  for (int axis = 0; axis < view.shape.rank(); ++axis) {
    std::int64_t step = 0;
    overflow |= __builtin_mul_overflow(view.shape[axis] - 1,
                                       view.strides[static_cast<std::size_t>(axis)], &step);
    overflow |= __builtin_add_overflow(last, step, &last);
  }
  if (overflow || last >= view.storage_numel) {
    fail_at(id, fmt::format("its elements go beyond its storage '{}' of {} elements",
                            printable(view.key), numel));
  }
}

// A tiny file can hold views of any size, by strides of 0.
void Reader::check_total() const {
  double needed = 0, stored = 0;
  std::map<std::string_view, double> storages;
  for (const View& view : views_) {
    needed += static_cast<double>(view.bytes(1)) * static_cast<double>(view.shape.numel());
    double& bytes = storages[view.key];
    const auto all = static_cast<double>(view.bytes(view.storage_numel));
    stored += std::max(0.0, all - bytes);
    bytes = std::max(bytes, all);
  }
  if (needed <= 4 * stored + static_cast<double>(view_limit)) return;
  archive_.fail()(
      fmt::format("its tensors are views that would take {:.0f} bytes, of storages of "
                  "{:.0f}: expand them after loading",
                  needed, stored));
}

std::vector<Tensor> Reader::read_views() const {
  std::map<std::pair<std::string_view, Element>, std::vector<std::size_t>> of_storage;
  for (std::size_t i = 0; i < views_.size(); ++i) {
    of_storage[{views_[i].key, views_[i].type}].push_back(i);
  }
  std::vector<Tensor> tensors(views_.size());
  for (const auto& [storage, users] : of_storage) {
    const View& first = views_[users.front()];
    const ZipEntry& entry = *archive_.find(folder_ + "data/" + first.key);
    detail::ZipMember member(archive_, entry);
    const auto read = [&](void* out, std::size_t bytes) { member.read(out, bytes); };
    const Tensor flat = detail::read_elements(first.type, big_endian_, first.storage_numel, read,
                                              archive_.fail(entry));
    member.finish();
    for (const std::size_t user : users) {
      const View& view = views_[user];
      tensors[user] = users.size() == 1 && view.is_whole()
                          ? detail::Access::view(flat, 0, view.shape)
                          : detail::gather_strided(flat, view.offset, view.shape, view.strides);
    }
  }
  return tensors;
}

StateDict Reader::read() {
  walk();
  check_total();
  const std::vector<Tensor> tensors = read_views();
  for (const Leaf& leaf : leaves_) {
    if (state_.contains(leaf.name)) {
      fail_(fmt::format("two tensors are called '{}'", printable(leaf.name)));
    }
    state_.set(leaf.name, tensors[leaf.view], leaf.frozen);
  }
  return std::move(state_);
}

}  // namespace

StateDict load_pt(const std::string& path) { return Reader(path).read(); }

}  // namespace gradus
