#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/subword_embedding.h>

#include <utility>

namespace gradus {

struct SubwordEmbedding::State {
  State(const Vocabulary& words, const SubwordOptions& subwords)
      : vocabulary(words), options(subwords) {
    check_ngrams(options.ngrams);
    if (options.mode == BagMode::max) {
      throw ValueError("SubwordEmbedding: mode is max, it must be mean or sum");
    }
    begins.push_back(0);
    for (std::int64_t id = 0; id < vocabulary.size(); ++id) {
      append(vocabulary.word(id), rows);
      begins.push_back(static_cast<std::int64_t>(rows.size()));
    }
  }

  void append(std::string_view word, std::vector<std::int64_t>& to) const {
    const std::optional<std::int64_t> id = vocabulary.find(word);
    if (id && id == vocabulary.padding_id()) return;
    if (id) to.push_back(*id);
    if (id && id == vocabulary.unknown_id()) return;
    for (const std::int64_t bucket : ngram_buckets(word, options.ngrams)) {
      to.push_back(vocabulary.size() + bucket);
    }
  }

  std::int64_t size() const { return vocabulary.size() + options.ngrams.buckets; }

  Vocabulary vocabulary;
  SubwordOptions options;
  std::vector<std::int64_t> rows, begins;  // of word id: rows[begins[id] .. begins[id + 1])
};

namespace {

// Of a new row's numbers, from below and from above.
double bound_of(std::int64_t width) { return width > 0 ? 1.0 / static_cast<double>(width) : 0.0; }

Tensor new_table(std::int64_t rows, std::int64_t width, const SubwordOptions& options,
                 Generator& generator) {
  if (width < 0) {
    throw ValueError(
        fmt::format("SubwordEmbedding: embedding_dim is {}: it cannot be negative", width));
  }
  const double bound = bound_of(width);
  return rand({rows, width}, -bound, bound, detail::layer_dtype("SubwordEmbedding", options.dtype),
              generator);
}

Tensor adopted(const Tensor& weight, std::int64_t rows, const SubwordOptions& options) {
  if (weight.dim() == 2 && weight.size(0) != rows) {
    throw ShapeError(
        fmt::format("SubwordEmbedding: weight is {}, [{}, columns] is needed, words and buckets",
                    weight.shape().str(), rows));
  }
  Tensor table = detail::adopted_table("SubwordEmbedding", weight);
  detail::check_layer_dtype("SubwordEmbedding", options.dtype, table);
  return table;
}

}  // namespace

SubwordEmbedding::SubwordEmbedding(const Vocabulary& vocabulary, std::int64_t embedding_dim,
                                   const SubwordOptions& options, Generator& generator)
    : SubwordEmbedding(std::make_shared<State>(vocabulary, options), embedding_dim, generator) {}

SubwordEmbedding::SubwordEmbedding(const std::shared_ptr<State>& state, std::int64_t embedding_dim,
                                   Generator& generator)
    : SubwordEmbedding(new_table(state->size(), embedding_dim, state->options, generator), true,
                       state) {}

SubwordEmbedding::SubwordEmbedding(const Tensor& table, bool trainable,
                                   std::shared_ptr<State> state)
    : state_(std::move(state)), weight(add_parameter("weight", table, trainable)) {
  set_description([w = Tensor(weight), s = state_] {
    const NgramOptions& ngrams = s->options.ngrams;
    return fmt::format("SubwordEmbedding({}, {}, minn={}, maxn={}, buckets={}, mode={}{}{})",
                       s->vocabulary.size(), w.size(1), ngrams.minn, ngrams.maxn, ngrams.buckets,
                       name(s->options.mode), s->options.sparse ? ", sparse=true" : "",
                       w.trainable() ? "" : ", frozen");
  });
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): moved in, so it is the only handle
SubwordEmbedding SubwordEmbedding::from_pretrained(Tensor weight, const Vocabulary& vocabulary,
                                                   bool freeze, const SubwordOptions& options) {
  auto state = std::make_shared<State>(vocabulary, options);
  const Tensor table = adopted(weight, state->size(), options);
  return {table, !freeze, std::move(state)};
}

void SubwordEmbedding::remap(const Vocabulary& vocabulary, const ResizeOptions& options) const {
  State next(vocabulary, state_->options);
  std::vector<std::int64_t> sources = row_sources(state_->vocabulary, vocabulary);
  for (std::int64_t row = num_words(); row < weight.size(0); ++row) sources.push_back(row);
  ResizeOptions with_init = options;
  if (!with_init.init) {
    with_init.init = [bound = bound_of(embedding_dim())](const Tensor& rows) {
      uniform_(rows, -bound, bound);
    };
  }
  remap_rows(weight, tensor(sources), with_init);
  *state_ = std::move(next);
}

std::int64_t SubwordEmbedding::num_words() const { return state_->vocabulary.size(); }
const SubwordOptions& SubwordEmbedding::options() const { return state_->options; }

std::vector<std::int64_t> SubwordEmbedding::rows(std::string_view word) const {
  std::vector<std::int64_t> result;
  state_->append(word, result);
  return result;
}

Tensor SubwordEmbedding::bags(const std::vector<std::int64_t>& ids,
                              const std::vector<std::int64_t>& offsets) const {
  return embedding_bag(weight, tensor(ids), tensor(offsets),
                       {.mode = state_->options.mode,
                        .sparse = state_->options.sparse,
                        .include_last_offset = true});
}

Tensor SubwordEmbedding::operator()(std::span<const std::string> words) const {
  std::vector<std::int64_t> ids, offsets{0};
  for (const std::string& word : words) {
    state_->append(word, ids);
    offsets.push_back(static_cast<std::int64_t>(ids.size()));
  }
  return bags(ids, offsets);
}

Tensor SubwordEmbedding::operator()(const Tensor& words) const {
  detail::check_ids("SubwordEmbedding", words, num_words());
  std::vector<std::int64_t> ids, offsets{0};
  for (const std::int64_t word : words.span<std::int64_t>()) {
    const auto begin = state_->rows.begin();
    const auto w = static_cast<std::size_t>(word);
    ids.insert(ids.end(), begin + state_->begins[w], begin + state_->begins[w + 1]);
    offsets.push_back(static_cast<std::int64_t>(ids.size()));
  }
  std::vector<std::int64_t> sizes(words.shape().begin(), words.shape().end());
  sizes.push_back(embedding_dim());
  return reshape(bags(ids, offsets), sizes);
}

}  // namespace gradus
