#include <fmt/format.h>
#include <gradus/examples/text_classifier/classifier.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/layers/dropout.h>
#include <gradus/layers/linear.h>

#include <algorithm>
#include <charconv>

namespace gradus::examples {
namespace {

constexpr const char* format_key = "text_classifier";  // whose value is this:
constexpr int format_version = 1;

Linear output_layer(std::int64_t in, std::int64_t classes) {
  Linear output(in, classes);
  const NoGradGuard no_grad;
  output.weight.zero_();  // as in fastText: all labels are equally likely at first
  output.bias.zero_();
  return output;
}

Sequential make_head(std::int64_t dim, std::int64_t hidden, double dropout, std::int64_t classes) {
  if (hidden == 0) return Sequential(output_layer(dim, classes));
  return Sequential(Linear(dim, hidden), relu, Dropout(dropout), Linear(hidden, classes));
}

std::int64_t number(const StateDict& state, const char* key) {
  const std::string& text = state.metadata.at(key);
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc()) throw FormatError(fmt::format("'{}' is '{}'", key, text));
  return value;
}

}  // namespace

std::vector<std::string> TextFeatures::split(std::string_view text) const {
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

TextModel::TextModel(const EmbeddingBag& table, std::int64_t hidden, double dropout,
                     std::int64_t classes)
    : hidden_size(hidden),
      bag(add("bag", table)),
      head(add("head", make_head(table.embedding_dim(), hidden, dropout, classes))) {}

void Classifier::save(const std::string& path) const {
  StateDict state = model.state_dict();
  state.metadata[format_key] = std::to_string(format_version);
  state.metadata["words"] = features.words.text();
  state.metadata["labels"] = labels.text();
  state.metadata["hidden"] = std::to_string(model.hidden_size);
  state.metadata["word_ngrams"] = std::to_string(features.word_ngrams);
  state.metadata["min_n"] = std::to_string(features.ngrams.minn);
  state.metadata["max_n"] = std::to_string(features.ngrams.maxn);
  state.metadata["buckets"] = std::to_string(features.ngrams.buckets);
  state.metadata["tokenized"] = std::to_string(features.tokenized ? 1 : 0);
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
                        number(state, "tokenized") != 0};
  const LabelSet labels = LabelSet::from_text(state.metadata.at("labels"));
  const EmbeddingBag table(features.size(), state.at("bag.weight").size(-1));
  const TextModel model(table, number(state, "hidden"), 0, labels.size());
  model.load_state_dict(state);
  model.eval();
  return {std::move(features), labels, model};
}

}  // namespace gradus::examples
