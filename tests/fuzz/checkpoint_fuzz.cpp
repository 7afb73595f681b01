#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/training/checkpoint.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gradus::MemoryFile file(data, size);
  gradus::read_any([&] {
    const gradus::Linear model(2, 1);
    gradus::Adam optimizer(model.parameters());
    gradus::Generator generator(1);
    gradus::Tensor order;
    std::int64_t step = 0;
    double best = 0;
    const std::vector<gradus::CheckpointPart> run = {
        {"model", model}, {"optimizer", optimizer}, {"generator", generator},
        {"order", order}, {"step", step},           {"best", best}};
    const auto words = gradus::Vocabulary::from_words({"<unk>", "a"});
    gradus::read_any([&] { gradus::checkpoint_vocabulary(file.path()); });
    gradus::read_any([&] {
      gradus::load_checkpoint({{"vocabulary", words}}, file.path(), {.strict = false});
    });
    gradus::load_checkpoint(run, file.path(), {.strict = false});
    gradus::load_checkpoint(run, file.path());
    optimizer.step();
  });
  return 0;
}
