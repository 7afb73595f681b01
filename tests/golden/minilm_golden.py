#!/usr/bin/env python3
"""Writes what PyTorch computes with all-MiniLM-L6-v2, for tests/scripts/minilm_check.sh to compare with.

    minilm_golden.py FOLDER    FOLDER has the model's model.safetensors and vocab.txt; writes minilm.safetensors:
                               ids [3, T] and lengths [3] of three sentences, states [3, T, 384]

Needs torch, numpy and safetensors. The check needs none of them.
"""
import os
import sys

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch

import published_torch

SENTENCES = ["a man is eating food .", "a man is eating a piece of bread .", "the girl is carrying a baby ."]


def pieces(word, vocabulary):
    """WordPiece: the longest piece first; those inside of a word begin with ##."""
    found, start = [], 0
    while start < len(word):
        prefix = "##" if start else ""
        end = next((e for e in range(len(word), start, -1) if prefix + word[start:e] in vocabulary), None)
        if end is None:
            return [vocabulary["[UNK]"]]
        found.append(vocabulary[prefix + word[start:end]])
        start = end
    return found


def encode(sentence, vocabulary):
    ids = [piece for word in sentence.split() for piece in pieces(word, vocabulary)]
    return [vocabulary["[CLS]"]] + ids + [vocabulary["[SEP]"]]


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    with open(os.path.join(sys.argv[1], "vocab.txt"), encoding="utf-8") as file:
        vocabulary = {line.rstrip("\n"): i for i, line in enumerate(file)}
    weights = safetensors.torch.load_file(os.path.join(sys.argv[1], "model.safetensors"))
    encoded = [encode(sentence, vocabulary) for sentence in SENTENCES]
    lengths = torch.tensor([len(ids) for ids in encoded])
    ids = torch.tensor([ids + [vocabulary["[PAD]"]] * (int(lengths.max()) - len(ids)) for ids in encoded])
    torch.set_num_threads(1)
    states, _ = published_torch.bert(weights, ids, lengths)
    inside = (torch.arange(ids.shape[1]) < lengths[:, None])[..., None]
    states = states * inside
    vectors = states.sum(1) / lengths[:, None]
    for sentence, row in zip(SENTENCES, ids.tolist()):
        print(sentence, row)
    for k in (1, 2):
        print("cosine of 0 and %d: %.6f" % (k, torch.cosine_similarity(vectors[0], vectors[k], 0)))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "minilm.safetensors")
    arrays = {"ids": ids.numpy(), "lengths": lengths.numpy(), "states": states.numpy().astype(np.float32)}
    safetensors.numpy.save_file(arrays, path, {"torch": torch.__version__.split("+")[0]})


if __name__ == "__main__":
    main()
