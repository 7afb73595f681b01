#!/usr/bin/env python3
"""Writes what other packages compute as metrics, for tests/metrics/golden_test.cpp to compare with.

    metrics_golden.py                    writes metrics.json
    metrics_golden.py --conlleval FILE   also compares the spans with CoNLL's Perl script

Needs scikit-learn, seqscore, seqeval, sacrebleu 2.6, rouge_score, jiwer and scipy from PyPI. The tests need none of them.
"""
import importlib.metadata
import itertools
import json
import math
import os
import random
import re
import subprocess
import sys
import warnings

import jiwer
import numpy as np
import scipy.special
import scipy.stats
import sklearn.metrics as sk
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB1, IOB2, IOBES, IOE2, Entities
from seqscore.encoding import EncodingError
from seqscore.scoring import score_label_sequences

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ["scikit-learn", "seqscore", "seqeval", "sacrebleu", "rouge_score", "jiwer", "scipy"]
rng = np.random.RandomState(13)
draw = random.Random(13)


def number(x):
    return None if math.isnan(x) else float(x)


# ---- classification

def averages(labels, predicted, classes, zero_division):
    result = {}
    for average in [None, "micro", "macro", "weighted"]:
        p, r, f, s = sk.precision_recall_fscore_support(
            labels, predicted, labels=range(classes), average=average, zero_division=zero_division)
        if average is None:
            result["classes"] = [[number(a), number(b), number(c), int(d)] for a, b, c, d in zip(p, r, f, s)]
        else:
            result[average] = [number(p), number(r), number(f)]
    return result


def classification():
    shapes = {"random": (50, 4), "few": (7, 9), "binary": (30, 2), "one example": (1, 3), "one class": (5, 1)}
    for name, (n, classes) in shapes.items():
        labels, predicted = rng.randint(classes, size=(2, n))
        if n > 20:  # most are right
            predicted = np.where(rng.rand(n) < 0.6, labels, predicted)
        yield name, labels, predicted, classes
    yield "a class is never predicted", rng.randint(3, size=20), rng.randint(2, size=20), 3
    yield "a class is never right", rng.randint(2, size=20), rng.randint(3, size=20), 3
    yield "all of one class", np.zeros(6, int), np.zeros(6, int), 3
    yield "all wrong", np.zeros(6, int), np.ones(6, int), 2


def classification_cases():
    for name, labels, predicted, classes in classification():
        for zero_division in [0.0, 1.0, math.nan]:
            yield {"name": name, "labels": labels.tolist(), "predicted": predicted.tolist(),
                   "classes": classes, "zero_division": number(zero_division),
                   "accuracy": sk.accuracy_score(labels, predicted),
                   "confusion": sk.confusion_matrix(labels, predicted, labels=range(classes)).tolist(),
                   **averages(labels, predicted, classes, zero_division)}


def flag_cases():
    for name, n, p in [("random", 12, 0.4), ("rare", 5, 0.1), ("none", 3, 0.0), ("all", 3, 1.0)]:
        labels, predicted = rng.rand(2, n, 4) < p
        for zero_division in [0.0, 1.0, math.nan]:
            yield {"name": name, "labels": labels.tolist(), "predicted": predicted.tolist(),
                   "zero_division": number(zero_division), **averages(labels.astype(int), predicted.astype(int), 4, zero_division)}


def score_cases():
    for n, classes in [(20, 5), (8, 3), (1, 7), (40, 12)]:
        scores = rng.standard_normal((n, classes)).astype(np.float32)
        labels = rng.randint(classes, size=n)
        top = [sk.top_k_accuracy_score(labels, scores, k=k, labels=range(classes)) for k in range(1, classes)]
        log_p = scipy.special.log_softmax(scores.astype(np.float64), axis=1)[np.arange(n), labels]
        yield {"scores": scores.tolist(), "labels": labels.tolist(), "top_k": top,
               "reciprocal_rank": sk.label_ranking_average_precision_score(np.eye(classes)[labels], scores),
               "perplexity": math.exp(-log_p.mean()),
               "bits": -log_p.mean() / math.log(2)}


# ---- spans

PREFIXES = {"IOB1": "BI", "IOB2": "BI", "IOE1": "IE", "IOE2": "IE", "IOBES": "BIES"}
SEQSCORE = {"IOB1": "IOB", "IOB2": "BIO", "IOBES": "BIOES"}
SEQEVAL = {"IOB1": IOB1, "IOB2": IOB2, "IOE2": IOE2, "IOBES": IOBES}


def random_spans(n):
    spans, at = [], 0
    while at < n:
        length = draw.randint(1, 3)
        if draw.random() < 0.6 and at + length <= n:
            spans.append((at, at + length, draw.choice(["PER", "LOC", "B-x"])))
            at += length
        else:
            at += 1
    return spans


def encode(spans, n, scheme):
    tags = ["O"] * n
    for begin, end, kind in spans:
        for i in range(begin, end):
            state = "I"
            if scheme == "IOB2" and i == begin:
                state = "B"
            if scheme == "IOE2" and i == end - 1:
                state = "E"
            if scheme == "IOBES":
                state = "S" if end - begin == 1 else "B" if i == begin else "E" if i == end - 1 else "I"
            tags[i] = f"{state}-{kind}"
        if scheme == "IOB1" and any(e == begin and k == kind for _, e, k in spans):
            tags[begin] = f"B-{kind}"
        if scheme == "IOE1" and any(b == end and k == kind for b, _, k in spans):
            tags[end - 1] = f"E-{kind}"
    return tags


def broken(tags, scheme, share):
    return [draw.choice(["O"] + [f"{s}-{k}" for s in PREFIXES[scheme] for k in ["PER", "LOC"]]) if draw.random() < share
            else tag for tag in tags]


def prf(right, predicted, labels):
    p = right / predicted if predicted else 0.0
    r = right / labels if labels else 0.0
    return [p, r, 2 * p * r / (p + r) if p + r else 0.0, labels]


def of_entities(predicted, labels):
    """From lists of sets of (type, begin, end)."""
    def score(keep):
        counts = [[len([e for e in group if keep(e)]) for group in groups]
                  for groups in zip(*[(a & b, a, b) for a, b in zip(predicted, labels)])]
        return prf(*map(sum, counts))
    kinds = sorted({e[0] for group in predicted + labels for e in group})
    return {"all": score(lambda e: True), "types": {kind: score(lambda e, kind=kind: e[0] == kind) for kind in kinds}}


def of_seqscore(score):
    def one(s):
        return [s.precision, s.recall, s.f1, s.total_ref]
    return {"all": one(score), "types": {kind: one(s) for kind, s in sorted(score.type_scores.items())}}


def close(a, b):
    return a["types"].keys() == b["types"].keys() and np.allclose(a["all"], b["all"], 0, 1e-15) and all(
        np.allclose(a["types"][kind], b["types"][kind], 0, 1e-15) for kind in a["types"])


def conlleval(script, predicted, labels):
    lines = []
    for p, l in zip(predicted, labels):
        lines += [f"w {b} {a}" for a, b in zip(p, l)] + [""]
    out = subprocess.run(["perl", script], input="\n".join(lines) + "\n", text=True, capture_output=True, check=True).stdout
    return [int(x) for x in re.search(r"with (\d+) phrases; found: (\d+) phrases; correct: (\d+)", out).groups()]


def span_cases(script):
    compared = 0
    for scheme, share in itertools.product(PREFIXES, [0, 0, 0.15, 0.15, 0.4, 0.4, 1, 1]):
        lengths = [draw.randint(0, 9) for _ in range(6)]
        labels = [encode(random_spans(n), n, scheme) for n in lengths]
        predicted = [broken(tags if draw.random() < 0.3 else encode(random_spans(len(tags)), len(tags), scheme), scheme, share)
                     for tags in labels]
        if share == 1:
            labels = [broken(tags, scheme, share) for tags in labels]
        case = {"scheme": scheme, "predicted": predicted, "labels": labels}
        ends = [[{(k, a, b + 1) for k, a, b in get_entities(tags)} for tags in group] for group in (predicted, labels)]
        case["repair"] = of_entities(*ends)
        if scheme in SEQEVAL:
            strict = [[{(e.tag, e.start, e.end) for e in tags} for tags in Entities(group, SEQEVAL[scheme]).entities]
                      for group in (predicted, labels)]
            if scheme != "IOB1":  # of which seqeval takes I after B of another type for a beginning that B did not have
                case["discard"] = of_entities(*strict)
        if scheme in SEQSCORE:
            name = SEQSCORE[scheme]
            try:
                score, accuracy = score_label_sequences(predicted, labels, name, repair=None)
                case["valid"], case["accuracy"] = True, accuracy.accuracy
                assert close(of_seqscore(score), case["repair"]), case
                case["discard"] = of_seqscore(score)
            except EncodingError:
                case["valid"] = False
            if name in ("IOB", "BIO"):
                score, _ = score_label_sequences(predicted, labels, name, repair="conlleval")
                assert close(of_seqscore(score), case["repair"]), case
            if name == "BIO":
                score, _ = score_label_sequences(predicted, labels, name, repair="discard")
                assert close(of_seqscore(score), case["discard"]), case
        if script and scheme != "IOBES":  # which the script does not know
            wanted = [sum(len(group) for group in groups) for groups in (ends[1], ends[0], [a & b for a, b in zip(*ends)])]
            assert conlleval(script, predicted, labels) == wanted, case
            compared += 1
        yield case
    if script:
        print(f"conlleval agrees on {compared} cases")


# ---- texts

def corpora():
    result = {
        "english": (["The cat sat on the mat.", "It's 3,000.50 dollars - or 1990-1995, e.g.", 'He said "no"; (really) [so].'],
                    [["The cat was on the mat.", "There was a cat on the mat."],
                     ["It is 3,000.50 dollars, or 1990-95, e.g.", "3,000 dollars"],
                     ['He said "no": (truly) [so]!', "He did not agree."]]),
        "equal": (["the same words again and again"], [["the same words again and again"]]),
        "short": (["a b", "c", "d e f"], [["a b c"], ["c"], ["d f e"]]),
        "nothing in common": (["x y z"], [["a b c d"]]),
        "empty hypotheses": (["", "a b c d e"], [["one two three"], ["a b c d e f"]]),
        "only empty hypotheses": (["", ""], [["one two"], ["three"]]),
        "empty references": (["some words here now", "a b c d"], [[""], ["a b c d"]]),
        "all empty": ([""], [[""]]),
        "unicode": (["¿Qué pasó — «nada»? 50 €, ½ kg…", "你好，世界！ok", "مرحبا؟ ٣٫٥ ١٢،٣ ok.", "naïve e\u0301tude 👍🏽👍 №5 ☃"],
                    [["¿Que pasó - «nada»? 50€ ½ kg...", "¡Nada!"], ["你好世界。ok", "您好，世界！"],
                     ["مرحبا ؟ ٣٫٥ ١٢ ٣ ok", "hi"], ["naive étude 👍 № 5 ☃", "x"]]),
        "spaces": (["  a\u00a0b\tc \u3000d  e ", "x\u2003y-\nz  q\u200bq"], [["a b c d e"], ["x yz q\u200bq r\u2028s"]]),
        "entities": (["A &amp; B &quot;C&quot; &lt;d&gt; <skipped> e&f &amp;lt;", "x,5 5,x .5. 5.. a.b ...,, -5- 5- -a a-b '."],
                     [["A & B \"C\" <d> e & f &lt;"], ["x, 5 5 ,x .5 . 5 . . a.b ... , -5-5 a-b '."]]),
        "case": (["The CAT Sat", "ΣΟΦΟΣ ΑΣ. Σ ΌΣ' İSTANBUL ǅ ÀÉ ЖЗ"], [["the cat sat down"], ["σοφος ας. σ όσ' i̇stanbul ǆ àé жз"]]),
        "varied references": (["a b c d", "e f g h i"], [["a b c e", "a b d"], ["e f g h"]]),
        "lengths tie": (["a b c d"], [["a b c d e", "a b c", "x y z"]]),
    }
    words = ["the", "cat", "(sat)", "on", "a", "mat,", "3.5", "well-known", "U.S.", "and", "x", "y!", "«z»", "世界"]
    for i in range(3):
        hypotheses, references = [], []
        for _ in range(6):
            line = draw.choices(words, k=draw.randint(1, 14))
            others = [[draw.choice(words) if draw.random() < 0.3 else w for w in line if draw.random() < 0.9] for _ in range(2)]
            hypotheses.append(" ".join(line))
            references.append([" ".join(other) for other in others])
        result[f"random {i}"] = (hypotheses, references)
    return result


CORPORA = corpora()


def streams(references):
    """sacrebleu wants the first reference of each segment, then the second of each, ..."""
    most = max(map(len, references))
    return [[r[i] if i < len(r) else None for r in references] for i in range(most)]


def signature(metric):
    return re.sub(r"\|version:.*", "", str(metric.get_signature()))


def pairwise(**axes):
    """Rows so that every pair of values of two axes is in one of them."""
    keys, rows, seen = list(axes), [], set()
    everything = list(itertools.product(*axes.values()))
    draw.shuffle(everything)
    for row in everything:
        pairs = set(itertools.combinations(zip(keys, map(str, row)), 2))
        if not pairs <= seen:
            seen |= pairs
            rows.append(dict(zip(keys, row)))
    return rows


def bleu_cases():
    options = pairwise(tokenize=["13a", "intl", "char", "none"], lowercase=[False, True], max_ngram_order=[4, 2, 1, 6],
                       smoothing=[("exp", None), ("floor", None), ("floor", 0.5), ("add-k", None), ("add-k", 0.3), ("none", None)],
                       effective_order=[False, True])
    options.insert(0, dict(tokenize="13a", lowercase=False, max_ngram_order=4, smoothing=("exp", None), effective_order=False))
    for i, option in enumerate(options):
        option = dict(option)
        method, value = option.pop("smoothing")
        for corpus, (hypotheses, references) in CORPORA.items():
            if i > 0 and draw.random() < 0.4:
                continue
            metric = BLEU(smooth_method=method, smooth_value=value, force=True, **option)
            score = metric.corpus_score(hypotheses, streams(references))
            yield {"corpus": corpus, "smooth_method": method, "smooth_value": value, **option, "score": score.score,
                   "precisions": score.precisions, "brevity_penalty": score.bp,
                   "lengths": [score.sys_len, score.ref_len], "str": str(score), "signature": signature(metric)}


def chrf_cases():
    options = pairwise(char_order=[6, 1, 3], word_order=[0, 1, 2], beta=[2, 1, 3], lowercase=[False, True],
                       whitespace=[False, True], eps_smoothing=[False, True])
    options.insert(0, dict(char_order=6, word_order=0, beta=2, lowercase=False, whitespace=False, eps_smoothing=False))
    options.insert(1, dict(char_order=6, word_order=2, beta=2, lowercase=False, whitespace=False, eps_smoothing=False))
    for i, option in enumerate(options):
        for corpus, (hypotheses, references) in CORPORA.items():
            if i > 1 and draw.random() < 0.4:
                continue
            metric = CHRF(**option)
            score = metric.corpus_score(hypotheses, streams(references))
            yield {"corpus": corpus, **option, "score": score.score, "signature": signature(metric)}


def rouge_cases():
    scorer = rouge_scorer.RougeScorer(["rougeL"])
    for corpus, (hypotheses, references) in CORPORA.items():
        scores = [scorer.score_multi(r, h)["rougeL"] for h, r in zip(hypotheses, references)]
        yield {"corpus": corpus, "score": np.mean(scores, axis=0).tolist()}
    for hypothesis, reference in [("5 \u212Aelvin", "5 kelvin"), ("\u0130stanbul", "i stanbul"), ("don't U.S.", "don t u s"), ("a_b", "a b")]:
        yield {"hypothesis": hypothesis, "reference": reference,
               "score": list(scorer.score(reference, hypothesis)["rougeL"])}


def error_rate_cases():
    texts = [("the cat sat", "the cat sat"), ("the cat", "the cat sat"), ("a the  cat sat on", " the cat sat"), ("", "one two"),
             ("x y", "a b c"), ("naïve étude", "naive étude"), ("日本語", "日本後"), ("b a", "a b"), ("Cat.", "cat"), ("a b c d e f", "a")]
    for _ in range(20):
        texts.append(tuple(" ".join(draw.choices("abcd", k=draw.randint(1, 12))) for _ in range(2)))
    for pair in texts + [("one two", "")]:
        yield {"hypotheses": [pair[0]], "references": [pair[1]]}
    yield {"hypotheses": [a for a, _ in texts], "references": [b for _, b in texts]}


def with_error_rates(case):
    r, h = case["references"], case["hypotheses"]
    return {**case, "word": jiwer.process_words(r, h).wer, "character": jiwer.process_characters(r, h).cer}


def spearman_cases():
    lists = [([1, 2, 3], [3, 2, 1]), ([1, 2, 2, 3], [1, 1, 2, 2]), ([1, 1, 1], [1, 2, 3]), ([0.5, -1, 7, 7, 7], [1, 0, 3, 3, 2]),
             ([1, 2], [5, 9])]
    for n in [10, 100]:
        lists.append(tuple(rng.standard_normal((2, n)).round(5).tolist()))
        lists.append(tuple(rng.randint(4, size=(2, n)).tolist()))
    for x, y in lists:
        yield {"x": list(map(float, x)), "y": list(map(float, y)), "result": number(scipy.stats.spearmanr(x, y)[0])}


def main():
    script = sys.argv[2] if sys.argv[1:2] == ["--conlleval"] else None
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    values = {
        "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
        "corpora": {name: {"hypotheses": h, "references": r} for name, (h, r) in CORPORA.items()},
        "classification": list(classification_cases()), "flags": list(flag_cases()), "scores": list(score_cases()),
        "spans": list(span_cases(script)), "bleu": list(bleu_cases()), "chrf": list(chrf_cases()), "rouge": list(rouge_cases()),
        "error_rate": list(map(with_error_rates, error_rate_cases())), "spearman": list(spearman_cases()),
    }
    assert values["versions"]["sacrebleu"].startswith("2.6")
    with open(os.path.join(HERE, "metrics.json"), "w") as file:
        file.write("{\n")
        for i, (family, cases) in enumerate(values.items()):
            file.write(("" if i == 0 else ",\n") + json.dumps(family) + ": ")
            if isinstance(cases, dict):
                file.write(json.dumps(cases, ensure_ascii=True))
            else:
                file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]")
            print(f"{family}: {len(cases)}")
        file.write("\n}\n")


if __name__ == "__main__":
    main()
