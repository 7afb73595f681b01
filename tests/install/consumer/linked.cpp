#include "linked.h"

#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/core/storage.h>
#include <gradus/gradus.h>
#include <gradus/text.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace gradus;

namespace {

const char* const scratch_file = "linked.safetensors";  // in the folder where the program runs

struct Model : Module {
  Model() : layer(add("layer", Linear(2, 1))) {}
  const Linear layer;
};

Tensor vector() { return tensor({1.0, 2.0}); }
Tensor matrix() { return tensor({2.0, 1.0, 1.0, 2.0}, {2, 2}); }
Tensor ids() { return tensor({1, 0}); }
bool is_two(const Tensor& x) { return x.numel() == 2; }
WordIndex words_of_matrix() { return WordIndex({{"a", "b"}, matrix()}); }

bool orthogonalises() {
  const Model model;
  const auto [matrices, rest] = split_for_muon(model.parameters());
  Muon optimizer({{matrices, {.lr = 0.02}}, {rest, {.adamw = true}}});
  const Tensor before = model.layer.weight.clone();
  sum(model.layer(ones({1, 2}))).backward();
  optimizer.step();
  return any(not_equal(model.layer.weight, before)).item() == 1;
}

// Trains by both constructors, reads and writes the options and the state.
template <class O>
bool trains() {
  const Model model;
  O optimizer(model.parameters());
  const Tensor before = model.layer.weight.clone();
  sum(model.layer(ones({1, 2}))).backward();
  optimizer.step();
  optimizer.zero_grad();
  optimizer.load_state_dict(optimizer.state_dict());
  optimizer.set_lr(0.5);
  bool right = optimizer.lr() == 0.5 && any(not_equal(model.layer.weight, before)).item() == 1;
  if constexpr (!std::is_same_v<O, LBFGS>) {
    auto options = optimizer.options();
    options.lr = 0.25;
    optimizer.set_options(0, options);
    optimizer.add_group({{"other", Model().layer.weight}});
    using Group = ParameterGroup<std::decay_t<decltype(options)>>;
    const O grouped(std::vector<Group>{{Model().parameters(), options}});
    right &= optimizer.lr() == 0.25 && optimizer.num_groups() == 2 && grouped.lr() == 0.25;
  }
  return right;
}

template <class Metric>
auto counts(const auto& found, const auto& right) {
  Metric metric, other;
  other.add(found, right);
  metric.merge(other);
  return metric.result();
}

bool minimises() {
  const Model model;
  LBFGS optimizer(model.parameters());
  return optimizer.step([&] { return sum(square(model.layer(ones({1, 2})))); }).defined();
}

// A rule from outside of the library.
struct OwnOptions {
  double lr = 0.1;
};
OptimizerInfo optimizer_info(OwnOptions& options) { return {"Own", {}, {{"lr", options.lr}}}; }
class Own : public OptimizerWith<OwnOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  void update(Slot& slot) override {
    slot.parameter().add_(slot.gradient().dense(), -options_of(slot).lr);
  }
};

bool checkpoints() {
  std::int64_t step = 3;
  save_checkpoint({{"step", step}}, scratch_file);
  step = 0;
  load_checkpoint({{"step", step}}, scratch_file);
  return step == 3;
}

bool averages() {
  const Model model;
  AveragedParameters average(model.parameters(), 0.5);
  average.update();
  return average.averages().size() == 2;
}

bool schedules() {
  Adam optimizer(Model().parameters(), {.lr = 1});
  LRScheduler scheduler(optimizer, step_lr(1, 0.5));
  scheduler.step();
  ReduceLROnPlateau plateau(optimizer);
  plateau.step(1);
  return optimizer.lr() == 0.5;
}

bool accumulates() {
  const Model model;
  GradientAccumulator accumulator(model.parameters());
  accumulator.backward(sum(model.layer(ones({1, 2}))), 1);
  accumulator.finish();
  return true;
}

bool samples() {
  const std::vector<std::int64_t> counts = {1, 2};
  return NegativeSampler(counts)(ids(), 1).numel() == 2;
}

bool pairs() {
  const std::vector<std::vector<std::int64_t>> sentences = {{0, 1}};
  const std::vector<std::int64_t> counts = {1, 1};
  Generator generator(1);
  return SkipGramPairs(sentences, counts, {.subsample = 0}, generator).next();
}

bool bags_of_words() {
  const std::vector<std::vector<std::int64_t>> sentences = {{0, 1}};
  const std::vector<std::int64_t> counts = {1, 1};
  Generator generator(1);
  return CbowPairs(sentences, counts, {.subsample = 0}, generator).next();
}

bool loads() {
  const std::vector<std::int64_t> set = {1, 2, 3};
  DataLoader loader(set, [](const std::vector<std::int64_t>& samples) { return tensor(samples); },
                    {.batch_size = 2, .shuffle = true});
  std::int64_t samples = 0;
  for (const Tensor& batch : loader) samples += batch.numel();
  return samples == 3;
}

bool keeps_checkpoints() {
  const CheckpointFolder folder("linked-checkpoints");
  std::int64_t step = 3;
  folder.save({{"step", step}}, step);
  step = 0;
  const bool resumed = resume({{"step", step}}, folder) == 3;
  std::filesystem::remove_all(folder.path());
  return resumed && step == 3;
}

/// A file with a text, for readers.
const char* text_file(const std::string& text) {
  AtomicFile file("linked.txt");
  file.write(text);
  file.commit();
  return "linked.txt";
}

bool writes_words() {
  save_word_vectors({{"a", "b"}, matrix()}, scratch_file);
  const auto words = Vocabulary::from_words({"b", "c"});
  const WordVectors read = load_word_vectors(scratch_file, words, {.bad_lines = BadLines::refuse});
  return read.words.size() == 1 && matrix_for(read, words).coverage.found == 1;
}

bool looks_up_parts() {
  const std::vector<std::string> words = {"one", "two"};
  const SubwordEmbedding embedding(Vocabulary::from_words(words), 2, {.ngrams = {.buckets = 8}});
  return embedding(words).size(0) == 2;
}

bool reads_no_model() {
  try {
    FastTextModel::load("/");
  } catch (const Error&) {
    return true;
  }
  return false;
}

bool saves() {
  StateDict state;
  state.set("x", vector());
  save(state, scratch_file);
  return load(scratch_file).size() == 1 && is_two(load_mapped(scratch_file, "x"));
}

bool exchanges_arrays() {
  StateDict state;
  state.set("x", vector());
  save_npz(state, "linked.npz", {.compress = true});
  save_npy(load_npz("linked.npz", "x"), "linked.npy");
  try {
    load_pt("linked.npz");
  } catch (const FormatError&) {
    return load_npz("linked.npz").size() == 1 && is_two(load_npy("linked.npy"));
  }
  return false;
}

bool counts_memory() {
  trim_memory();
  return memory_stats().peak >= 0;
}

bool loops() {
  set_num_threads(num_threads());
  std::int64_t n = 0;
  parallel_for(10, 1, [&](std::int64_t begin, std::int64_t end) { n += end - begin; });
  return n == 10;
}

bool resizes() {
  const Model model;
  resize_rows(model.layer.weight, 2);
  return model.layer.weight.size(0) == 2;
}

bool writes_a_file() {
  AtomicFile file(scratch_file);
  file.write("text");
  file.commit();
  return true;
}

bool stops_early() {
  const Model model;
  EarlyStopping stopping({.patience = 1});
  BestWeights best(model);
  if (stopping.step(1)) best.keep();
  stopping.step(2);
  best.restore();
  return stopping.should_stop() && stopping.best() == 1;
}

bool finds_a_rate() {
  const Model model;
  SGD optimizer(model.parameters());
  const auto closure = [&] {
    const Tensor loss = sum(square(model.layer(ones({1, 2}))));
    loss.backward();
    return loss;
  };
  return find_lr(model, optimizer, closure, {.max_lr = 1e-6, .steps = 3}).lr.size() == 3;
}

bool watches() {
  Progress progress(2, {.mode = ProgressMode::hidden});
  progress.update(1, {{"loss", 0.5}});
  return progress.count() == 1;
}

bool records() {
  MetricsLogger("linked.csv").write(1, {{"loss", 0.5}});
  return std::remove("linked.csv") == 0;
}

bool reports() {
  MetricsLogger("linked.csv").write(1, {{"loss", 0.5}});
  Report report("linked");
  report.add_curves("Loss", read_curves("linked.csv"));
  report.save("linked.html");
  return std::remove("linked.csv") == 0 && std::remove("linked.html") == 0;
}

bool writes_events() {
  std::string path;
  {
    SummaryWriter writer(".", {.resume = true});
    writer.add_scalar("loss", 0.5, 1);
    path = writer.path();
  }
  return std::remove(path.c_str()) == 0;
}

// Every installed header but those in detail/, which CMakeLists.txt checks.
const struct {
  const char* header;
  bool (*use)();
} uses[] = {
    {"framework/core/autograd.h", [] { return grad_enabled() && is_two(*Saved(vector())); }},
    {"framework/base/clock.h", [] { return unix_seconds() > 0; }},
    {"framework/core/creation.h", [] { return is_two(ones({2})); }},
    {"framework/base/dtype.h", [] { return name(DType::int64) == "int64"; }},
    {"framework/base/error.h", [] { return std::string(ShapeError("text").what()) == "text"; }},
    {"framework/base/export.h", [] { return true; }},
    {"framework/inspect/gradcheck.h",
     [] { return gradcheck([](const auto& in) { return in[0]; }, {vector()}).ok; }},
    {"framework/core/gradient.h", [] { return Gradient(vector()).is_dense(); }},
    {"framework/inspect/graph_dot.h",
     [] {
       return !to_dot(Model().layer(ones({1, 2}))).empty();
     }},
    {"framework/module/init.h", [] { return is_two(zeros_(vector())); }},
    {"framework/base/atomic_file.h", writes_a_file},
    {"framework/io/npy.h", exchanges_arrays},
    {"framework/io/npz.h", exchanges_arrays},
    {"framework/io/pt.h", exchanges_arrays},
    {"framework/io/safetensors.h", saves},
    {"framework/io/fasttext.h", reads_no_model},
    {"framework/base/bad_lines.h", writes_words},
    {"framework/io/word_vectors.h", writes_words},
    {"framework/base/memory.h", counts_memory},
    {"framework/module/module.h", [] { return Model().parameters().size() == 2; }},
    {"framework/base/numerics.h", [] { return !flush_denormal(); }},
    {"framework/base/number.h",
     [] { return full({2}, Number(3), DType::int64).data<std::int64_t>()[1] == 3; }},
    {"framework/ops/nn/activation.h", [] { return is_two(gelu(vector())); }},
    {"framework/ops/compare.h", [] { return is_two(equal(vector(), vector())); }},
    {"framework/ops/cumulative.h", [] { return is_two(cumsum(vector(), 0)); }},
    {"framework/ops/distance.h", [] { return is_two(cosine_similarity(matrix(), matrix())); }},
    {"framework/ops/nn/dropout.h", [] { return is_two(dropout(vector(), 0.5)); }},
    {"framework/ops/elementwise.h", [] { return is_two(vector() * vector() + 1); }},
    {"framework/ops/nn/embedding_bag.h",
     [] { return is_two(embedding_bag(matrix(), ids(), tensor({0}))); }},
    {"framework/ops/nn/embedding.h", [] { return embedding(matrix(), ids()).numel() == 4; }},
    {"framework/ops/nn/skip_gram.h",
     [] {
       return skip_gram_loss(matrix(), matrix(), ids(), ids(), matrix().to(DType::int64) * 0)
                  .numel() == 1;
     }},
    {"framework/ops/index.h", [] { return one_hot(ids(), 2).numel() == 4; }},
    {"framework/core/profile.h",
     [] {
       const ProfilerScope scope("nothing");
       return true;
     }},
    {"framework/data/skip_gram_pairs.h", pairs},
    {"framework/data/cbow_pairs.h", bags_of_words},
    {"framework/data/dataset.h",
     [] {
       return shuffled(std::vector<int>{1, 2}, /*seed=*/1).size() == 2;
     }},
    {"framework/data/text_lines.h", [] { return TextLines(text_file("a\nb\n")).size() == 2; }},
    {"framework/data/read_options.h",
     [] {
       return TextLines(text_file("\xE9\n"), {.encoding = TextEncoding::latin1})[0] == "\xC3\xA9";
     }},
    {"framework/data/labeled_text.h",
     [] { return read_labeled_lines(text_file("__label__a b\n"))[0].label == "a"; }},
    {"framework/data/text_table.h",
     [] { return read_csv(text_file("x,y\n1,2\n"), {.columns = {"y"}})[0][0] == "2"; }},
    {"framework/data/text_pair.h",
     [] { return read_parallel(text_file("a\n"), "linked.txt")[0].target == "a"; }},
    {"framework/data/conll.h", [] { return read_conll(text_file("a B-X\n"))[0].tags[0] == "B-X"; }},
    {"framework/data/conllu.h",
     [] { return read_conllu(text_file("1\ta\ta\tX\t_\t_\t0\troot\t_\t_\n\n")).size() == 1; }},
    {"framework/text/label_set.h",
     [] {
       return LabelSet({"a", "b"}).id("b") == 1;
     }},
    {"framework/data/batch_sampler.h",
     [] {
       Generator generator(1);
       return batches_by_count(3, {.batch_size = 2})(generator).size() == 2;
     }},
    {"framework/data/collate.h",
     [] {
       return pad_sequences(std::vector<std::vector<std::int64_t>>{{1}, {}}).ids.numel() == 2;
     }},
    {"framework/data/data_loader.h", loads},
    {"framework/data/token_stream.h",
     [] {
       return TokenStream({1, 2, 3}, 1, 2).size() == 1;
     }},
    {"framework/metrics/accuracy.h", [] { return counts<Accuracy>(ids(), ids()) == 1; }},
    {"framework/metrics/bleu.h", [] { return counts<Bleu>("a", "a").score == 0; }},
    {"framework/metrics/chrf.h", [] { return counts<Chrf>("abcdef", "abcdef") > 99; }},
    {"framework/metrics/classification_scores.h",
     [] {
       ClassificationScores scores(2);
       scores.add(ids(), ids());
       return scores.result().macro.f1 == 1;
     }},
    {"framework/metrics/confusion_matrix.h",
     [] { return ConfusionMatrix(2).result().numel() == 4; }},
    {"framework/metrics/error_rate.h", [] { return counts<WordErrorRate>("a", "b") == 1; }},
    {"framework/metrics/perplexity.h", [] { return counts<Perplexity>(matrix(), ids()) > 1; }},
    {"framework/metrics/ranking.h",
     [] { return counts<MeanReciprocalRank>(matrix(), ids()) > 0.4; }},
    {"framework/metrics/rouge.h", [] { return counts<RougeL>("a", "a").f1 == 1; }},
    {"framework/metrics/span_f1.h",
     [] { return tag_spans(std::vector<std::string>{"B-X"}).size() == 1; }},
    {"framework/metrics/neighbors.h",
     [] { return is_two(NeighborIndex(matrix()).search(matrix(), 1).ids); }},
    {"framework/metrics/word_evaluation.h",
     [] {
       const std::vector<WordPair> pairs = {{"a", "A", 1}, {"b", "b", 1}};
       return evaluate_word_pairs(words_of_matrix(), pairs).pairs == 2 &&
              evaluate_analogies(words_of_matrix(), std::vector<AnalogySection>{}).sections.empty();
     }},
    {"framework/metrics/word_index.h",
     [] { return words_of_matrix().most_similar("a", 5).size() == 1; }},
    {"framework/metrics/analogy_rule.h",
     [] { return words_of_matrix().analogy("a", "a", "a", 1, AnalogyRule::multiply).size() == 1; }},
    {"framework/io/word_tests.h",
     [] {
       return read_word_pairs(text_file("a b 1\n"))[0].score == 1 &&
              read_analogies(text_file(": x\na b c d\n"))[0].name == "x";
     }},
    {"framework/metrics/spearman.h", [] { return counts<Spearman>(vector(), vector()) > 0.9; }},
    {"text.h", [] { return true; }},
    {"framework/ops/clamp.h", [] { return is_two(clamp(vector(), 0, 1)); }},
    {"framework/ops/linalg.h", [] { return inv(matrix()).numel() == 4; }},
    {"framework/ops/nn/generate.h",
     [] {
       const auto step = [](const Tensor&) { return matrix(); };
       return generate(step, {{0}, {1}}, {.max_new_tokens = 1})[0].ids[0] == 0;
     }},
    {"framework/ops/nn/next_token.h", [] { return is_two(top_k_logits(vector(), 1)); }},
    {"framework/ops/nn/convolution.h",
     [] {
       return is_two(conv1d(ones({1, 1, 2}), ones({2, 2, 1})));
     }},
    {"framework/ops/nn/loss.h", [] { return nll_loss(matrix(), ids()).numel() == 1; }},
    {"framework/ops/nn/binary_cross_entropy.h",
     [] { return binary_cross_entropy(ones({2}), ones({2})).numel() == 1; }},
    {"framework/ops/nn/contrastive.h",
     [] { return info_nce_loss(matrix(), matrix()).numel() == 1; }},
    {"framework/ops/nn/cross_entropy.h",
     [] { return cross_entropy(matrix(), ids()).numel() == 1; }},
    {"framework/ops/nn/linear_cross_entropy.h",
     [] { return linear_cross_entropy(matrix(), matrix(), vector(), ids()).numel() == 1; }},
    {"framework/ops/nn/margin_loss.h",
     [] {
       return soft_margin_loss(vector(), tensor({1, -1})).numel() == 1;
     }},
    {"framework/ops/nn/reduction.h",
     [] { return is_two(mse_loss(vector(), vector(), Reduction::none)); }},
    {"framework/ops/nn/regression_loss.h", [] { return l1_loss(vector(), vector()).numel() == 1; }},
    {"framework/ops/matmul.h", [] { return matmul(matrix(), matrix()).numel() == 4; }},
    {"framework/ops/moments.h", [] { return gradus::std(vector()).numel() == 1; }},
    {"framework/ops/norm.h", [] { return norm(vector()).numel() == 1; }},
    {"framework/ops/nn/channel_norm.h",
     [] {
       return group_norm(ones({1, 2}), 1).numel() == 2 &&
              batch_norm(ones({2, 1}), {}, {}, {}, {}, {.training = true}).numel() == 2;
     }},
    {"framework/ops/nn/weight_norm.h",
     [] {
       return weight_norm(vector(), vector()).numel() == 2 &&
              norm_except_dim(vector()).numel() == 2;
     }},
    {"framework/ops/nn/normalization.h", [] { return is_two(layer_norm(vector(), {2})); }},
    {"framework/ops/nn/pooling.h",
     [] {
       return is_two(max_pool1d(ones({1, 4, 1}), 2));
     }},
    {"framework/ops/nn/sequence_inputs.h",
     [] {
       return is_two(mean_over_time(ones({1, 4, 2}), SequenceInputs{}));
     }},
    {"framework/ops/nn/crf.h",
     [] {
       return is_two(crf_decode(ones({1, 2, 2})).labels);
     }},
    {"framework/ops/nn/ctc.h",
     [] {
       return is_two(ctc_greedy_decode(ones({1, 2, 2})).labels);
     }},
    {"framework/ops/nn/hierarchical_softmax.h",
     [] {
       return HuffmanTree(std::vector<std::int64_t>{3, 2, 1}).path(0).size() == 1;
     }},
    {"framework/ops/nn/sampled_loss.h", [] { return is_two(ClassSampler::log_uniform(9)(2)); }},
    {"framework/ops/nn/attention.h",
     [] {
       const Tensor q = ones({1, 1, 1, 2});
       return is_two(scaled_dot_product_attention(q, q, q));
     }},
    {"framework/ops/nn/lengths.h", [] { return is_two(length_mask(tensor({1}), 2)); }},
    {"framework/ops/nn/positions.h", [] { return is_two(sinusoidal_positions(1, 2)); }},
    {"framework/ops/nn/recurrent.h",
     [] {
       const Tensor w = ones({2, 2}, DType::float64);
       return is_two(rnn(ones({1, 1, 2}, DType::float64), {w, w}).output);
     }},
    {"framework/ops/pad.h",
     [] {
       return pad(vector(), {1, 1}).numel() == 4;
     }},
    {"framework/ops/power.h", [] { return is_two(pow(vector(), 2)); }},
    {"framework/ops/product.h", [] { return dot(vector(), vector()).numel() == 1; }},
    {"framework/ops/einsum.h", [] { return tensordot(vector(), vector(), 1).numel() == 1; }},
    {"framework/ops/split.h", [] { return split(vector(), 1).size() == 2; }},
    {"framework/core/grad_mode.h", [] { return grad_enabled(); }},
    {"framework/ops/random.h", [] { return is_two(bernoulli(0.5, {2})); }},
    {"framework/ops/rearrange.h", [] { return is_two(flip(vector(), 0)); }},
    {"framework/ops/reduce.h", [] { return sum(vector()).item() == 3; }},
    {"framework/ops/repeat.h", [] { return tile(vector(), {2}).numel() == 4; }},
    {"framework/ops/rounding.h", [] { return is_two(floor(vector())); }},
    {"framework/ops/scatter.h", [] { return is_two(scatter_add(vector(), 0, ids(), vector())); }},
    {"framework/ops/search.h", [] { return is_two(bincount(ids())); }},
    {"framework/ops/where.h", [] { return is_two(where(equal(vector(), 1), vector(), 0)); }},
    {"framework/ops/shape.h",
     [] {
       return is_two(reshape(vector(), {2, 1}));
     }},
    {"framework/ops/nn/softmax.h", [] { return is_two(softmax(vector(), 0)); }},
    {"framework/ops/sort.h", [] { return is_two(sort(vector()).values); }},
    {"framework/ops/special.h", [] { return is_two(erf(vector())); }},
    {"framework/ops/triangle.h", [] { return tril(matrix()).numel() == 4; }},
    {"framework/base/parallel.h", loops},
    {"framework/inspect/profiler.h", [] { return Profiler().ops().empty(); }},
    {"framework/core/random.h", [] { return Generator(1).below(1) == 0; }},
    {"framework/module/rename.h",
     [] {
       return rename(Model().state_dict(), {{"*", "model.*"}}).size() == 2;
     }},
    {"framework/module/resize.h", resizes},
    {"framework/base/shape.h", [] { return Shape({2}).str() == "[2]"; }},
    {"framework/bridge/span_math.h",
     [] {
       float y[] = {0, 0};
       spans::exp(y, y);
       return y[1] == 1;
     }},
    {"framework/core/sparse_grad.h",
     [] {
       return SparseGrad(ids(), matrix(), {2, 2}).nnz() == 2;
     }},
    {"framework/module/state_dict.h", [] { return !StateDict().contains("x"); }},
    {"framework/core/storage.h", [] { return detail::Storage::allocate(8)->bytes() == 8; }},
    {"framework/module/summary.h", [] { return !summary(Model()).empty(); }},
    {"framework/core/tensor.h", [] { return is_two(vector().clone()); }},
    {"framework/text/ngrams.h", [] { return fasttext_hash("a") != 0; }},
    {"framework/text/tag_scheme.h", [] { return TagScheme::iob2 != TagScheme::iobes; }},
    {"framework/text/encoding.h", [] { return Encoding().size() == 0; }},
    {"framework/text/tokenize.h", [] { return tokenize("a b").size() == 2; }},
    {"framework/text/splitter.h", [] { return Splitter::whitespace().split("a  b").size() == 2; }},
    {"framework/text/tokenizer.h",
     [] {
       const auto tokenizer = Tokenizer::from_json(R"({"model": {"type": "WordLevel",
         "vocab": {"a": 0}, "unk_token": "a"}})");
       return tokenizer.encode("a").size() == 1;
     }},
    {"framework/text/tokenizer_training.h",
     [] {
       const std::vector<std::string> texts{"a"};
       return train_bpe(texts, {.vocabulary_size = 256}).size() == 256;
     }},
    {"framework/text/unicode.h", [] { return case_fold("A") == "a"; }},
    {"framework/text/vocabulary.h",
     [] {
       const Vocabulary a(WordCounter{}), both = merged(a, Vocabulary::from_words({"b"}));
       return row_sources(a, both).back() == -1 && cut(both, {.max_size = 2}).size() == a.size();
     }},
    {"framework/core/thread_state.h", [] { return with_thread_state([] { return true; })(); }},
    {"framework/bridge/visit.h",
     [] {
       return visit_float("size", vector(), []<class T>(T) { return sizeof(T); }) == sizeof(double);
     }},
    {"framework/base/warning.h",
     [] {
       set_warning_handler(set_warning_handler([](std::string_view) {}));
       return true;
     }},
    {"gradus.h", [] { return true; }},
    {"layers/dropout.h", [] { return is_two(Dropout()(vector())); }},
    {"layers/embedding.h", [] { return Embedding(2, 3)(ids()).numel() == 6; }},
    {"layers/embedding_bag.h", [] { return EmbeddingBag(2, 3)(ids(), tensor({0})).numel() == 3; }},
    {"layers/batch_norm.h",
     [] {
       return is_two(BatchNorm1d(1)(ones({2, 1})));
     }},
    {"layers/identity.h",
     [] { return is_two(Identity()(vector())) && is_two(Flatten(0)(vector())); }},
    {"layers/instance_norm.h",
     [] {
       return InstanceNorm1d(2)(ones({1, 1, 2})).numel() == 2;
     }},
    {"layers/prelu.h", [] { return is_two(PReLU()(ones({2}))); }},
    {"layers/group_norm.h",
     [] {
       return is_two(GroupNorm(1, 2)(ones({1, 2})));
     }},
    {"layers/weight_norm.h", [] { return is_two(WeightNorm(Linear(3, 2))(ones({3}))); }},
    {"layers/layer_norm.h",
     [] { return is_two(LayerNorm(2)(ones({2}))) && is_two(RMSNorm(2)(ones({2}))); }},
    {"layers/convolution.h",
     [] {
       return is_two(Conv1d(3, 2, 1)(ones({1, 1, 3})));
     }},
    {"layers/adaptive_log_softmax.h",
     [] {
       return is_two(AdaptiveLogSoftmaxWithLoss(4, 3, {2})(ones({2, 4}), ids()).output);
     }},
    {"layers/hierarchical_softmax.h",
     [] {
       const HierarchicalSoftmax layer(2, std::vector<std::int64_t>{2, 1});
       return layer(ones({2, 2}), ids()).numel() == 1;
     }},
    {"layers/crf.h",
     [] {
       return is_two(CRF(2).decode(ones({1, 2, 2})).labels);
     }},
    {"layers/linear.h", [] { return is_two(Linear(3, 2)(ones({3}))); }},
    {"layers/module_list.h",
     [] {
       return ModuleList({Linear(3, 2), Linear(3, 2)})[-1].out_features() == 2;
     }},
    {"framework/data/negative_sampler.h", samples},
    {"layers/pooling.h",
     [] {
       return is_two(AvgPool1d(2)(ones({1, 4, 1})));
     }},
    {"layers/quotient_remainder_embedding.h",
     [] { return QuotientRemainderEmbedding(4, 2)(ids()).numel() == 4; }},
    {"layers/attention.h",
     [] {
       return is_two(MultiheadAttention(2, 1)(ones({1, 1, 2})));
     }},
    {"layers/key_value_cache.h", [] { return KeyValueCache().size() == 0; }},
    {"layers/positions.h",
     [] {
       return is_two(LearnedPositions(1, 2)(ones({1, 1, 2})));
     }},
    {"layers/transformer.h",
     [] {
       return is_two(TransformerEncoderLayer(2, 1)(ones({1, 1, 2})));
     }},
    {"layers/recurrent.h",
     [] {
       return is_two(LSTM(3, 2)(ones({1, 1, 3})).output);
     }},
    {"layers/recurrent_cell.h",
     [] {
       return is_two(GRUCell(3, 2)(ones({1, 3})));
     }},
    {"layers/sequential.h", [] { return is_two(Sequential(Linear(3, 2), relu)(ones({3}))); }},
    {"layers/skip_gram.h",
     [] {
       init_skip_gram(Embedding(2, 2), Embedding(2, 2));
       return true;
     }},
    {"layers/subword_embedding.h", looks_up_parts},
    {"layers/table.h", [] { return Embedding(2, 3).row(0).numel() == 3; }},
    {"optim/adadelta.h", trains<Adadelta>},
    {"optim/adafactor.h", trains<Adafactor>},
    {"optim/adagrad.h", [] { return trains<Adagrad>() && trains<RowwiseAdagrad>(); }},
    {"optim/adam.h", [] { return trains<Adam>() && trains<AdamW>(); }},
    {"optim/adamax.h", trains<Adamax>},
    {"optim/training/average.h", averages},
    {"optim/training/checkpoint.h", checkpoints},
    {"optim/training/checkpoint_folder.h", keeps_checkpoints},
    {"optim/training/clip.h", [] { return clip_grad_norm(Model().parameters(), 1) == 0; }},
    {"optim/training/decay.h",
     [] { return split_for_decay(Model().parameters()).decayed.size() == 1; }},
    {"optim/lbfgs.h", minimises},
    {"optim/lion.h", trains<Lion>},
    {"optim/schedule/lr_scheduler.h", schedules},
    {"optim/muon.h", orthogonalises},
    {"optim/nadam.h", trains<NAdam>},
    {"optim/optimizer.h", trains<Own>},
    {"optim/options.h",
     [] {
       double lr = 1;
       OptionField("lr", lr).set(2);
       return lr == 2;
     }},
    {"optim/radam.h", trains<RAdam>},
    {"optim/rmsprop.h", trains<RMSprop>},
    {"optim/sgd.h", trains<SGD>},
    {"optim/sparse_adam.h",
     [] { return SparseAdam(Model().parameters()).state_dict().metadata.size() > 0; }},
    {"optim/training/accumulate.h", accumulates},
    {"optim/training/check_finite.h", [] { return check_finite(vector(), {}), true; }},
    {"optim/training/early_stopping.h", stops_early},
    {"optim/training/freeze.h", [] { return freeze(Model().parameters(), "*") == 2; }},
    {"optim/training/lr_finder.h", finds_a_rate},
    {"optim/training/split_for_muon.h",
     [] { return split_for_muon(Model().parameters()).matrices.size() == 1; }},
    {"optim/training/stop_signal.h", [] { return !StopSignal().requested(); }},
    {"optim/training/time_limit.h", [] { return TimeLimit(0).expired(); }},
    {"framework/metrics/named_value.h",
     [] {
       return NamedValue{"loss", 1}.value.integer() == 1;
     }},
    {"framework/metrics/progress.h", watches},
    {"framework/metrics/curve.h", [] { return Curve{.name = "loss", .y = {1}}.x.empty(); }},
    {"framework/metrics/records.h", records},
    {"framework/metrics/report.h", reports},
    {"framework/metrics/tensorboard.h", writes_events},
};

}  // namespace

bool links_everything() {
  bool right = true;
  for (const auto& [header, use] : uses) {
    try {
      if (use()) continue;
      std::printf("consumer: %s does not do what it should\n", header);
    } catch (const Error& error) {
      std::printf("consumer: %s throws: %s\n", header, error.what());
    }
    right = false;
  }
  std::remove(scratch_file);
  return right;
}
