#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/detail/pt_archive.h>
#include <gradus/framework/io/detail/pt_view.h>
#include <gradus/framework/io/pt.h>

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using detail::Element;
using detail::PickleId;
using detail::PickleKind;
using detail::PickleValue;
using detail::printable;
using detail::PtView;
using detail::ZipEntry;

constexpr std::size_t depth_limit = 64;
constexpr std::size_t visit_limit = std::size_t{1} << 22U;
constexpr std::size_t name_limit = 4096;                     // bytes
constexpr std::size_t text_limit = std::size_t{1} << 26U;    // bytes of all names and texts
constexpr std::int64_t view_limit = std::int64_t{1} << 26U;  // bytes that views may repeat

struct Leaf {
  std::string name;
  std::size_t view;
  std::optional<bool> frozen;
};

class Reader {
 public:
  explicit Reader(const std::string& path) : archive_(path) {}

  StateDict read();

 private:
  // A container that is being walked through.
  struct Frame {
    PickleId id;
    std::size_t next;         // item
    std::size_t name_length;  // of its own name
  };

  const PickleValue& at(PickleId id) const { return archive_.at(id); }
  [[noreturn]] void fail_at(PickleId id, const std::string& what) const {
    archive_.fail_at(id, name_, what);
  }
  std::span<const PickleId> arguments_of(PickleId id, PickleId parent, std::size_t least,
                                         std::size_t most) const {
    return archive_.arguments_of(id, parent, least, most, name_);
  }
  void walk();
  void enter(std::vector<Frame>& frames, PickleId id);
  void visit(std::vector<Frame>& frames, PickleId id);
  void add_name(const Frame& frame);
  void count_text(std::size_t bytes, PickleId id);
  void add_metadata(PickleId id);
  void add_tensor(PickleId id);
  std::size_t view_of(PickleId id);
  void check_total() const;
  std::vector<Tensor> read_views() const;

  detail::PtArchive archive_;
  std::string name_;  // of what is being read
  std::size_t visits_ = 0, text_bytes_ = 0;
  std::map<PickleId, std::size_t> view_of_value_;
  std::map<std::tuple<std::string, Element, std::int64_t, std::vector<std::int64_t>>, std::size_t>
      view_of_layout_;
  std::vector<PtView> views_;
  std::vector<Leaf> leaves_;
  StateDict state_;
};

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
  visit(frames, archive_.root());
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
  PtView view = detail::read_pt_view(archive_, id, name_);
  std::vector<std::int64_t> layout(view.shape.begin(), view.shape.end());
  layout.insert(layout.end(), view.strides.begin(), view.strides.end());
  const auto [place, is_new] = view_of_layout_.try_emplace(
      {view.key, view.type, view.offset, std::move(layout)}, views_.size());
  if (is_new) views_.push_back(std::move(view));
  return place->second;
}

// A tiny file can hold views of any size, by strides of 0.
void Reader::check_total() const {
  double needed = 0, stored = 0;
  std::map<std::string_view, double> storages;
  for (const PtView& view : views_) {
    needed += static_cast<double>(view.bytes(1)) * static_cast<double>(view.shape.numel());
    double& bytes = storages[view.key];
    const auto all = static_cast<double>(view.bytes(view.storage_numel));
    stored += std::max(0.0, all - bytes);
    bytes = std::max(bytes, all);
  }
  if (needed <= 4 * stored + static_cast<double>(view_limit)) return;
  archive_.zip().fail()(
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
    const PtView& first = views_[users.front()];
    const ZipEntry& entry = *archive_.storage(first.key);
    detail::ZipMember member(archive_.zip(), entry);
    const auto read = [&](void* out, std::size_t bytes) { member.read(out, bytes); };
    const Tensor flat = detail::read_elements(
        first.type, archive_.big_endian(), first.storage_numel, read, archive_.zip().fail(entry));
    member.finish();
    for (const std::size_t user : users) {
      const PtView& view = views_[user];
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
      archive_.fail()(fmt::format("two tensors are called '{}'", printable(leaf.name)));
    }
    state_.set(leaf.name, tensors[leaf.view], leaf.frozen);
  }
  return std::move(state_);
}

}  // namespace

StateDict load_pt(const std::string& path) { return Reader(path).read(); }

}  // namespace gradus
