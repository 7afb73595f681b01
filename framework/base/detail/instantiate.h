#pragma once
// Explicit instantiations of a function template, at the end of the file that defines it. Its name
// is enough where it is not overloaded.

#define GRADUS_INSTANTIATE(function, ...) \
  template decltype(function<__VA_ARGS__>) function<__VA_ARGS__>;

/// For float and double; for int64_t too; and for bool.
#define GRADUS_INSTANTIATE_FLOATS(function) \
  GRADUS_INSTANTIATE(function, float)       \
  GRADUS_INSTANTIATE(function, double)
#define GRADUS_INSTANTIATE_NUMBERS(function) \
  GRADUS_INSTANTIATE_FLOATS(function)        \
  GRADUS_INSTANTIATE(function, int64_t)
#define GRADUS_INSTANTIATE_ALL(function) \
  GRADUS_INSTANTIATE_NUMBERS(function)   \
  GRADUS_INSTANTIATE(function, bool)
