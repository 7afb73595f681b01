#pragma once
// Reads the cases that make_golden.py wrote.
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/nn/reduction.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace gradus::golden {

inline std::filesystem::path folder() { return "tests/golden"; }

/// A line of values/FAMILY.txt.
struct Line {
  std::string family, name, op;
  std::map<std::string, std::string> options;
};

inline void read_lines(const std::filesystem::path& path, std::vector<Line>& lines) {
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    if (text.empty() || text[0] == '#') continue;
    std::istringstream words(text);
    Line line;
    line.family = path.stem();
    words >> line.name >> line.op;
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      line.options[word.substr(0, equals)] = word.substr(equals + 1);
    }
    lines.push_back(line);
  }
}

/// The cases of all families.
inline const std::vector<Line>& lines() {
  static const std::vector<Line> all = [] {
    std::vector<Line> result;
    for (const auto& entry : std::filesystem::directory_iterator(folder() / "values")) {
      if (entry.path().extension() == ".txt") read_lines(entry.path(), result);
    }
    return result;
  }();
  return all;
}

/// The tensors of values/FAMILY.safetensors.
inline const StateDict& tensors(const std::string& family) {
  static std::map<std::string, StateDict> read;
  auto found = read.find(family);
  if (found == read.end()) {
    found = read.emplace(family, load(folder() / "values" / (family + ".safetensors"))).first;
  }
  return found->second;
}

/// The names of all tensors that a case has asked for.
inline std::set<std::string>& used_tensors() {
  static std::set<std::string> names;
  return names;
}

/// A case in one dtype. Notes which options and tensors were asked for.
class Case {
 public:
  Case(const Line& line, DType dtype) : line_(line), tensors_(tensors(line.family)), dtype_(dtype) {
    for (std::size_t i = 0; tensors_.contains(path("in", i)); ++i) {
      Tensor input = tensor("in" + std::to_string(i));
      const std::string gradient = path("grad", i);
      if (input.dtype() == dtype_) input = input.clone();  // tests may write
      if (tensors_.contains(gradient) || tensors_.contains(gradient + ".ids")) {
        input.set_trainable(true);
      }
      inputs.push_back(input);
    }
  }

  const std::string& name() const { return line_.name; }
  DType dtype() const { return dtype_; }

  bool has(const std::string& option) const { return line_.options.count(option) != 0; }
  const std::string& word(const std::string& option) const {
    asked_.insert(option);
    return line_.options.at(option);
  }
  double number(const std::string& option) const { return std::stod(word(option)); }
  std::int64_t integer(const std::string& option) const { return std::stoll(word(option)); }
  bool flag(const std::string& option) const { return has(option) && word(option) == "1"; }
  std::vector<std::int64_t> integers(const std::string& option) const {
    std::vector<std::int64_t> result;
    std::istringstream items(word(option));
    for (std::string item; std::getline(items, item, ',');) result.push_back(std::stoll(item));
    return result;
  }

  Reduction reduction() const {
    const std::string& text = word("reduction");
    return text == "mean" ? Reduction::mean : text == "sum" ? Reduction::sum : Reduction::none;
  }

  bool has_tensor(const std::string& what) const { return tensors_.contains(name() + "/" + what); }
  /// A tensor of the family; floats in the dtype of this run.
  Tensor tensor(const std::string& what) const {
    used_tensors().insert(name() + "/" + what);
    const Tensor& found = tensors_.at(name() + "/" + what);
    return is_floating(found.dtype()) ? found.to(dtype_) : found;
  }
  /// The same as doubles, unrounded.
  std::vector<double> expected(const std::string& what) const {
    used_tensors().insert(name() + "/" + what);
    return values_of(tensors_.at(name() + "/" + what));
  }

  /// Loads the inputs from `first` on into the parameters of their names, which then stand in for
  /// them. Returns the place after the last one.
  std::size_t load_parameters(const Module& layer, std::size_t first) {
    StateDict weights;
    std::istringstream names(word("parameters"));
    std::size_t used = first;
    for (std::string name; std::getline(names, name, ',');) weights.set(name, inputs[used++]);
    layer.load_state_dict(weights);
    for (const NamedParameter& p : layer.parameters()) {
      const auto place = std::find_if(weights.begin(), weights.end(),
                                      [&](const StateEntry& e) { return e.name == p.path; });
      inputs[first + static_cast<std::size_t>(place - weights.begin())] = p.parameter;
    }
    return used;
  }

  /// Options that nobody asked for.
  std::vector<std::string> ignored() const {
    std::vector<std::string> result;
    for (const auto& [option, value] : line_.options) {
      if (asked_.count(option) == 0 && option != "dtype") result.push_back(option);
    }
    return result;
  }

  std::vector<Tensor> inputs;  ///< leaves, trainable where the file has a gradient

 private:
  std::string path(const char* what, std::size_t i) const {
    return name() + "/" + what + std::to_string(i);
  }

  const Line& line_;
  const StateDict& tensors_;
  DType dtype_;
  mutable std::set<std::string> asked_;
};

/// Computes the results of a case from its inputs.
using Results = std::vector<Tensor>;
using Runner = Results (*)(Case&);
using Runners = std::map<std::string, Runner>;

template <Tensor (*f)(const Tensor&)>
Results unary(Case& c) {
  return {f(c.inputs[0])};
}

const Runners& op_runners();
void add_row_reductions(Runners& all);  // part of op_runners(), as all up to add_attention
void add_more_elementwise(Runners& all);
void add_more_shapes(Runners& all);
void add_more_products(Runners& all);
void add_linalg(Runners& all);
void add_indexing(Runners& all);
void add_recurrent(Runners& all);
void add_convolution(Runners& all);
void add_structured(Runners& all);
void add_losses(Runners& all);
void add_norms(Runners& all);
void add_activations(Runners& all);
void add_attention(Runners& all);
const Runners& training_runners();
void add_embeddings(Runners& all);  // part of training_runners(), as the next three
Results lbfgs(Case& c);
Results schedule(Case& c);
Results plateau(Case& c);

/// Compares the cases of one op in each of their dtypes.
void run_cases(const std::string& op, Runner runner, bool training);

}  // namespace gradus::golden
