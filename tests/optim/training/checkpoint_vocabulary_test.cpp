// A vocabulary as part of a checkpoint.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/optim/training/checkpoint.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::HasSubstr;

Vocabulary counted(const VocabularyOptions& options = {}) {
  WordCounter counter;
  counter.add("the", 5);
  counter.add("K\xC3\xB6nig", 3);
  counter.add("\xff\t", 2);  // neither UTF-8 nor printable
  return Vocabulary(counter, options);
}

class CheckpointVocabulary : public FolderTest {
 protected:
  // What is said of a checkpoint of one vocabulary for a run with another.
  std::string refused(const Vocabulary& saved, const Vocabulary& here) const {
    save_checkpoint({{"words", saved}}, file("c"));
    return message_of<Error>([&] { load_checkpoint({{"words", here}}, file("c")); });
  }
};

TEST_F(CheckpointVocabulary, IsATextOfBytes) {
  const Vocabulary vocabulary = counted({.specials = {"<bos>"}});
  std::int64_t step = 4;
  save_checkpoint({{"vocabulary", vocabulary}, {"step", step}}, file("c"));
  EXPECT_THAT(read_text(file("c")), HasSubstr(R"("vocabulary":{"dtype":"U8","shape":[)"));
  EXPECT_THAT(read_text(file("c")), HasSubstr(vocabulary.text()));
  const Vocabulary again = checkpoint_vocabulary(file("c"));
  EXPECT_EQ(again.text(), vocabulary.text());
  EXPECT_EQ(again.id("\xff\t"), vocabulary.id("\xff\t"));
  load_checkpoint({{"vocabulary", again}, {"step", step}}, file("c"));
  const Vocabulary none = Vocabulary::from_words({});
  save_checkpoint({{"vocabulary", none}}, file("c"));
  EXPECT_EQ(checkpoint_vocabulary(file("c")).size(), 0);
}

TEST_F(CheckpointVocabulary, IsRefusedIfItIsAnotherOne) {
  const auto words = [](const std::vector<std::string>& all,
                        const VocabularyOptions& options = {}) {
    return Vocabulary::from_words(all, options);
  };
  const std::string begin = "load_checkpoint: words is another one in this file: ",
                    end = ": build the run with checkpoint_vocabulary()";
  EXPECT_EQ(refused(words({"a", "b", "c"}), words({"a", "c", "b"})),
            begin + "words with another id: [b (1 in it, 2 here), c (2 in it, 1 here)]" + end);
  EXPECT_EQ(refused(words({"a", "\xff"}), words({"a"})),
            begin + "2 words in it, 1 here; words that are only in it: [\\xff]" + end);
  EXPECT_EQ(refused(words({"<unk>"}), words({"<unk>"}, {.unknown = ""})),
            begin +
                "the unknown word is '<unk>' in it, none here; the default word is '<unk>' in it, "
                "none here; the special words are [<unk>] in it, [] here" +
                end);
  WordCounter more;
  more.add("the", 6);
  WordCounter less;
  less.add("the", 5);
  EXPECT_EQ(refused(Vocabulary(less), Vocabulary(more)),
            begin + "words with another count: [the (5 in it, 6 here)]" + end);
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back(std::to_string(i));
  EXPECT_EQ(refused(words(many), words({})),
            begin +
                "1000 words in it, 0 here; words that are only in it: [0, 1, 2, 3, 4 and 995 "
                "more]" +
                end);
}

TEST_F(CheckpointVocabulary, IsReadFromNothingElse) {
  double number = 1;
  Tensor ids = tensor({65, 66}), floats = ones({2}), large = tensor({256});
  save_checkpoint({{"number", number}, {"ids", ids}, {"floats", floats}, {"large", large}},
                  file("c"));
  EXPECT_THAT(message_of<IndexError>([&] { checkpoint_vocabulary(file("c")); }),
              HasSubstr("has no tensor 'vocabulary'; there are [floats, ids, large]"));
  for (const char* part : {"floats", "large"}) {
    EXPECT_EQ(message_of<FormatError>([&] { checkpoint_vocabulary(file("c"), part); }),
              "load_checkpoint: " + std::string(part) + " is not a text of bytes in this file");
  }
  EXPECT_THAT(message_of<FormatError>([&] { checkpoint_vocabulary(file("c"), "ids"); }),
              HasSubstr("load_checkpoint: ids is not a vocabulary in this file: "));
  const Vocabulary vocabulary = counted();
  EXPECT_EQ(message_of<FormatError>([&] {
              load_checkpoint({{"number", vocabulary}}, file("c"), {.strict = false});
            }),
            "load_checkpoint: number is not a text of bytes in this file");
}

}  // namespace
}  // namespace gradus
