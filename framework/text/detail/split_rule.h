#pragma once
#include <gradus/framework/text/detail/pre_tokenizer.h>

namespace gradus::detail {

/// What a Splitter is made of.
struct SplitRule {
  PreTokenizer pre_tokenizer;  ///< neither ByteLevel nor Metaspace, which need to know more
  bool spaced;                 ///< a text of pieces has a blank between two of them
};

}  // namespace gradus::detail
