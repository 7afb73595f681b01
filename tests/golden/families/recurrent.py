"""Recurrent layers and cells. Parameters are inputs, and `parameters` lists their names."""
import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from golden_file import Source, case, pairwise

LAYERS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
CELLS = {"rnn_cell": torch.nn.RNNCell, "gru_cell": torch.nn.GRUCell, "lstm_cell": torch.nn.LSTMCell}


def weights(make, source):
    """The names of the parameters of a module, and random values."""
    named = list(make().named_parameters())
    return [name for name, _ in named], [source.floats(*p.shape, low=-0.7, high=0.7) for _, p in named]


def call(make, names, values, *args):
    net = make().to(values[0].dtype)
    return torch.func.functional_call(net, dict(zip(names, values)), args)


def layer_case(name, op, row):
    s = Source(name)
    B, T, features, hidden = row["shape"]
    proj, relu = row.get("proj", 0), row.get("relu", False)
    options = {"hidden": hidden, "layers": row["layers"], "bias": row["bias"], "both": row["both"]}
    keywords = {"num_layers": row["layers"], "bias": row["bias"], "bidirectional": row["both"], "batch_first": True}
    if proj:
        options["proj"] = keywords["proj_size"] = proj
    if relu:
        options["relu"], keywords["nonlinearity"] = True, "relu"

    def make():
        return LAYERS[op](features, hidden, **keywords)
    names, values = weights(make, s)
    states = []
    if row["state"]:
        stack = row["layers"] * (1 + row["both"])
        states = [s.floats(stack, B, proj or hidden)] + [s.floats(stack, B, hidden)] * (op == "lstm")
        options["state"] = True
    inputs = [s.floats(B, T, features)] + states + values
    if row["lengths"]:
        inputs.append(np.array([T - 1, 1, T, 2][:B], np.int64))
        options["lengths"] = True

    def run(x, *rest):
        hx = rest[:len(states)]
        parameters = rest[len(states):len(states) + len(names)]
        hx = None if not hx else hx if op == "lstm" else hx[0]
        if not row["lengths"]:
            output, last = call(make, names, parameters, x, hx)
        else:
            packed = pack_padded_sequence(x, rest[-1], batch_first=True, enforce_sorted=False)
            output, last = call(make, names, parameters, packed, hx)
            output, _ = pad_packed_sequence(output, batch_first=True, total_length=T)
        return [output, *last] if op == "lstm" else [output, last]
    case(name, op, inputs, run, {**options, "parameters": names})


def layers():
    own = {"rnn": {"relu": [False, True]}, "gru": {}, "lstm": {"proj": [0, 2]}}
    for op in LAYERS:
        rows = pairwise(shape=[(3, 4, 2, 3), (4, 5, 3, 9)], layers=[1, 2, 3], both=[False, True], bias=[False, True],
                        state=[False, True], lengths=[False, True], **own[op])
        for i, row in enumerate(rows):
            layer_case(f"{op}.{i}", op, row)


def cells():
    for i, row in enumerate(pairwise(op=list(CELLS), bias=[False, True], state=[False, True])):
        op = row["op"]
        name = f"{op}.{i}"
        s = Source(name)

        def make():
            return CELLS[op](3, 5, bias=row["bias"])
        names, values = weights(make, s)
        states = [s.floats(4, 5) for _ in range((2 if op == "lstm_cell" else 1) * row["state"])]

        def run(x, *rest):
            hx = rest[:len(states)]
            hx = None if not hx else hx if op == "lstm_cell" else hx[0]
            return call(make, names, rest[len(states):], x, hx)
        case(name, op, [s.floats(4, 3)] + states + values, run,
             {"hidden": 5, "bias": row["bias"], "state": row["state"], "parameters": names})


PARTS = (layers, cells)
