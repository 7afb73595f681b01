#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/oniguruma.h>

#include <algorithm>
#include <cstddef>

namespace gradus::detail {
namespace {

class Translator {
 public:
  explicit Translator(std::string_view expression) : in_(expression) {}

  std::string run() && {
    while (i_ < in_.size()) {
      if (in_[i_] == '\\') {
        escape();
      } else if (depth_ == 0) {
        if (in_[i_] == '[') {
          open();
        } else {
          out_ += in_[i_++];
        }
      } else {
        within_class();
      }
    }
    return std::move(out_);
  }

 private:
  bool starts_with(std::string_view text) const { return in_.substr(i_).starts_with(text); }

  void copy(std::size_t count) {
    out_ += in_.substr(i_, count);
    i_ = std::min(i_ + count, in_.size());
  }

  void escape() {
    const bool outside = depth_ == 0;
    if (starts_with("\\s") || starts_with("\\S")) {
      out_ += in_[i_ + 1] == 's' ? "\\p{White_Space}" : "\\P{White_Space}";
      i_ += 2;
    } else if (starts_with("\\h")) {
      out_ += outside ? "[0-9a-fA-F]" : "0-9a-fA-F";
      i_ += 2;
    } else if (outside && starts_with("\\H")) {
      out_ += "[^0-9a-fA-F]";
      i_ += 2;
    } else {
      copy(2);
    }
  }

  // A bracket that is the first of a class stands for itself.
  void open() {
    ++depth_;
    copy(starts_with("[^") ? 2 : 1);
    if (starts_with("]")) copy(1);
  }

  void within_class() {
    if (starts_with("[:") && in_.find(":]", i_) != std::string_view::npos) {
      copy(in_.find(":]", i_) + 2 - i_);
    } else if (starts_with("[^") || starts_with("&&")) {
      throw ValueError(fmt::format(
          "regular expression '{}': '{}' within a class is not supported: write the class without",
          printable(in_), in_.substr(i_, 2)));
    } else if (in_[i_] == '[') {  // its members are members of the class around it
      ++depth_;
      ++i_;
    } else if (in_[i_] == ']') {
      if (--depth_ == 0) out_ += ']';
      ++i_;
    } else {
      copy(1);
    }
  }

  std::string_view in_;
  std::string out_;
  std::size_t i_ = 0;
  int depth_ = 0;  // of classes
};

}  // namespace

std::string from_oniguruma(std::string_view expression) { return Translator(expression).run(); }

}  // namespace gradus::detail
