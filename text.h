#pragma once
// Texts, data sets and the file formats of word vectors, for programs that link gradus::text.
// Vocabulary and n-grams, which layers use, are in gradus.h too.
#include <gradus/framework/data/conll.h>
#include <gradus/framework/data/conllu.h>
#include <gradus/framework/data/dataset.h>
#include <gradus/framework/data/labeled_text.h>
