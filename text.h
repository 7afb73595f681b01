#pragma once
// Texts, data sets, the file formats of word vectors, and what shows and records a run, for
// programs that link gradus::text. Vocabulary and n-grams, which layers use, are in gradus.h too.
#include <gradus/framework/data/length_batches.h>
#include <gradus/framework/data/negative_sampler.h>
#include <gradus/framework/data/skip_gram_pairs.h>
#include <gradus/framework/io/word_vectors.h>
#include <gradus/framework/metrics/named_value.h>
#include <gradus/framework/metrics/progress.h>
#include <gradus/framework/metrics/records.h>
#include <gradus/framework/metrics/tensorboard.h>
#include <gradus/framework/text/ngrams.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/framework/text/vocabulary.h>
