#pragma once
// Texts, data sets, metrics and the file formats of word vectors, for programs that link
// gradus::text. Vocabulary and n-grams, which layers use, are in gradus.h too.
#include <gradus/framework/data/length_batches.h>
#include <gradus/framework/data/negative_sampler.h>
#include <gradus/framework/data/skip_gram_pairs.h>
#include <gradus/framework/io/word_vectors.h>
#include <gradus/framework/metrics/accuracy.h>
#include <gradus/framework/metrics/bleu.h>
#include <gradus/framework/metrics/chrf.h>
#include <gradus/framework/metrics/classification_scores.h>
#include <gradus/framework/metrics/confusion_matrix.h>
#include <gradus/framework/metrics/error_rate.h>
#include <gradus/framework/metrics/perplexity.h>
#include <gradus/framework/metrics/ranking.h>
#include <gradus/framework/metrics/rouge.h>
#include <gradus/framework/metrics/span_f1.h>
#include <gradus/framework/metrics/spearman.h>
#include <gradus/framework/text/ngrams.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/framework/text/vocabulary.h>
