#pragma once
// The tags of a TagScheme, and which may follow each other.
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/tag_scheme.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace gradus::detail {

GRADUS_API const char* scheme_name(TagScheme scheme);

/// A tag without its dash: {'B', "PER"}.
struct Tag {
  char prefix = 'O';
  std::string_view type = {};
};

/// Tag number `place` of a list. Throws FormatError, which begins with `where`, for a text that the
/// scheme does not have.
GRADUS_API Tag parse_tag(const std::string& where, std::string_view text, TagScheme scheme,
                         std::size_t place);

/// One tag after the other; before the first and after the last is O.
struct GRADUS_API TagPair {
  Tag before, after;

  /// True if a span ends between the two, or begins there: the rules of conlleval, and S.
  bool ends() const;
  bool begins() const;
  /// True unless the scheme has another tag where a span ends, or begins, so.
  bool valid_end(TagScheme scheme) const;
  bool valid_begin(TagScheme scheme) const;
  /// True if the scheme allows the one after the other.
  bool valid(TagScheme scheme) const {
    return (!ends() || valid_end(scheme)) && (!begins() || valid_begin(scheme));
  }

 private:
  bool same() const { return before.type == after.type; }
  bool before_is(std::string_view prefixes) const {
    return prefixes.find(before.prefix) != std::string_view::npos;
  }
  bool after_is(std::string_view prefixes) const {
    return prefixes.find(after.prefix) != std::string_view::npos;
  }
};

}  // namespace gradus::detail
