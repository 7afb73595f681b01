#include <fmt/format.h>
#include <gradus/examples/common/interrupt.h>
#include <gradus/examples/common/progress.h>
#include <gradus/examples/kjv/classifier.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/data/length_batches.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/text/tokenizer.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace gradus::examples {
namespace {

std::size_t place(std::int64_t i) { return static_cast<std::size_t>(i); }

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += word + "\n";
  return text;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;) {
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace

std::vector<std::string> features_of(std::string_view text, bool pairs) {
  std::vector<std::string> features = tokenize(text);
  const std::size_t words = features.size();
  for (std::size_t i = 0; pairs && i + 1 < words; ++i) {
    features.push_back(features[i] + " " + features[i + 1]);
  }
  return features;
}

std::vector<Example> encode(const Corpus& corpus, const Coding& coding) {
  std::unordered_map<std::string, std::int64_t> label_ids;
  for (const std::string& label : coding.labels) label_ids.emplace(label, std::ssize(label_ids));
  std::vector<Example> examples;
  examples.reserve(corpus.size());
  for (const LabelledText& line : corpus) {
    Example example{{}, label_ids.at(line.label)};
    for (const std::string& feature : features_of(line.text, coding.pairs)) {
      if (const auto id = coding.vocabulary.find(feature)) example.ids.push_back(*id);
    }
    examples.push_back(std::move(example));
  }
  return examples;
}

Batch make_batch(const std::vector<Example>& examples, const std::vector<std::int64_t>& which) {
  const auto B = static_cast<std::int64_t>(which.size());
  std::int64_t T = 1;
  for (const std::int64_t i : which) T = std::max(T, std::ssize(examples[place(i)].ids));
  Batch batch{zeros({B, T}, DType::int64), empty({B, 1}), empty({B}, DType::int64)};
  auto* tokens = batch.tokens.mutable_data<std::int64_t>();
  auto* lengths = batch.lengths.mutable_data<float>();
  auto* labels = batch.labels.mutable_data<std::int64_t>();
  for (const std::int64_t i : which) {
    const Example& example = examples[place(i)];
    std::copy(example.ids.begin(), example.ids.end(), tokens);
    tokens += T;
    *lengths++ = static_cast<float>(std::max<std::size_t>(example.ids.size(), 1));
    *labels++ = example.label;
  }
  return batch;
}

Tensor TextClassifier::operator()(const Batch& batch) const {
  const Tensor total = sum(embedding(batch.tokens), 1);  // [B, T, D] -> [B, D]
  return output(total / batch.lengths);
}

bool train_classifier(const std::string& job, const TextClassifier& model, Optimizer& optimizer,
                      const std::vector<Example>& examples, const TrainSettings& settings) {
  Generator generator(settings.seed);
  std::vector<std::int64_t> lengths;
  lengths.reserve(examples.size());
  for (const Example& example : examples) lengths.push_back(std::ssize(example.ids));
  const auto in_all = static_cast<std::int64_t>(examples.size()) * settings.epochs;
  Progress progress(job, in_all, "texts");
  std::int64_t done = 0;
  model.train();
  for (std::int64_t epoch = 0; epoch < settings.epochs; ++epoch) {
    for (const auto& which : length_batches(lengths, settings.batch, generator)) {
      if (interrupted()) return false;
      const Batch batch = make_batch(examples, which);
      optimizer.set_lr(settings.lr * (1 - static_cast<double>(done) / static_cast<double>(in_all)));
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(model(batch), batch.labels);
      if (done == 0) check_registered(loss, model);
      if (!std::isfinite(loss.item())) {
        throw Error(fmt::format("{}: the loss is {} with --lr {}: use a smaller rate", job,
                                loss.item(), settings.lr));
      }
      loss.backward();
      optimizer.step();
      done += static_cast<std::int64_t>(which.size());
      progress.update(done, loss.item());
    }
  }
  return true;
}

Evaluation evaluate(const TextClassifier& model, const std::vector<Example>& examples) {
  const NoGradGuard no_grad;
  model.eval();
  const auto classes = place(model.output.out_features());
  const auto n = static_cast<std::int64_t>(examples.size());
  Evaluation result;
  result.confusion.assign(classes, std::vector<std::int64_t>(classes, 0));
  std::int64_t right = 0;
  for (std::int64_t begin = 0; begin < n; begin += 64) {
    std::vector<std::int64_t> which(place(std::min<std::int64_t>(64, n - begin)));
    std::iota(which.begin(), which.end(), begin);
    const Batch batch = make_batch(examples, which);
    const Tensor predicted = argmax(model(batch), 1);  // [B]
    for (std::size_t i = 0; i < which.size(); ++i) {
      const std::int64_t truth = batch.labels.span<std::int64_t>()[i];
      const std::int64_t guess = predicted.span<std::int64_t>()[i];
      ++result.confusion[place(truth)][place(guess)];
      right += truth == guess ? 1 : 0;
    }
  }
  result.accuracy = n > 0 ? static_cast<double>(right) / static_cast<double>(n) : 0;
  return result;
}

double majority_share(const std::vector<Example>& train, const std::vector<Example>& test) {
  std::vector<std::int64_t> counts;
  for (const Example& example : train) {
    counts.resize(std::max(counts.size(), place(example.label + 1)));
    ++counts[place(example.label)];
  }
  const std::int64_t most = std::max_element(counts.begin(), counts.end()) - counts.begin();
  const auto hits = std::count_if(test.begin(), test.end(),
                                  [&](const Example& example) { return example.label == most; });
  return static_cast<double>(hits) / static_cast<double>(test.size());
}

void save_classifier(StateDict state, const Coding& coding, const std::filesystem::path& path) {
  state.metadata["words"] = join(coding.vocabulary.words());
  state.metadata["labels"] = join(coding.labels);
  state.metadata["pairs"] = coding.pairs ? "yes" : "no";
  save(state, path);
}

SavedClassifier load_classifier(const std::filesystem::path& path) {
  const StateDict state = load(path);
  for (const char* key : {"words", "labels", "pairs"}) {
    if (!state.metadata.contains(key)) {
      throw FormatError(
          fmt::format("model: {} is not a classifier of this program: its metadata has no '{}'",
                      path.string(), key));
    }
  }
  Coding coding{Vocabulary::from_words(split_lines(state.metadata.at("words"))),
                split_lines(state.metadata.at("labels")), state.metadata.at("pairs") == "yes"};
  const Embedding table(coding.vocabulary.size(), state.at("embedding.weight").size(-1),
                        {.padding_idx = 0});
  const TextClassifier model(table, static_cast<std::int64_t>(coding.labels.size()));
  model.load_state_dict(state);
  return {std::move(coding), model};
}

std::string describe_text(const SavedClassifier& classifier, std::string_view text) {
  const NoGradGuard no_grad;
  const std::vector<std::string>& labels = classifier.coding.labels;
  const std::vector<Example> examples = encode({{labels[0], std::string(text)}}, classifier.coding);
  if (examples[0].ids.empty()) return "no word of it is known";
  const Tensor shares = softmax(classifier.model(make_batch(examples, {0})), 1);  // [1, classes]
  std::vector<std::size_t> order(labels.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto value = [&](std::size_t label) { return shares.span<float>()[label]; };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return value(a) > value(b); });
  std::string description;
  for (std::size_t k = 0; k < std::min<std::size_t>(order.size(), 3); ++k) {
    description += fmt::format("{}{} {:.0f} %", k == 0 ? "" : ", ", labels[order[k]],
                               100.0F * value(order[k]));
  }
  return description;
}

}  // namespace gradus::examples
