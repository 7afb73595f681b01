#pragma once
#include <gradus/examples/common/corpus.h>

#include <cstdint>

namespace gradus::examples {

/// What the verses of the King James Bible are labelled with.
enum class BibleLabels : std::uint8_t {
  parts,       ///< nine parts of the book: law, history, poetry, ...
  testaments,  ///< old, new
};

/// The 31,102 verses of the King James Bible, in order, from the program of Debian's package
/// bible-kjv. Throws Error saying how to install it if it is absent.
Corpus read_bible(BibleLabels labels);

}  // namespace gradus::examples
