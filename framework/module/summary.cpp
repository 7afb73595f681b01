#include <fmt/format.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/module/detail/module_node.h>
#include <gradus/framework/module/summary.h>

#include <algorithm>
#include <array>
#include <unordered_map>

namespace gradus {
namespace {

using detail::ModuleNode;

using Row = std::array<std::string, 6>;

struct Totals {
  std::int64_t trainable = 0, frozen = 0, bytes = 0, buffers = 0, buffer_bytes = 0;
};

std::int64_t bytes_of(const Tensor& tensor) { return tensor.numel() * item_size(tensor.dtype()); }

std::string kind(const Tensor& tensor) {
  const std::string shape = tensor.shape().str();
  return tensor.dtype() == DType::float32 ? shape
                                          : fmt::format("{} {}", shape, name(tensor.dtype()));
}

class Table {
 public:
  Table(ModuleNode& root, const std::type_info& type) {
    detail::for_each_node(root, "", [&](ModuleNode& node, const std::string& prefix) {
      const std::string path = prefix.empty() ? "(model)" : prefix.substr(0, prefix.size() - 1);
      const std::string text = detail::name_of(node, prefix.empty() ? type : typeid(Module));
      rows_.push_back({path, text.substr(0, text.find('(')), "", "", "", ""});
      for (const NamedParameter& p : node.parameters) add(prefix + p.path, p.parameter);
      for (const auto& [name, buffer] : node.buffers) add_buffer(prefix + name, buffer);
    });
  }

  std::string str() const {
    std::array<std::size_t, 6> width{};
    for (const Row& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
    }
    std::string text;
    for (const Row& row : rows_) {
      std::string line =
          fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>{}}  {:>{}}  {}", row[0], width[0], row[1],
                      width[1], row[2], width[2], row[3], width[3], row[4], width[4], row[5]);
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    text += fmt::format("total: {} parameters in {} bytes: {} trainable, {} frozen\n",
                        totals_.trainable + totals_.frozen, totals_.bytes, totals_.trainable,
                        totals_.frozen);
    if (totals_.buffers > 0) {
      text +=
          fmt::format("buffers: {} elements in {} bytes\n", totals_.buffers, totals_.buffer_bytes);
    }
    return text;
  }

 private:
  void add(const std::string& path, const Tensor& p) {
    const auto [first, is_new] = first_path_.try_emplace(&detail::Access::body(p), path);
    if (!is_new) {
      rows_.push_back({path, "", kind(p), "", "", "is " + first->second});
      return;
    }
    (p.trainable() ? totals_.trainable : totals_.frozen) += p.numel();
    totals_.bytes += bytes_of(p);
    rows_.push_back({path, "", kind(p), std::to_string(p.numel()), std::to_string(bytes_of(p)),
                     p.trainable() ? "yes" : "no"});
  }

  void add_buffer(const std::string& path, const Tensor& buffer) {
    totals_.buffers += buffer.numel();
    totals_.buffer_bytes += bytes_of(buffer);
    rows_.push_back({path, "", kind(buffer), std::to_string(buffer.numel()),
                     std::to_string(bytes_of(buffer)), "buffer"});
  }

  std::vector<Row> rows_{{"path", "type", "shape", "elements", "bytes", "trainable"}};
  std::unordered_map<const detail::Body*, std::string> first_path_;
  Totals totals_;
};

}  // namespace

std::string detail::summary(const Module& model, const std::type_info& type) {
  return Table(ModuleAccess::node(model), type).str();
}

}  // namespace gradus
