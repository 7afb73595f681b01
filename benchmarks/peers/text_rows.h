#pragma once

// The rows F1 and F2: whole trainings on real text against fastText's command line, one for each of
// five seeds, judged by what was learnt.
//
// `SIDE describe` prints the library and a line "WORKLOAD OPTIONS" for each row that it has.
// `SIDE train WORKLOAD THREADS SEED TEXTS OUTPUT` trains on TEXTS/F1_train.txt or
// TEXTS/F2_text.txt, prints the words per second (the end of a line is a word, as fastText counts),
// and writes what it learnt: F1 the labels of the lines of TEXTS/F1_test.txt to OUTPUT/labels, F2
// word vectors in word2vec's text format to OUTPUT/vectors.txt.

#include <functional>
#include <string>
#include <vector>

#include "runner.h"

namespace peers {

/// Runs the rows that are wanted and whose texts are there.
void text_rows(const Options& options, const std::function<void(const Report&)>& keep);

/// The share of the lines of `labels` that begin as the same line of `truth` does.
double accuracy(const std::string& labels, const std::string& truth);

/// Spearman's correlation of the cosines of `vectors` with the scores of `pairs` (lines "word word
/// score"), over the pairs whose words both have a vector.
double similarity(const std::string& vectors, const std::string& pairs);

}  // namespace peers
