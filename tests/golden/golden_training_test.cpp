// How the golden cases call layers and optimizers; models in files.
#include <gradus/framework/core/autograd.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/sequential.h>
#include <gradus/layers/skip_gram.h>
#include <gradus/optim/adadelta.h>
#include <gradus/optim/adafactor.h>
#include <gradus/optim/adagrad.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/adamax.h>
#include <gradus/optim/lion.h>
#include <gradus/optim/muon.h>
#include <gradus/optim/nadam.h>
#include <gradus/optim/radam.h>
#include <gradus/optim/rmsprop.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/sparse_adam.h>
#include <gradus/optim/training/clip.h>
#include <gradus/tests/golden/golden_case.h>

#include <iterator>

namespace gradus::golden {
namespace {

Results skip_gram(Case& c) {
  const Embedding input = Embedding::from_pretrained(c.inputs[0], /*freeze=*/false);
  const Embedding output = Embedding::from_pretrained(c.inputs[1], /*freeze=*/false);
  c.inputs[0] = input.weight;
  c.inputs[1] = output.weight;
  return {skip_gram_loss(input, output, c.inputs[2], c.inputs[3], c.inputs[4], c.reduction())};
}

// The gradient of parameter p in a step: dense, sparse or none.
Gradient gradient_of(const Case& c, std::size_t p, std::int64_t step, const Shape& shape) {
  const std::string what = "g" + std::to_string(p) + "." + std::to_string(step);
  if (c.has_tensor(what)) return c.tensor(what).clone();
  if (!c.has_tensor(what + ".ids")) return {};
  return SparseGrad(c.tensor(what + ".ids"), c.tensor(what + ".values"), shape);
}

// The values of all parameters after each step.
template <class Optimizer, class Options>
Results optimize(Case& c, const Options& defaults) {
  const auto groups = static_cast<std::size_t>(c.integer("groups"));
  std::vector<ParameterGroup<Options>> list(groups, {{}, defaults});
  for (std::size_t g = 0; g < groups; ++g) {
    for (const OptionField& field : optimizer_info(list[g].options).options) {
      const std::string option = std::to_string(g) + ":" + field.name;
      if (!c.has(option)) continue;
      if (field.number != nullptr) *field.number = c.number(option);
      if (field.flag != nullptr) *field.flag = c.flag(option);
    }
  }
  for (std::size_t p = 0; p < c.inputs.size(); ++p) {
    c.inputs[p].set_trainable(true);
    list[p % groups].parameters.push_back({"p" + std::to_string(p), Parameter(c.inputs[p])});
  }
  Optimizer optimizer(list);
  Results results;
  for (std::int64_t step = 0; step < c.integer("steps"); ++step) {
    for (std::size_t p = 0; p < c.inputs.size(); ++p) {
      c.inputs[p].set_grad(gradient_of(c, p, step, c.inputs[p].shape()));
    }
    optimizer.step();
    for (const Tensor& parameter : c.inputs) results.push_back(parameter.clone());
  }
  return results;
}

// Parameters whose gradients are the inputs; the last two are ids and rows of one, if `sparse`.
std::vector<NamedParameter> with_gradients(Case& c) {
  const bool sparse = c.flag("sparse");
  std::vector<NamedParameter> result;
  for (std::size_t i = 0; i < c.inputs.size() - (sparse ? 1 : 0); ++i) {
    const bool rows = sparse && i + 2 == c.inputs.size();
    const Shape shape = rows ? Shape{4, 3} : c.inputs[i].shape();
    const Tensor value = zeros(shape, c.dtype()).set_trainable(true);
    if (rows) {
      value.set_grad(SparseGrad(c.inputs[i], c.inputs[i + 1], shape));
    } else {
      value.set_grad(c.inputs[i]);
    }
    result.push_back({"p" + std::to_string(i), Parameter(value)});
  }
  return result;
}

void append_gradients(const std::vector<NamedParameter>& parameters, Results& results) {
  for (const NamedParameter& target : parameters) {
    results.push_back(target.parameter.grad().to_dense());
  }
}

Results clip_norm(Case& c) {
  const std::vector<NamedParameter> parameters = with_gradients(c);
  const double norm =
      clip_grad_norm(parameters, c.number("max_norm"), {.norm_type = c.number("norm_type")});
  Results results{full({}, norm, c.dtype())};
  append_gradients(parameters, results);
  return results;
}

Results clip_value(Case& c) {
  const std::vector<NamedParameter> parameters = with_gradients(c);
  clip_grad_value(parameters, c.number("limit"));
  Results results;
  append_gradients(parameters, results);
  return results;
}

Sequential torch_model() {
  Sequential model(Embedding(11, 6), Linear(6, 4));
  model.load_state_dict(load(folder() / "torch_model.safetensors"));
  return model;
}

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// make_golden.py --check reads gradus_model.safetensors with Python's package.
TEST(GoldenModel, IsSavedInTheBytesThatPythonWasSeenToRead) {
  const Sequential model = torch_model();
  const NoGradGuard no_grad;
  for (const NamedParameter& target : model.parameters()) target.parameter.mul_(2);
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "gradus_model.safetensors";
  save(model.state_dict(), path);
  const std::string saved = bytes_of(path);
  ASSERT_FALSE(saved.empty());
  EXPECT_TRUE(saved == bytes_of(folder() / "gradus_model.safetensors"))
      << path << " differs from the committed file: if that is meant, replace it and run "
      << "make_golden.py --check";
  if (!HasFailure()) std::filesystem::remove(path);
}

}  // namespace

const Runners& training_runners() {
  static const Runners all = [] {
    Runners runners{
        {"skip_gram", skip_gram},
        {"sgd", [](Case& c) { return optimize<SGD>(c, SGDOptions{}); }},
        {"adam", [](Case& c) { return optimize<Adam>(c, AdamOptions{}); }},
        {"adamw", [](Case& c) { return optimize<AdamW>(c, AdamWOptions{}); }},
        {"lazy_adam", [](Case& c) { return optimize<Adam>(c, AdamOptions{.lazy = true}); }},
        {"adagrad", [](Case& c) { return optimize<Adagrad>(c, AdagradOptions{}); }},
        {"rmsprop", [](Case& c) { return optimize<RMSprop>(c, RMSpropOptions{}); }},
        {"adadelta", [](Case& c) { return optimize<Adadelta>(c, AdadeltaOptions{}); }},
        {"adamax", [](Case& c) { return optimize<Adamax>(c, AdamaxOptions{}); }},
        {"nadam", [](Case& c) { return optimize<NAdam>(c, NAdamOptions{}); }},
        {"radam", [](Case& c) { return optimize<RAdam>(c, RAdamOptions{}); }},
        {"sparse_adam", [](Case& c) { return optimize<SparseAdam>(c, SparseAdamOptions{}); }},
        {"lion", [](Case& c) { return optimize<Lion>(c, LionOptions{}); }},
        {"adafactor", [](Case& c) { return optimize<Adafactor>(c, AdafactorOptions{}); }},
        {"muon", [](Case& c) { return optimize<Muon>(c, MuonOptions{}); }},
        {"rowwise_adagrad",
         [](Case& c) { return optimize<RowwiseAdagrad>(c, RowwiseAdagradOptions{}); }},
        {"lbfgs", lbfgs},
        {"schedule", schedule},
        {"plateau", plateau},
        {"clip_norm", clip_norm},
        {"clip_value", clip_value},
        {"model", [](Case& c) -> Results { return {torch_model()(c.inputs[0])}; }},
    };
    add_embeddings(runners);
    return runners;
  }();
  return all;
}

}  // namespace gradus::golden
