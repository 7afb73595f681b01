#pragma once

/// Marks a symbol that is visible outside the shared library; all others are hidden. So is an
/// instance of a marked template with an argument that is not marked.
#define GRADUS_API __attribute__((visibility("default")))

/// Marks a function that is only declared, so that compilers give the reason where it is called.
#define GRADUS_UNAVAILABLE(reason) __attribute__((unavailable(reason)))
