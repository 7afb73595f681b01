#!/usr/bin/env python3
"""Writes what gensim answers about word vectors, for tests/metrics/word_golden_test.cpp to compare with.

    word_tests_golden.py                                     writes word_tests.json
    word_tests_golden.py --check PROGRAM VECTORS TEST...     compares `PROGRAM evaluate` with gensim on files: vectors in word2vec's
                                                             text format, word pairs with tabs (*.tsv) and analogies (*.txt)

Needs gensim and scipy from PyPI. The tests need neither.
"""
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
from gensim.models import KeyedVectors

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.RandomState(5)


def make_vectors():
    """Words x0, y0, x1, y1, ..., where y - x is about the same; some in two cases. Values are multiples of 1/64."""
    words, rows = [], []
    offset = rng.randint(-40, 41, 12)
    for i in range(24):
        x = rng.randint(-64, 65, 12)
        noise = rng.randint(-56, 57, 12)
        words += [f"x{i}", f"y{i}"]
        rows += [x, x + offset + noise]
    for word in ["X3", "Y5", "y7"]:
        at = words.index(word.lower())
        words.append(word if word not in words else word.upper())
        rows.append(rows[at] + rng.randint(-4, 5, 12))
    return words, np.array(rows)


def make_pairs(words):
    pairs = []
    for _ in range(40):
        a, b = rng.choice(len(words), 2)
        pairs.append([words[a], words[b], float(rng.randint(0, 21)) / 2])
    pairs += [["X0", "Y0", 7.5], ["nothing", "x1", 3.0], ["x2", "NOTHING", 9.0]]
    return pairs


def make_analogies():
    near = [[f"x{a}", f"y{a}", f"x{b}", f"y{b}"] for a, b in rng.randint(0, 24, (40, 2)) if a != b]
    mixed = [["X1", "Y1", "x2", "y2"], ["x3", "y3", "X4", "Y4"], ["x5", "y5", "x7", "Y7"], ["x1", "y1", "nothing", "y2"]]
    return [["near", near], ["mixed case", mixed], ["none known", [["p", "q", "r", "s"]]]]


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def pair_scores(vectors, path, **options):
    pearson, spearman, missing = vectors.evaluate_word_pairs(path, **options)
    return {"pearson": float(pearson[0]), "spearman": float(spearman[0]), "missing": float(missing)}


class ByProducts(KeyedVectors):
    """What evaluate_word_analogies(similarity_function="most_similar_cosmul") should do: gensim 4.4 ignores that option."""

    def most_similar(self, positive, negative, topn, restrict_vocab):
        found = self.most_similar_cosmul(positive=positive, negative=negative, topn=len(self.index_to_key))
        first = set(self.index_to_key[:restrict_vocab])
        return [one for one in found if one[0] in first][:topn]


def analogy_scores(vectors, path, by_products=False, **options):
    if by_products:
        words, rows = vectors.index_to_key, vectors.vectors
        vectors = ByProducts(rows.shape[1])
        vectors.add_vectors(words, rows)
    _, sections = vectors.evaluate_word_analogies(path, **options)
    return [[s["section"], len(s["correct"]), len(s["correct"]) + len(s["incorrect"])] for s in sections[:-1]]


def make_golden():
    words, rows = make_vectors()
    vectors = KeyedVectors(rows.shape[1])
    vectors.add_vectors(words, (rows / 64).astype(np.float32))
    pairs, sections = make_pairs(words), make_analogies()
    golden = {"versions": {p: importlib.metadata.version(p) for p in ["gensim", "scipy", "numpy"]},
              "words": words, "rows": rows.tolist(), "pairs": pairs, "sections": sections}
    options = [{}, {"case_insensitive": False}, {"restrict_vocab": 30}, {"dummy4unknown": True}]
    with tempfile.TemporaryDirectory() as folder:
        pair_file = write(folder, "pairs.tsv", "".join("%s\t%s\t%r\n" % tuple(p) for p in pairs))
        analogy_file = write(folder, "analogies.txt", "".join(
            f": {name}\n" + "".join(" ".join(a) + "\n" for a in analogies) for name, analogies in sections))
        golden["evaluate_pairs"] = [[o, pair_scores(vectors, pair_file, **o)] for o in options]
        golden["evaluate_analogies"] = [
            [o, rule, analogy_scores(vectors, analogy_file, by_products=rule == "multiply", **o)]
            for o in options for rule in ["add", "multiply"]]
    golden["most_similar"] = [[[p, n], [[w, float(s)] for w, s in vectors.most_similar(positive=p, negative=n, topn=5)]]
                              for p, n in [(["x0"], []), (["x1", "y2"], ["x2"]), (["x1", "x4", "y9"], []), ([], ["x6"])]]
    golden["cosmul"] = [[[a, b, c], [[w, float(s)] for w, s in
                                     vectors.most_similar_cosmul(positive=[b, c], negative=[a], topn=5)]]
                        for a, b, c in [("x0", "y0", "x1"), ("x2", "y2", "y8"), ("X3", "y3", "x3")]]
    golden["similarity"] = [[a, b, float(vectors.similarity(a, b))] for a, b in [("x0", "y0"), ("x0", "x0"), ("x1", "x9")]]
    with open(os.path.join(HERE, "word_tests.json"), "w", encoding="utf-8") as out:
        out.write(json.dumps(golden).replace('], ["', '],\n["').replace(', "', ',\n"', 1) + "\n")


def check(program, vector_file, tests):
    vectors = KeyedVectors.load_word2vec_format(vector_file)
    for path in tests:
        printed = subprocess.run([program, "evaluate", vector_file, path], check=True, capture_output=True, text=True).stdout
        if path.endswith(".tsv"):
            wanted = pair_scores(vectors, path)
            found = [float(re.search(name + r" +(-?[0-9.]+)", printed).group(1)) for name in ["spearman", "pearson"]]
            same = all(abs(a - b) < 1e-4 for a, b in zip(found, [wanted["spearman"], wanted["pearson"]]))
        else:
            wanted = analogy_scores(vectors, path)
            found = [[m[0], int(m[1]), int(m[2])] for m in re.findall(r"^(\S.*?) +[0-9.]+ % +(\d+) of +(\d+)", printed, re.M)]
            found = [f for f in found if f[0] != "total"]
            wanted = [w for w in wanted if w[2] > 0]
            same = found == wanted
        print("same" if same else "DIFFERENT", path, "" if same else f"{found} and {wanted}")
        if not same:
            sys.exit(1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        check(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        make_golden()
