#include <gmock/gmock.h>
#include <gradus/examples/common/run_folder.h>
#include <gradus/examples/common/text_pieces.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/optim/training/checkpoint.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/message_of.h>

#include <string>
#include <vector>

namespace gradus::examples {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* bert = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nsea\nland\n##s\n##ing\n";
// A blank is U+0120 in the tokens of bytes.
constexpr const char* gpt2 = R"({"s": 0, "e": 1, "a": 2, "Ġ": 3, "Ġs": 4, "ea": 5, "Ġsea": 6})";
constexpr const char* merges = "#version: 0.2\nĠ s\ne a\nĠs ea\n";

class TextPiecesFile : public FolderTest {
 protected:
  std::string written(const char* name, const std::string& text) {
    const std::string path = file(name).string();
    write_text(path, text);
    return path;
  }
};

TEST_F(TextPiecesFile, MayBeTheVocabularyOfBert) {
  const TextPieces small = TextPieces::load(written("vocab.txt", bert));
  EXPECT_THAT(small.of_text("Seas, LANDING"), ElementsAre("sea", "##s", "[UNK]", "land", "##ing"));
  EXPECT_THAT(small.ids("Seas"), ElementsAre(4, 6));
  EXPECT_THAT(small.of_word("Seas"), ElementsAre("sea", "##s"));
  EXPECT_THAT(small.of_word("\x01"), ElementsAre());
  const TextPieces cased = TextPieces::load(written("cased.txt", std::string(bert) + "Sea\n"));
  EXPECT_THAT(cased.of_text("Seas sea SEA"), ElementsAre("Sea", "##s", "sea", "[UNK]"));
}

TEST_F(TextPiecesFile, MayBeEitherOfTheTwoOfGpt2) {
  const std::string vocabulary = written("vocab.json", gpt2), pairs = written("merges.txt", merges);
  for (const std::string& path : {vocabulary, pairs}) {
    EXPECT_THAT(TextPieces::load(path).of_text("sea sea"), ElementsAre("s", "ea", "Ġsea"));
  }
  written("encoder.json", gpt2);
  EXPECT_THAT(TextPieces::load(written("vocab.bpe", merges)).ids("sea"), ElementsAre(0, 5));
}

// As it does within a text.
TEST_F(TextPiecesFile, ReadsAWordWithTheBlankBeforeItIfPiecesHaveBlanks) {
  written("merges.txt", merges);
  const TextPieces pieces = TextPieces::load(written("vocab.json", gpt2));
  EXPECT_THAT(pieces.of_word("sea"), ElementsAre("Ġsea"));
}

// What asks for eight ids of each text, special ones among them.
TEST_F(TextPiecesFile, LeavesTruncationPaddingAndSpecialTokensOut) {
  std::string json = TextPieces::load(written("vocab.txt", bert)).tokenizer().json();
  for (
      const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
          {R"("truncation")",
           R"("truncation":{"max_length":8,"strategy":"LongestFirst","stride":0},"was")"},
          {R"("padding")",
           R"("padding":{"strategy":{"Fixed":8},"pad_id":0,"pad_type_id":0,"pad_token":"[PAD]","direction":"Right"},"were")"}}) {
    json.replace(json.find(from), from.size(), to);
  }
  const TextPieces pieces = TextPieces::load(written("tokenizer.json", json));
  ASSERT_EQ(pieces.tokenizer().encode("sea").size(), 8);
  EXPECT_THAT(pieces.ids("sea"), ElementsAre(4));
  EXPECT_EQ(pieces.ids("sea sea sea sea sea sea sea sea sea sea").size(), 10U);
}

TEST_F(TextPiecesFile, ThatIsWrongIsNamedWithWhatToChange) {
  const auto message = [](const std::string& path) {
    return message_of<Error>([&] { (void)TextPieces::load(path); });
  };
  const std::string broken = written("broken.json", "{\n  \"model\": }");
  EXPECT_THAT(message(broken), HasSubstr("--tokenizer: Tokenizer::load: " + broken));
  EXPECT_THAT(message(broken), HasSubstr(": name a tokenizer.json, a vocab.txt of BERT, or a "));
  EXPECT_THAT(message(file("missing.json").string()), HasSubstr("No such file or directory"));
  EXPECT_THAT(message(written("words.txt", "sea\nland\n")), HasSubstr("'[CLS]'"));
  EXPECT_THAT(message(written("vocab.json", gpt2)), HasSubstr("merges.txt"));  // there is none
}

TEST_F(TextPiecesFile, AreKeptInTheStateOfAModel) {
  const TextPieces pieces = TextPieces::load(written("vocab.txt", bert));
  StateDict state;
  EXPECT_FALSE(TextPieces::saved_in(state, "m").has_value());
  TextPieces::save(std::nullopt, state);
  EXPECT_TRUE(state.metadata.empty());
  TextPieces::save(pieces, state);
  const auto loaded = TextPieces::saved_in(state, "m");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->hash(), pieces.hash());
  EXPECT_THAT(loaded->ids("Seas land"), ElementsAre(4, 6, 5));
  state.metadata["tokenizer"] = "{}";
  EXPECT_THAT(message_of<FormatError>([&] { (void)TextPieces::saved_in(state, "m"); }),
              HasSubstr("'m' has a broken tokenizer: "));
}

TEST_F(TextPiecesFile, OfARunMustBeTheOneThatItBeganWith) {
  const TextPieces pieces = TextPieces::load(written("vocab.txt", bert));
  const std::string folder = file("").string();
  std::uint64_t hash = pieces.hash();
  save_checkpoint({{"tokenizer", hash}}, path_in(folder, checkpoint_file));
  keep_tokenizer(folder, pieces);
  EXPECT_EQ(kept_tokenizer(folder).hash(), hash);
  keep_tokenizer(folder, TextPieces::load(written("more.txt", std::string(bert) + "sky\n")));
  EXPECT_EQ(message_of<Error>([&] { (void)kept_tokenizer(folder); }),
            "--resume: '" + path_in(folder, tokenizer_file) +
                "' is not the tokenizer that this run began with: restore it, or begin anew with "
                "--overwrite");
}

}  // namespace
}  // namespace gradus::examples
