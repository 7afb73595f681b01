#include <fmt/format.h>
#include <gradus/examples/gpt/trained.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/metrics/perplexity.h>
#include <gradus/framework/ops/nn/cross_entropy.h>

#include <algorithm>

namespace gradus::examples {
namespace {

constexpr const char* format_key = "gpt";  // whose value is this:
constexpr int format_version = 1;
constexpr std::int64_t at_once = 4096;  // characters to evaluate

/// What the model reads before it writes. A text that begins is what follows a line.
std::vector<std::int64_t> prompt_of(const TrainedGpt& trained, const std::string& start) {
  const bool has_lines = trained.coding.characters().find('\n') != std::string::npos;
  if (trained.documents) return trained.coding.ids("\n" + start);
  if (!start.empty()) return trained.coding.ids(start);
  return has_lines ? trained.coding.ids("\n") : std::vector<std::int64_t>{0};
}

}  // namespace

double mean_loss(const Gpt& model, const CharacterText& text) {
  const NoGradGuard no_grad;
  const bool was_training = model.is_training();
  model.eval();
  const std::int64_t pieces = std::max<std::int64_t>(at_once / text.longest(), 1);
  double nll = 0;
  std::int64_t characters = 0;
  for (std::int64_t first = 0; first < text.size(); first += pieces) {
    const auto [inputs, targets] = text.pieces(first, std::min(first + pieces, text.size()));
    nll += cross_entropy(model(inputs), targets, {.reduction = Reduction::sum}).item();
    characters += std::ranges::count_if(targets.span<std::int64_t>(),
                                        [](std::int64_t id) { return id >= 0; });
  }
  model.train(was_training);
  return nll / static_cast<double>(characters);
}

void TrainedGpt::save(const std::string& path) const {
  StateDict state = model.state_dict();
  const GptModelOptions& options = model.options();
  state.metadata[format_key] = std::to_string(format_version);
  state.metadata["characters"] = coding.characters();
  state.metadata["documents"] = std::to_string(documents ? 1 : 0);
  state.metadata["block_size"] = std::to_string(options.block_size);
  state.metadata["layers"] = std::to_string(options.layers);
  state.metadata["heads"] = std::to_string(options.heads);
  state.metadata["size"] = std::to_string(options.size);
  state.metadata["bias"] = std::to_string(options.bias ? 1 : 0);
  gradus::save(state, path);
}

TrainedGpt TrainedGpt::load(const std::string& path) {
  const StateDict state = gradus::load(path);
  if (!state.metadata.contains(format_key)) {
    throw FormatError(
        fmt::format("'{}' is no model of gpt: name a folder that it wrote with --output", path));
  }
  const auto number = [&](const char* key) { return std::stol(state.metadata.at(key)); };
  CharacterCoding coding(state.metadata.at("characters"));
  const Gpt model(coding.size(), {.block_size = number("block_size"),
                                  .layers = number("layers"),
                                  .heads = number("heads"),
                                  .size = number("size"),
                                  .bias = number("bias") == 1});
  model.load_state_dict(state);
  model.eval();
  return {std::move(coding), model, number("documents") == 1};
}

std::vector<WrittenText> TrainedGpt::write(
    const std::string& start, GenerateOptions options, const std::string& stop,
    Generator& generator, const std::function<void(const std::string&)>& on_text) const {
  const std::vector<std::int64_t> prompt = prompt_of(*this, start);
  if (documents) {
    options.eos_token_ids = coding.ids("\n");
    options.max_length = model.options().block_size + 1;
    if (std::ssize(prompt) >= *options.max_length) {
      throw Error(
          fmt::format("--generate: the text has {} characters, the longest line that the "
                      "model knows has {}",
                      prompt.size() - 1, model.options().block_size - 1));
    }
  }
  if (!stop.empty()) options.stop_sequences = {coding.ids(stop)};
  if (on_text) {
    options.on_token = [&](const GeneratedToken& token) {
      on_text(coding.text({&token.id, 1}));
      return true;
    };
  }
  const auto step = [&](const Tensor& ids, GptCache& cache) { return model.next(ids, cache); };
  std::vector<WrittenText> texts;
  for (const Generation& made : generate(step, {prompt}, GptCache(), options, generator)) {
    texts.push_back({start + coding.text(made.ids), made.score});
  }
  return texts;
}

}  // namespace gradus::examples
