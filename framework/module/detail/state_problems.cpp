#include <gradus/framework/base/error.h>
#include <gradus/framework/module/detail/state_problems.h>

#include <algorithm>

namespace gradus::detail {

bool StateProblems::has(Kind kind) const {
  return std::any_of(problems_.begin(), problems_.end(),
                     [kind](const Problem& problem) { return problem.kind == kind; });
}

void StateProblems::raise(std::string_view cure) const {
  if (problems_.empty()) return;
  std::string text = "load_state_dict: ";
  for (const Problem& problem : problems_) {
    if (&problem != &problems_.front()) text += "; ";
    text += problem.text;
  }
  text += cure;
  if (has(Kind::shape)) throw ShapeError(text);
  if (has(Kind::dtype)) throw DTypeError(text);
  if (has(Kind::value)) throw ValueError(text);
  throw Error(text);
}

}  // namespace gradus::detail
