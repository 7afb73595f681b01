#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/detail/npy_format.h>
#include <gradus/framework/io/npy.h>

namespace gradus {

Tensor load_npy(const std::string& path) {
  detail::InputFile file("load_npy", path, detail::Streams::refused);
  const detail::Fail fail(fmt::format("load_npy: '{}'", path));
  const auto read = [&](void* out, std::size_t bytes) {
    if (file.read(static_cast<char*>(out), bytes) != bytes) fail("it became shorter while read");
  };
  return detail::read_npy(file.size(), read, fail);
}

void save_npy(const Tensor& tensor, const std::string& path) {
  if (!tensor.defined()) throw ValueError("save_npy: the tensor is undefined");
  AtomicFile file(path, "save_npy");
  file.write(detail::npy_header(tensor));
  file.write(detail::data(tensor),
             static_cast<std::size_t>(tensor.numel() * item_size(tensor.dtype())));
  file.commit();
}

}  // namespace gradus
