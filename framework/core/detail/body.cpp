#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>

namespace gradus::detail {

void Body::destroy() noexcept { delete this; }

Tensor Access::make(Ref<Storage> storage, std::int64_t byte_offset, const Shape& shape,
                    DType dtype) {
  return Tensor(new Body(std::move(storage), byte_offset, shape, dtype));
}

Tensor Access::from(Body* body) {
  body->retain();
  return Tensor(body);
}

void Access::throw_no_body() {
  throw Error("tensor: this handle is undefined (default-constructed or moved from)");
}

bool Access::sole_owner(const Tensor& tensor) {
  const Body* body = tensor.body_;
  return body != nullptr && body->use_count() == 1 && body->storage->use_count() == 1 &&
         body->storage->file() == nullptr;
}

bool Access::overlap(const Tensor& a, const Tensor& b) {
  const Body &first = body(a), &second = body(b);
  const auto end = [](const Body& x) { return x.offset + x.shape.numel() * item_size(x.dtype); };
  return first.storage.get() == second.storage.get() && first.offset < end(second) &&
         second.offset < end(first);
}

Tensor Access::apart(const Tensor& source, const Tensor& target) {
  return overlap(source, target) ? source.clone() : source;
}

Tensor Access::view(const Tensor& tensor, std::int64_t elements, const Shape& shape) {
  const Body& source = body(tensor);
  return make(source.storage, source.offset + elements * item_size(source.dtype), shape,
              source.dtype);
}

void Access::replace(const Tensor& tensor, const Tensor& values) {
  Body& target = body(tensor);
  const Body& source = body(values);
  target.storage = source.storage;
  target.offset = source.offset;
  target.shape = source.shape;
  target.dtype = source.dtype;
  target.node = source.node;
  target.output = source.output;
  if (!target.leaf) return;
  target.leaf->gradient = Gradient();
  ++target.leaf->generation;
}

}  // namespace gradus::detail
