#include <fmt/format.h>
#include <gradus/examples/language_model/model.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/data/token_stream.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/metrics/perplexity.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/random.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/sort.h>

#include <algorithm>
#include <limits>
#include <span>

namespace gradus::examples {
namespace {

constexpr const char* format_key = "language_model";  // whose value is this:
constexpr int format_version = 1;

/// Small vectors, since they are the weights of the output too.
Embedding make_embedding(std::int64_t words, std::int64_t size) {
  Embedding embedding(words, size);
  uniform_(embedding.weight, -0.1, 0.1);
  return embedding;
}

Linear make_output(const Embedding& embedding) {
  Linear output(embedding.weight);
  const NoGradGuard no_grad;
  output.bias.zero_();
  return output;
}

/// Draws the next word by its scores [1, T, words], those of the last step.
std::int64_t draw(const Tensor& scores, const Vocabulary& words, const GenerateOptions& options) {
  const Tensor last = scores[0][scores.size(1) - 1].clone();
  last.mutable_span<float>()[static_cast<std::size_t>(*words.unknown_id())] =
      -std::numeric_limits<float>::infinity();
  const std::int64_t all = words.size() - 1;
  const std::int64_t k = options.temperature == 0 ? 1 : options.top_k == 0 ? all : options.top_k;
  const auto [best, ids] = topk(last, std::min(k, all));
  if (options.temperature == 0) return ids[0].item<std::int64_t>();
  const Tensor p = softmax((best - best[0]) / options.temperature, 0);
  return ids[multinomial(p, 1)[0].item<std::int64_t>()].item<std::int64_t>();
}

}  // namespace

LanguageModel::LanguageModel(std::int64_t words, const ModelOptions& options)
    : is_locked_(options.locked_dropout),
      embedding_(add("embedding", make_embedding(words, options.size))),
      embedding_dropout_(add("embedding_dropout", EmbeddingDropout(options.embedding_dropout))),
      dropout_(add("dropout", Dropout(options.dropout))),
      locked_dropout_(add("locked_dropout", LockedDropout(options.dropout))),
      layers_(add("layers", ModuleList(options.layers,
                                       [&](std::int64_t) {
                                         return LSTM(options.size, options.size,
                                                     {.weight_dropout = options.weight_dropout});
                                       }))),
      output_(add("output", make_output(embedding_))) {}

LanguageModelResult LanguageModel::operator()(const Tensor& ids, const LayerStates& states) const {
  LanguageModelResult result;
  Tensor x = drop(embedding_dropout_(embedding_, ids));
  for (std::int64_t k = 0; k < num_layers(); ++k) {
    const auto [output, state] = layers_[k](x, {.state = states[static_cast<std::size_t>(k)]});
    x = drop(output);
    result.states.push_back(state);
  }
  result.scores = output_(x);
  return result;
}

Tensor next_word_loss(const Tensor& scores, const Tensor& targets, Reduction reduction) {
  return cross_entropy(flatten(scores, 0, 1), flatten(targets), {.reduction = reduction});
}

double perplexity(const LanguageModel& model, const std::vector<std::int64_t>& ids) {
  const NoGradGuard no_grad;
  const bool was_training = model.is_training();
  model.eval();
  const TokenStream stream(ids, /*batch_size=*/1, /*steps=*/256);
  LayerStates states(static_cast<std::size_t>(model.num_layers()));
  Perplexity perplexity;
  for (std::int64_t k = 0; k < stream.size(); ++k) {
    const auto [inputs, targets] = stream[k];
    LanguageModelResult result = model(inputs, states);
    perplexity.add(next_word_loss(result.scores, targets, Reduction::sum).item(), targets.numel());
    states = std::move(result.states);
  }
  model.train(was_training);
  return perplexity.result();
}

void TrainedModel::save(const std::string& path) const {
  StateDict state = model.state_dict();
  state.metadata[format_key] = std::to_string(format_version);
  state.metadata["words"] = coding.words.text();
  state.metadata["tokenized"] = std::to_string(coding.tokenized ? 1 : 0);
  state.metadata["layers"] = std::to_string(model.num_layers());
  gradus::save(state, path);
}

TrainedModel TrainedModel::load(const std::string& path) {
  const StateDict state = gradus::load(path);
  if (!state.metadata.contains(format_key)) {
    throw FormatError(fmt::format(
        "'{}' is no model of language_model: name a folder that it wrote with --output", path));
  }
  WordCoding coding{Vocabulary::from_text(state.metadata.at("words")),
                    state.metadata.at("tokenized") == "1"};
  const LanguageModel model(coding.words.size(),
                            {.size = state.at("embedding.weight").size(1),
                             .layers = std::stol(state.metadata.at("layers"))});
  model.load_state_dict(state);
  model.eval();
  return {std::move(coding), model};
}

std::string generate(const TrainedModel& trained, const std::string& start,
                     const GenerateOptions& options) {
  const NoGradGuard no_grad;
  const auto& [coding, model] = trained;
  std::vector<std::int64_t> ids = {coding.line_id()};
  for (const std::string& word : coding.split(start)) ids.push_back(coding.words.id(word));
  LanguageModelResult result{{}, LayerStates(static_cast<std::size_t>(model.num_layers()))};
  Tensor next = tensor(ids, {1, std::ssize(ids)});
  for (std::int64_t i = 0; i < options.words; ++i) {
    result = model(next, result.states);
    ids.push_back(draw(result.scores, coding.words, options));
    next = full({1, 1}, ids.back(), DType::int64);
  }
  return coding.text(std::span(ids).subspan(1));
}

}  // namespace gradus::examples
