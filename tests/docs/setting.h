#pragma once
// What the code blocks of the guide pages take for granted: see tests/scripts/docs_code_test.sh.
#include <gradus/gradus.h>
#include <gradus/text.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace gradus;

struct Batch {
  Tensor tokens, labels;
};

struct Net : Module {
  explicit Net(const Embedding& table)
      : embedding(add("embedding", table)),
        output(add("output", Linear(table.embedding_dim(), 2))) {}
  Tensor operator()(const Tensor& tokens) const { return output(mean(embedding(tokens), 1)); }
  const Embedding embedding;
  const Linear output;
};

struct Setting {
  void train(const Batch& batch) { cross_entropy(model(batch.tokens), batch.labels).backward(); }
  double evaluate(const Net&) { return 0; }
  Batch batch_of(const Tensor&, std::int64_t) { return batches.front(); }

  Vocabulary vocabulary = Vocabulary::from_words({"of", "the", "sea"});
  Tensor ids = tensor({{0, 1}, {2, 3}}), offsets, sources = tensor({0, 1}), rows = ones({2, 100});
  Embedding table = Embedding(vocabulary.size(), 100, {.padding_idx = 0});
  Net model = Net(table), other = Net(Embedding(vocabulary.size(), 100));
  std::vector<Batch> batches = {{ids, tensor({0, 1})}};
  SGD optimizer = SGD(model.parameters(), {.lr = 0.1});
  LRScheduler scheduler = LRScheduler(optimizer, linear_warmup(100));
  AveragedParameters averages = AveragedParameters(model.parameters(), 0.99);
  Tensor order = randperm(4);
  std::int64_t step = 0, steps = 10, steps_of_epoch = 5, examples = 4;
  double total = 0;
};
