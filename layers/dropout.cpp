#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/ops/nn/dropout.h>
#include <gradus/layers/dropout.h>

namespace gradus {

namespace {

double checked(const char* layer, double p) {
  if (p >= 0 && p <= 1) return p;
  throw ValueError(fmt::format("{}: p is {}, it must be between 0 and 1", layer, p));
}

}  // namespace

Dropout::Dropout(double p, Generator& generator)
    : p_(checked("Dropout", p)), generator_(&generator) {
  set_description([p] { return fmt::format("Dropout(p={})", p); });
}

Tensor Dropout::operator()(const Tensor& x) const {
  return is_training() ? dropout(x, p_, *generator_) : x;
}

LockedDropout::LockedDropout(double p, Generator& generator)
    : LockedDropout("LockedDropout", p, generator) {}

LockedDropout::LockedDropout(const char* layer, double p, Generator& generator)
    : p_(checked(layer, p)), generator_(&generator) {
  set_description([layer, p] { return fmt::format("{}(p={})", layer, p); });
}

Tensor LockedDropout::operator()(const Tensor& x) const {
  return is_training() ? locked_dropout(x, p_, *generator_) : x;
}

EmbeddingDropout::EmbeddingDropout(double p, Generator& generator)
    : p_(checked("EmbeddingDropout", p)), generator_(&generator) {
  set_description([p] { return fmt::format("EmbeddingDropout(p={})", p); });
}

Tensor EmbeddingDropout::operator()(const Embedding& table, const Tensor& ids) const {
  const bool training = is_training();
  const Tensor rows = table(ids);
  return training ? embedding_dropout(rows, ids, table.num_embeddings(), p_, *generator_) : rows;
}

}  // namespace gradus
