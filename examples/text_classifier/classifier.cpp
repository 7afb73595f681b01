#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/examples/text_classifier/classifier.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/text/tokenize.h>
#include <gradus/layers/linear.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

namespace gradus::examples {
namespace {

constexpr const char* format_key = "text_classifier";  // whose value is this:
constexpr int format_version = 1;

const std::vector<std::string> kinds = {"fasttext", "wide_mlp", "bilstm",
                                        "textcnn"};  // as in ModelKind

Linear output_layer(std::int64_t in, std::int64_t classes) {
  Linear output(in, classes);
  const NoGradGuard no_grad;
  output.weight.zero_();  // as in fastText: all labels are equally likely at first
  output.bias.zero_();
  return output;
}

Sequential make_head(std::int64_t size, const TextModelOptions& options, std::int64_t classes) {
  switch (options.kind) {
    case ModelKind::fasttext:
      return Sequential(output_layer(size, classes));
    case ModelKind::wide_mlp:
      return Sequential(Linear(size, options.hidden), relu, Dropout(options.dropout),
                        Linear(options.hidden, classes));
    case ModelKind::bilstm:
      return Sequential(Dropout(options.dropout), Linear(2 * options.hidden, classes));
    case ModelKind::textcnn:
      return Sequential(Dropout(options.dropout),
                        Linear(options.filters * std::ssize(options.widths), classes));
  }
  throw ValueError("make_head: no such kind of model");
}

/// The kind of that name, as a file has it.
ModelKind kind_of(const std::string& name, const std::string& path) {
  const auto found = std::find(kinds.begin(), kinds.end(), name);
  if (found != kinds.end()) return static_cast<ModelKind>(found - kinds.begin());
  throw FormatError(
      fmt::format("'{}' has a model '{}', which this program does not know: it knows {}", path,
                  name, fmt::join(kinds, ", ")));
}

/// What flatten_sequences() was made from.
std::vector<std::vector<std::int64_t>> sequences_of(const FlatSequences& texts) {
  const std::span<const std::int64_t> ids = texts.ids.span<std::int64_t>();
  const std::span<const std::int64_t> offsets = texts.offsets.span<std::int64_t>();
  std::vector<std::vector<std::int64_t>> sequences;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const std::int64_t end = i + 1 < offsets.size() ? offsets[i + 1] : std::ssize(ids);
    sequences.emplace_back(ids.begin() + offsets[i], ids.begin() + end);
  }
  return sequences;
}

/// Rows for words, and a last one of zeros for padding.
Embedding padded_embedding(const Tensor& rows, bool frozen) {
  return Embedding::from_pretrained(cat({rows, zeros({1, rows.size(1)})}, 0), frozen,
                                    {.padding_idx = rows.size(0), .sparse = true});
}

/// The texts as ids of such an embedding, at least one word wide.
PaddedSequences padded(const FlatSequences& texts, const Embedding& embedding) {
  const std::int64_t padding = embedding.num_embeddings() - 1;
  PaddedSequences result = pad_sequences(sequences_of(texts), padding);
  if (result.ids.size(1) == 0) result.ids = full({result.ids.size(0), 1}, padding, DType::int64);
  return result;
}

Tensor encode(const EmbeddingBag& bag, const FlatSequences& texts) {
  return bag(texts.ids, texts.offsets);
}
Tensor encode(const BiLstm& bilstm, const FlatSequences& texts) { return bilstm(texts); }
Tensor encode(const TextCnn& textcnn, const FlatSequences& texts) { return textcnn(texts); }

std::int64_t number(const StateDict& state, const char* key) {
  const std::string& text = state.metadata.at(key);
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc()) throw FormatError(fmt::format("'{}' is '{}'", key, text));
  return value;
}

/// How many filters of which widths a saved textcnn has.
void read_filters(const StateDict& state, TextModelOptions& options) {
  options.widths.clear();
  for (int i = 0;; ++i) {
    const std::string name = fmt::format("textcnn.filters.{}.weight", i);
    if (!state.contains(name)) return;
    options.filters = state.at(name).size(0);
    options.widths.push_back(state.at(name).size(2));
  }
}

}  // namespace

std::vector<std::string> TextFeatures::split(std::string_view text) const {
  if (pieces) return pieces->of_text(text);
  return tokenized ? split_words(text) : tokenize(text);
}

std::vector<std::int64_t> TextFeatures::rows(std::string_view text) const {
  const std::vector<std::string> tokens = split(text);
  std::vector<std::int64_t> rows = words.known_ids(tokens);
  const auto add_buckets = [&](const std::vector<std::int64_t>& buckets) {
    for (const std::int64_t bucket : buckets) rows.push_back(words.size() + bucket);
  };
  for (std::size_t i = 0; ngrams.maxn > 0 && i < tokens.size(); ++i) {
    add_buckets(ngram_buckets(tokens[i], ngrams));
  }
  if (word_ngrams > 1) add_buckets(word_ngram_buckets(tokens, word_ngrams, ngrams.buckets));
  return rows;
}

std::int64_t TextFeatures::size() const {
  return words.size() + (word_ngrams > 1 || ngrams.maxn > 0 ? ngrams.buckets : 0);
}

const std::string& name_of(ModelKind kind) { return kinds.at(static_cast<std::size_t>(kind)); }

bool reads_in_order(ModelKind kind) {
  return kind == ModelKind::bilstm || kind == ModelKind::textcnn;
}

BiLstm::BiLstm(const Tensor& rows, bool frozen, const TextModelOptions& options)
    : embedding_(add("embedding", padded_embedding(rows, frozen))),
      dropout_(add("dropout", Dropout(options.dropout))),
      lstm_(add("lstm", LSTM(rows.size(1), options.hidden, {.bidirectional = true}))) {}

Tensor BiLstm::operator()(const FlatSequences& texts) const {
  const auto [ids, lengths] = padded(texts, embedding_);
  // 0 after the end of a text
  const Tensor output = lstm_(dropout_(embedding_(ids)), {.lengths = lengths}).output;
  return sum(output, 1) / unsqueeze(clamp(lengths, 1).to(DType::float32), 1);
}

TextCnn::TextCnn(const Tensor& rows, bool frozen, const TextModelOptions& options)
    : embedding_(add("embedding", padded_embedding(rows, frozen))),
      filters_(add("filters", ModuleList(std::ssize(options.widths), [&](std::int64_t i) {
                     const std::int64_t width = options.widths[static_cast<std::size_t>(i)];
                     return Conv1d(rows.size(1), options.filters, width, {.padding = width - 1});
                   }))) {}

Tensor TextCnn::operator()(const FlatSequences& texts) const {
  const auto [ids, lengths] = padded(texts, embedding_);
  const Tensor x = embedding_(ids);
  std::vector<Tensor> maxima;
  for (const Conv1d& conv : filters_) maxima.push_back(conv.relu_max(x, {.lengths = lengths}));
  return cat(maxima, 1);
}

TextModel::TextModel(const Tensor& rows, bool frozen, const TextModelOptions& model_options,
                     std::int64_t classes)
    : options(model_options),
      encoder_(add_encoder(rows, frozen)),
      head_(add("head", make_head(rows.size(1), options, classes))) {}

TextModel::Encoder TextModel::add_encoder(const Tensor& rows, bool frozen) {
  if (options.kind == ModelKind::bilstm) return add("bilstm", BiLstm(rows, frozen, options));
  if (options.kind == ModelKind::textcnn) return add("textcnn", TextCnn(rows, frozen, options));
  return add("bag", EmbeddingBag::from_pretrained(rows, frozen, {.sparse = true}));
}

Tensor TextModel::operator()(const FlatSequences& texts) const {
  return head_(std::visit([&](const auto& encoder) { return encode(encoder, texts); }, encoder_));
}

const Parameter& TextModel::rows() const {
  if (const auto* bag = std::get_if<EmbeddingBag>(&encoder_)) return bag->weight;
  if (const auto* bilstm = std::get_if<BiLstm>(&encoder_)) return bilstm->rows();
  return std::get<TextCnn>(encoder_).rows();
}

void Classifier::save(const std::string& path) const {
  StateDict state = model.state_dict();
  state.metadata[format_key] = std::to_string(format_version);
  state.metadata["words"] = features.words.text();
  state.metadata["labels"] = labels.text();
  state.metadata["model"] = name_of(model.options.kind);
  state.metadata["hidden"] = std::to_string(model.options.hidden);
  state.metadata["word_ngrams"] = std::to_string(features.word_ngrams);
  state.metadata["min_n"] = std::to_string(features.ngrams.minn);
  state.metadata["max_n"] = std::to_string(features.ngrams.maxn);
  state.metadata["buckets"] = std::to_string(features.ngrams.buckets);
  state.metadata["tokenized"] = std::to_string(features.tokenized ? 1 : 0);
  TextPieces::save(features.pieces, state);
  gradus::save(state, path);
}

Classifier Classifier::load(const std::string& path) {
  const StateDict state = gradus::load(path);
  if (!state.metadata.contains(format_key)) {
    throw FormatError(fmt::format(
        "'{}' is no model of text_classifier: name a file that its train command wrote", path));
  }
  TextFeatures features{Vocabulary::from_text(state.metadata.at("words")),
                        number(state, "word_ngrams"),
                        {number(state, "min_n"), number(state, "max_n"), number(state, "buckets")},
                        number(state, "tokenized") != 0,
                        TextPieces::saved_in(state, path)};
  const LabelSet labels = LabelSet::from_text(state.metadata.at("labels"));
  TextModelOptions options{.kind = kind_of(state.metadata.at("model"), path),
                           .hidden = number(state, "hidden")};
  if (options.kind == ModelKind::textcnn) read_filters(state, options);
  const std::string table =
      reads_in_order(options.kind) ? name_of(options.kind) + ".embedding.weight" : "bag.weight";
  const TextModel model(zeros({features.size(), state.at(table).size(1)}), /*frozen=*/false,
                        options, labels.size());
  model.load_state_dict(state);
  model.eval();
  return {std::move(features), labels, model};
}

}  // namespace gradus::examples
