#include <gmock/gmock.h>
#include <gradus/examples/tagger/options.h>
#include <gradus/examples/tagger/scoring.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/message_of.h>

#include <array>
#include <fstream>
#include <string>
#include <vector>

namespace gradus::examples {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

const std::vector<TaggedSentence> sentences = {{{"The", "sea", "rose"}, {"DET", "NOUN", "VERB"}},
                                               {{"the", "Sea"}, {"DET", "PROPN"}},
                                               {{"Łódź"}, {"PROPN"}}};

TagCoding coding(const TagCodingOptions& options = {}, const Words& known = {}) {
  return TagCoding::of(sentences, known, options);
}

std::vector<std::int64_t> ids_of(const Tensor& ids) {
  const auto span = ids.span<std::int64_t>();
  return {span.begin(), span.end()};
}

TEST(TagCoding, TakesWordsInSmallLettersUnlessTheyAreCased) {
  EXPECT_THAT(coding().words.words(), ElementsAre("<pad>", "<unk>", "sea", "the", "rose", "Łódź"));
  EXPECT_THAT(coding({.cased = true}).words.words(),
              ElementsAre("<pad>", "<unk>", "Sea", "The", "rose", "sea", "the", "Łódź"));
  EXPECT_THAT(coding().word_ids("SEA"), ElementsAre(2));
  EXPECT_THAT(coding().word_ids("land"), ElementsAre(1));
  EXPECT_THAT(coding({.min_count = 2}).word_ids("rose"), ElementsAre(1));
  EXPECT_THAT(coding().labels.names(), ElementsAre("DET", "NOUN", "PROPN", "VERB"));
}

TEST(TagCoding, KnowsTheWordsOfVectorsWhichAreNoSingletons) {
  const TagCoding c = coding({}, {"rose", "land"});
  EXPECT_TRUE(c.words.contains("land"));
  EXPECT_FALSE(c.is_singleton(c.word_ids("rose")[0]));
  EXPECT_TRUE(c.is_singleton(c.word_ids("Łódź")[0]));
  EXPECT_FALSE(c.is_singleton(c.word_ids("sea")[0]));
  EXPECT_TRUE(coding().is_singleton(coding().word_ids("rose")[0]));
  EXPECT_TRUE(coding({.min_count = 2}, {"land"}).words.contains("land"));
}

TEST(TagCoding, KeepsTheCaseOfCharactersAndMarksBothEnds) {
  const Vocabulary characters = coding().characters;
  const auto id = [&](const char* c) { return characters.id(c); };
  EXPECT_THAT(coding().character_ids("ea"), ElementsAre(id("<w>"), id("e"), id("a"), id("</w>")));
  EXPECT_NE(id("e"), id("h"));
  EXPECT_EQ(characters.find("T"), std::nullopt);  // as what occurs once
  EXPECT_THAT(coding().character_ids("ŁT"), ElementsAre(id("<w>"), 1, 1, id("</w>")));
  EXPECT_THAT(coding().character_ids(""), ElementsAre(id("<w>"), id("</w>")));
}

TEST(TagCoding, ReadsEachFormOfABatchOnce) {
  const std::vector<Words> words = {{"sea", "Sea", "sea"}, {"the"}};
  const SentenceBatch batch = coding().batch(words);
  EXPECT_THAT(ids_of(batch.words.ids), ElementsAre(2, 2, 2, 3, 0, 0));
  EXPECT_THAT(ids_of(batch.words.lengths), ElementsAre(3, 1));
  EXPECT_THAT(ids_of(batch.form_ids), ElementsAre(0, 1, 0, 2, 0, 0));
  EXPECT_EQ(batch.forms.ids.size(0), 3);
  EXPECT_FALSE(batch.labels.defined());
}

TEST(CollateSentences, ReplacesSingletonsAtRandom) {
  const TagCoding c = coding();
  const std::vector<TaggedSentence> many(400, sentences[0]);
  Generator generator(3);
  const auto counts = [&](double replaced) {
    const SentenceBatch batch = CollateSentences{&c, replaced}(many, generator);
    std::array<std::int64_t, 6> count{};
    for (const std::int64_t id : ids_of(batch.words.ids)) ++count[static_cast<std::size_t>(id)];
    return count;
  };
  EXPECT_THAT(counts(0), ElementsAre(0, 0, 400, 400, 400, 0));
  EXPECT_THAT(counts(1), ElementsAre(0, 400, 400, 400, 0, 0));
  const auto half = counts(0.5);
  EXPECT_EQ(half[1] + half[4], 400);
  EXPECT_NEAR(static_cast<double>(half[1]), 200, 50);  // five standard deviations
}

TEST(CollateSentences, HasTheLabels) {
  const TagCoding c = coding();
  Generator generator(1);
  const SentenceBatch batch = CollateSentences{&c, 0.5}(sentences, generator);
  EXPECT_THAT(ids_of(batch.labels), ElementsAre(0, 1, 3, 0, 2, 0, 2, 0, 0));
}

/// Pieces of small letters: se|a, ris|es, and others are unknown.
TextPieces some_pieces() {
  return TextPieces(Tokenizer::from_json(R"({
    "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                   "strip_accents": null, "lowercase": true},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
              "max_input_chars_per_word": 100,
              "vocab": {"[UNK]": 0, "se": 1, "##a": 2, "the": 3, "rose": 4, "ris": 5, "##es": 6}}
  })"));
}

TEST(TagCoding, CutsWordsIntoPiecesOfWhichTheFirstStandsForTheWord) {
  const TagCoding c = coding({.pieces = some_pieces()});
  EXPECT_THAT(c.words.words(), ElementsAre("<pad>", "<unk>", "##a", "se", "the", "[UNK]", "rose"));
  EXPECT_THAT(c.word_ids("Sea"), ElementsAre(3, 2));
  EXPECT_THAT(c.word_ids("rises"), ElementsAre(1, 1));  // the sentences do not have these pieces
  EXPECT_THAT(c.word_ids("\x01"), ElementsAre(1));      // a word without pieces
  const std::vector<Words> words = {{"the", "sea", "rose"}, {"Sea", "SEA"}, {}};
  const SentenceBatch batch = c.batch(words);
  EXPECT_THAT(ids_of(batch.words.ids), ElementsAre(4, 3, 2, 6, 3, 2, 3, 2, 0, 0, 0, 0));
  EXPECT_THAT(ids_of(batch.words.lengths), ElementsAre(4, 4, 0));
  EXPECT_THAT(ids_of(batch.form_ids), ElementsAre(0, 1, 1, 2, 3, 3, 4, 4, 0, 0, 0, 0));
  EXPECT_THAT(ids_of(batch.lengths), ElementsAre(3, 2, 0));
  EXPECT_THAT(ids_of(batch.first_pieces), ElementsAre(0, 1, 3, 4, 6, 0, 0, 0, 0));
}

TEST(WordRows, ArePretrainedWhereThereIsAVector) {
  const TagCoding c = coding({}, {"sea", "land"});
  const WordVectors vectors{{"sea", "land"}, tensor({{5.0F, 6.0F}, {7.0F, 8.0F}})};
  const Tensor rows = make_word_rows(c.words, vectors, 100);
  EXPECT_EQ(rows.shape(), (Shape{c.words.size(), 2}));
  EXPECT_THAT(rows[c.word_ids("sea")[0]].span<float>(), ElementsAre(5, 6));
  EXPECT_THAT(rows[c.word_ids("land")[0]].span<float>(), ElementsAre(7, 8));
  EXPECT_LE(std::abs(rows[c.word_ids("rose")[0]][0].item()), std::sqrt(1.5));
  EXPECT_EQ(make_word_rows(c.words, {}, 7).size(1), 7);
}

const std::vector<TaggedSentence> spans = {{{"to", "New", "York"}, {"O", "B-LOC", "I-LOC"}},
                                           {{"Ann", "is"}, {"B-PER", "O"}}};

/// A model whose weights are not small.
TrainedTagger trained(const TaggerModelOptions& options,
                      const std::vector<TaggedSentence>& from = sentences,
                      std::optional<TagScheme> scheme = std::nullopt,
                      const TagCodingOptions& of_coding = {}) {
  manual_seed(4);
  const TagCoding c = TagCoding::of(from, {}, of_coding);
  const Tagger model(make_word_rows(c.words, {}, options.dim), c, scheme, options);
  const NoGradGuard no_grad;
  for (const NamedParameter& target : model.parameters()) {
    target.parameter.copy_(randn(target.parameter.shape()));
  }
  model.eval();
  return {c, scheme, options, "upos", 0, model};
}

TaggerModelOptions small(CharacterModel characters = CharacterModel::lstm) {
  return {.dim = 6, .characters = characters, .character_size = 4, .hidden = 5};
}

class EachCharacterModel : public testing::TestWithParam<CharacterModel> {};

INSTANTIATE_TEST_SUITE_P(All, EachCharacterModel,
                         testing::Values(CharacterModel::lstm, CharacterModel::cnn,
                                         CharacterModel::none),
                         [](const auto& test) { return name_of(test.param); });

// What shares a batch with a sentence has no effect on it, whatever the lengths.
TEST_P(EachCharacterModel, TagsASentenceAsItDoesAlone) {
  const TrainedTagger model = trained(small(GetParam()));
  const std::vector<Words> all = {
      {"a", "sea"}, {"The", "extraordinarily", "long", "Word", "rose"}, {"the"}};
  const SentenceBatch batch = model.coding.batch(all);
  const Tensor together = model.model.emissions(batch);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::vector<Words> one = {all[i]};
    const Tensor alone = model.model.emissions(model.coding.batch(one));
    const auto n = static_cast<std::size_t>(alone.numel());
    const auto row = together[static_cast<std::int64_t>(i)];
    for (std::size_t k = 0; k < n; ++k) {
      EXPECT_NEAR(row.span<float>()[k], alone.span<float>()[k],
                  1e-5 * (1 + std::abs(alone.span<float>()[k])));
    }
    EXPECT_EQ(model.tag(one)[0], model.tag(all)[i]);
  }
}

TEST_P(EachCharacterModel, LetsCharactersTellUnknownWordsApart) {
  const TrainedTagger model = trained(small(GetParam()));
  const std::vector<Words> a = {{"rise"}}, b = {{"sees"}};  // neither is known
  const Tensor x = model.model.emissions(model.coding.batch(a));
  const Tensor y = model.model.emissions(model.coding.batch(b));
  EXPECT_EQ(x[0][0][0].item() == y[0][0][0].item(), GetParam() == CharacterModel::none);
}

TEST_P(EachCharacterModel, LearnsAllParameters) {
  const TrainedTagger model = trained(small(GetParam()));
  Generator generator(1);
  const Tensor loss = model.model.loss(CollateSentences{&model.coding, 0.5}(sentences, generator));
  check_registered(loss, model.model);
  loss.backward();
  for (const NamedParameter& target : model.model.parameters()) {
    EXPECT_FALSE(target.parameter.grad().empty()) << target.path;
  }
}

// The scores of a word are those after its first piece, which the others change, and its label
// alone counts.
TEST(Tagger, ReadsAllPiecesAndLabelsWordsByTheFirst) {
  const TrainedTagger model =
      trained(small(CharacterModel::none), sentences, std::nullopt, {.pieces = some_pieces()});
  const std::vector<Words> words = {{"the", "sea", "rose"}, {"sea"}};
  const SentenceBatch batch = model.coding.batch(words);
  const Tensor found = model.model.emissions(batch);
  EXPECT_EQ(found.shape(), (Shape{2, 3, 4}));
  SentenceBatch by_pieces = batch;
  by_pieces.first_pieces = {};
  const Tensor all = model.model.emissions(by_pieces);  // [2, 4, labels]
  const std::int64_t first[] = {0, 1, 3};
  for (std::int64_t t = 0; t < 3; ++t) {
    EXPECT_THAT(found[0][t].span<float>(), ElementsAreArray(all[0][first[t]].span<float>())) << t;
  }
  EXPECT_THAT(found[1][0].span<float>(), ElementsAreArray(all[1][0].span<float>()));
  SentenceBatch other = model.coding.batch(words);
  other.words.ids.mutable_span<std::int64_t>()[2] = 1;  // ##a is unknown
  const Tensor changed = model.model.emissions(other);
  EXPECT_NE(changed[0][1][0].item(), found[0][1][0].item());
  EXPECT_EQ(model.tag(words)[0].size(), 3U);
  EXPECT_EQ(model.tag(words)[1].size(), 1U);
  Generator generator(1);
  const Tensor loss = model.model.loss(CollateSentences{&model.coding, 0.5}(sentences, generator));
  loss.backward();
  for (const NamedParameter& target : model.model.parameters()) {
    EXPECT_FALSE(target.parameter.grad().empty()) << target.path;
  }
}

TEST(Tagger, TakesTheOrderOfLabelsFromItsRandomField) {
  const TrainedTagger model = trained(small());
  const std::vector<Words> words = {{"the", "sea", "rose", "the", "sea"}};
  Tensor transitions = full({4, 4}, -1e6F);  // each label is followed by the next one
  for (std::int64_t i = 0; i < 4; ++i) {
    transitions.mutable_span<float>()[static_cast<std::size_t>(4 * i + (i + 1) % 4)] = 0;
  }
  StateDict state = model.model.state_dict();
  state.set("crf.transitions", transitions);
  model.model.load_state_dict(state);
  const Words found = model.tag(words)[0];
  for (std::size_t t = 1; t < found.size(); ++t) {
    EXPECT_EQ(model.coding.labels.id(found[t]), (model.coding.labels.id(found[t - 1]) + 1) % 4);
  }
}

TEST(Tagger, FindsOnlySpansThatTheSchemeAllows) {
  const TrainedTagger free = trained(small(), spans);
  const TrainedTagger bound = trained(small(), spans, TagScheme::iob2);
  std::vector<Words> words;
  for (std::uint64_t i = 0; i < 50; ++i) words.push_back({"to", "York", "Ann", std::to_string(i)});
  const auto breaks = [&](const TrainedTagger& model) {
    std::int64_t broken = 0;
    for (const Words& tags : model.tag(words)) {
      broken += tag_spans(tags, TagScheme::iob2, InvalidTags::discard).size() <
                        tag_spans(tags, TagScheme::iob2).size()
                    ? 1
                    : 0;
    }
    return broken;
  };
  EXPECT_GT(breaks(free), 0);
  EXPECT_EQ(breaks(bound), 0);
}

TEST(Tagger, DropsOnlyInTraining) {
  const TrainedTagger model = trained(small());
  const SentenceBatch batch = model.coding.batch(words_of(sentences));
  const auto scores = [&] {
    const Tensor y = model.model.emissions(batch);
    return std::vector<float>(y.span<float>().begin(), y.span<float>().end());
  };
  EXPECT_EQ(scores(), scores());
  const auto tags = model.tag(words_of(sentences));
  model.model.train();
  EXPECT_NE(scores(), scores());
  EXPECT_EQ(model.tag(words_of(sentences)), tags);
  EXPECT_TRUE(model.model.is_training());
}

TEST(TaggingScore, CountsLabelsOrSpans) {
  const std::vector<Words> found = {{"O", "B-LOC", "O"}, {"B-PER", "O"}};
  TaggingScore labels(std::nullopt), of_spans(TagScheme::iob2);
  labels.add(found, spans);
  of_spans.add(found, spans);
  EXPECT_DOUBLE_EQ(labels.result(), 0.8);
  EXPECT_EQ(labels.str(), "accuracy 80.00 %");
  EXPECT_DOUBLE_EQ(of_spans.result(), 0.5);
  EXPECT_EQ(of_spans.str(), "precision 50.00 %, recall 50.00 %, F1 50.00 %");
}

TEST(TaggingScore, KnowsTheMostFrequentLabels) {
  const std::vector<TaggedSentence> train = {{{"a", "a", "b", "c"}, {"X", "Y", "Z", "Z"}},
                                             {{"a"}, {"Y"}}};
  const std::vector<TaggedSentence> test = {{{"a", "b", "d", "d"}, {"Y", "X", "Y", "Z"}}};
  // a: Y; b: Z; others: Y, of the two that occur twice.
  EXPECT_DOUBLE_EQ(most_frequent_labels(train, test, std::nullopt).result(), 0.5);
}

TEST(FindScheme, TakesTheFirstThatAllowsAllLabels) {
  const auto scheme = [](const std::vector<Words>& all) {
    std::vector<TaggedSentence> tagged;
    tagged.reserve(all.size());
    for (const Words& tags : all) tagged.push_back({Words(tags.size(), "w"), tags});
    return find_scheme(tagged);
  };
  EXPECT_EQ(scheme({{"O", "B-X", "I-X"}, {"O"}}), TagScheme::iob2);
  EXPECT_EQ(scheme({{"S-X", "B-X", "E-X"}}), TagScheme::iobes);
  EXPECT_EQ(scheme({{"I-X", "B-X"}}), TagScheme::iob1);
  EXPECT_EQ(scheme({{"I-X", "E-X", "E-X"}}), TagScheme::ioe2);
  EXPECT_EQ(scheme({{"E-X", "I-X", "I-Y", "O"}}), TagScheme::ioe1);
  EXPECT_EQ(scheme({{"O", "O"}}), std::nullopt);
  EXPECT_EQ(scheme({{"NOUN", "X", "O"}}), std::nullopt);
  EXPECT_EQ(scheme({{"B-X", "INTJ"}}), std::nullopt);
  EXPECT_THAT(message_of([&] {
                (void)scheme({{"O"}, {"O", "I-X"}, {"B-X", "E-X", "S-Y", "I-Y"}});
              }),
              HasSubstr("--scheme: sentence 2 has labels that iob2 does not allow: "));
}

class TaggerFiles : public FolderTest {};

TEST_F(TaggerFiles, HaveSentencesInColumnsThatAreChosen) {
  const std::string conll = file("a.txt").string(), conllu = file("a.conllu").string();
  write_text(conll, "1 the DT O\n2 sea NN B-X\n\n1 rose VB O\n");
  write_text(conllu, "1\tthe\tthe\tDET\tDT\t_\t0\troot\t_\t_\n\n");
  const TaggedSentence last = {{"the", "sea"}, {"O", "B-X"}};
  EXPECT_EQ(read_sentences(conll, {.word_column = 1})[0], last);
  const TaggedSentence second = {{"rose"}, {"VB"}};
  EXPECT_EQ(read_sentences(conll, {.column = "2", .word_column = 1})[1], second);
  EXPECT_EQ(read_sentences(conllu, {})[0].tags, Words{"DET"});
  EXPECT_EQ(read_sentences(conllu, {.column = "xpos"})[0].tags, Words{"DT"});
  EXPECT_EQ(read_sentences(conllu, {.column = "deprel"})[0].tags, Words{"root"});
  EXPECT_EQ(read_sentences(conllu, {.format = ColumnFormat::conll, .column = "4"})[0].words,
            Words{"1"});
  EXPECT_EQ(message_of([&] { (void)read_sentences(conllu, {.column = "pos"}); }),
            "--column: CoNLL-U has no column 'pos': it has upos, xpos, form, lemma, feats, deprel, "
            "deps, misc");
  EXPECT_THAT(message_of([&] { (void)read_sentences(conll, {.column = "upos"}); }),
              HasSubstr("--column: 'upos' is not a position"));
}

TEST_F(TaggerFiles, BringBackTheWholeModel) {
  for (const CharacterModel characters :
       {CharacterModel::lstm, CharacterModel::cnn, CharacterModel::none}) {
    TaggerModelOptions options = small(characters);
    options.layers = 2;
    const TrainedTagger saved = trained(options, spans, TagScheme::iob2);
    const std::string path = file("model.safetensors").string();
    saved.save(path);
    const TrainedTagger loaded = TrainedTagger::load(path);
    EXPECT_EQ(loaded.scheme, TagScheme::iob2);
    EXPECT_EQ(loaded.column, "upos");
    EXPECT_EQ(loaded.coding.labels.names(), saved.coding.labels.names());
    EXPECT_FALSE(loaded.model.is_training());
    const SentenceBatch batch = saved.coding.batch(words_of(spans));
    const Tensor expected = saved.model.emissions(batch);
    const Tensor found = loaded.model.emissions(loaded.coding.batch(words_of(spans)));
    EXPECT_THAT(found.span<float>(), ElementsAreArray(expected.span<float>()));
    EXPECT_EQ(loaded.tag(words_of(spans)), saved.tag(words_of(spans)));
  }
}

TEST_F(TaggerFiles, HaveTheTokenizer) {
  const TrainedTagger saved = trained(small(), spans, TagScheme::iob2, {.pieces = some_pieces()});
  const std::string path = file("model.safetensors").string();
  saved.save(path);
  const TrainedTagger loaded = TrainedTagger::load(path);
  ASSERT_TRUE(loaded.coding.pieces.has_value());
  const std::vector<Words> words = {{"Sea", "rises", "York"}};
  EXPECT_EQ(loaded.coding.word_ids("Sea"), saved.coding.word_ids("Sea"));
  const Tensor expected = saved.model.emissions(saved.coding.batch(words));
  const Tensor found = loaded.model.emissions(loaded.coding.batch(words));
  EXPECT_THAT(found.span<float>(), ElementsAreArray(expected.span<float>()));
}

TEST_F(TaggerFiles, OfOtherProgramsAreRefused) {
  StateDict state;
  state.set("weight", ones({2, 3}));
  const std::string path = file("other.safetensors").string();
  save(state, path);
  EXPECT_EQ(message_of<FormatError>([&] { (void)TrainedTagger::load(path); }),
            "'" + path + "' is no model of tagger: name a folder that it wrote with --output");
}

TaggerOptions parsed(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "tagger");
  std::vector<char*> argv;
  argv.reserve(arguments.size());
  for (std::string& argument : arguments) argv.push_back(argument.data());
  TaggerOptions options;
  int exit_code = 0;
  EXPECT_TRUE(parse_options(static_cast<int>(argv.size()), argv.data(), options, exit_code));
  return options;
}

TEST_F(TaggerFiles, LetARunGoOnWithTheOptionsItBeganWith) {
  const std::string folder = file("a run").string();
  std::filesystem::create_directory(folder);
  const TaggerOptions began = parsed({"--output",
                                      folder,
                                      "--corpus",
                                      "my text.txt",
                                      "--column",
                                      "-2",
                                      "--word-column",
                                      "1",
                                      "--format",
                                      "conll",
                                      "--scheme",
                                      "iobes",
                                      "--cased",
                                      "--characters",
                                      "cnn",
                                      "--lr",
                                      "0.0123",
                                      "--schedule",
                                      "cosine",
                                      "--seed",
                                      "18446744073709551615",
                                      "--threads",
                                      "2",
                                      "--freeze",
                                      "lstm.*",
                                      "--vectors",
                                      "v.txt",
                                      "--replace-singletons",
                                      "0.25"});
  std::ofstream(began.file(options_file)) << began.text;
  std::ofstream(began.file(checkpoint_file)) << "a checkpoint";
  const TaggerOptions resumed = parsed({"--resume", "--output", folder, "--threads", "3"});
  EXPECT_EQ(resumed.corpus, "my text.txt");
  EXPECT_EQ(resumed.valid, "");
  EXPECT_EQ(resumed.format.column, "-2");
  EXPECT_EQ(resumed.format.word_column, 1);
  EXPECT_EQ(resumed.format.format, ColumnFormat::conll);
  EXPECT_EQ(resumed.scheme, "iobes");
  EXPECT_TRUE(resumed.coding.cased);
  EXPECT_EQ(resumed.model.characters, CharacterModel::cnn);
  EXPECT_EQ(resumed.lr, 0.0123);
  EXPECT_EQ(resumed.schedule, RateSchedule::cosine);
  EXPECT_EQ(resumed.seed, 18446744073709551615U);
  EXPECT_EQ(resumed.freeze, "lstm.*");
  EXPECT_EQ(resumed.vectors, "v.txt");
  EXPECT_EQ(resumed.replaced, 0.25);
  EXPECT_EQ(resumed.threads, 3);
  EXPECT_EQ(resumed.text, began.text);
  EXPECT_TRUE(resumed.resume);
}

}  // namespace
}  // namespace gradus::examples
