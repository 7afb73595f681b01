"""Normalization, softmax and losses."""
import numpy as np
import torch
import torch.nn.functional as F

from golden_file import INF, NAN, Source, array, case, named, pairwise


def normalization():
    for i, row in enumerate(pairwise(shape=[(3, 5), (2, 3, 4), (4, 33)], axes=[1, 2], weight=[False, True],
                                     bias=[False, True], eps=[1e-5, 0.5])):
        name = f"layer_norm.{i}"
        s = Source(name)
        normalized = row["shape"][-row["axes"]:]
        inputs = [s.floats(*row["shape"])] + [s.floats(*normalized) for k in ("weight", "bias") if row[k]]

        def layer_norm(x, *rest):
            rest = list(rest)
            weight, bias = (rest.pop(0) if row[k] else None for k in ("weight", "bias"))
            return F.layer_norm(x, normalized, weight, bias, row["eps"])
        case(name, "layer_norm", inputs, layer_norm, {k: row[k] for k in ("axes", "weight", "bias", "eps")})

        def rms_norm(x, weight=None):  # torch has one from 2.4 on
            axes = tuple(range(-row["axes"], 0))
            eps = row["eps"] if row["bias"] else torch.finfo(x.dtype).eps
            y = x / torch.sqrt((x * x).mean(axes, keepdim=True) + eps)
            return y if weight is None else y * weight
        options = {k: row[k] for k in ("axes", "weight") + ("eps",) * row["bias"]}
        case(f"rms_norm.{i}", "rms_norm", inputs[:1 + row["weight"]], rms_norm, options)
    equal = array([[3, 3, 3], [0, 0, 0], [1, 2, 4]])
    case("layer_norm.equal", "layer_norm", [equal], lambda x: F.layer_norm(x, (3,), eps=0.25), {"axes": 1, "eps": 0.25})
    far = array([[999998, 999999, 1000000, 1000003]])
    case("layer_norm.far", "layer_norm", [far], lambda x: F.layer_norm(x, (4,)), {"axes": 1, "eps": 1e-5},
         widths=("float64",), gradients=False)  # in float32, and in gradients, torch loses digits


def losses():
    for op, f in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        for shape, axis in [((5,), 0), ((3, 7), 1), ((3, 7), 0), ((2, 3, 4), 1), ((2, 70), -1), ((0, 4), 1)]:
            name = f"{op}.{named(shape)}_{axis}"
            case(name, op, [Source(name).floats(*shape, low=-5, high=5)], lambda x: f(x, axis), {"axis": axis})
        awkward = array([[1000, 999.5, -1000], [-INF, 2, 1], [88, 89, 90], [-3e38, 0, -3e38]])
        case(f"{op}.awkward", op, [awkward], lambda x: f(x, -1), {"axis": -1})
        case(f"{op}.nan", op, [array([[NAN, 1, 2], [INF, 0, 1], [1, 2, 4]])], lambda x: f(x, 1),
             {"axis": 1}, gradients=False)
    for i, row in enumerate(pairwise(op=["cross_entropy", "nll_loss"], reduction=["mean", "sum", "none"],
                                     ignore=[None, 2, -1], shape=[(6, 5), (5,), (1, 70), (9, 3)])):
        name = f"{row['op']}.{i}"
        s = Source(name)
        labels = s.integers(0, row["shape"][-1], *row["shape"][:-1])
        if row["ignore"] is not None and labels.ndim:
            labels[len(labels) // 2] = row["ignore"]  # not all of them
            labels[0] = 1
        ignore = -100 if row["ignore"] is None else row["ignore"]
        if labels.ndim == 0 and labels == ignore:
            ignore = -100
        f = {"cross_entropy": F.cross_entropy, "nll_loss": F.nll_loss}[row["op"]]
        case(name, row["op"], [s.floats(*row["shape"], low=-6, high=6), labels],
             lambda x, y: f(x, y, ignore_index=ignore, reduction=row["reduction"]),
             {"reduction": row["reduction"], "ignore_index": ignore})
    case("cross_entropy.awkward", "cross_entropy",
         [array([[1000, -1000, 0], [-INF, 3, 1], [2, -INF, 2]]), array([1, 1, 0], np.int64)],
         lambda x, y: F.cross_entropy(x, y, reduction="none"),
         {"reduction": "none", "ignore_index": -100})
    for reduction in ("mean", "sum", "none"):
        name = f"mse_loss.{reduction}"
        s = Source(name)
        case(name, "mse_loss", [s.floats(4, 3), s.floats(4, 3)],
             lambda x, y: F.mse_loss(x, y, reduction=reduction), {"reduction": reduction})

    def skip_gram(v, u, centers, contexts, negatives, reduction):
        centre = v[centers]
        near = (centre * u[contexts]).sum(1)
        far = torch.einsum("bd,bkd->bk", centre, u[negatives])
        loss = -F.logsigmoid(near) - F.logsigmoid(-far).sum(1)
        return {"mean": loss.mean, "sum": loss.sum, "none": lambda: loss}[reduction]()

    for reduction in ("mean", "sum", "none"):
        name = f"skip_gram.{reduction}"
        s = Source(name)
        case(name, "skip_gram", [s.floats(6, 9), s.floats(7, 9), s.integers(0, 6, 8), s.integers(0, 7, 8),
                                 s.integers(0, 7, 8, 3)],
             lambda *a: skip_gram(*a, reduction), {"reduction": reduction})


PARTS = (normalization, losses)
