#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/detail/pt_view.h>

#include <algorithm>
#include <span>
#include <vector>

namespace gradus::detail {
namespace {

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

std::string_view cure_of(std::string_view type) {
  if (type.find("omplex") != std::string_view::npos) return "save torch.view_as_real() of it";
  const bool is_quantised = type.starts_with("torch Q") || type.starts_with("torch q");
  return is_quantised ? "save it with .dequantize()" : "convert it with .float()";
}

class ViewReader {
 public:
  ViewReader(const PtArchive& archive, std::string_view name) : archive_(archive), name_(name) {}

  PtView read(PickleId id) const;

 private:
  const PickleValue& at(PickleId id) const { return archive_.at(id); }
  [[noreturn]] void fail_at(PickleId id, const std::string& what) const {
    archive_.fail_at(id, name_, what);
  }
  std::span<const PickleId> arguments_of(PickleId id, PickleId parent, std::size_t least,
                                         std::size_t most) const {
    return archive_.arguments_of(id, parent, least, most, name_);
  }
  std::int64_t size_of(PickleId id, const char* what) const;
  Shape shape_of(PickleId id) const;
  void set_strides(PtView& view, PickleId id) const;
  void check(const PtView& view, PickleId id) const;

  const PtArchive& archive_;
  std::string_view name_;
};

std::int64_t ViewReader::size_of(PickleId id, const char* what) const {
  if (at(id).kind != PickleKind::integer || at(id).number < 0) {
    fail_at(id, fmt::format("its {} is not an integer from 0 to 2^63 - 1", what));
  }
  return at(id).number;
}

// Reads _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata), or v3,
// which has the dtype before the metadata.
PtView ViewReader::read(PickleId id) const {
  const PickleValue& call = at(id);
  if (call.kind != PickleKind::call) fail_at(id, "a parameter without a tensor");
  const std::string_view function = at(call.items[0]).text;
  const bool has_dtype = function == "torch._utils _rebuild_tensor_v3";
  if (!has_dtype && function != "torch._utils _rebuild_tensor_v2" &&
      function != "torch._utils _rebuild_tensor") {
    fail_at(id, fmt::format("'{}' makes no tensor", global_name(function)));
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
    fail_at(id, fmt::format("its elements, {}, are not supported: {}", printable(global_name(text)),
                            cure_of(text)));
  }
  PtView view{std::string(at(storage[2]).text), type->element,
              size_of(storage[4], "storage"),   size_of(arguments[1], "offset"),
              shape_of(arguments[2]),           {}};
  if (at(storage[1]).text == "torch.storage UntypedStorage") {
    view.storage_numel /= static_cast<std::int64_t>(element_bytes(view.type));
  }
  set_strides(view, arguments[3]);
  check(view, id);
  return view;
}

Shape ViewReader::shape_of(PickleId id) const {
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
void ViewReader::set_strides(PtView& view, PickleId id) const {
  const auto rank = static_cast<std::size_t>(view.shape.rank());
  const auto strides = arguments_of(id, id, rank, rank);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t stride = size_of(strides[axis], "stride");
    if (view.shape[static_cast<int>(axis)] > 1) view.strides[axis] = stride;
  }
}

// Checks that the storage is there and whole, and that all elements of the view lie in it.
void ViewReader::check(const PtView& view, PickleId id) const {
  const ZipEntry* entry = archive_.storage(view.key);
  if (entry == nullptr) {
    fail_at(id,
            fmt::format("the archive has no storage '{}'", printable(archive_.path_of(view.key))));
  }
  const std::uint64_t width = element_bytes(view.type);
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

}  // namespace

bool PtView::is_whole() const {
  std::int64_t step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (shape[axis] != 1 && strides[static_cast<std::size_t>(axis)] != step) return false;
    step *= shape[axis];
  }
  return offset == 0 && shape.numel() == storage_numel;
}

PtView read_pt_view(const PtArchive& archive, PickleId id, std::string_view name) {
  return ViewReader(archive, name).read(id);
}

}  // namespace gradus::detail
