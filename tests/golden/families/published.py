"""A small BERT and a small GPT-2 with random weights, in files under the names of Hugging Face."""
import os

import numpy as np
import safetensors.numpy
import torch

import published_torch
from golden_file import HERE, TOLERANCE, WIDTH, Source, plain, to_torch, write

BERT = {"vocabulary": 23, "positions": 9, "types": 2, "width": 12, "heads": 3, "hidden": 20, "layers": 2, "eps": 1e-3}
GPT2 = {"vocabulary": 19, "positions": 11, "width": 12, "heads": 2, "layers": 2, "eps": 1e-4}


def bert_shapes(o):
    width, hidden = o["width"], o["hidden"]
    shapes = {"embeddings.word_embeddings.weight": [o["vocabulary"], width],
              "embeddings.position_embeddings.weight": [o["positions"], width],
              "embeddings.token_type_embeddings.weight": [o["types"], width]}
    norms, products = ["embeddings.LayerNorm"], {"pooler.dense": [width, width]}
    for i in range(o["layers"]):
        layer = f"encoder.layer.{i}."
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            products[layer + "attention." + part] = [width, width]
        products[layer + "intermediate.dense"] = [hidden, width]
        products[layer + "output.dense"] = [width, hidden]
        norms += [layer + "attention.output.LayerNorm", layer + "output.LayerNorm"]
    for name, shape in products.items():
        shapes[name + ".weight"], shapes[name + ".bias"] = shape, shape[:1]
    return shapes, norms


def gpt2_shapes(o):
    width = o["width"]
    shapes = {"wte.weight": [o["vocabulary"], width], "wpe.weight": [o["positions"], width]}
    norms = ["ln_f"]
    for i in range(o["layers"]):
        layer = f"h.{i}."
        for name, shape in {"attn.c_attn": [width, 3 * width], "attn.c_proj": [width, width],  # [in, out]
                            "mlp.c_fc": [width, 4 * width], "mlp.c_proj": [4 * width, width]}.items():
            shapes[layer + name + ".weight"], shapes[layer + name + ".bias"] = shape, shape[1:]
        norms += [layer + "ln_1", layer + "ln_2"]
    return shapes, norms


def make(name, shapes, norms, width):
    """Random weights of all parts; those of norms are about 1."""
    source = Source("published." + name)
    state = {key: source.floats(*shape, low=-0.5, high=0.5) for key, shape in shapes.items()}
    for norm in norms:
        state[norm + ".weight"] = source.floats(width, low=0.5, high=1.5)
        state[norm + ".bias"] = source.floats(width, low=-0.5, high=0.5)
    return state


def save(name, state):
    safetensors.numpy.save_file(state, os.path.join(HERE, name + ".safetensors"), {"format": "pt"})


def published_case(name, op, options, state, inputs, function):
    computed = {}
    for width, dtype in WIDTH.items():
        result = function({key: to_torch(value, dtype) for key, value in state.items()}, *map(torch.from_numpy, inputs))
        computed[width] = {f"out{k}": plain(r) for k, r in enumerate(result)}
    write(name, op, options, inputs, computed, TOLERANCE)


def bert():
    shapes, norms = bert_shapes(BERT)
    state = make("bert", shapes, norms, BERT["width"])
    state["embeddings.position_ids"] = np.arange(BERT["positions"])[None]
    save("bert", state)
    source = Source("published.bert.ids")
    ids, types = source.integers(0, BERT["vocabulary"], 3, 7), source.integers(0, BERT["types"], 3, 7)
    keywords = {"heads": BERT["heads"], "eps": BERT["eps"]}

    def inside(y, lengths):  # what stands after the end of a sequence means nothing
        return y * (torch.arange(y.shape[1]) < lengths[:, None])[..., None]

    def of_lengths(w, ids, lengths, types):
        y, pooled = published_torch.bert(w, ids, lengths, types, **keywords)
        return inside(y, lengths), pooled

    published_case("published.bert", "bert", BERT, state, [ids], lambda w, i: published_torch.bert(w, i, **keywords))
    published_case("published.bert.lengths", "bert", BERT, state, [ids, np.array([7, 2, 5]), types], of_lengths)


def gpt2():
    shapes, norms = gpt2_shapes(GPT2)
    state = make("gpt2", shapes, norms, GPT2["width"])
    size = GPT2["positions"]
    for i in range(GPT2["layers"]):
        state[f"h.{i}.attn.bias"] = np.tril(np.ones((1, 1, size, size), np.float32))
    save("gpt2", state)
    ids = Source("published.gpt2.ids").integers(0, GPT2["vocabulary"], 2, size)
    published_case("published.gpt2", "gpt2", GPT2, state, [ids],
                   lambda w, i: [published_torch.gpt2(w, i, GPT2["heads"], GPT2["eps"])])


PARTS = (bert, gpt2)
