#pragma once
#include <gradus/text.h>

#include <vector>

namespace gradus::examples {

/// The 31,102 verses of the King James Bible, in order, from the program of Debian's package
/// bible-kjv. Their labels are nine parts of the book (law, history, poetry, ...), or the
/// testaments, old and new. Throws Error saying how to install the program if it is absent.
std::vector<LabeledText> read_bible(bool testaments);

}  // namespace gradus::examples
