"""Batch, group and weight normalization. Features are last here: PyTorch gets x transposed. Sequences that are shorter are
computed from their own positions, joined for batch norm and alone for group norm."""
import numpy as np
import torch
import torch.nn.functional as F

from golden_file import Source, array, case, pairwise

LENGTHS = [3, 0, 2]


def channels_second(f, x):
    """f of x [B, T, C] as [B, C, T]."""
    return f(x.transpose(1, 2)).transpose(1, 2) if x.dim() == 3 else f(x)


def joined(x, lengths):
    """The positions that count, [rows, C]."""
    return torch.cat([sequence[:n] for sequence, n in zip(x, lengths)])


def spread(rows, x, lengths):
    """The opposite: [B, T, C] with zeros in the padding."""
    parts = torch.split(rows, list(lengths))
    return torch.stack([F.pad(part, (0, 0, 0, x.shape[1] - len(part))) for part in parts])


def batch_norm():
    for i, row in enumerate(pairwise(shape=[(4, 3), (3, 5, 2), (3, 4, 9)], training=[False, True], running=[False, True],
                                     weight=[False, True], bias=[False, True], momentum=[0.1, 0.7, 0.0, 1.0],
                                     eps=[1e-5, 0.3], lengths=[False, True])):
        name = f"batch_norm.{i}"
        s = Source(name)
        shape, masked = row["shape"], row["lengths"] and len(row["shape"]) == 3
        running = row["running"] or not row["training"]
        C = shape[-1]
        inputs = [s.floats(*shape)] + [s.floats(C) for k in ("weight", "bias") if row[k]]
        first_running = len(inputs)
        if running:
            inputs += [s.floats(C), s.floats(C, low=0.5, high=2.0)]
        if masked:
            inputs.append(np.array(LENGTHS, np.int64))

        def run(x, *rest):
            rest = list(rest)
            weight, bias = (rest.pop(0) if row[k] else None for k in ("weight", "bias"))
            mean, var = (t.clone() for t in rest[:2]) if running else (None, None)

            def norm(y):
                return F.batch_norm(y, mean, var, weight, bias, row["training"], row["momentum"], row["eps"])
            y = spread(norm(joined(x, LENGTHS)), x, LENGTHS) if masked else channels_second(norm, x)
            return [y] + [mean, var] * (running and row["training"])
        options = {k: row[k] for k in ("training", "weight", "bias", "momentum", "eps")}
        case(name, "batch_norm", inputs, run, {**options, "running": running, "lengths": masked},
             frozen=(first_running, first_running + 1))


def batch_norm_layer():
    """A layer after some steps in training mode, and then a step in eval mode."""
    for i, row in enumerate(pairwise(shape=[(4, 3), (3, 5, 2)], momentum=[0.1, 0.5, None], affine=[False, True],
                                     track=[False, True], eps=[1e-5, 0.1])):
        name = f"batch_norm_1d.{i}"
        s = Source(name)
        C, steps = row["shape"][-1], 4
        inputs = [s.floats(*row["shape"], low=-1 + k, high=2 + 2 * k) for k in range(steps)]
        inputs += [s.floats(C) for _ in range(2 * row["affine"])]

        def run(*args):
            net = torch.nn.BatchNorm1d(C, row["eps"], row["momentum"], row["affine"], row["track"]).to(args[0].dtype)
            values = dict(zip(("weight", "bias"), args[steps:]))
            buffers = {k: v.clone() for k, v in net.named_buffers()}

            def norm(x):  # changes the buffers
                return torch.func.functional_call(net, {**values, **buffers}, (x,))
            results = []
            for k, x in enumerate(args[:steps]):
                net.train(k < steps - 1)
                results.append(channels_second(norm, x))
            return results + [buffers[k] for k in ("running_mean", "running_var", "num_batches_tracked") if row["track"]]
        options = {k: row[k] for k in ("affine", "track", "eps")}
        if row["momentum"] is not None:
            options["momentum"] = row["momentum"]
        case(name, "batch_norm_1d", inputs, run, options)


def group_norm():
    for i, row in enumerate(pairwise(shape=[(4, 24), (3, 5, 6), (3, 4, 18)], groups=[1, 2, 3], weight=[False, True],
                                     bias=[False, True], eps=[1e-5, 0.3], lengths=[False, True])):
        name = f"group_norm.{i}"
        s = Source(name)
        shape, groups = row["shape"], row["groups"]
        masked = row["lengths"] and len(shape) == 3
        inputs = [s.floats(*shape)] + [s.floats(shape[-1]) for k in ("weight", "bias") if row[k]]
        if masked:
            inputs.append(np.array(LENGTHS, np.int64))

        def run(x, *rest):
            rest = list(rest)
            weight, bias = (rest.pop(0) if row[k] else None for k in ("weight", "bias"))

            def norm(y):
                return torch.group_norm(y, groups, weight, bias, row["eps"]) if y.numel() else y
            if not masked:
                return channels_second(norm, x)
            alone = [channels_second(norm, sequence[None, :n])[0] for sequence, n in zip(x, LENGTHS)]
            return spread(torch.cat(alone), x, LENGTHS)
        options = {k: row[k] for k in ("weight", "bias", "eps")}
        case(name, "group_norm", inputs, run, {"groups": groups, **options, "lengths": masked})


def weight_norm():
    for shape in [(4, 3), (3, 2, 5)]:
        for dim in (*range(len(shape)), None):
            name = f"weight_norm.{len(shape)}_{dim}"
            s = Source(name)
            norms = [n if k == dim else 1 for k, n in enumerate(shape)] if dim is not None else []
            case(name, "weight_norm", [s.floats(*shape), array(s.floats(*norms))],
                 lambda v, g: torch._weight_norm(v, g, -1 if dim is None else dim), {} if dim is None else {"dim": dim})
    for dim in (0, 1, None):  # a layer: its parameters by name
        name = f"weight_norm_linear.{dim}"
        s = Source(name)
        weight, bias = s.floats(2, 3), s.floats(2)

        def run(x, w, b):
            net = torch.nn.Linear(3, 2).to(x.dtype)
            net.load_state_dict({"weight": w.detach(), "bias": b.detach()})
            net = torch.nn.utils.weight_norm(net, dim=dim)
            y = net(x)
            y.backward(torch.ones_like(y), retain_graph=True)
            result = [y, net.weight_g, net.weight_v, net.weight_g.grad, net.weight_v.grad, net.bias.grad]
            return [r.detach() for r in result]
        case(name, "weight_norm_linear", [s.floats(4, 3), weight, bias], run, {} if dim is None else {"dim": dim},
             gradients=False)


PARTS = (batch_norm, batch_norm_layer, group_norm, weight_norm)
