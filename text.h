#pragma once
// Texts, data sets and the file formats of word vectors, for programs that link gradus::text.
// Vocabulary and n-grams, which layers use, are in gradus.h too.
#include <gradus/framework/data/conll.h>
#include <gradus/framework/data/conllu.h>
#include <gradus/framework/data/dataset.h>
#include <gradus/framework/data/labeled_text.h>
#include <gradus/framework/data/length_batches.h>
#include <gradus/framework/data/negative_sampler.h>
#include <gradus/framework/data/read_options.h>
#include <gradus/framework/data/skip_gram_pairs.h>
#include <gradus/framework/data/text_lines.h>
#include <gradus/framework/data/text_pair.h>
#include <gradus/framework/data/text_table.h>
#include <gradus/framework/io/word_vectors.h>
#include <gradus/framework/text/label_set.h>
#include <gradus/framework/text/ngrams.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/framework/text/vocabulary.h>
