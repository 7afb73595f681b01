#include <gradus/framework/base/error.h>

namespace gradus {

// Out of line, so that each class has one type_info and can be caught across the shared library.
Error::~Error() = default;
ShapeError::~ShapeError() = default;
IndexError::~IndexError() = default;
DTypeError::~DTypeError() = default;
AutogradError::~AutogradError() = default;
FormatError::~FormatError() = default;
ValueError::~ValueError() = default;

}  // namespace gradus
