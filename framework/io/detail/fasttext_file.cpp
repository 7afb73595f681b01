#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/detail/fasttext_file.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string_view>

namespace gradus::detail {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::int32_t magic = 793712314;
constexpr std::size_t longest_word = std::size_t{1} << 16U;
constexpr std::int64_t int32_max = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t int32_min = std::numeric_limits<std::int32_t>::min();

// Reads a file from its start to its end through a buffer.
class Bytes {
 public:
  explicit Bytes(const std::string& path) : file_("FastTextModel::load", path) {
    left_ = file_.size();
  }

  std::uint64_t left() const { return left_; }

  // The first bytes of the file, before anything is read.
  std::string_view head() {
    fill();
    return std::string_view(buffer_).substr(0, 64);
  }

  void read(char* out, std::uint64_t bytes, std::string_view what) {
    item_ = position_;
    if (bytes > left_) {
      fail(
          fmt::format("the file ends in {}: {} bytes are needed, {} are left", what, bytes, left_));
    }
    const std::uint64_t buffered = std::min<std::uint64_t>(bytes, buffer_.size() - begin_);
    std::copy_n(buffer_.data() + begin_, buffered, out);
    begin_ += buffered;
    if (file_.read(out + buffered, bytes - buffered) < bytes - buffered) {
      fail(fmt::format("the file became shorter while {} was read", what));
    }
    advance(bytes);
  }

  template <class T>
  T number(std::string_view what) {
    T value;
    if (buffer_.size() - begin_ < sizeof(T)) fill();
    read(reinterpret_cast<char*>(&value), sizeof(T), what);
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

  // A text that a NUL ends.
  std::string_view text(std::string_view what) {
    item_ = position_;
    std::size_t end = buffer_.find('\0', begin_);
    if (end == std::string::npos) {
      fill();
      end = buffer_.find('\0', begin_);
    }
    if (end == std::string::npos || end - begin_ > longest_word) {
      fail(fmt::format("{}, '{}', has no NUL at its end within {} bytes", what,
                       printable(std::string_view(buffer_).substr(begin_, 64), 20),
                       std::min<std::uint64_t>(left_, longest_word)));
    }
    const auto found = std::string_view(buffer_).substr(begin_, end - begin_);
    begin_ = end + 1;
    advance(found.size() + 1);
    return found;
  }

  // Throws, with the position of what was read last.
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(
        fmt::format("FastTextModel::load: '{}', byte {}: {}", file_.path(), item_, what));
  }

 private:
  void advance(std::uint64_t bytes) {
    position_ += bytes;
    left_ -= bytes;
  }
  // Reads ahead; views of the buffer become invalid.
  void fill() {
    constexpr std::size_t size = 4 * longest_word;
    buffer_.erase(0, begin_);
    begin_ = 0;
    const std::size_t old = buffer_.size();
    buffer_.resize(size);
    buffer_.resize(old + file_.read(buffer_.data() + old, size - old));
  }

  InputFile file_;
  std::string buffer_;
  std::size_t begin_ = 0;  // the unread part of the buffer
  std::uint64_t position_ = 0, item_ = 0, left_ = 0;
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
  options.maxn = number("maxn");
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
  const auto left = static_cast<std::int64_t>(bytes.left());
  if (size > left / entry_bytes || pairs > left / pair_bytes || pairs < -1) {
    bytes.fail(fmt::format(
        "a dictionary of {} entries and {} kept buckets makes no sense: {} bytes follow", size,
        pairs, left));
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
  std::uint64_t size = 0;
  if (__builtin_mul_overflow(rows, columns, &size) ||
      __builtin_mul_overflow(size, sizeof(float), &size) || size > bytes.left()) {
    bytes.fail(fmt::format("{} is [{}, {}]: the {} bytes that follow are too few", name, rows,
                           columns, bytes.left()));
  }
  Tensor matrix = empty({rows, columns});
  bytes.read(reinterpret_cast<char*>(matrix.mutable_data<float>()), size, name);
  return matrix;
}

}  // namespace

FastTextFile read_fasttext_file(const std::string& path) {
  Bytes bytes(path);
  FastTextFile file;
  FastTextOptions& options = file.options;
  options = read_options(bytes, read_version(bytes));
  read_dictionary(bytes, file);
  const auto& kept = file.kept_buckets;
  const std::int64_t buckets = kept ? static_cast<std::int64_t>(kept->size()) : options.buckets;
  file.input =
      read_matrix(bytes, "the input matrix", file.words.size() + buckets, options.dim, path);
  const bool supervised = options.task == FastTextTask::supervised;
  const std::int64_t targets = supervised ? file.labels.size() : file.words.size();
  file.output = read_matrix(bytes, "the output matrix", targets, options.dim, path);
  if (bytes.left() != 0) {
    bytes.fail(fmt::format("{} bytes follow the output matrix", bytes.left()));
  }
  return file;
}

}  // namespace gradus::detail
