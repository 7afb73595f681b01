#include <fmt/format.h>
#include <gradus/examples/kjv/classifier.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>

namespace gradus::examples {

std::vector<std::string> features_of(std::string_view text, bool pairs) {
  std::vector<std::string> features = tokenize(text);
  const std::size_t words = features.size();
  for (std::size_t i = 0; pairs && i + 1 < words; ++i) {
    features.push_back(features[i] + " " + features[i + 1]);
  }
  return features;
}

std::vector<std::int64_t> Coding::ids(std::string_view text) const {
  return vocabulary.known_ids(features_of(text, pairs));
}

int train_classifier(const std::string& job, const TextClassifier& model, Optimizer& optimizer,
                     const Texts& texts, const TrainSettings& settings) {
  DataLoader loader(mapped(texts, std::cref(model.coding)), CollateFlat{},
                    {.batch_size = settings.batch, .shuffle = true, .seed = settings.seed});
  const std::int64_t all = std::ssize(texts) * settings.epochs;
  Progress progress(all, {.name = job, .unit = "texts", .every_percent = 10, .output = stdout});
  const StopSignal stop;
  model.train();
  while (loader.epoch() < settings.epochs) {
    double sum = 0;  // of the losses of this epoch
    for (const FlatBatch& batch : loader) {
      if (stop.requested()) return stop.signal();
      const double share = static_cast<double>(progress.count()) / static_cast<double>(all);
      optimizer.set_lr(settings.lr * (1 - share));
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(model(batch), batch.labels);
      if (progress.count() == 0) check_registered(loss, model);
      sum += loss.item();
      if (!std::isfinite(sum)) {
        throw Error(fmt::format("{}: the loss is {} with --lr {}: use a smaller rate", job,
                                loss.item(), settings.lr));
      }
      loss.backward();
      optimizer.step();
      const double mean = sum / static_cast<double>(loader.position());
      progress.update(batch.labels.numel(), {{"loss", mean}});
    }
  }
  return 0;
}

Evaluation evaluate(const TextClassifier& model, const Texts& texts) {
  const NoGradGuard no_grad;
  const LabelSet& labels = model.coding.labels;
  Evaluation result{Accuracy(), ConfusionMatrix(labels.names()),
                    ClassificationScores(labels.names())};
  model.eval();
  DataLoader loader(mapped(texts, std::cref(model.coding)), CollateFlat{}, {.batch_size = 64});
  for (const FlatBatch& batch : loader) {
    const Tensor scores = model(batch);  // [B, classes]
    result.accuracy.add(scores, batch.labels);
    result.confusion.add(scores, batch.labels);
    result.scores.add(scores, batch.labels);
  }
  return result;
}

void save_classifier(const TextClassifier& model, const std::filesystem::path& path) {
  StateDict state = model.state_dict();
  state.metadata["vocabulary"] = model.coding.vocabulary.text();
  state.metadata["labels"] = model.coding.labels.text();
  state.metadata["pairs"] = model.coding.pairs ? "yes" : "no";
  save(state, path);
}

TextClassifier load_classifier(const std::filesystem::path& path) {
  const StateDict state = load(path);
  for (const char* key : {"vocabulary", "labels", "pairs"}) {
    if (state.metadata.contains(key)) continue;
    throw FormatError(
        fmt::format("model: {} is not a classifier of this program: its metadata has no '{}'",
                    path.string(), key));
  }
  const Coding coding{Vocabulary::from_text(state.metadata.at("vocabulary")),
                      LabelSet::from_text(state.metadata.at("labels")),
                      state.metadata.at("pairs") == "yes"};
  const EmbeddingBag table(coding.vocabulary.size(), state.at("embedding.weight").size(-1));
  TextClassifier model(table, coding);
  model.load_state_dict(state);
  return model;
}

std::string describe_text(const TextClassifier& model, std::string_view text) {
  const NoGradGuard no_grad;
  const std::vector<std::int64_t> ids = model.coding.ids(text);
  if (ids.empty()) return "no word of it is known";
  const LabelSet& labels = model.coding.labels;
  const Tensor shares = softmax(model(flatten_sequences({&ids, 1})), 1);
  const auto [values, best] = topk(shares, std::min<std::int64_t>(labels.size(), 3));  // [1, 3]
  std::string description;
  for (std::size_t k = 0; k < best.span<std::int64_t>().size(); ++k) {
    description +=
        fmt::format("{}{} {:.0f} %", k == 0 ? "" : ", ", labels.name(best.span<std::int64_t>()[k]),
                    100.0F * values.span<float>()[k]);
  }
  return description;
}

}  // namespace gradus::examples
