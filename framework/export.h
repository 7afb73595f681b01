#pragma once

/// Marks a symbol that is visible outside the shared library; all others are hidden.
#define GRADUS_API __attribute__((visibility("default")))
