#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/detail/safetensors_layout.h>
#include <gradus/framework/io/detail/safetensors_shards.h>
#include <gradus/framework/io/safetensors.h>

namespace gradus {

void save(const StateDict& state, const std::string& path, const SaveOptions& options) {
  if (options.max_shard_bytes < 0) {
    throw ValueError(fmt::format("save: max_shard_bytes is {}", options.max_shard_bytes));
  }
  const detail::SafetensorsLayout layout = detail::safetensors_layout(state, options);
  if (options.max_shard_bytes > 0) {
    detail::save_shards(layout, path, options.max_shard_bytes);
  } else {
    detail::write_safetensors(path, detail::safetensors_header(layout, layout.items), layout.items);
  }
}

}  // namespace gradus
