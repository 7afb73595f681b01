#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus::detail {

/// Gathers everything that is wrong with a state to be loaded, and throws it as one error.
class GRADUS_API StateProblems {
 public:
  /// The kind of error that a problem would be on its own.
  enum class Kind : std::uint8_t { shape, dtype, value, other };

  void add(Kind kind, std::string text) { problems_.push_back({kind, std::move(text)}); }
  void add(const StateProblems& others) {
    problems_.insert(problems_.end(), others.problems_.begin(), others.problems_.end());
  }
  bool empty() const { return problems_.empty(); }
  bool has(Kind kind) const;
  /// If there are problems, throws `load_state_dict: <the problems, in order><cure>`: ShapeError if
  /// a shape is wrong, else DTypeError, else ValueError, else Error.
  void raise(std::string_view cure = "") const;

 private:
  struct Problem {
    Kind kind;
    std::string text;
  };
  std::vector<Problem> problems_;
};

}  // namespace gradus::detail
