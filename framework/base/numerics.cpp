#include <gradus/framework/base/numerics.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#elif defined(__aarch64__)
#include <cstdint>
#endif

namespace gradus {

#if defined(__SSE__)

namespace {

constexpr unsigned flush_bits = 0x8040;  // flush to zero, denormals are zero

}  // namespace

bool set_flush_denormal(bool flush) {
  const unsigned mode = _mm_getcsr();
  _mm_setcsr(flush ? mode | flush_bits : mode & ~flush_bits);
  return true;
}

bool flush_denormal() { return (_mm_getcsr() & flush_bits) == flush_bits; }

#elif defined(__aarch64__)

namespace {

constexpr std::uint64_t flush_bit = std::uint64_t{1} << 24;  // FPCR.FZ

std::uint64_t mode() {
  std::uint64_t bits;
  asm volatile("mrs %0, fpcr" : "=r"(bits));
  return bits;
}

}  // namespace

bool set_flush_denormal(bool flush) {
  const std::uint64_t bits = flush ? mode() | flush_bit : mode() & ~flush_bit;
  asm volatile("msr fpcr, %0" : : "r"(bits));
  return true;
}

bool flush_denormal() { return (mode() & flush_bit) != 0; }

#else

bool set_flush_denormal(bool) { return false; }
bool flush_denormal() { return false; }

#endif

}  // namespace gradus
