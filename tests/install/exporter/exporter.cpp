#include <gradus/framework/error.h>

void throw_shape_error() { throw gradus::ShapeError("exporter: thrown inside"); }
