#pragma once
#include <gradus/framework/module/module.h>

#include <cstdint>

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

}  // namespace gradus
