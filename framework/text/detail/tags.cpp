#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/tags.h>

namespace gradus::detail {
namespace {

std::string_view prefixes(TagScheme scheme) {
  switch (scheme) {
    case TagScheme::iob1:
    case TagScheme::iob2:
      return "BIO";
    case TagScheme::ioe1:
    case TagScheme::ioe2:
      return "IEO";
    default:
      return "BIESO";
  }
}

}  // namespace

const char* scheme_name(TagScheme scheme) {
  constexpr const char* names[] = {"IOB1", "IOB2", "IOE1", "IOE2", "IOBES"};
  return names[static_cast<std::size_t>(scheme)];
}

Tag parse_tag(const std::string& where, std::string_view text, TagScheme scheme,
              std::size_t place) {
  const bool has_type = text.size() > 2 && text[1] == '-';
  const bool known = !text.empty() && prefixes(scheme).find(text[0]) != std::string_view::npos;
  if (!known || (text.size() > 1 && !has_type) || (has_type && text[0] == 'O')) {
    throw FormatError(fmt::format("{}: '{}', tag {}, is none of {}: O, or a prefix, '-' and a type",
                                  where, printable(text), place, scheme_name(scheme)));
  }
  return {text[0], has_type ? text.substr(2) : std::string_view()};
}

bool TagPair::ends() const {
  if (before_is("O")) return false;
  return before_is("ES") || after_is("BSO") || !same();
}

bool TagPair::begins() const {
  if (after_is("O")) return false;
  return after_is("BS") || before_is("ESO") || !same();
}

bool TagPair::valid_end(TagScheme scheme) const {
  if (scheme == TagScheme::ioe1) return !before_is("E") || (after_is("IE") && same());
  if (scheme == TagScheme::ioe2) return before_is("E");
  if (scheme == TagScheme::iobes) return before_is("ES");
  return true;
}

bool TagPair::valid_begin(TagScheme scheme) const {
  if (scheme == TagScheme::iob1) return !after_is("B") || (before_is("BI") && same());
  if (scheme == TagScheme::iob2) return after_is("B");
  if (scheme == TagScheme::iobes) return after_is("BS");
  return true;
}

}  // namespace gradus::detail
