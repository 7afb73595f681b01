// What every op has to do, shown with the samples that the tests of this folder add.
#include <gradus/tests/support/every_op.h>
