// einsum and tensordot: permutations, and one matrix product for each pair of operands. Their
// gradients are those of the recorded ops.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/einsum.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/triangle.h>

#include <algorithm>
#include <map>
#include <string>

namespace gradus {
namespace {

// An operand with the label of each axis. Labels are letters; the axes of "..." have the labels 1
// (the last one), 2, ...
struct Term {
  Tensor x;
  std::string labels;
};

constexpr char ellipsis = '.';

bool has(const std::string& labels, char label) { return labels.find(label) != std::string::npos; }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// How an error message describes the axis with this label.
std::string described(char label) {
  return is_letter(label) ? fmt::format("subscript {}", label)
                          : fmt::format("axis {} of '...'", -static_cast<int>(label));
}

struct Equation {
  std::string text;  // as written
  std::vector<std::string> terms;
  std::string result;
  bool has_result = false;
};

[[noreturn]] void throw_bad(const std::string& equation, const std::string& problem) {
  throw ValueError(fmt::format("einsum: '{}': {}", equation, problem));
}

// The text of the term that starts at `at`, with "..." as one character.
std::string read_term(const std::string& text, std::size_t& at) {
  std::string labels;
  for (; at < text.size() && text[at] != ',' && text[at] != '-'; ++at) {
    if (text[at] == ' ') continue;
    if (is_letter(text[at])) {
      labels += text[at];
    } else if (text.compare(at, 3, "...") == 0 && !has(labels, ellipsis)) {
      labels += ellipsis;
      at += 2;
    } else {
      throw_bad(text, fmt::format("'{}' at position {} is neither a letter, ',', '->' nor the only "
                                  "'...' of a term",
                                  text[at], at));
    }
  }
  return labels;
}

Equation parse(std::string_view equation) {
  Equation result{std::string(equation), {}, {}, false};
  const std::string& text = result.text;
  std::size_t at = 0;
  result.terms.push_back(read_term(text, at));
  while (at < text.size() && text[at] == ',') result.terms.push_back(read_term(text, ++at));
  if (at == text.size()) return result;
  if (text.compare(at, 2, "->") != 0) throw_bad(text, "a '-' is not followed by '>'");
  at += 2;
  result.has_result = true;
  result.result = read_term(text, at);
  if (at < text.size()) throw_bad(text, "there is more than one term after '->'");
  for (const char label : result.result) {
    if (std::count(result.result.begin(), result.result.end(), label) > 1) {
      throw_bad(text, fmt::format("subscript {} appears twice in the result", label));
    }
    const bool known = std::any_of(result.terms.begin(), result.terms.end(),
                                   [&](const std::string& term) { return has(term, label); });
    if (!known && label != ellipsis) {
      throw_bad(text, fmt::format("subscript {} of the result is in no term", label));
    }
  }
  return result;
}

// The labels of `count` axes of "...".
std::string ellipsis_axes(int count) {
  std::string labels;
  for (int axis = count; axis > 0; --axis) labels += static_cast<char>(axis);
  return labels;
}

std::string with_ellipsis(const std::string& labels, int count) {
  const std::size_t at = labels.find(ellipsis);
  if (at == std::string::npos) return labels;
  return labels.substr(0, at) + ellipsis_axes(count) + labels.substr(at + 1);
}

std::vector<Term> terms_of(const Equation& equation, const std::vector<Tensor>& operands) {
  if (equation.terms.size() != operands.size()) {
    throw_bad(equation.text,
              fmt::format("{} terms for {} operands", equation.terms.size(), operands.size()));
  }
  std::vector<Term> terms;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const std::string& labels = equation.terms[i];
    const bool open = has(labels, ellipsis);
    const int rest = operands[i].dim() - static_cast<int>(labels.size()) + (open ? 1 : 0);
    if (rest < 0 || (rest > 0 && !open)) {
      throw ShapeError(fmt::format("einsum: '{}': term {} has {} subscripts, operand {} is {}",
                                   equation.text, i, labels.size() - (open ? 1 : 0), i,
                                   operands[i].shape().str()));
    }
    terms.push_back({operands[i], with_ellipsis(labels, rest)});
  }
  return terms;
}

std::string result_labels(const Equation& equation, const std::vector<Term>& terms) {
  int axes = 0;  // of "..."
  std::map<char, int> letters;
  for (const Term& term : terms) {
    for (const char label : term.labels) {
      if (is_letter(label)) {
        ++letters[label];
      } else {
        axes = std::max(axes, static_cast<int>(label));
      }
    }
  }
  if (equation.has_result) return with_ellipsis(equation.result, axes);
  std::string labels = ellipsis_axes(axes);
  for (const auto& [label, count] : letters) {
    if (count == 1) labels += label;
  }
  return labels;
}

// The size of each label; throws if two axes with the same label do not fit.
std::map<char, std::int64_t> sizes_of(const Equation& equation, const std::vector<Term>& terms) {
  std::map<char, std::int64_t> sizes;
  std::map<char, std::size_t> seen_in;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    std::map<char, std::int64_t> own;
    for (std::size_t axis = 0; axis < terms[i].labels.size(); ++axis) {
      const char label = terms[i].labels[axis];
      const std::int64_t size = terms[i].x.shape()[static_cast<int>(axis)];
      const auto [place, is_new] = own.emplace(label, size);
      if (!is_new && place->second != size) {
        throw ShapeError(fmt::format("einsum: '{}': {} has sizes {} and {} in operand {}, {}",
                                     equation.text, described(label), place->second, size, i,
                                     terms[i].x.shape().str()));
      }
    }
    for (const auto& [label, size] : own) {
      const auto [place, is_new] = sizes.emplace(label, size);
      if (!is_new && place->second != size && place->second != 1 && size != 1) {
        throw ShapeError(
            fmt::format("einsum: '{}': {} has size {} in operand {}, {}, and {} in operand {}, {}",
                        equation.text, described(label), place->second, seen_in[label],
                        terms[seen_in[label]].x.shape().str(), size, i, terms[i].x.shape().str()));
      }
      if (is_new || place->second == 1) {
        place->second = size;
        seen_in[label] = i;
      }
    }
  }
  return sizes;
}

// The term with one axis for each label: the diagonal of those that appear twice.
Term with_diagonals(Term term) {
  for (std::size_t i = 0; i < term.labels.size();) {
    const char label = term.labels[i];
    const std::size_t j = term.labels.find(label, i + 1);
    if (j == std::string::npos) {
      ++i;
      continue;
    }
    term.x = diagonal(term.x, 0, static_cast<std::int64_t>(i), static_cast<std::int64_t>(j));
    term.labels.erase(j, 1);
    term.labels.erase(i, 1);
    term.labels += label;
  }
  return term;
}

// The term without the axes of size 1 that are larger in other operands.
Term without_ones(Term term, const std::map<char, std::int64_t>& sizes) {
  for (std::size_t i = term.labels.size(); i-- > 0;) {
    const int axis = static_cast<int>(i);
    if (term.x.shape()[axis] == sizes.at(term.labels[i])) continue;
    term.x = squeeze(term.x, axis);
    term.labels.erase(i, 1);
  }
  return term;
}

// The sum over the axes that are not in `keep`.
Term summed(Term term, const std::string& keep) {
  std::vector<std::int64_t> axes;
  std::string labels;
  for (std::size_t i = 0; i < term.labels.size(); ++i) {
    if (has(keep, term.labels[i])) {
      labels += term.labels[i];
    } else {
      axes.push_back(static_cast<std::int64_t>(i));
    }
  }
  if (axes.empty()) return term;
  return {sum(term.x, Axes(std::span<const std::int64_t>(axes))), labels};
}

Tensor permuted(const Term& term, const std::string& labels) {
  std::vector<std::int64_t> axes;
  for (const char label : labels) {
    axes.push_back(static_cast<std::int64_t>(term.labels.find(label)));
  }
  return permute(term.x, axes);
}

// x with its axes in the order of `labels`.
Tensor in_order(const Term& term, const std::string& labels) {
  return term.labels == labels ? term.x : permuted(term, labels);
}

std::int64_t size_of(const Term& term, const std::string& labels) {
  std::int64_t size = 1;
  for (const char label : labels) {
    size *= term.x.shape()[static_cast<int>(term.labels.find(label))];
  }
  return size;
}

// Which labels of two operands are kept and which are summed over.
struct Pairing {
  std::string batch, summed, only_a, only_b;

  Pairing(const std::string& a, const std::string& b, const std::string& keep) {
    for (const char label : a) {
      (!has(b, label) ? only_a : has(keep, label) ? batch : summed) += label;
    }
    for (const char label : b) {
      if (!has(a, label)) only_b += label;
    }
  }
};

// The products of a [batch, m, k] and b [batch, k, n], summed over k.
Tensor product(const Term& a, const Term& b, const Pairing& pair) {
  const std::int64_t batch = size_of(a, pair.batch), k = size_of(a, pair.summed);
  const std::int64_t m = size_of(a, pair.only_a), n = size_of(b, pair.only_b);
  const bool trans_a = a.labels == pair.batch + pair.summed + pair.only_a;
  const bool trans_b = b.labels == pair.batch + pair.only_b + pair.summed;
  const Tensor left = trans_a ? a.x : in_order(a, pair.batch + pair.only_a + pair.summed);
  const Tensor right = trans_b ? b.x : in_order(b, pair.batch + pair.summed + pair.only_b);
  if (pair.summed.empty()) {
    return reshape(left, {batch, m, 1}) * reshape(right, {batch, 1, n});
  }
  if (m == 1 && n == 1 && batch != 1) {
    return sum(reshape(left, {batch, k}) * reshape(right, {batch, k}), 1);
  }
  return matmul(reshape(left, {batch, trans_a ? k : m, trans_a ? m : k}),
                reshape(right, {batch, trans_b ? n : k, trans_b ? k : n}),
                {.trans_a = trans_a, .trans_b = trans_b});
}

// Contracts two operands into one: sums over the labels that both have and that are not in `keep`.
// Neither operand has any other label to sum over.
Term contract(const Term& a, const Term& b, const std::string& keep) {
  const Pairing pair(a.labels, b.labels, keep);
  const std::string labels = pair.batch + pair.only_a + pair.only_b;
  std::vector<std::int64_t> sizes;
  for (const char label : labels) {
    sizes.push_back(size_of(has(a.labels, label) ? a : b, std::string(1, label)));
  }
  return {reshape(product(a, b, pair), sizes), labels};
}

void check_dtypes(const std::vector<Tensor>& operands) {
  for (std::size_t i = 1; i < operands.size(); ++i) {
    if (operands[i].dtype() != operands[0].dtype()) {
      throw DTypeError(fmt::format("einsum: dtypes differ: operand 0 is {}, operand {} is {}",
                                   name(operands[0].dtype()), i, name(operands[i].dtype())));
    }
    if (!is_floating(operands[i].dtype())) {
      throw DTypeError(
          fmt::format("einsum: operands of dtype {}: products are of float32 and "
                      "float64",
                      name(operands[i].dtype())));
    }
  }
}

}  // namespace

Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands) {
  detail::check_all_defined("einsum", "operand", operands);
  const Equation parsed = parse(equation);
  std::vector<Term> terms = terms_of(parsed, operands);
  check_dtypes(operands);
  const std::string result = result_labels(parsed, terms);
  const std::map<char, std::int64_t> sizes = sizes_of(parsed, terms);
  for (Term& term : terms) term = without_ones(with_diagonals(std::move(term)), sizes);
  std::vector<std::string> needed(terms.size(), result);  // by the result or later operands
  for (std::size_t i = terms.size(); i-- > 1;) needed[i - 1] = needed[i] + terms[i].labels;
  Term all = summed(terms[0], needed[0]);
  for (std::size_t i = 1; i < terms.size(); ++i) {
    all = contract(all, summed(terms[i], needed[i] + all.labels), needed[i]);
  }
  if (all.x.is_same(operands[0])) return permuted(all, result);  // always a copy
  return in_order(all, result);
}

namespace {

// Labels first, first + 1, ... for the axes of x, except that the i-th of `axes` has 'a' + i.
std::string labels_of(const Tensor& x, const std::vector<std::int64_t>& axes, char first) {
  std::string labels(static_cast<std::size_t>(x.dim()), '\0');
  for (std::size_t i = 0; i < axes.size(); ++i) {
    char& label = labels[static_cast<std::size_t>(normalize_axis(axes[i], x.dim(), "tensordot"))];
    if (label != '\0') {
      throw ValueError(fmt::format("tensordot: axis {} is given twice for a tensor of shape {}",
                                   axes[i], x.shape().str()));
    }
    label = static_cast<char>('a' + static_cast<int>(i));
  }
  for (char& label : labels) {
    if (label == '\0') label = first++;
  }
  return labels;
}

}  // namespace

Tensor tensordot(const Tensor& a, const Tensor& b, const std::vector<std::int64_t>& axes_a,
                 const std::vector<std::int64_t>& axes_b) {
  detail::check_same_dtype("tensordot", a, b);
  if (!is_floating(a.dtype())) detail::throw_not_floating("tensordot", a.dtype());
  if (axes_a.size() != axes_b.size()) {
    throw ValueError(fmt::format("tensordot: {} axes of a, {} of b", axes_a.size(), axes_b.size()));
  }
  const Term left{a, labels_of(a, axes_a, 'i')}, right{b, labels_of(b, axes_b, 'A')};
  for (std::size_t i = 0; i < axes_a.size(); ++i) {
    if (a.size(axes_a[i]) == b.size(axes_b[i])) continue;
    throw ShapeError(fmt::format("tensordot: axis {} of {} and axis {} of {} have different sizes",
                                 axes_a[i], a.shape().str(), axes_b[i], b.shape().str()));
  }
  return contract(left, right, {}).x;
}

Tensor tensordot(const Tensor& a, const Tensor& b, std::int64_t n) {
  detail::check_defined("tensordot", {{"a", a}, {"b", b}});
  if (n < 0 || n > a.dim() || n > b.dim()) {
    throw IndexError(
        fmt::format("tensordot: {} axes of {} and of {}", n, a.shape().str(), b.shape().str()));
  }
  std::vector<std::int64_t> last, first;
  for (std::int64_t i = 0; i < n; ++i) {
    last.push_back(a.dim() - n + i);
    first.push_back(i);
  }
  return tensordot(a, b, last, first);
}

}  // namespace gradus
