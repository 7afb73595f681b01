// Compares the Bert of docs/published_models.md with PyTorch, on all-MiniLM-L6-v2: see
// tests/scripts/minilm_check.sh.
#include <gradus/gradus.h>

#include <cmath>
#include <cstdio>
#include <exception>

using namespace gradus;

namespace {

#include "published_models.inc"

constexpr double tolerance = 1e-4;

bool check(const char* what, double value, double expected) {
  const bool right = std::abs(value - expected) <= tolerance;  // not of NaN
  std::printf("%s: %.6f, expected %.6f: %s\n", what, value, expected, right ? "right" : "WRONG");
  return right;
}

bool check_model(const std::string& model_file, const std::string& golden_file) {
  const StateDict golden = load(golden_file);
  const Tensor& ids = golden.at("ids");
  const Tensor& lengths = golden.at("lengths");
  const Bert bert({.width = 384, .hidden = 1536, .layers = 6});
  bert.load_state_dict(rename(load(model_file), {{"embeddings.position_ids", ""}}));
  bert.eval();
  const NoGradGuard no_grad;
  const Tensor states = bert(ids, lengths);
  const Tensor difference = zero_padding(states, lengths) - golden.at("states");
  const Tensor vectors = mean_over_time(states, {.lengths = lengths});
  const auto cosine = [&](std::int64_t k) {
    return cosine_similarity(vectors[0], vectors[k], 0).item();
  };
  const bool all[] = {check("largest difference from PyTorch", max(abs(difference)).item(), 0),
                      check("cosine of sentences 0 and 1", cosine(1), 0.755337),
                      check("cosine of sentences 0 and 2", cosine(2), -0.104957)};
  return all[0] && all[1] && all[2];
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) throw Error("usage: minilm_check model.safetensors minilm.safetensors");
  return check_model(argv[1], argv[2]) ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "minilm_check: %s\n", error.what());
  return 1;
}
