"""Attention, its layers and the layers of transformers. Parameters are inputs, and `parameters` lists their names. PyTorch's
masks of layers are True where something is left out; ours are True where it takes part."""
import numpy as np
import torch
import torch.nn.functional as F

from golden_file import Source, case, pairwise


def causal(Q, K):
    """True up to the last key of each query, the last of which sees all."""
    return torch.ones(Q, K, dtype=torch.bool).tril(K - Q)


def within(lengths, T):
    return torch.arange(T) < lengths[:, None]


def lengths_of(B, T):
    return np.array([T, 1, T - 1][:B], np.int64)


def op_case(name, row):
    s = Source(name)
    B, H, Q, K, d, dv = row["shape"]
    heads = H // row["group"]
    inputs = [s.floats(B, H, Q, d), s.floats(B, heads, K, d), s.floats(B, heads, K, dv)]
    options = {"causal": row["causal"]}
    if row["scale"]:
        options["scale"] = row["scale"]
    if row["mask"]:
        kind, shape = row["mask"]
        shape = [{"B": B, "H": H, "Q": Q, "K": K, "1": 1}[size] for size in shape]
        inputs.append(s.random.rand(*shape) < 0.7 if kind == "bool" else s.floats(*shape))
        options["mask"] = True
    if row["lengths"]:
        inputs.append(lengths_of(B, K))
        options["lengths"] = True

    def run(q, k, v, *rest):
        counts = torch.ones(B, H, Q, K, dtype=torch.bool)
        if row["causal"]:
            counts &= causal(Q, K)
        if row["lengths"]:
            counts &= within(rest[-1], K)[:, None, None]
        mask = counts
        if row["mask"] and rest[0].dtype == torch.bool:
            mask = counts & rest[0]
        elif row["mask"]:
            mask = torch.zeros(B, H, Q, K, dtype=q.dtype).masked_fill(~counts, float("-inf")) + rest[0]
        return F.scaled_dot_product_attention(q, k, v, mask, scale=row["scale"], enable_gqa=row["group"] > 1)
    case(name, "scaled_dot_product_attention", inputs, run, options)


def ops():
    masks = [None, ("bool", "QK"), ("bool", "B11K"), ("bool", "BHQK"), ("float", "HQK"), ("float", "B1Q1"), ("float", "BHQK")]
    rows = pairwise(shape=[(2, 4, 3, 5, 4, 3), (3, 4, 5, 5, 8, 8), (2, 4, 7, 4, 1, 17), (1, 4, 6, 66, 3, 2)],
                    group=[1, 2, 4], mask=masks, causal=[False, True], lengths=[False, True], scale=[None, 0.3])
    for i, row in enumerate(rows):
        op_case(f"attention.{i}", row)


def weights(net, source):
    """The names of the parameters of a module, and random values."""
    named = list(net.named_parameters())
    return [name for name, _ in named], [source.floats(*p.shape, low=-0.5, high=0.5) for _, p in named]


def call(net, names, values, *args, **keywords):
    return torch.func.functional_call(net.to(values[0].dtype), dict(zip(names, values)), args, keywords)


def multihead_case(name, row):
    s = Source(name)
    B, T, S, E, H = 3, 4, 5, 6, row["heads"]
    keywords = {"bias": row["bias"], "batch_first": True}
    if row["kind"] == "dims":
        keywords.update(kdim=3, vdim=2)
    net = torch.nn.MultiheadAttention(E, H, **keywords)
    names, values = weights(net, s)
    sequences = [s.floats(B, T, E)]
    K = T if row["kind"] == "self" else S
    if row["kind"] != "self":
        sequences += [s.floats(B, S, keywords.get("kdim", E)), s.floats(B, S, keywords.get("vdim", E))]
    inputs = sequences + values
    if row["lengths"]:
        inputs.append(lengths_of(B, K))

    def run(*args):
        given = args[:len(sequences)]
        q, k, v = given if len(given) == 3 else given * 3
        masks = {"attn_mask": ~causal(T, K)} if row["causal"] else {}
        if row["lengths"]:
            masks["key_padding_mask"] = ~within(args[-1], K)
        y, p = call(net, names, args[len(given):len(given) + len(names)], q, k, v, average_attn_weights=False, **masks)
        if row["lengths"] and row["kind"] == "self":
            inside = within(args[-1], T)
            y, p = y.masked_fill(~inside[..., None], 0), p.masked_fill(~inside[:, None, :, None], 0)
        return [y, p]
    case(name, "multihead_attention", inputs, run, {**row, "E": E, "parameters": names})


def multihead():
    for i, row in enumerate(pairwise(kind=["self", "cross", "dims"], heads=[1, 2, 3], bias=[False, True],
                                     causal=[False, True], lengths=[False, True])):
        multihead_case(f"multihead.{i}", row)


def layer_keywords(row):
    return {"dim_feedforward": 3, "dropout": 0.0, "activation": row["activation"], "norm_first": row["norm_first"],
            "bias": row["bias"], "batch_first": True, "layer_norm_eps": 1e-3}


def layer_options(row, names):
    return {**row, "ff": 3, "eps": 1e-3, "parameters": names}


def encoder_case(name, row):
    s = Source(name)
    B, T, E, H = 3, 4, 6, 2
    layer = torch.nn.TransformerEncoderLayer(E, H, **layer_keywords(row))
    net = layer
    if row["layers"]:
        norm = torch.nn.LayerNorm(E) if row["norm"] else None
        net = torch.nn.TransformerEncoder(layer, row["layers"], norm, enable_nested_tensor=False)
    names, values = weights(net, s)
    inputs = [s.floats(B, T, E)] + values
    if row["lengths"]:
        inputs.append(lengths_of(B, T))

    def run(x, *rest):
        masks = {("mask" if row["layers"] else "src_mask"): ~causal(T, T)} if row["causal"] else {}
        if row["lengths"]:
            masks["src_key_padding_mask"] = ~within(rest[-1], T)
        y = call(net, names, rest[:len(names)], x, **masks)
        return y.masked_fill(~within(rest[-1], T)[..., None], 0) if row["lengths"] else y
    case(name, "transformer_encoder", inputs, run, layer_options(row, names))


def decoder_case(name, row):
    s = Source(name)
    B, T, S, E, H = 3, 3, 4, 6, 2
    layer = torch.nn.TransformerDecoderLayer(E, H, **layer_keywords(row))
    net = layer
    if row["layers"]:
        net = torch.nn.TransformerDecoder(layer, row["layers"], torch.nn.LayerNorm(E) if row["norm"] else None)
    names, values = weights(net, s)
    inputs = [s.floats(B, T, E), s.floats(B, S, E)] + values
    if row["lengths"]:
        inputs += [lengths_of(B, T), lengths_of(B, S)]

    def run(x, memory, *rest):
        masks = {"tgt_mask": ~causal(T, T)} if row["causal"] else {}
        if row["lengths"]:
            masks["tgt_key_padding_mask"] = ~within(rest[-2], T)
            masks["memory_key_padding_mask"] = ~within(rest[-1], S)
        y = call(net, names, rest[:len(names)], x, memory, **masks)
        return y.masked_fill(~within(rest[-2], T)[..., None], 0) if row["lengths"] else y
    case(name, "transformer_decoder", inputs, run, layer_options(row, names))


def transformer_case(name, row):
    s = Source(name)
    B, T, S, E, H = 3, 3, 4, 6, 2
    net = torch.nn.Transformer(E, H, row["layers"], row["layers"], **layer_keywords(row))
    names, values = weights(net, s)
    inputs = [s.floats(B, S, E), s.floats(B, T, E)] + values
    if row["lengths"]:
        inputs += [lengths_of(B, S), lengths_of(B, T)]

    def run(source, target, *rest):
        masks = {"tgt_mask": ~causal(T, T)} if row["causal"] else {}
        if row["lengths"]:
            padding = ~within(rest[-2], S)
            masks.update(src_key_padding_mask=padding, memory_key_padding_mask=padding,
                         tgt_key_padding_mask=~within(rest[-1], T))
        y = call(net, names, rest[:len(names)], source, target, **masks)
        return y.masked_fill(~within(rest[-1], T)[..., None], 0) if row["lengths"] else y
    case(name, "transformer", inputs, run, layer_options(row, names))


def transformers():
    common = {"activation": ["relu", "gelu"], "norm_first": [False, True], "bias": [False, True], "causal": [False, True],
              "lengths": [False, True]}
    for i, row in enumerate(pairwise(layers=[0, 1, 2], norm=[False, True], **common)):
        encoder_case(f"encoder.{i}", row)
        decoder_case(f"decoder.{i}", row)
    for i, row in enumerate(pairwise(layers=[1], **common)):
        transformer_case(f"transformer.{i}", row)


PARTS = (ops, multihead, transformers)
