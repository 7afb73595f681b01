#include <fmt/format.h>
#include <gradus/examples/tagger/model.h>
#include <gradus/examples/tagger/sentences.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/shape.h>

#include <algorithm>
#include <cmath>

namespace gradus::examples {
namespace {

constexpr const char* format_key = "tagger";  // whose value is this:
constexpr int format_version = 1;
constexpr const char* no_scheme = "none";

constexpr CharacterModel character_models[] = {CharacterModel::lstm, CharacterModel::cnn,
                                               CharacterModel::none};

Embedding make_embedding(const Tensor& rows, std::int64_t padding) {
  return Embedding::from_pretrained(rows, /*freeze=*/false,
                                    {.padding_idx = padding, .sparse = true});
}

std::optional<CharacterEncoder> make_characters(const TagCoding& coding,
                                                const TaggerModelOptions& options) {
  if (options.characters == CharacterModel::none) return std::nullopt;
  return CharacterEncoder(coding.characters.size(), options);
}

CrfConstraints constraints_of(const LabelSet& labels, std::optional<TagScheme> scheme) {
  return scheme ? crf_constraints(labels.names(), *scheme) : CrfConstraints{};
}

LSTM make_lstm(const TaggerModelOptions& options) {
  const bool has_characters = options.characters != CharacterModel::none;
  const std::int64_t features = options.dim + (has_characters ? 2 * options.character_size : 0);
  return {features,
          options.hidden,
          {.num_layers = options.layers,
           .dropout = options.layers > 1 ? options.dropout : 0,
           .bidirectional = true}};
}

std::int64_t number(const StateDict& state, const char* key) {
  return std::stol(state.metadata.at(key));
}

std::optional<TagScheme> scheme_of(const std::string& name) {
  for (const NamedScheme& scheme : tag_schemes()) {
    if (name == scheme.name) return scheme.scheme;
  }
  return std::nullopt;
}

CharacterModel character_model_of(const std::string& name) {
  for (const CharacterModel model : character_models) {
    if (name == name_of(model)) return model;
  }
  throw FormatError(fmt::format("a tagger of a later version reads characters by '{}'", name));
}

}  // namespace

const char* name_of(CharacterModel model) {
  return model == CharacterModel::lstm ? "lstm" : model == CharacterModel::cnn ? "cnn" : "none";
}

CharacterEncoder::CharacterEncoder(std::int64_t characters, const TaggerModelOptions& options)
    : embedding_(add("embedding", Embedding(characters, options.character_size))),
      reader_(add_reader(options)) {}

CharacterEncoder::Reader CharacterEncoder::add_reader(const TaggerModelOptions& options) {
  const std::int64_t size = options.character_size;
  if (options.characters == CharacterModel::cnn) return add("conv", Conv1d(size, 2 * size, 3));
  return add("lstm", LSTM(size, size, {.bidirectional = true}));
}

Tensor CharacterEncoder::operator()(const PaddedSequences& forms) const {
  const Tensor x = embedding_(forms.ids);
  if (const auto* conv = std::get_if<Conv1d>(&reader_)) {
    return conv->relu_max(x, {.lengths = forms.lengths});
  }
  const LstmState state = std::get<LSTM>(reader_)(x, {.lengths = forms.lengths}).state;
  return cat({state.h[0], state.h[1]}, 1);
}

Tagger::Tagger(const Tensor& rows, const TagCoding& coding, std::optional<TagScheme> scheme,
               const TaggerModelOptions& options)
    : embedding_(add("words", make_embedding(rows, *coding.words.padding_id()))),
      characters_(make_characters(coding, options)),
      dropout_(add("dropout", Dropout(options.dropout))),
      lstm_(add("lstm", make_lstm(options))),
      output_(add("output", Linear(2 * options.hidden, coding.labels.size()))),
      crf_(add("crf",
               CRF(coding.labels.size(), {.constraints = constraints_of(coding.labels, scheme)}))) {
  if (characters_) add("characters", *characters_);
}

Tensor Tagger::emissions(const SentenceBatch& batch) const {
  Tensor x = embedding_(batch.words.ids);
  if (characters_) x = cat({x, embedding((*characters_)(batch.forms), batch.form_ids)}, 2);
  x = lstm_(dropout_(x), {.lengths = batch.words.lengths}).output;
  if (batch.first_pieces.defined()) x = embedding(flatten(x, 0, 1), batch.first_pieces);
  return output_(dropout_(x));
}

Tensor Tagger::loss(const SentenceBatch& batch) const {
  return crf_(emissions(batch), batch.labels, {.lengths = batch.lengths});
}

Tensor make_word_rows(const Vocabulary& words, const WordVectors& vectors, std::int64_t dim) {
  const std::int64_t D = vectors.words.empty() ? dim : vectors.matrix.size(1);
  const double bound = std::sqrt(3 / static_cast<double>(D));  // a variance of 1 / D
  Tensor rows = uniform_(empty({words.size(), D}), -bound, bound);
  for (std::size_t i = 0; i < vectors.words.size(); ++i) {
    const auto id = words.find(vectors.words[i]);
    if (id) rows.set_row(*id, vectors.matrix[static_cast<std::int64_t>(i)]);
  }
  return rows;
}

std::vector<Words> TrainedTagger::tag(std::span<const Words> sentences) const {
  constexpr std::size_t at_once = 32;
  const NoGradGuard no_grad;
  const bool was_training = model.is_training();
  model.eval();
  std::vector<Words> labels;
  for (std::size_t begin = 0; begin < sentences.size(); begin += at_once) {
    const auto some = sentences.subspan(begin, std::min(at_once, sentences.size() - begin));
    const SentenceBatch batch = coding.batch(some);
    const Tensor paths = model.crf().decode(model.emissions(batch), batch.lengths).labels;
    for (std::size_t i = 0; i < some.size(); ++i) {
      const auto path = paths[static_cast<std::int64_t>(i)];
      Words& tags = labels.emplace_back();
      for (const std::int64_t id : path.span<std::int64_t>().first(some[i].size())) {
        tags.push_back(coding.labels.name(id));
      }
    }
  }
  model.train(was_training);
  return labels;
}

void TrainedTagger::save(const std::string& path) const {
  StateDict state = model.state_dict();
  const auto set = [&](const char* key, const auto& value) {
    state.metadata[key] = fmt::format("{}", value);
  };
  set(format_key, format_version);
  set("words", coding.words.text());
  set("characters", coding.characters.text());
  set("labels", coding.labels.text());
  set("cased", coding.cased ? 1 : 0);
  set("scheme", scheme ? name_of(*scheme) : no_scheme);
  set("character_model", name_of(options.characters));
  set("character_size", options.character_size);
  set("hidden", options.hidden);
  set("layers", options.layers);
  set("column", column);
  set("word_column", word_column);
  TextPieces::save(coding.pieces, state);
  gradus::save(state, path);
}

TrainedTagger TrainedTagger::load(const std::string& path) {
  const StateDict state = gradus::load(path);
  if (!state.metadata.contains(format_key)) {
    throw FormatError(
        fmt::format("'{}' is no model of tagger: name a folder that it wrote with --output", path));
  }
  TagCoding coding{Vocabulary::from_text(state.metadata.at("words")),
                   Vocabulary::from_text(state.metadata.at("characters")),
                   LabelSet::from_text(state.metadata.at("labels")), number(state, "cased") != 0,
                   TextPieces::saved_in(state, path)};
  const TaggerModelOptions options{
      .dim = state.at("words.weight").size(1),
      .characters = character_model_of(state.metadata.at("character_model")),
      .character_size = number(state, "character_size"),
      .hidden = number(state, "hidden"),
      .layers = number(state, "layers")};
  const auto scheme = scheme_of(state.metadata.at("scheme"));
  const Tagger model(zeros({coding.words.size(), options.dim}), coding, scheme, options);
  model.load_state_dict(state);
  model.eval();
  return {std::move(coding),
          scheme,
          options,
          state.metadata.at("column"),
          number(state, "word_column"),
          model};
}

}  // namespace gradus::examples
