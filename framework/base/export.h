#pragma once

/// Marks a symbol that is visible outside the shared library; all others are hidden. An instance of
/// a marked template is hidden too if one of its arguments is not marked.
#define GRADUS_API __attribute__((visibility("default")))

/// Marks a function that is declared only so that a call to it fails to compile with `reason`.
#define GRADUS_UNAVAILABLE(reason) __attribute__((unavailable(reason)))
