#include <gmock/gmock.h>
#include <gradus/examples/gpt/options.h>
#include <gradus/examples/gpt/texts.h>
#include <gradus/examples/gpt/trained.h>
#include <gradus/examples/gpt/writer.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/split.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/message_of.h>
#include <gradus/tests/support/op_testing.h>

#include <cmath>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace gradus::examples {
namespace {

using testing::ElementsAre;

TEST(CharacterCoding, GivesEachCharacterANumberInOrder) {
  const CharacterCoding coding("sea, öl\n");
  EXPECT_EQ(coding.size(), 8);
  EXPECT_EQ(coding.characters(), "\n ,aelsö");
  EXPECT_THAT(coding.ids("\nösa"), ElementsAre(0, 7, 6, 3));
  EXPECT_EQ(coding.text(coding.ids("sea, öl\n")), "sea, öl\n");
  EXPECT_EQ(message_of<Error>([&] { (void)coding.ids("sé"); }),
            "the model does not know the character 'é': its text has \n ,aelsö");
}

std::vector<std::int64_t> numbers(std::int64_t n) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < n; ++i) all.push_back(i);
  return all;
}

TEST(TokenText, IsReadInPiecesThatLeaveNothingOut) {
  const TokenText text(numbers(12), 4);
  ASSERT_EQ(text.size(), 3);
  const auto [inputs, targets] = text.pieces(0, 3);
  EXPECT_EQ(values_of(inputs), (std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10}));
  EXPECT_EQ(values_of(targets), (std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -100}));
}

TEST(TokenText, IsDrawnFromAnyPlace) {
  const TokenText text(numbers(8), 5);
  std::set<std::int64_t> places;
  for (int i = 0; i < 100; ++i) {
    const auto [inputs, targets] = text.draw(2);
    for (std::int64_t b = 0; b < 2; ++b) {
      const std::int64_t first = inputs[b][0].item<std::int64_t>();
      places.insert(first);
      for (std::int64_t t = 0; t < 5; ++t) {
        EXPECT_EQ(inputs[b][t].item<std::int64_t>(), first + t);
        EXPECT_EQ(targets[b][t].item<std::int64_t>(), first + t + 1);
      }
    }
  }
  EXPECT_THAT(places, ElementsAre(0, 1, 2));
}

TEST(TokenText, HasDocumentsThatBeginAndEndWithTheSameId) {
  const TokenText text = TokenText::of_documents({0, 5, 6, 7, 0, 8, 0, 9, 9, 0}, 0);
  ASSERT_EQ(text.size(), 3);
  EXPECT_EQ(text.longest(), 4);
  const auto [inputs, targets] = text.pieces(1, 3);
  EXPECT_EQ(inputs.shape(), (Shape{2, 3}));
  EXPECT_EQ(values_of(slice(inputs, 1, 0, 2)), (std::vector<double>{0, 8, 0, 9}));
  EXPECT_EQ(values_of(targets), (std::vector<double>{8, 0, -100, 9, 9, 0}));
  std::set<std::int64_t> seen;
  for (int i = 0; i < 50; ++i) seen.insert(text.draw(1).targets[0][0].item<std::int64_t>());
  EXPECT_THAT(seen, ElementsAre(5, 8, 9));
}

/// A model whose weights are not small.
TrainedGpt trained(
    const GptModelOptions& options = {.block_size = 6, .layers = 2, .heads = 2, .size = 8},
    bool documents = false, TextCoding coding = CharacterCoding("\nabcdef")) {
  manual_seed(4);
  const Gpt model(coding.size(), options);
  const NoGradGuard no_grad;
  for (const NamedParameter& target : model.parameters()) {
    target.parameter.copy_(randn(target.parameter.shape()));
  }
  model.eval();
  return {std::move(coding), model, documents};
}

// The count of nanoGPT's model of 65 characters, its positions included.
TEST(Gpt, HasTheParametersOfNanoGpt) {
  const Gpt model(65, {});
  EXPECT_EQ(model.num_parameters(), 804'096);
  const Gpt with_bias(65, {.bias = true});
  EXPECT_EQ(with_bias.num_parameters(), 804'096 + 4 * (9 + 2) * 128 + 128);
  const StateDict state = model.state_dict();
  EXPECT_EQ(state.at("output.weight").data<float>(), state.at("embedding.weight").data<float>());
}

TEST(Gpt, StartsFromSmallWeights) {
  manual_seed(1);
  const Gpt model(65, {.bias = true});
  for (const NamedParameter& target : model.parameters()) {
    const std::vector<double> values = values_of(target.parameter);
    double squares = 0;
    for (const double x : values) squares += x * x;
    const auto n = static_cast<double>(values.size());
    const bool is_matrix = target.parameter.dim() == 2;
    const bool ends =
        target.path.ends_with("out_proj.weight") || target.path.ends_with("linear2.weight");
    const bool is_bias = target.path.ends_with("bias");
    EXPECT_NEAR(std::sqrt(squares / n),
                is_matrix ? (ends ? 0.05 / std::sqrt(8.0) : 0.05)
                : is_bias ? 0
                          : 1,
                0.002)
        << target.path;
  }
}

TEST(Gpt, SeesWhatIsBeforeAndNothingAfter) {
  const Gpt model = trained().model;
  const Tensor ids = tensor({1, 2, 3, 4, 5, 6}, {1, 6}), other = tensor({1, 2, 3, 6, 5, 6}, {1, 6});
  const Tensor a = model(ids)[0], b = model(other)[0];
  EXPECT_EQ(values_of(slice(a, 0, 0, 3)), values_of(slice(b, 0, 0, 3)));
  for (std::int64_t t = 3; t < 6; ++t) EXPECT_NE(values_of(a[t]), values_of(b[t]));
}

// After block_size characters, the model sees the last ones as if the text began there.
TEST(Gpt, GoesOnBeyondItsBlock) {
  const Gpt model = trained().model;
  const NoGradGuard no_grad;
  const std::vector<std::int64_t> all = {1, 2, 3, 4, 5, 6, 0, 1, 1, 2, 6};
  GptCache cache;
  for (std::size_t t = 0; t < all.size(); ++t) {
    const std::size_t first = t < 6 ? 0 : t - 5;
    const std::vector<std::int64_t> seen(all.begin() + std::ptrdiff_t(first),
                                         all.begin() + std::ptrdiff_t(t + 1));
    const Tensor expected = model(tensor(seen, {1, std::ssize(seen)}))[0][std::ssize(seen) - 1];
    const Tensor next = model.next(full({1, 1}, all[t], DType::int64), cache);
    EXPECT_TRUE(is_close(next, {1, 7}, values_of(expected), 1e-4)) << t;
  }
  const Tensor prompt = tensor(all, {1, std::ssize(all)});
  GptCache of_prompt;
  EXPECT_TRUE(is_close(model.next(prompt, of_prompt), {1, 7},
                       values_of(model(slice(prompt, 1, 5, 11))[0][5]), 1e-4));
}

TEST(Gpt, DropsOnlyInTraining) {
  const Gpt model =
      trained({.block_size = 6, .layers = 1, .heads = 2, .size = 8, .dropout = 0.5}).model;
  const Tensor ids = tensor({1, 2, 3, 4, 5, 6}, {1, 6});
  EXPECT_EQ(values_of(model(ids)), values_of(model(ids)));
  model.train();
  EXPECT_NE(values_of(model(ids)), values_of(model(ids)));
}

// 5,000 characters are evaluated in two batches; each piece is a text of its own.
TEST(GptLoss, IsOverTheWholeTextInPieces) {
  const Gpt model = trained().model;
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < 5000; ++i) ids.push_back(i * i % 7);
  const TokenText text(ids, 6);
  const NoGradGuard no_grad;
  double nll = 0;
  for (std::int64_t first = 0; first + 1 < 5000; first += 6) {
    const std::int64_t length = std::min<std::int64_t>(6, 4999 - first);
    const std::vector<std::int64_t> piece(ids.begin() + first, ids.begin() + first + length);
    const Tensor p = log_softmax(model(tensor(piece, {1, length}))[0], 1);
    for (std::int64_t t = 0; t < length; ++t) {
      nll -= p[t][ids[static_cast<std::size_t>(first + t + 1)]].item();
    }
  }
  EXPECT_NEAR(mean_loss(model, text), nll / 4999, 1e-4 * nll / 4999);
}

TEST(GptLoss, IsWithoutDropoutAndLeavesTheModeAlone) {
  const Gpt model =
      trained({.block_size = 6, .layers = 1, .heads = 2, .size = 8, .dropout = 0.9}).model;
  const TokenText text({1, 2, 3, 4, 5, 6, 1, 2}, 6);
  const double expected = mean_loss(model, text);
  model.train();
  EXPECT_EQ(mean_loss(model, text), expected);
  EXPECT_TRUE(model.is_training());
}

TEST(TrainedGpt, WritesWhatItsOptionsSay) {
  const TrainedGpt gpt = trained();
  const std::string greedy = gpt.write("ab", {.max_new_tokens = 20})[0].text;
  EXPECT_EQ(greedy.size(), 22U);
  EXPECT_TRUE(greedy.starts_with("ab"));
  const auto sampled = gpt.write("ab", {.max_new_tokens = 20, .do_sample = true, .top_k = 1});
  EXPECT_EQ(sampled[0].text, greedy);
  std::string streamed = "ab";
  gpt.write("ab", {.max_new_tokens = 20}, "", default_generator(),
            [&](const std::string& text) { streamed += text; });
  EXPECT_EQ(streamed, greedy);
  const std::string stop = greedy.substr(4, 2);
  EXPECT_TRUE(gpt.write("ab", {.max_new_tokens = 20}, stop)[0].text.ends_with(stop));
  EXPECT_LT(gpt.write("ab", {.max_new_tokens = 20}, stop)[0].text.size(), 22U);
  EXPECT_EQ(gpt.write("", {.max_new_tokens = 3, .num_beams = 4, .num_return_sequences = 2}).size(),
            2U);
  EXPECT_THROW(gpt.write("xyz", {}), Error);
}

TEST(TrainedGpt, WritesDocumentsUpToTheirEnd) {
  const TrainedGpt gpt =
      trained({.block_size = 6, .layers = 1, .heads = 2, .size = 8}, /*documents=*/true);
  Generator generator(1);
  const auto texts = gpt.write(
      "ab", {.max_new_tokens = 100, .do_sample = true, .num_return_sequences = 50}, "", generator);
  for (const WrittenText& written : texts) {
    const std::size_t end = written.text.find('\n');
    EXPECT_EQ(end,
              written.text.size() == 6 && end != 5 ? std::string::npos : written.text.size() - 1);
    EXPECT_LE(written.text.size(), 6U);
  }
  EXPECT_EQ(message_of<Error>([&] { gpt.write("abcdef", {}); }),
            "--generate: the text has 6 characters, the longest line that the model knows has 5");
}

/// Tokens of letters and of bytes: "ab", "é" in two halves.
TextCoding tokens() {
  return TextPieces(Tokenizer::from_json(R"({
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                      "use_regex": false},
    "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                "use_regex": false},
    "model": {"type": "BPE", "vocab": {"Ċ": 0, "a": 1, "b": 2, "c": 3, "Ã": 4, "©": 5, "ab": 6,
                                       "bc": 7},
              "merges": ["a b", "b c"]}
  })"));
}

TEST(TextCoding, TakesTokensOrCharacters) {
  const TextCoding of_tokens = tokens(), of_characters = CharacterCoding("abc\né");
  EXPECT_THAT(of_tokens.ids("abcé\n"), ElementsAre(6, 3, 4, 5, 0));
  EXPECT_EQ(of_tokens.text(of_tokens.ids("abcé\n")), "abcé\n");
  EXPECT_EQ(of_tokens.size(), 8);
  EXPECT_STREQ(of_tokens.unit(), "tokens");
  EXPECT_THAT(of_characters.ids("abcé\n"), ElementsAre(1, 2, 3, 4, 0));
  EXPECT_STREQ(of_characters.unit(), "characters");
}

TEST(TextWriter, WritesWholeCharactersUpToTheStop) {
  const TextCoding coding = tokens();
  TextWriter writer(coding, coding.ids("c"), "c", "éb");
  EXPECT_EQ(writer.add(4), "");
  EXPECT_EQ(writer.add(5), "é");
  EXPECT_FALSE(writer.has_stopped());
  EXPECT_EQ(writer.add(7), "b");  // the token is "bc"
  EXPECT_TRUE(writer.has_stopped());
  EXPECT_EQ(writer.add(1), "");
  EXPECT_EQ(writer.finish(), "");
  EXPECT_EQ(writer.text(), "céb");
  TextWriter cut(coding, coding.ids("a"), "a", "ab");
  EXPECT_EQ(cut.add(4), "");
  EXPECT_EQ(cut.finish(), "\xC3");                        // half of a character
  TextWriter across(coding, coding.ids("a"), "a", "ab");  // a stop that begins in the start
  EXPECT_EQ(across.add(7), "b");
  EXPECT_TRUE(across.has_stopped());
  TextWriter within(coding, coding.ids("ab"), "ab", "ab");  // one that ends there is none
  EXPECT_EQ(within.add(3), "c");
  EXPECT_FALSE(within.has_stopped());
}

TEST(TrainedGpt, WritesTokensAsTextAndStopsWithinThem) {
  const TrainedGpt gpt =
      trained({.block_size = 6, .layers = 2, .heads = 2, .size = 8}, false, tokens());
  const GenerateOptions options{.max_new_tokens = 30, .do_sample = true};
  Generator one(1), again(1), stopped(1);
  const std::string whole = gpt.write("ab", options, "", one)[0].text;
  ASSERT_TRUE(whole.starts_with("ab"));
  std::string streamed = "ab";
  gpt.write("ab", options, "", again, [&](const std::string& text) { streamed += text; });
  EXPECT_EQ(streamed, whole);
  const std::string stop = whole.substr(whole.size() / 2, 2);
  EXPECT_EQ(gpt.write("ab", options, stop, stopped)[0].text,
            whole.substr(0, whole.find(stop, 1) + 2));
  EXPECT_EQ(
      gpt.write("ab", {.max_new_tokens = 3, .num_beams = 2, .num_return_sequences = 2}).size(), 2U);
  EXPECT_EQ(message_of<Error>([&] { gpt.write("a", {.num_beams = 2}, "b"); }),
            "--stop: the model writes tokens, of which several make a text: it cannot end a search "
            "by --beams: leave one of the two out");
}

class GptFile : public FolderTest {};

TEST_F(GptFile, BringsBackTheWholeModel) {
  const TrainedGpt saved =
      trained({.block_size = 5, .layers = 2, .heads = 4, .size = 8, .bias = true}, true);
  const std::string path = file("model.safetensors").string();
  saved.save(path);
  const TrainedGpt loaded = TrainedGpt::load(path);
  ASSERT_NE(loaded.coding.characters(), nullptr);
  EXPECT_EQ(loaded.coding.characters()->characters(), saved.coding.characters()->characters());
  EXPECT_TRUE(loaded.documents);
  EXPECT_FALSE(loaded.model.is_training());
  const Tensor ids = tensor({1, 2, 3, 4, 5}, {1, 5});
  EXPECT_EQ(values_of(loaded.model(ids)), values_of(saved.model(ids)));
}

TEST_F(GptFile, HasTheTokenizer) {
  const TrainedGpt saved =
      trained({.block_size = 5, .layers = 1, .heads = 2, .size = 8}, false, tokens());
  const std::string path = file("model.safetensors").string();
  saved.save(path);
  const TrainedGpt loaded = TrainedGpt::load(path);
  ASSERT_NE(loaded.coding.tokens(), nullptr);
  EXPECT_EQ(loaded.coding.ids("abcé"), saved.coding.ids("abcé"));
  const Tensor ids = tensor({1, 6, 7, 4, 5}, {1, 5});
  EXPECT_EQ(values_of(loaded.model(ids)), values_of(saved.model(ids)));
}

TEST_F(GptFile, RefusesModelsOfOtherPrograms) {
  StateDict state;
  state.set("weight", ones({2, 3}));
  const std::string path = file("other.safetensors").string();
  save(state, path);
  EXPECT_EQ(message_of<FormatError>([&] { (void)TrainedGpt::load(path); }),
            "'" + path + "' is no model of gpt: name a folder that it wrote with --output");
}

/// The options of a command line.
GptOptions parsed(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "gpt");
  std::vector<char*> argv;
  argv.reserve(arguments.size());
  for (std::string& argument : arguments) argv.push_back(argument.data());
  GptOptions options;
  int exit_code = 0;
  EXPECT_TRUE(parse_options(static_cast<int>(argv.size()), argv.data(), options, exit_code));
  return options;
}

class GptRun : public FolderTest {};

TEST_F(GptRun, HoldsOutTheLastTenthOrAThousandDocuments) {
  const std::string path = file("text.txt").string();
  std::ofstream(path) << std::string(90, 'a') << "\n\n" << std::string(7, 'b') << "\n";
  const GptTexts texts = load_gpt_texts(parsed({"--corpus", path, "--block-size", "8"}));
  EXPECT_EQ(texts.coding.text(texts.train.ids()), std::string(90, 'a'));
  EXPECT_EQ(texts.coding.text(texts.valid.ids()), "\n\nbbbbbbb\n");
  std::ofstream lines(path);
  for (int i = 0; i < 95; ++i) lines << "name" << i << "\n\n";
  lines.close();
  const auto documents = [&](const std::string& seed) {
    return load_gpt_texts(parsed({"--corpus", path, "--documents", "--seed", seed}));
  };
  const GptTexts one = documents("1");
  EXPECT_EQ(one.train.size(), 86);
  EXPECT_EQ(one.valid.size(), 9);
  EXPECT_EQ(one.longest(), 7);
  EXPECT_EQ(documents("1").valid.ids(), one.valid.ids());
  EXPECT_NE(documents("2").valid.ids(), one.valid.ids());
}

// 10 characters are held out, with either coding: 12 bytes, of which the first token is not
// guessed.
TEST_F(GptRun, CountsTheBytesOfTheHeldOutText) {
  const std::string path = file("text.txt").string();
  std::ofstream(path) << std::string(90, 'a') << "abcabéabé\n";
  const GptOptions options = parsed({"--corpus", path, "--block-size", "8"});
  const GptTexts characters = load_gpt_texts(options);
  EXPECT_EQ(characters.valid_bytes, 11);
  EXPECT_DOUBLE_EQ(bits_per_byte(std::log(2.0), characters), 9.0 / 11);
  const GptTexts of_tokens = load_gpt_texts(options, *tokens().tokens());
  EXPECT_THAT(of_tokens.valid.ids(), ElementsAre(6, 3, 6, 4, 5, 6, 4, 5, 0));
  EXPECT_EQ(of_tokens.train.ids(), std::vector<std::int64_t>(90, 1));
  EXPECT_EQ(of_tokens.valid_bytes, 10);
  EXPECT_DOUBLE_EQ(bits_per_byte(std::log(2.0), of_tokens), 8.0 / 10);
  std::ofstream(path) << std::string(90, 'a') << "abcabxabxx\n";
  EXPECT_EQ(message_of<Error>([&] { (void)load_gpt_texts(options, *tokens().tokens()); }),
            "--tokenizer: its tokens do not give the text back, of which byte 5 is another one "
            "then: take one of bytes, as GPT-2's is, or make one with --bpe 1000");
}

// What is held out makes none.
TEST_F(GptRun, MakesTokensOfTheTextToLearnFrom) {
  const std::string path = file("text.txt").string();
  std::ofstream(path)
      << "abababab abababab abababab abababab abababab abab abab abab abab abab abab "
         "ab ab ab ab cdcdcdcd\n";
  const GptTexts texts =
      load_gpt_texts(parsed({"--corpus", path, "--block-size", "8", "--bpe", "257"}));
  ASSERT_NE(texts.coding.tokens(), nullptr);
  EXPECT_EQ(texts.coding.size(), 257);
  EXPECT_THAT(texts.coding.tokens()->of_text("abab"), ElementsAre("ab", "ab"));
  EXPECT_THAT(texts.coding.tokens()->of_text("cd"), ElementsAre("c", "d"));
  EXPECT_EQ(texts.coding.text(texts.valid.ids()), " cdcdcdcd\n");
  EXPECT_EQ(texts.valid_bytes, 9);
}

TEST_F(GptRun, CutsEachDocumentIntoTokensByItself) {
  const std::string path = file("text.txt").string();
  std::ofstream(path) << "ab\nbc\nab\nbc\nab\nbc\nab\nbc\nab\nbc\n";
  const GptOptions options = parsed({"--corpus", path, "--documents"});
  const GptTexts texts = load_gpt_texts(options, *tokens().tokens());
  EXPECT_EQ(texts.longest(), 2);
  EXPECT_EQ(texts.train.size(), 9);
  EXPECT_EQ(texts.valid.ids().size(), 3U);
  EXPECT_EQ(texts.valid_bytes, 3);
}

TEST_F(GptRun, GoesOnWithTheOptionsItBeganWith) {
  const std::string folder = file("a run").string();
  std::filesystem::create_directory(folder);
  const GptOptions began = parsed(
      {"--output",     folder,   "--corpus",   "my text.txt", "--lr",     "0.0123",
       "--documents",  "--bias", "--layers",   "3",           "--seed",   "18446744073709551615",
       "--threads",    "2",      "--encoding", "latin1",      "--freeze", "*.linear1.*",
       "--iterations", "777"});
  std::ofstream(began.file(options_file)) << began.text;
  std::ofstream(began.file(checkpoint_file)) << "one";
  const GptOptions resumed = parsed({"--resume", "--output", folder, "--threads", "3"});
  EXPECT_EQ(resumed.corpus, "my text.txt");
  EXPECT_EQ(resumed.lr, 0.0123);
  EXPECT_TRUE(resumed.documents);
  EXPECT_TRUE(resumed.model.bias);
  EXPECT_EQ(resumed.model.layers, 3);
  EXPECT_EQ(resumed.seed, 18446744073709551615U);
  EXPECT_EQ(resumed.encoding, TextEncoding::latin1);
  EXPECT_EQ(resumed.freeze, "*.linear1.*");
  EXPECT_EQ(resumed.iterations, 777);
  EXPECT_EQ(resumed.threads, 3);
  EXPECT_EQ(resumed.text, began.text);
  EXPECT_TRUE(resumed.resume);
}

}  // namespace
}  // namespace gradus::examples
