// Tensors and tables that stay in their file.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/module/rename.h>
#include <gradus/framework/module/resize.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/embedding_bag.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/training/average.h>
#include <gradus/optim/training/freeze.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "safetensors_testing.h"

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Mapped = FolderTest;

StateDict some_tensors() {
  StateDict state;
  state.set("table", tensor({1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}, {3, 2}), true);
  state.set("wide", tensor({1.5, -2.5}, {1, 2}));
  state.set("ids", tensor({7, 8}));
  state.set("mask", tensor({true, false}));
  state.set("again", state.at("table"));
  state.metadata["note"] = "hello";
  return state;
}

TEST_F(Mapped, GivesWhatLoadGives) {
  save(some_tensors(), file("m"));
  const StateDict loaded = load(file("m")), mapped = load_mapped(file("m"));
  EXPECT_EQ(mapped.metadata, loaded.metadata);
  ASSERT_EQ(mapped.size(), loaded.size());
  for (const StateEntry& entry : loaded) {
    const Tensor& tensor = mapped.at(entry.name);
    EXPECT_EQ(tensor.str(), entry.tensor.str()) << entry.name;
    EXPECT_EQ(mapped.find(entry.name)->frozen, entry.frozen);
    EXPECT_EQ(tensor.is_read_only(), tensor.dtype() != DType::boolean) << entry.name;
    EXPECT_FALSE(entry.tensor.is_read_only());
  }
  EXPECT_TRUE(mapped.at("table").is_same(mapped.at("again")));
}

TEST_F(Mapped, TensorsOutliveTheStateAndTheFile) {
  Tensor table;
  {
    save(some_tensors(), file("m"));
    table = load_mapped(file("m")).at("table");
  }
  std::filesystem::remove(file("m"));
  EXPECT_THAT(table.span<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  save(some_tensors(), file("m"));
  table = load_mapped(file("m")).at("table");
  StateDict other = some_tensors();
  other.set("table", zeros({3, 2}));
  save(other, file("m"));  // a new file of that name
  EXPECT_EQ(table.span<float>()[0], 1);
}

TEST_F(Mapped, ChecksTheHeaderAsLoadDoes) {
  write_text(file("short"), "abc");
  EXPECT_THAT(message_of<FormatError>([&] { load_mapped(file("short")); }),
              HasSubstr("short' is not a valid .safetensors file: it has 3 bytes"));
  write_text(file("nothing"), "");
  EXPECT_THAT(message_of<FormatError>([&] { load_mapped(file("nothing")); }),
              HasSubstr("it has 0 bytes"));
  save(some_tensors(), file("m"));
  const std::string whole = read_text(file("m"));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    write_text(file("cut"), whole.substr(0, n));
    EXPECT_THROW(load_mapped(file("cut")), FormatError) << n;
  }
  write_text(file("huge"), std::string(16, '\xff'));
  EXPECT_THROW(load_mapped(file("huge")), FormatError);
  EXPECT_THAT(message_of<Error>([&] { load_mapped(file("missing")); }),
              HasSubstr("missing': No such file or directory"));
  EXPECT_THAT(message_of<Error>([&] { load_mapped(folder()); }),
              HasSubstr("has neither model.safetensors nor"));
}

TEST_F(Mapped, IsNotWrittenOverAsATemporary) {
  StateDict one;
  one.set("a", tensor({1.0f, 2.0f}));
  save(one, file("m"));
  const Tensor t = tensor({10.0f, 20.0f});
  const auto mapped = [&] { return Tensor(load_mapped(file("m")).at("a")); };
  EXPECT_THAT((mapped() + t).span<float>(), ElementsAre(11, 22));
  EXPECT_THAT((mapped() - t).span<float>(), ElementsAre(-9, -18));
  EXPECT_THAT((mapped() * t).span<float>(), ElementsAre(10, 40));
  EXPECT_THAT(add(mapped(), t).span<float>(), ElementsAre(11, 22));
  Tensor a = mapped();
  const Tensor sum = std::move(a) + t;
  EXPECT_THAT(sum.span<float>(), ElementsAre(11, 22));
  EXPECT_FALSE(sum.is_read_only());
  EXPECT_FALSE(a.defined());  // NOLINT(bugprone-use-after-move): what is tested
  EXPECT_THAT(mapped().span<float>(), ElementsAre(1, 2));
}

TEST_F(Mapped, IsNotWrittenOverAsAGradient) {
  StateDict one;
  one.set("g", tensor({1.0f, 2.0f}));
  save(one, file("m"));
  const auto mapped = [&] { return Tensor(load_mapped(file("m")).at("g")); };
  const Tensor x = zeros({2}).set_trainable(true);
  const auto op = [&] {
    return record("mapped", x.clone(), vjp(x, [&](const Tensor&) { return mapped(); }));
  };
  for (int pass = 1; pass <= 2; ++pass) {  // into a gradient that is there
    (op() + op() + op()).backward(ones({2}));
    EXPECT_FALSE(x.grad().dense().is_read_only());
    EXPECT_THAT(x.grad().dense().span<float>(), ElementsAre(3 * pass, 6 * pass));
  }
  x.clear_grad();
  x.backward(mapped());
  x.backward(mapped());
  EXPECT_THAT(x.grad().dense().span<float>(), ElementsAre(2, 4));
}

TEST_F(Mapped, RefusesEveryChange) {
  save(some_tensors(), file("m"));
  const Tensor table = load_mapped(file("m")).at("table");
  const NoGradGuard no_grad;
  EXPECT_EQ(message_of<ValueError>([&] { table.fill_(1); }),
            "fill_: this tensor [3, 2] is mapped from a file, read-only: change a clone()");
  EXPECT_THROW(table.mutable_data<float>(), ValueError);
  EXPECT_THROW(table.copy_(zeros({3, 2})), ValueError);
  EXPECT_THROW(table.add_(zeros({3, 2})), ValueError);
  EXPECT_THROW(table.mul_(2), ValueError);
  EXPECT_THROW(table.set_row(0, zeros({2})), ValueError);
  EXPECT_THROW(normal_(table, 0, 1), ValueError);
  EXPECT_THROW(table.detach().zero_(), ValueError);
  EXPECT_EQ(message_of<ValueError>([&] { resize_rows(table, 2); }),
            "resize_rows: the tensor [3, 2] is mapped from a file, read-only: resize a clone()");
  EXPECT_EQ(message_of<ValueError>([&] { table.set_trainable(true); }),
            "set_trainable: the tensor [3, 2] is mapped from a file, read-only: train a clone()");
  EXPECT_NO_THROW(table.set_trainable(false));
  const Tensor copy = table.clone();
  EXPECT_FALSE(copy.is_read_only());
  copy.fill_(9);
  EXPECT_THAT(table.span<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(Mapped, InitialisersNameThemselves) {
  save(some_tensors(), file("m"));
  const Tensor table = load_mapped(file("m")).at("table");
  const std::vector<std::pair<std::string, std::function<void()>>> uses{
      {"uniform_", [&] { uniform_(table, 0, 1); }},
      {"normal_", [&] { normal_(table, 0, 1); }},
      {"xavier_uniform_", [&] { xavier_uniform_(table); }},
      {"kaiming_normal_", [&] { kaiming_normal_(table); }},
      {"trunc_normal_", [&] { trunc_normal_(table); }},
      {"orthogonal_", [&] { orthogonal_(table); }},
      {"sparse_", [&] { sparse_(table, 0.5); }},
      {"constant_", [&] { constant_(table, 1); }},
      {"zeros_", [&] { zeros_(table); }},
      {"ones_", [&] { ones_(table); }}};
  for (const auto& [name, use] : uses) {
    EXPECT_EQ(message_of<ValueError>(use),
              name + ": this tensor [3, 2] is mapped from a file, read-only: change a clone()");
  }
}

TEST_F(Mapped, EmbeddingServesLookups) {
  save(some_tensors(), file("m"));
  const Embedding table = Embedding::from_mapped(file("m"), "table", {.padding_idx = -1});
  EXPECT_EQ(table.str(), "Embedding(3, 2, padding_idx=2, frozen, mapped)");
  EXPECT_TRUE(table.is_frozen());
  const Tensor y = table({2, 0, 2});
  EXPECT_THAT(y.span<float>(), ElementsAre(5, 6, 1, 2, 5, 6));
  EXPECT_FALSE(y.requires_grad());
  EXPECT_THAT(table.row(1).span<float>(), ElementsAre(3, 4));
  EXPECT_THROW(table({3}), IndexError);
  EXPECT_EQ(Embedding::from_mapped(file("m"), "wide")({0}).dtype(), DType::float64);
  EXPECT_THAT(Embedding::from_mapped(file("m"), "again")({1}).span<float>(), ElementsAre(3, 4));
}

TEST_F(Mapped, EmbeddingRefusesWhatWouldChangeIt) {
  save(some_tensors(), file("m"));
  const Embedding table = Embedding::from_mapped(file("m"), "table");
  EXPECT_THROW(table.set_trainable(true), ValueError);
  EXPECT_THROW(table.set_row(0, zeros({2})), ValueError);
  EXPECT_THROW(table.resize(9), ValueError);
  EXPECT_EQ(
      message_of<ValueError>([&] { Embedding::from_mapped(file("m"), "table", {.max_norm = 1}); }),
      "Embedding: max_norm changes rows, but the weight [3, 2] is mapped from a file, "
      "read-only: leave it out, or use load() and from_pretrained()");
  EXPECT_THAT(message_of<IndexError>([&] { Embedding::from_mapped(file("m"), "tabel"); }),
              HasSubstr("m' has no tensor 'tabel'; there are ["));
  EXPECT_EQ(message_of<ShapeError>([&] { Embedding::from_mapped(file("m"), "ids"); }),
            "from_mapped: weight is [2], it must be 2-D [rows, columns]");
  StateDict integers;
  integers.set("ids", tensor({1, 2}, {2, 1}));
  save(integers, file("i"));
  EXPECT_THAT(message_of<DTypeError>([&] { Embedding::from_mapped(file("i"), "ids"); }),
              HasSubstr("from_mapped: weight is int64, it must be a float type"));
  EXPECT_THAT(message_of<FormatError>([&] { Embedding::from_mapped(file("m"), "mask"); }),
              HasSubstr("tensor 'mask': BOOL needs conversion, so it cannot be mapped: load() it"));
}

struct Tagger : Module {
  explicit Tagger(const Embedding& table)
      : bias(add_parameter("bias", zeros({2}))), embedding(add("embedding", table)) {}
  const Parameter bias;
  const Embedding embedding;
};

TEST_F(Mapped, IsAPartOfAModel) {
  save(some_tensors(), file("m"));
  const Tagger model(Embedding::from_mapped(file("m"), "table"));
  model.set_trainable(false);
  EXPECT_EQ(message_of<ValueError>([&] { model.set_trainable(true); }),
            "set_trainable: embedding.weight [3, 2] is mapped from a file, read-only: unfreeze the "
            "others one by one");
  EXPECT_FALSE(model.bias.trainable());  // nothing has changed
  model.bias.set_trainable(true);

  const StateDict best = snapshot(model);
  EXPECT_TRUE(best.at("embedding.weight").is_read_only());  // it cannot change: no copy
  {
    const NoGradGuard no_grad;
    model.bias.fill_(3);
  }
  restore(model, best);
  EXPECT_EQ(model.bias.span<float>()[0], 0);

  StateDict saved = snapshot(model);
  saved.set("bias", ones({2}));
  saved.set("embedding.weight", ones({3, 2}));
  EXPECT_EQ(message_of<ValueError>([&] { model.load_state_dict(saved); }),
            "load_state_dict: embedding.weight is mapped from a file, read-only: leave it out of "
            "the state and pass .strict = false");
  EXPECT_EQ(model.bias.span<float>()[0], 0);
  save(model.state_dict(), file("whole"));
  EXPECT_EQ(load(file("whole")).at("embedding.weight").span<float>()[5], 6);

  model.to(DType::float64);  // a copy in memory
  EXPECT_FALSE(model.embedding.weight.is_read_only());
  EXPECT_EQ(model.embedding({2}).span<double>()[1], 6);
}

TEST_F(Mapped, AveragesDoNotCopyIt) {
  save(some_tensors(), file("m"));
  const Tagger model(Embedding::from_mapped(file("m"), "table"));
  AveragedParameters averages(model.parameters(), 0);
  averages.update();
  {
    const NoGradGuard no_grad;
    model.bias.fill_(4);
  }
  averages.update();
  const StateDict state = averages.state_dict();
  EXPECT_TRUE(state.at("embedding.weight").is_read_only());
  EXPECT_EQ(state.at("bias").span<float>()[0], 2);
  averages.load_state_dict(state);
  averages.swap();
  EXPECT_EQ(model.bias.span<float>()[0], 2);
  EXPECT_EQ(model.embedding({2}).span<float>()[1], 6);
  EXPECT_EQ(message_of<ValueError>([&] { unfreeze(model.parameters(), "*"); }),
            "unfreeze: embedding.weight [3, 2] is mapped from a file, read-only: use another "
            "pattern");
}

TEST_F(Mapped, ABagRefusesMaxNorm) {
  save(some_tensors(), file("m"));
  const Tensor weight = load_mapped(file("m")).at("table");
  const EmbeddingBag bag = EmbeddingBag::from_pretrained(weight);
  EXPECT_EQ(bag.str(), "EmbeddingBag(3, 2, mode=mean, frozen, mapped)");
  EXPECT_EQ(bag({0, 2}, {0}).span<float>()[0], 3);
  EXPECT_EQ(
      message_of<ValueError>([&] { EmbeddingBag::from_pretrained(weight, true, {.max_norm = 1}); }),
      "EmbeddingBag: max_norm changes rows, but the weight [3, 2] is mapped from a file, "
      "read-only: leave it out, or use load() and from_pretrained()");
}

TEST_F(Mapped, FromPretrainedSharesIt) {
  save(some_tensors(), file("m"));
  const StateDict state = load_mapped(file("m"));
  const Embedding table = Embedding::from_pretrained(state.at("table"));
  EXPECT_TRUE(table.weight.is_read_only());
  EXPECT_EQ(table.weight.data<float>(), state.at("table").data<float>());
  EXPECT_THROW(Embedding::from_pretrained(state.at("table"), /*freeze=*/false), ValueError);
}

// A file whose float32 table starts `shift` + 1 bytes after a multiple of 4.
std::string unaligned_file(std::size_t shift) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  std::string data = "\x07";
  data.append(reinterpret_cast<const char*>(values.data()), 24);
  std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                       R"("f":{"dtype":"F32","shape":[3,2],"data_offsets":[1,25]}})";
  header.resize((header.size() + 7) / 8 * 8 + shift, ' ');
  return with_length(header, data);
}

TEST_F(Mapped, ServesLookupsAtAnyAlignment) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    write_text(file("u"), unaligned_file(shift));
    const Embedding table = Embedding::from_mapped(file("u"), "f");
    EXPECT_THAT(table({2, 0}).span<float>(), ElementsAre(5, 6, 1, 2));
    EXPECT_THAT(table.row(1).span<float>(), ElementsAre(3, 4));
    EXPECT_THAT(table.weight.clone().span<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_EQ(load_mapped(file("u")).at("a").item(), 7);
    save(table.state_dict(), file("v"));
    EXPECT_EQ(load(file("v")).at("weight").span<float>()[5], 6);
    EXPECT_THAT(transpose(load_mapped(file("u")), {"f"}).at("f").span<float>(),
                ElementsAre(1, 3, 5, 2, 4, 6));
    if (shift == 3) continue;
    EXPECT_EQ(
        message_of<Error>([&] { sum(table.weight); }),
        "data: the tensor [3, 2] is mapped from a file in which it is not aligned to float32: "
        "use a clone()");
  }
}

std::int64_t page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

// 40 GB that no disk has: all zeros but for what is written here and there.
TEST_F(Mapped, OpensATableLargerThanMemoryAtOnce) {
  constexpr std::int64_t rows = 80'000'000, width = 128, bytes = rows * width * 4;
  std::string header = R"({"table":{"dtype":"F32","shape":[80000000,128],"data_offsets":[0,)" +
                       std::to_string(bytes) + "]}}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  write_text(file("big"), with_length(header, ""));
  const auto start = static_cast<off_t>(8 + header.size());
  const int big = open(file("big").c_str(), O_RDWR);
  ASSERT_GE(big, 0);
  if (ftruncate(big, start + off_t{bytes}) != 0) {
    close(big);
    GTEST_SKIP() << "the file system takes no file of 40 GB";
  }
  const std::vector<std::int64_t> marked{0, 1, 16'777'216, 33'554'433, rows - 1};
  for (const std::int64_t row : marked) {
    const float value = static_cast<float>(row % 1000 + 1);
    ASSERT_EQ(pwrite(big, &value, 4, start + off_t{(row * width + width - 1) * 4}), 4);
  }
  close(big);
  reset_peak_memory();
  const MemoryStats before = memory_stats();
  const std::int64_t faults = page_faults();
  const Embedding table = Embedding::from_mapped(file("big"), "table", {.padding_idx = 5});
  const Tensor y = table(marked);
  EXPECT_LT(page_faults() - faults, 10'000);  // of the 10,000,000 pages of the table
  EXPECT_LT(memory_stats().peak - before.peak, 1 << 20);
  EXPECT_EQ(table.num_embeddings(), rows);
  for (std::size_t k = 0; k < marked.size(); ++k) {
    EXPECT_EQ(y.span<float>()[k * 128 + 127], static_cast<float>(marked[k] % 1000 + 1));
    EXPECT_EQ(y.span<float>()[k * 128], 0);
  }
  EXPECT_EQ(message_of<IndexError>([&] { table({rows}); }),
            "embedding: index 80000000 at position [0] is outside [0, 80000000)");

  // A layer above it trains, and many threads look up.
  const Linear output(width, 2);
  sum(output(table({1, 2, 3}))).backward();
  EXPECT_FALSE(output.weight.grad().empty());
  EXPECT_TRUE(table.weight.grad().empty());
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { EXPECT_EQ(table({rows - 1}).span<float>()[127], 1000); });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace gradus
