#include <fmt/format.h>
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/bpe_training.h>

#include <algorithm>
#include <limits>
#include <queue>
#include <string_view>
#include <utility>

namespace gradus::detail {
namespace {

/// The numbers of pairs of tokens: 0, 1, ... in the order they were added.
class PairIndex {
 public:
  /// The number of a pair, and whether it is new.
  std::pair<std::uint32_t, bool> add(std::int32_t left, std::int32_t right) {
    if (slots_.size() < 2 * (size_ + 1)) grow();
    const std::uint64_t key = key_of(left, right);
    Slot& slot = slots_[slot_of(key)];
    const bool is_new = slot.key == 0;
    if (is_new) slot = {key, static_cast<std::uint32_t>(size_++)};
    return {slot.number, is_new};
  }

 private:
  struct Slot {
    std::uint64_t key = 0;  // of a pair, 0 for none
    std::uint32_t number = 0;
  };

  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return (static_cast<std::uint64_t>(left) << 32U | static_cast<std::uint64_t>(right)) + 1;
  }
  std::size_t slot_of(std::uint64_t key) const {
    const std::size_t mask = slots_.size() - 1;
    std::uint64_t hash = key * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 32U;
    std::size_t slot = hash & mask;
    while (slots_[slot].key != 0 && slots_[slot].key != key) slot = (slot + 1) & mask;
    return slot;
  }
  void grow() {
    std::vector<Slot> before(std::max<std::size_t>(1024, 2 * slots_.size()));
    before.swap(slots_);
    for (const Slot& slot : before) {
      if (slot.key != 0) slots_[slot_of(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two; at most half are taken
  std::size_t size_ = 0;
};

/// All words as one list of symbols, in which a pair is replaced where it stands: the work of a
/// merge is that of its occurrences, however long a word is.
class MergeLearner {
 public:
  MergeLearner(const std::vector<std::string>& tokens, const SymbolWords& words,
               const MergeOptions& options)
      : options_(options) {
    for (const std::string& token : tokens) tokens_.add(token);
    lengths_.assign(static_cast<std::size_t>(tokens_.size()), 1);
    set_words(words);
  }

  LearnedTokens run() && {
    for (std::uint32_t pair = 0; pair < pairs_.size(); ++pair) offer(pair);
    while (tokens_.size() < options_.vocabulary_size && !queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      // A count that has changed since is in the queue a second time, if it grew.
      if (best.count == pairs_[best.pair].count) {
        merge(best.pair);
      } else if (best.count > pairs_[best.pair].count) {
        offer(best.pair);
      }
    }
    return {tokens_.texts(), std::move(merges_)};
  }

 private:
  struct Symbol {
    std::int32_t token;  // -1 between words
    std::uint32_t before, after, word;
  };
  struct Pair {
    std::int32_t left, right;
    std::int64_t count = 0;
    std::vector<std::uint32_t> places{};  // of the left ones, among them some that have changed
    bool is_merged = false, is_raised = false;
  };
  struct Candidate {
    std::int64_t count;
    std::int32_t left, right;
    std::uint32_t pair;
    bool operator<(const Candidate& other) const {
      if (count != other.count) return count < other.count;
      return std::pair(left, right) > std::pair(other.left, other.right);
    }
  };

  void set_words(const SymbolWords& words) {
    const std::vector<std::int32_t>& symbols = words.symbols();
    if (symbols.size() >= std::numeric_limits<std::uint32_t>::max()) {
      throw ValueError(fmt::format(
          "TokenizerTrainer::train: the distinct words have {} characters together, but fewer than "
          "2^32 are supported: leave out rare words",
          symbols.size()));
    }
    counts_ = words.counts();
    symbols_.reserve(symbols.size() + 1);
    symbols_.push_back({-1, 0, 1, 0});
    std::uint32_t word = 0;
    for (const std::int32_t token : symbols) {
      const auto at = static_cast<std::uint32_t>(symbols_.size());
      symbols_.push_back({token, at - 1, at + 1, word});
      change(at - 1, at, 1);
      if (token < 0) ++word;
    }
  }

  // One more or one fewer pair of two symbols, unless a token of it would be too long.
  void change(std::uint32_t left, std::uint32_t right, int by) {
    const Symbol &a = symbols_[left], &b = symbols_[right];
    if (a.token < 0 || b.token < 0 || is_long(a.token, b.token)) return;
    const auto [number, is_new] = index_.add(a.token, b.token);
    if (is_new) pairs_.push_back({a.token, b.token});
    Pair& pair = pairs_[number];
    pair.count += by * counts_[a.word];
    if (by < 0) return;
    pair.places.push_back(left);
    if (!pair.is_raised) {
      pair.is_raised = true;
      raised_.push_back(number);
    }
  }

  std::int64_t length(std::int32_t token) const {
    return lengths_[static_cast<std::size_t>(token)];
  }
  bool is_long(std::int32_t left, std::int32_t right) const {
    return options_.max_token_length > 0 &&
           length(left) + length(right) > options_.max_token_length;
  }

  void offer(std::uint32_t number) {
    Pair& pair = pairs_[number];
    pair.is_raised = false;
    if (pair.count > 0 && pair.count >= options_.min_frequency)
      queue_.push({pair.count, pair.left, pair.right, number});
  }

  void merge(std::uint32_t number) {
    const auto [left, right] = std::pair(pairs_[number].left, pairs_[number].right);
    const std::int32_t token = token_of(left, right);
    if (token < options_.reserved) return;
    if (!pairs_[number].is_merged) merges_.emplace_back(text(left), text(right));
    pairs_[number].is_merged = true;
    std::vector<std::uint32_t> places = std::move(pairs_[number].places);
    pairs_[number].places.clear();
    std::sort(places.begin(), places.end());  // overlapping pairs are merged from left to right
    raised_.clear();
    for (const std::uint32_t place : places) {
      if (symbols_[place].token == left && symbols_[symbols_[place].after].token == right)
        replace(place, token);
    }
    for (const std::uint32_t raised : raised_) offer(raised);
  }

  // Two neighbours by their token.
  void replace(std::uint32_t place, std::int32_t token) {
    Symbol& symbol = symbols_[place];
    const std::uint32_t before = symbol.before, second = symbol.after;
    const std::uint32_t after = symbols_[second].after;
    change(before, place, -1);
    change(place, second, -1);
    change(second, after, -1);
    symbol.token = token;
    symbol.after = after;
    symbols_[second].token = -1;
    symbols_[after].before = place;
    change(before, place, 1);
    change(place, after, 1);
  }

  const std::string& text(std::int32_t token) const {
    return tokens_.texts()[static_cast<std::size_t>(token)];
  }

  // The token that a pair becomes, which may be a reserved one.
  std::int32_t token_of(std::int32_t left, std::int32_t right) {
    std::string_view rest = text(right);
    const std::string& prefix = options_.continuing_subword_prefix;
    if (rest.starts_with(prefix)) rest.remove_prefix(prefix.size());
    const auto id = static_cast<std::int32_t>(tokens_.add(text(left) + std::string(rest)));
    if (id == std::ssize(lengths_)) lengths_.push_back(length(left) + length(right));
    return id;
  }

  const MergeOptions& options_;
  TextIndex tokens_;
  std::vector<std::int64_t> lengths_;  // of the tokens, in characters
  Bpe::Merges merges_;
  std::vector<std::int64_t> counts_;  // of the words
  std::vector<Symbol> symbols_;       // the first and the last stand between words
  PairIndex index_;
  std::vector<Pair> pairs_;
  std::vector<std::uint32_t> raised_;  // pairs whose counts grew in a merge
  std::priority_queue<Candidate> queue_;
};

}  // namespace

LearnedTokens learn_merges(const std::vector<std::string>& tokens, const SymbolWords& words,
                           const MergeOptions& options) {
  return MergeLearner(tokens, words, options).run();
}

}  // namespace gradus::detail
