"""BERT and GPT-2 in plain torch, as functions of a state dict under the names of Hugging Face.

They follow `transformers` (models/bert/modeling_bert.py, models/gpt2/modeling_gpt2.py) in eval mode: exact gelu and the mask
as a number that is added in BERT; gelu_new, Conv1D with weights [in, out] and the mask that the file holds in GPT-2.
"""
import math

import torch
import torch.nn.functional as F

LOWEST = torch.finfo(torch.float32).min


def norm(w, name, x, eps):
    return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], eps)


def dense(w, name, x):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


def conv1d(w, name, x):
    return x @ w[name + ".weight"] + w[name + ".bias"]


def split_heads(x, heads):
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)


def join_heads(x):
    return x.transpose(1, 2).flatten(2)


def depth(w, prefix):
    return 1 + max(int(name[len(prefix):].split(".")[0]) for name in w if name.startswith(prefix))


def bert(w, ids, lengths=None, types=None, heads=12, eps=1e-12):
    """The last states [B, T, width] and the pooled ones [B, width]."""
    T = ids.shape[1]
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:T]
    x = x + w["embeddings.token_type_embeddings.weight"][torch.zeros_like(ids) if types is None else types]
    x = norm(w, "embeddings.LayerNorm", x, eps)
    added = torch.zeros(len(ids), 1, 1, T, dtype=x.dtype)
    if lengths is not None:
        added.masked_fill_((torch.arange(T) >= lengths[:, None])[:, None, None], LOWEST)
    for i in range(depth(w, "encoder.layer.")):
        layer = f"encoder.layer.{i}."
        q, k, v = (split_heads(dense(w, layer + "attention.self." + part, x), heads) for part in ("query", "key", "value"))
        p = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]) + added, -1)
        y = dense(w, layer + "attention.output.dense", join_heads(p @ v))
        x = norm(w, layer + "attention.output.LayerNorm", y + x, eps)
        y = dense(w, layer + "output.dense", F.gelu(dense(w, layer + "intermediate.dense", x)))
        x = norm(w, layer + "output.LayerNorm", y + x, eps)
    return x, torch.tanh(dense(w, "pooler.dense", x[:, 0]))


def gelu_new(x):
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


def gpt2(w, ids, heads=12, eps=1e-5):
    """The logits [B, T, vocabulary]."""
    T = ids.shape[1]
    x = w["wte.weight"][ids] + w["wpe.weight"][:T]
    for i in range(depth(w, "h.")):
        layer = f"h.{i}."
        qkv = conv1d(w, layer + "attn.c_attn", norm(w, layer + "ln_1", x, eps)).chunk(3, -1)
        q, k, v = (split_heads(part, heads) for part in qkv)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        scores = torch.where(w[layer + "attn.bias"][:, :, :T, :T] > 0, scores, torch.tensor(LOWEST, dtype=x.dtype))
        x = x + conv1d(w, layer + "attn.c_proj", join_heads(torch.softmax(scores, -1) @ v))
        hidden = gelu_new(conv1d(w, layer + "mlp.c_fc", norm(w, layer + "ln_2", x, eps)))
        x = x + conv1d(w, layer + "mlp.c_proj", hidden)
    return norm(w, "ln_f", x, eps) @ w["wte.weight"].T
