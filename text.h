#pragma once
// Texts, data sets, metrics, the file formats of word vectors, and what shows and records a run, for
// programs that link gradus::text. Vocabulary and n-grams, which layers use, are in gradus.h too.
#include <gradus/framework/data/conll.h>
#include <gradus/framework/data/conllu.h>
#include <gradus/framework/data/dataset.h>
#include <gradus/framework/data/labeled_text.h>
#include <gradus/framework/metrics/named_value.h>
#include <gradus/framework/metrics/progress.h>
#include <gradus/framework/metrics/records.h>
#include <gradus/framework/metrics/tensorboard.h>
