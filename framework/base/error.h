#pragma once
#include <gradus/framework/base/export.h>

#include <stdexcept>

namespace gradus {

/// Base of every exception that gradus throws; what() reads
/// `operation: what is wrong: names, values and shapes: what to do`.
class GRADUS_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  ~Error() override;
};

/// Shapes or sizes that do not fit together.
class GRADUS_API ShapeError : public Error {
 public:
  using Error::Error;
  ~ShapeError() override;
};

/// An index, id, label or axis outside its range.
class GRADUS_API IndexError : public Error {
 public:
  using Error::Error;
  ~IndexError() override;
};

/// An element type that the operation does not support.
class GRADUS_API DTypeError : public Error {
 public:
  using Error::Error;
  ~DTypeError() override;
};

/// A misuse of gradients: a freed graph, a changed value, a missing gradient.
class GRADUS_API AutogradError : public Error {
 public:
  using Error::Error;
  ~AutogradError() override;
};

/// A file or text that violates its format.
class GRADUS_API FormatError : public Error {
 public:
  using Error::Error;
  ~FormatError() override;
};

/// An option or argument whose value makes no sense (a negative learning rate, an empty list).
class GRADUS_API ValueError : public Error {
 public:
  using Error::Error;
  ~ValueError() override;
};

}  // namespace gradus
