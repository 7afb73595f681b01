// Asks vectors of words: which words are similar, how similar two are, what is to c as b is to a;
// and how well they do on the standard tests.
//
// Promises: `evaluate` prints what gensim computes (tests/golden/word_tests_golden.py --check). On
// the 20,000 most frequent words of glove.6B.100d, Spearman's correlation with WordSim353 is 0.5 or
// more, and with vectors of random numbers it is not.
#include <fmt/format.h>
#include <gradus/examples/common/flags.h>
#include <gradus/examples/common/output.h>
#include <gradus/gradus.h>
#include <gradus/text.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

using namespace gradus;
using namespace gradus::examples;

namespace {

struct Options {
  std::string vectors;
  std::vector<std::string> words, tests;
  std::int64_t k = 10;
  bool multiply = false;
  WordPairOptions pairs;
  WordTestOptions lookup;
  bool cased = false;
  int threads = 0;

  AnalogyRule rule() const { return multiply ? AnalogyRule::multiply : AnalogyRule::add; }
};

WordIndex load_index(const Options& options) {
  return WordIndex(load_word_vectors(options.vectors));
}

void print_words(const std::vector<ScoredWord>& words) {
  for (const ScoredWord& one : words) fmt::print("{:.4f}  {}\n", one.score, one.word);
}

// ---- questions

void print_neighbors(const WordIndex& index, const std::string& word, const Options& options) {
  fmt::print("{}\n", word);
  print_words(index.most_similar(word, options.k));
}

int neighbors(const Options& options) {
  const WordIndex index = load_index(options);
  for (const std::string& word : options.words) print_neighbors(index, word, options);
  if (!options.words.empty()) return 0;
  for (std::string word; std::getline(std::cin, word);) {
    if (word.ends_with('\r')) word.pop_back();
    if (word.empty()) continue;
    if (index.contains(word)) {
      print_neighbors(index, word, options);
    } else {
      fmt::print("{}\nis not known\n", word);
    }
    flush_output();
  }
  return 0;
}

int similarity(const Options& options) {
  fmt::print("{:.4f}\n", load_index(options).similarity(options.words[0], options.words[1]));
  return 0;
}

int analogy(const Options& options) {
  print_words(load_index(options).analogy(options.words[0], options.words[1], options.words[2],
                                          options.k, options.rule()));
  return 0;
}

// ---- tests

/// Files of analogies begin with the name of a section.
bool has_analogies(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  for (bool is_first = true; std::getline(file, line); is_first = false) {
    if (is_first && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    const bool is_comment = line.starts_with("//") || line.starts_with("#");
    if (!is_comment && line.find_first_not_of(" \t\r") != std::string::npos) return line[0] == ':';
  }
  return false;
}

void print_analogies(const AnalogyScore& score) {
  fmt::print("{:<28} {:6.2f} %  {:>6} of {:>6}, {} missing\n", score.section,
             100 * score.accuracy(), score.correct, score.total, score.missing);
}

void print_test(const WordIndex& index, const std::string& path, const Options& options) {
  const std::string name = std::filesystem::path(path).filename();
  if (!has_analogies(path)) {
    const WordPairScores scores =
        evaluate_word_pairs(index, read_word_pairs(path, options.pairs), options.lookup);
    fmt::print("{}: spearman {:.4f}, pearson {:.4f}, {} pairs, {} missing\n", name, scores.spearman,
               scores.pearson, scores.pairs, scores.missing);
    return;
  }
  const AnalogyScores scores =
      evaluate_analogies(index, read_analogies(path), options.rule(), options.lookup);
  fmt::print("{}:\n", name);
  for (const AnalogyScore& score : scores.sections) {
    if (score.total > 0) print_analogies(score);
  }
  print_analogies(scores.total);
}

int evaluate(const Options& options) {
  const WordIndex index = load_index(options);
  for (const std::string& path : options.tests) print_test(index, path, options);
  return 0;
}

// ---- flags

using Command = int (*)(const Options&);

void add_lookup(CLI::App& app, Options& options) {
  add_number(app, "--most-words", options.lookup.most_words, 1, 1'000'000'000,
             "only the first words of the vectors count");
  app.add_flag("--cased", options.cased, "capital and small letters differ");
  app.add_flag("--count-missing", options.lookup.count_missing,
               "what has an unknown word counts: similarity 0, or wrong");
  add_number(app, "--score-column", options.pairs.score_column, 2, 1'000'000,
             "where files of word pairs have the scores; 3 in SimLex-999.txt");
}

/// The command that was asked for, or nullptr.
Command parse(int argc, char** argv, Options& options, int& exit_code) {
  CLI::App app("Asks vectors of words, in word2vec's text format.", "word_vectors");
  app.require_subcommand(1);
  Command chosen = nullptr;
  const auto add = [&](const char* name, const char* what, Command command) {
    CLI::App* own = app.add_subcommand(name, what);
    own->option_defaults()->always_capture_default();
    own->callback([&chosen, command] { chosen = command; });
    own->add_option("vectors", options.vectors, "file of vectors")->required();
    add_number(*own, "--threads", options.threads, 0, 1024, "0: one for each processor");
    return own;
  };
  CLI::App* near = add("neighbors", "print the most similar words", neighbors);
  near->add_option("words", options.words, "without any, those of the standard input, one a line");
  CLI::App* pair = add("similarity", "print the cosine of two words", similarity);
  pair->add_option("words", options.words, "two words")->required()->expected(2);
  CLI::App* three = add("analogy", "print what is to c as b is to a", analogy);
  three->add_option("words", options.words, "a b c")->required()->expected(3);
  CLI::App* test = add("evaluate", "print how well the vectors do on tests", evaluate);
  test->add_option("tests", options.tests,
                   "files of word pairs with scores, or of analogies, which begin with ': name'")
      ->required();
  add_lookup(*test, options);
  for (CLI::App* own : {near, three}) {
    add_number(*own, "--k", options.k, 1, 1'000'000, "how many words");
  }
  for (CLI::App* own : {three, test}) {
    own->add_flag("--multiply", options.multiply, "analogies by 3CosMul, not 3CosAdd");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return nullptr;
  }
  options.lookup.fold_case = !options.cased;
  return chosen;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  int exit_code = 0;
  const Command command = parse(argc, argv, options, exit_code);
  if (command == nullptr) return exit_code;
  try {
    if (options.threads > 0) set_num_threads(options.threads);
    return after_output(command(options));
  } catch (const std::exception& error) {
    std::fflush(stdout);
    fmt::print(stderr, "word_vectors: {}\n", error.what());
    return 1;
  }
}
