// Counts the bytes that a program asks for: this program has its own operator new.
#include <gradus/framework/text/tokenizer.h>
#include <gradus/tests/io/file_testing.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

std::atomic<std::int64_t> held{0}, most{0};
constexpr std::size_t head = alignof(std::max_align_t);  // holds the size of a block

}  // namespace

// All forms of new and delete but those with an alignment: AddressSanitizer has each of its own.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  void* block = std::malloc(size + head);
  if (block == nullptr) return nullptr;
  *static_cast<std::size_t*>(block) = size;
  const std::int64_t now = held += static_cast<std::int64_t>(size);
  std::int64_t before = most;
  while (before < now && !most.compare_exchange_weak(before, now)) continue;
  return static_cast<char*>(block) + head;
}
void* operator new(std::size_t size) {
  void* block = operator new(size, std::nothrow);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t& none) noexcept {
  return operator new(size, none);
}

void operator delete(void* pointer) noexcept {
  if (pointer == nullptr) return;
  void* block = static_cast<char*>(pointer) - head;
  held -= static_cast<std::int64_t>(*static_cast<std::size_t*>(block));
  std::free(block);
}
void operator delete(void* pointer, std::size_t) noexcept { operator delete(pointer); }
void operator delete(void* pointer, const std::nothrow_t&) noexcept { operator delete(pointer); }
void operator delete[](void* pointer) noexcept { operator delete(pointer); }
void operator delete[](void* pointer, std::size_t) noexcept { operator delete(pointer); }
void operator delete[](void* pointer, const std::nothrow_t&) noexcept { operator delete(pointer); }

namespace gradus {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t bytes = 256, merges = 50'000;

/// What a call holds at most, and what it leaves behind, in bytes.
struct Use {
  std::int64_t most, left;
};

template <class F>
Use use_of(F&& f) {
  const std::int64_t before = held;
  most = before;
  const auto result = f();
  return {most - before, held - before};
}

// GPT-2's alphabet of bytes.
std::vector<std::string> alphabet() {
  std::vector<std::string> result;
  const Tokenizer tokenizer = Tokenizer::bytes();
  for (std::int64_t byte = 0; byte < 256; ++byte) result.push_back(tokenizer.token(byte));
  return result;
}

// A tokenizer of 50,257 tokens, as many as GPT-2's and about as long.
ordered_json large_tokenizer() {
  std::vector<std::string> tokens = alphabet();
  std::set<std::string> known(tokens.begin(), tokens.end());
  ordered_json all_merges = ordered_json::array();
  std::mt19937 random(1);
  while (all_merges.size() < merges) {
    const std::string &left = tokens[random() % tokens.size()],
                      &right = tokens[random() % tokens.size()];
    if (left.size() + right.size() > 12 || !known.insert(left + right).second) continue;
    all_merges.push_back({left, right});
    tokens.push_back(left + right);
  }
  tokens.emplace_back("<|endoftext|>");
  ordered_json vocabulary = ordered_json::object();
  auto& members = vocabulary.get_ref<ordered_json::object_t&>();
  for (const std::string& token : tokens) members.emplace_back(token, members.size());
  return {
      {"added_tokens", {{{"id", bytes + merges}, {"content", "<|endoftext|>"}, {"special", true}}}},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", all_merges}}}};
}

class TokenizerMemory : public FolderTest {};

}  // namespace

TEST_F(TokenizerMemory, OfFiftyThousandTokensIsSmall) {
  constexpr std::int64_t megabyte = 1'000'000;
  {
    const ordered_json all = large_tokenizer();
    write_text(file("tokenizer.json"), all.dump(2));
    write_text(file("vocab.json"), all["model"]["vocab"].dump());
    std::string lines = "#version: 0.2\n";
    for (const auto& merge : all["model"]["merges"])
      lines += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
    write_text(file("merges.txt"), lines);
  }
  const Use loaded = use_of([&] { return Tokenizer::load(file("tokenizer.json")); });
  EXPECT_LT(loaded.most, 17 * megabyte);
  const Use gpt2 =
      use_of([&] { return Tokenizer::load_gpt2(file("vocab.json"), file("merges.txt")); });
  EXPECT_LT(gpt2.most, 13 * megabyte);
  for (const Use& use : {loaded, gpt2}) {
    EXPECT_LT(use.left, 10 * megabyte);
    EXPECT_GT(use.left, megabyte);  // it is counted
  }
}

}  // namespace gradus
