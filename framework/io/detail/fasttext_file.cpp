#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/detail/fasttext_file.h>
#include <gradus/framework/io/detail/growing_matrix.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string_view>

namespace gradus::detail {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::int32_t magic = 793712314;
constexpr std::size_t head_bytes = 64;
constexpr std::size_t longest_word = std::size_t{1} << 16U;
// Each byte of a word is in so many n-grams: a bound for the time that a word may take.
constexpr std::int64_t longest_ngram = 256;
constexpr std::int64_t int32_max = std::numeric_limits<std::int32_t>::max();
constexpr auto int64_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
constexpr std::int64_t int32_min = std::numeric_limits<std::int32_t>::min();

// Reads the file of a model from its start to its end.
class Bytes {
 public:
  explicit Bytes(ByteBlocks& file) : file_(file), size_(file.size()) {}

  /// The bytes that are left; nullopt if that is not known.
  std::optional<std::uint64_t> left() const {
    return size_ ? std::optional(*size_ - file_.position()) : std::nullopt;
  }
  bool at_end() const { return !file_.at_least(1); }

  // The first bytes of the file, before anything is read.
  std::string_view head() {
    file_.at_least(head_bytes);
    return file_.rest().substr(0, head_bytes);
  }

  // Takes so many bytes, which are good until more is read.
  const char* take(std::size_t bytes, std::string_view what) {
    item_ = file_.position();
    if (!file_.at_least(bytes)) {
      fail(fmt::format("the file ends in {}: {} bytes are needed, {} are left", what, bytes,
                       file_.rest().size()));
    }
    const char* taken = file_.rest().data();
    file_.skip(bytes);
    return taken;
  }

  template <class T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof value, what), sizeof value);
    return value;
  }

  // An int32 in [low, high].
  std::int64_t integer(std::string_view what, std::int64_t low, std::int64_t high) {
    const std::int64_t value = number<std::int32_t>(what);
    if (value < low || value > high) {
      fail(fmt::format("{} is {}, {} is expected", what, value,
                       low == high ? fmt::format("{}", low) : fmt::format("{} to {}", low, high)));
    }
    return value;
  }

  // A text that a NUL ends, good until more is read.
  std::string_view text(std::string_view what) {
    item_ = file_.position();
    std::size_t end = file_.rest().find('\0');
    if (end == std::string_view::npos) {
      file_.at_least(longest_word + 1);
      end = file_.rest().find('\0');
    }
    if (end == std::string_view::npos || end > longest_word) {
      fail(fmt::format("{}, '{}', has no NUL at its end within {} bytes", what,
                       printable(file_.rest().substr(0, 64), 20),
                       std::min(file_.rest().size(), longest_word)));
    }
    const std::string_view found = file_.rest().substr(0, end);
    file_.skip(end + 1);
    return found;
  }

  // Throws, with the position of what was read last.
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(
        fmt::format("{}: '{}', byte {}: {}", file_.operation(), file_.path(), item_, what));
  }

 private:
  ByteBlocks& file_;
  std::optional<std::uint64_t> size_;
  std::uint64_t item_ = 0;  // where what was read last begins
};

// Reads what a model begins with, and returns the version.
std::int64_t read_version(Bytes& bytes) {
  const std::string head(bytes.head());
  if (head.size() < sizeof magic || std::memcmp(head.data(), &magic, sizeof magic) != 0) {
    std::string hint = looks_like(head);
    const std::size_t digits = head.find_first_not_of("0123456789");
    if (hint.empty() && digits > 0 && digits < head.size() && head[digits] == ' ') {
      hint = ": it looks like word vectors as text, which load_word_vectors() reads";
    }
    bytes.fail(fmt::format("it begins with '{}', not as a fastText model does{}",
                           printable(head.substr(0, 16), 40), hint));
  }
  bytes.number<std::int32_t>("the magic number");
  return bytes.integer("the version", 11, 12);
}

FastTextOptions read_options(Bytes& bytes, std::int64_t version) {
  const auto number = [&](const char* what, std::int64_t low = int32_min,
                          std::int64_t high = int32_max) { return bytes.integer(what, low, high); };
  FastTextOptions options;
  options.dim = number("dim", 1);
  options.window = number("ws");
  options.epochs = number("epoch");
  options.min_count = number("minCount");
  options.negatives = number("neg");
  options.word_ngrams = number("wordNgrams");
  options.loss = static_cast<FastTextLoss>(number("loss", 1, 4));
  options.task = static_cast<FastTextTask>(number("model", 1, 3));
  options.buckets = number("bucket", 0);
  options.minn = number("minn");
  options.maxn = number("maxn", int32_min, longest_ngram);
  options.lr_update_rate = number("lrUpdateRate");
  options.sampling = bytes.number<double>("t");
  // Supervised models of version 11 have no character n-grams, whatever they say.
  if (version == 11 && options.task == FastTextTask::supervised) options.maxn = 0;
  return options;
}

// Reads an entry of the dictionary.
void read_entry(Bytes& bytes, bool is_label, FastTextFile& file) {
  TextIndex& texts = is_label ? file.labels : file.words;
  const std::int64_t id = texts.size();
  const std::string_view text = bytes.text("an entry of the dictionary");
  if (texts.add(text) != id || (is_label && file.words.find(text) >= 0)) {
    bytes.fail(fmt::format("the dictionary has '{}' twice", printable(text)));
  }
  const auto shown = [&] { return printable(texts.texts().back()); };
  const auto count = bytes.number<std::int64_t>("a count of the dictionary");
  if (count < 0) bytes.fail(fmt::format("the count of '{}' is {}", shown(), count));
  (is_label ? file.label_counts : file.counts).push_back(count);
  const int type = bytes.number<std::uint8_t>("a type of the dictionary");
  if (type != (is_label ? 1 : 0)) {
    bytes.fail(fmt::format(
        "the type of '{}' is {}, {} is expected: 0 for the words, then 1 for the labels", shown(),
        type, is_label ? 1 : 0));
  }
}

void read_kept_buckets(Bytes& bytes, std::int64_t pairs, FastTextFile& file) {
  auto& kept = file.kept_buckets.emplace();
  for (std::int64_t i = 0; i < pairs; ++i) {
    const std::int64_t bucket = bytes.integer("a bucket that was kept", 0, int32_max);
    const std::int64_t row = bytes.integer("the row of a bucket that was kept", 0, pairs - 1);
    if (!kept.emplace(bucket, row).second) {
      bytes.fail(fmt::format("bucket {} was kept twice", bucket));
    }
  }
}

// fastText builds the tree of labels from their counts, in which 1e15 stands for infinity.
void check_tree(const Bytes& bytes, const FastTextFile& file) {
  std::int64_t left = 1'000'000'000'000'000;
  for (const std::int64_t count : file.label_counts) {
    if (count >= left) bytes.fail("the counts of the labels add up to 1e15 or more");
    left -= count;
  }
}

void read_dictionary(Bytes& bytes, FastTextFile& file) {
  constexpr std::int64_t entry_bytes = 1 + sizeof(std::int64_t) + sizeof(std::int8_t);
  constexpr std::int64_t pair_bytes = 2 * sizeof(std::int32_t);
  const std::int64_t size = bytes.integer("the size of the dictionary", 0, int32_max);
  const std::int64_t words = bytes.integer("the number of words", 0, size);
  const std::int64_t labels = bytes.integer("the number of labels", size - words, size - words);
  file.tokens = bytes.number<std::int64_t>("the number of tokens");
  const auto pairs = bytes.number<std::int64_t>("the number of buckets that were kept");
  const auto left = static_cast<std::int64_t>(bytes.left().value_or(int64_max));
  if (size > left / entry_bytes || pairs > left / pair_bytes || pairs < -1) {
    bytes.fail(fmt::format("a dictionary of {} entries and {} kept buckets makes no sense{}", size,
                           pairs, bytes.left() ? fmt::format(": {} bytes follow", left) : ""));
  }
  const bool supervised = file.options.task == FastTextTask::supervised;
  if (supervised && labels == 0) bytes.fail("the model is supervised and has no labels");
  for (std::int64_t i = 0; i < size; ++i) read_entry(bytes, i >= words, file);
  if (supervised && file.options.loss == FastTextLoss::hierarchical_softmax) {
    check_tree(bytes, file);
  }
  if (pairs >= 0) read_kept_buckets(bytes, pairs, file);
}

Tensor read_matrix(Bytes& bytes, const char* name, std::int64_t expected, std::int64_t columns,
                   const std::string& path) {
  const auto quantised = bytes.number<std::uint8_t>(name);
  if (quantised == 1) {
    bytes.fail(
        fmt::format("{} is quantised, as in .ftz files, which cannot be read: use the model it was "
                    "made from (.bin), or let fastText write the vectors: fasttext "
                    "print-word-vectors {} < words > vectors",
                    name, path));
  }
  if (quantised != 0) bytes.fail(fmt::format("{}: {} is not a flag", name, quantised));
  const auto rows = bytes.number<std::int64_t>(name);
  const auto width = bytes.number<std::int64_t>(name);
  if (rows != expected || width != columns) {
    bytes.fail(fmt::format("{} is [{}, {}], [{}, {}] is expected from what is before it", name,
                           rows, width, expected, columns));
  }
  const std::uint64_t row_bytes = static_cast<std::uint64_t>(columns) * sizeof(float);
  const auto left = bytes.left();
  if (left && static_cast<std::uint64_t>(rows) > *left / row_bytes) {
    bytes.fail(fmt::format("{} is [{}, {}]: the {} bytes that follow are too few", name, rows,
                           columns, *left));
  }
  GrowingMatrix matrix(columns, left ? rows : 0);
  for (std::int64_t i = 0; i < rows; ++i) {
    const char* row = bytes.take(row_bytes, name);
    std::memcpy(matrix.free_row(), row, row_bytes);
    matrix.add_row();
  }
  return matrix.finish();
}

}  // namespace

FastTextFile read_fasttext_file(ByteBlocks& blocks) {
  Bytes bytes(blocks);
  FastTextFile file;
  FastTextOptions& options = file.options;
  options = read_options(bytes, read_version(bytes));
  read_dictionary(bytes, file);
  const auto& kept = file.kept_buckets;
  const std::int64_t buckets = kept ? static_cast<std::int64_t>(kept->size()) : options.buckets;
  file.input = read_matrix(bytes, "the input matrix", file.words.size() + buckets, options.dim,
                           blocks.path());
  const bool supervised = options.task == FastTextTask::supervised;
  const std::int64_t targets = supervised ? file.labels.size() : file.words.size();
  file.output = read_matrix(bytes, "the output matrix", targets, options.dim, blocks.path());
  if (!bytes.at_end()) {
    bytes.fail(bytes.left() ? fmt::format("{} bytes follow the output matrix", *bytes.left())
                            : "bytes follow the output matrix");
  }
  return file;
}

}  // namespace gradus::detail
