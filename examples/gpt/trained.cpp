#include <fmt/format.h>
#include <gradus/examples/gpt/trained.h>
#include <gradus/examples/gpt/writer.h>
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
constexpr std::int64_t at_once = 4096, at_once_logits = 4'000'000;  // to evaluate

/// What the model reads before it writes. A text that begins is what follows a line.
std::vector<std::int64_t> prompt_of(const TrainedGpt& trained, const std::string& start) {
  const TextCoding& coding = trained.coding;
  if (!start.empty() && !trained.documents) return coding.ids(start);
  const CharacterCoding* characters = coding.characters();
  const bool has_lines =
      characters == nullptr || characters->characters().find('\n') != std::string::npos;
  std::vector<std::int64_t> prompt = has_lines ? coding.ids("\n") : std::vector<std::int64_t>{0};
  const std::vector<std::int64_t> ids = coding.ids(start);
  prompt.insert(prompt.end(), ids.begin(), ids.end());
  return prompt;
}

/// The ids that end a beam search. Only one way leads to a text by characters.
std::vector<std::int64_t> stop_ids(const TextCoding& coding, const std::string& stop) {
  if (coding.characters() != nullptr) return coding.ids(stop);
  throw Error(
      "--stop: the model writes tokens, of which several make a text: it cannot end a search by "
      "--beams: leave one of the two out");
}

}  // namespace

double mean_loss(const Gpt& model, const TokenText& text) {
  const NoGradGuard no_grad;
  const bool was_training = model.is_training();
  model.eval();
  const std::int64_t ids = std::min(at_once, at_once_logits / model.vocabulary());
  const std::int64_t pieces = std::max<std::int64_t>(ids / text.longest(), 1);
  double nll = 0;
  std::int64_t count = 0;
  for (std::int64_t first = 0; first < text.size(); first += pieces) {
    const auto [inputs, targets] = text.pieces(first, std::min(first + pieces, text.size()));
    nll += cross_entropy(model(inputs), targets, {.reduction = Reduction::sum}).item();
    count += std::ranges::count_if(targets.span<std::int64_t>(),
                                   [](std::int64_t id) { return id >= 0; });
  }
  model.train(was_training);
  return nll / static_cast<double>(count);
}

void TrainedGpt::save(const std::string& path) const {
  StateDict state = model.state_dict();
  const GptModelOptions& options = model.options();
  state.metadata[format_key] = std::to_string(format_version);
  if (const CharacterCoding* characters = coding.characters()) {
    state.metadata["characters"] = characters->characters();
  } else {
    TextPieces::save(*coding.tokens(), state);
  }
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
  const std::optional<TextPieces> tokens = TextPieces::saved_in(state, path);
  TextCoding coding =
      tokens ? TextCoding(*tokens) : CharacterCoding(state.metadata.at("characters"));
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
      throw Error(fmt::format(
          "--generate: the text has {} {}, the longest line that the model knows has {}",
          prompt.size() - 1, coding.unit(), model.options().block_size - 1));
    }
  }
  const bool by_beams = options.num_beams > 1;
  if (!stop.empty() && by_beams) options.stop_sequences = {stop_ids(coding, stop)};
  std::vector<TextWriter> writers(static_cast<std::size_t>(options.num_return_sequences),
                                  TextWriter(coding, prompt, start, stop));
  if (!by_beams) {
    options.on_token = [&](const GeneratedToken& token) {
      TextWriter& writer = writers[static_cast<std::size_t>(token.sequence)];
      const std::string added = writer.add(token.id);
      if (on_text) on_text(added);
      return !writer.has_stopped();
    };
  }
  const auto step = [&](const Tensor& ids, GptCache& cache) { return model.next(ids, cache); };
  std::vector<WrittenText> texts;
  for (const Generation& made : generate(step, {prompt}, GptCache(), options, generator)) {
    TextWriter& writer = writers[texts.size()];
    for (std::size_t i = 0; by_beams && i < made.ids.size(); ++i) writer.add(made.ids[i]);
    const std::string rest = writer.finish();
    if (on_text) on_text(rest);
    texts.push_back({writer.text(), made.score});
  }
  return texts;
}

}  // namespace gradus::examples
