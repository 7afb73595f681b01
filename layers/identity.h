#pragma once
#include <gradus/framework/module/module.h>

#include <cstdint>
#include <vector>

namespace gradus {

/// Returns its argument: what takes the place of a layer that is left out.
class GRADUS_API Identity : public Module {
 public:
  template <class M>
  GRADUS_TOO_LATE Identity& operator=(M&&);

  Identity();
  Tensor operator()(const Tensor& x) const { return x; }
};

/// flatten() of the axes from `first` to `last`, both included: by default all but the first.
class GRADUS_API Flatten : public Module {
 public:
  template <class M>
  GRADUS_TOO_LATE Flatten& operator=(M&&);

  explicit Flatten(std::int64_t first = 1, std::int64_t last = -1);
  /// Throws IndexError for axes that x does not have.
  Tensor operator()(const Tensor& x) const;

 private:
  const std::int64_t first_, last_;
};

/// unflatten() of an axis: into the first two after the batch, Unflatten(1, {3, 4}).
class GRADUS_API Unflatten : public Module {
 public:
  GRADUS_TOO_LATE Unflatten();
  template <class M>
  GRADUS_TOO_LATE Unflatten& operator=(M&&);

  /// One of the sizes may be -1 and is inferred from the others.
  Unflatten(std::int64_t axis, std::vector<std::int64_t> sizes);
  /// Throws IndexError for an axis that x does not have, ShapeError for one of another size.
  Tensor operator()(const Tensor& x) const;

 private:
  const std::int64_t axis_;
  const std::vector<std::int64_t> sizes_;
};

}  // namespace gradus
