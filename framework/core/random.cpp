#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/kernels/random.h>

#include <utility>

namespace gradus {

std::uint64_t Generator::bits() { return kernels::random_bits(seed_, advance(1), 0); }

double Generator::uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }

std::int64_t Generator::below(std::int64_t n) {
  if (n <= 0) throw ValueError(fmt::format("Generator::below: n is {}, it must be positive", n));
  // Lemire 2019, "Fast random integer generation in an interval": the high word of a product,
  // rejecting the few values that would favour some results.
  const auto bound = static_cast<std::uint64_t>(n);
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(bits()) * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t reject = (0 - bound) % bound;
    while (static_cast<std::uint64_t>(product) < reject)
      product = static_cast<Wide>(bits()) * bound;
  }
  return static_cast<std::int64_t>(product >> 64);
}

Tensor Generator::state() const {
  return tensor({static_cast<std::int64_t>(seed_), static_cast<std::int64_t>(offset_)});
}

void Generator::set_state(const Tensor& state) {
  detail::check_defined("Generator::set_state", "state", state);
  if (state.shape() != Shape{2}) {
    throw ShapeError(
        fmt::format("Generator::set_state: the state is {}, not [2]", state.shape().str()));
  }
  const auto* words = state.data<std::int64_t>();
  set_state(static_cast<std::uint64_t>(words[0]), static_cast<std::uint64_t>(words[1]));
}

namespace {
thread_local Generator* scoped_generator = nullptr;
}  // namespace

detail::DefaultGeneratorScope::DefaultGeneratorScope(Generator& generator)
    : before_(std::exchange(scoped_generator, &generator)) {}
detail::DefaultGeneratorScope::~DefaultGeneratorScope() { scoped_generator = before_; }

Generator& default_generator() {
  if (scoped_generator != nullptr) return *scoped_generator;
  static Generator generator(0x5eed);
  return generator;
}

void manual_seed(std::uint64_t seed) { default_generator().set_state(seed, 0); }

}  // namespace gradus
