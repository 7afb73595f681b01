"""Losses. Classes are the last axis of inputs here, and axis 1 in torch."""
import numpy as np
import torch
import torch.nn.functional as F

from golden_file import INF, Source, array, case, pairwise

REDUCTIONS = ["mean", "sum", "none"]


def classes_first(x):
    return x.movedim(-1, 1).contiguous() if x.dim() > 2 else x


def class_labels(s, shape, ignore):
    labels = s.integers(0, shape[-1], *shape[:-1])
    if labels.ndim and ignore is not None:
        labels.flat[labels.size // 2] = ignore
        labels.flat[0] = shape[-1] - 1 if ignore != shape[-1] - 1 else 0  # not all of them
    return labels


def of_classes():
    rows = pairwise(labels=["ids", "probabilities"], shape=[(5, 4), (2, 3, 5), (3, 17), (2, 2, 2, 3), (4,), (3, 70)],
                    weight=[False, True], ignore=[None, 1, -1], smoothing=[0.0, 0.125, 1.0], reduction=REDUCTIONS)
    for i, row in enumerate(rows):
        name = f"loss.cross_entropy.{i}"
        s = Source(name)
        shape, probabilities = row["shape"], row["labels"] == "probabilities"
        ignore = -100 if row["ignore"] is None or len(shape) == 1 or probabilities else row["ignore"]
        target = s.floats(*shape, low=0, high=1) if probabilities else class_labels(s, shape, ignore)
        inputs = [s.floats(*shape, low=-6, high=6), target] + [s.floats(shape[-1], low=0.25, high=2)] * row["weight"]

        def f(x, y, w=None):
            y = classes_first(y) if probabilities else y
            return F.cross_entropy(classes_first(x), y, w, ignore_index=ignore, reduction=row["reduction"],
                                   label_smoothing=row["smoothing"])
        case(name, "cross_entropy", inputs, f,
             {"reduction": row["reduction"], "ignore_index": ignore, "label_smoothing": row["smoothing"],
              "weight": row["weight"]}, frozen=(2,))
    case("loss.cross_entropy.zero_weight", "cross_entropy",
         [array([[1, -2, 0.5], [3, 1, 0], [0.5, 0, 1]]), array([1, 2, 1], np.int64), array([1, 0, 2])],
         lambda x, y, w: F.cross_entropy(x, y, w, label_smoothing=0.25),
         {"reduction": "mean", "ignore_index": -100, "label_smoothing": 0.25, "weight": True}, frozen=(2,))
    case("loss.cross_entropy.far", "cross_entropy",
         [array([[1e4, -1e4, 0], [-1e4, 1e4, 5]]), array([[0.5, 0.25, 0.25], [0, 1, 0]])],
         lambda x, y: F.cross_entropy(x, y, reduction="none", label_smoothing=0.5),
         {"reduction": "none", "ignore_index": -100, "label_smoothing": 0.5, "weight": False})

    rows = pairwise(shape=[(5, 4), (2, 3, 5), (3, 2, 2, 3), (4,)], weight=[False, True], ignore=[None, 1, -1],
                    reduction=REDUCTIONS)
    for i, row in enumerate(rows):
        name = f"loss.nll_loss.{i}"
        s = Source(name)
        shape = row["shape"]
        ignore = -100 if row["ignore"] is None or len(shape) == 1 else row["ignore"]
        inputs = [s.floats(*shape), class_labels(s, shape, ignore)]
        inputs += [s.floats(shape[-1], low=0.25, high=2)] * row["weight"]
        case(name, "nll_loss", inputs,
             lambda x, y, w=None: F.nll_loss(classes_first(x), y, w, ignore_index=ignore, reduction=row["reduction"]),
             {"reduction": row["reduction"], "ignore_index": ignore, "weight": row["weight"]}, frozen=(2,))

    rows = pairwise(shape=[(5, 4), (2, 3, 7), (2, 2, 1, 3), (6,)], classes=[2, 5, 19], bias=[False, True],
                    weight=[False, True], ignore=[None, 0, -1], smoothing=[0.0, 0.25], reduction=REDUCTIONS)
    for i, row in enumerate(rows):
        name = f"loss.linear_cross_entropy.{i}"
        s = Source(name)
        shape, classes = row["shape"], row["classes"]
        ignore = -100 if row["ignore"] is None or len(shape) == 1 else row["ignore"]
        labels = class_labels(s, shape[:-1] + (classes,), ignore)
        inputs = [s.floats(*shape), s.floats(classes, shape[-1])] + [s.floats(classes)] * row["bias"] + [labels]
        inputs += [s.floats(classes, low=0.25, high=2)] * row["weight"]

        def f(x, w, *rest):
            rest = list(rest)
            bias = rest.pop(0) if row["bias"] else None
            return F.cross_entropy(classes_first(F.linear(x, w, bias)), *rest, ignore_index=ignore,
                                   reduction=row["reduction"], label_smoothing=row["smoothing"])
        case(name, "linear_cross_entropy", inputs, f,
             {"reduction": row["reduction"], "ignore_index": ignore, "label_smoothing": row["smoothing"],
              "bias": row["bias"], "weight": row["weight"]}, frozen=(3 + row["bias"],))


def of_pairs():
    for i, row in enumerate(pairwise(shape=[(4, 3), (2, 3, 5), (), (33,)], reduction=REDUCTIONS)):
        for op, f in (("l1_loss", F.l1_loss), ("mse_loss", F.mse_loss)):
            name = f"loss.{op}.{i}"
            s = Source(name)
            case(name, op, [s.floats(*row["shape"]), s.floats(*row["shape"])],
                 lambda x, y: f(x, y, reduction=row["reduction"]), {"reduction": row["reduction"]})
    case("loss.l1_loss.equal", "l1_loss", [array([1, 2, -3]), array([1, 2, 3])], F.l1_loss, {"reduction": "mean"})
    for i, row in enumerate(pairwise(shape=[(4, 3), (33,)], at=[0.0, 0.5, 1.0, 3.0], reduction=REDUCTIONS)):
        name = f"loss.smooth_l1_loss.{i}"
        s = Source(name)
        inputs = [s.floats(*row["shape"]), s.floats(*row["shape"])]
        case(name, "smooth_l1_loss", inputs,
             lambda x, y: F.smooth_l1_loss(x, y, beta=row["at"], reduction=row["reduction"]),
             {"reduction": row["reduction"], "beta": row["at"]})
        if row["at"] == 0:
            continue
        case(f"loss.huber_loss.{i}", "huber_loss", inputs,
             lambda x, y: F.huber_loss(x, y, delta=row["at"], reduction=row["reduction"]) + 0,
             {"reduction": row["reduction"], "delta": row["at"]})
    for i, row in enumerate(pairwise(shape=[(4, 3), (2, 3, 5), (6,)], log=[False, True],
                                     reduction=REDUCTIONS + ["batchmean"])):
        name = f"loss.kl_div.{i}"
        s = Source(name)
        case(name, "kl_div", [s.floats(*row["shape"], low=-4, high=-0.5),
                              s.floats(*row["shape"], low=-3, high=0) if row["log"] else
                              s.floats(*row["shape"], low=0.125, high=1)],
             lambda x, y: F.kl_div(x, y, log_target=row["log"], reduction=row["reduction"]),
             {"reduction": "mean" if row["reduction"] == "batchmean" else row["reduction"], "log_target": row["log"],
              "batch_mean": row["reduction"] == "batchmean"})
    case("loss.kl_div.zero_target", "kl_div", [array([[-1, -2, -0.5]]), array([[0, 0.75, 0.25]])],
         lambda x, y: F.kl_div(x, y, reduction="sum"), {"reduction": "sum", "log_target": False, "batch_mean": False},
         frozen=(1,))


def of_answers():
    for i, row in enumerate(pairwise(shape=[(4, 3), (2, 3, 5), (33,)], weight=[None, "last", "full"],
                                     reduction=REDUCTIONS)):
        name = f"loss.binary_cross_entropy.{i}"
        s = Source(name)
        shape = row["shape"]
        inputs = [s.floats(*shape, low=0.0625, high=0.9375), s.floats(*shape, low=0, high=1)]
        if row["weight"]:
            inputs.append(s.floats(*(shape if row["weight"] == "full" else shape[-1:]), low=0.25, high=2))
        case(name, "binary_cross_entropy", inputs,
             lambda x, y, w=None: F.binary_cross_entropy(x, y, w, reduction=row["reduction"]),
             {"reduction": row["reduction"], "weight": row["weight"] is not None}, frozen=(2,))
    case("loss.binary_cross_entropy.certain", "binary_cross_entropy",
         [array([0, 1, 1, 0, 0.5]), array([1, 0, 1, 0, 0])], lambda x, y: F.binary_cross_entropy(x, y, reduction="sum"),
         {"reduction": "sum", "weight": False}, frozen=(1,))
    rows = pairwise(shape=[(4, 3), (2, 3, 5), (33,)], weight=[None, "last", "full"], pos=[None, "last", "full"],
                    reduction=REDUCTIONS)
    for i, row in enumerate(rows):
        name = f"loss.binary_cross_entropy_with_logits.{i}"
        s = Source(name)
        shape = row["shape"]
        inputs = [s.floats(*shape, low=-6, high=6), s.floats(*shape, low=0, high=1)]
        for k in ("weight", "pos"):
            if row[k]:
                inputs.append(s.floats(*(shape if row[k] == "full" else shape[-1:]), low=0.25, high=2))

        def f(x, y, *rest):
            rest = list(rest)
            weight, pos = (rest.pop(0) if row[k] else None for k in ("weight", "pos"))
            return F.binary_cross_entropy_with_logits(x, y, weight, pos_weight=pos, reduction=row["reduction"])
        case(name, "binary_cross_entropy_with_logits", inputs, f,
             {"reduction": row["reduction"], "weight": row["weight"] is not None,
              "pos_weight": row["pos"] is not None}, frozen=(2, 3))
    case("loss.binary_cross_entropy_with_logits.far", "binary_cross_entropy_with_logits",
         [array([2, -1000, 1e4, -1e4, 1e4]), array([0, 0, 1, 1, 0.5])],
         lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction="none"),
         {"reduction": "none", "weight": False, "pos_weight": False})

    def focal(x, y, alpha, gamma, reduction):  # torchvision's
        p = torch.sigmoid(x)
        p_t = p * y + (1 - p) * (1 - y)
        loss = F.binary_cross_entropy_with_logits(x, y, reduction="none") * (1 - p_t) ** gamma
        if alpha >= 0:
            loss = (alpha * y + (1 - alpha) * (1 - y)) * loss
        return {"mean": loss.mean, "sum": loss.sum, "none": lambda: loss}[reduction]()
    rows = pairwise(shape=[(4, 3), (17,)], alpha=[0.25, 0.75, -1.0], gamma=[0.0, 1.5, 2.0], hard=[False, True],
                    reduction=REDUCTIONS)
    for i, row in enumerate(rows):
        name = f"loss.sigmoid_focal_loss.{i}"
        s = Source(name)
        y = s.integers(0, 2, *row["shape"]).astype(np.float32) if row["hard"] else s.floats(*row["shape"], low=0, high=1)
        case(name, "sigmoid_focal_loss", [s.floats(*row["shape"], low=-4, high=4), y],
             lambda x, t: focal(x, t, row["alpha"], row["gamma"], row["reduction"]),
             {k: row[k] for k in ("reduction", "alpha", "gamma")})


def signs(s, *shape):
    return s.integers(0, 2, *shape) * 2 - 1


def of_margins():
    for i, row in enumerate(pairwise(shape=[(4, 3), (7,)], margin=[0.0, 0.5, 1.0], reduction=REDUCTIONS)):
        shape, margin, reduction = row["shape"], row["margin"], row["reduction"]
        options = {"margin": margin, "reduction": reduction}
        name = f"loss.hinge_embedding_loss.{i}"
        s = Source(name)
        case(name, "hinge_embedding_loss", [s.floats(*shape), signs(s, *shape)],
             lambda x, y: F.hinge_embedding_loss(x, y, margin=margin, reduction=reduction), options)
        name = f"loss.margin_ranking_loss.{i}"
        s = Source(name)
        case(name, "margin_ranking_loss", [s.floats(*shape), s.floats(*shape), signs(s, *shape)],
             lambda a, b, y: F.margin_ranking_loss(a, b, y, margin=margin, reduction=reduction), options)
        name = f"loss.cosine_embedding_loss.{i}"
        s = Source(name)
        case(name, "cosine_embedding_loss", [s.floats(shape[0], 5), s.floats(shape[0], 5), signs(s, shape[0])],
             lambda a, b, y: F.cosine_embedding_loss(a, b, y, margin=margin - 0.5, reduction=reduction),
             {"margin": margin - 0.5, "reduction": reduction})
    for reduction in REDUCTIONS:
        name = f"loss.soft_margin_loss.{reduction}"
        s = Source(name)
        case(name, "soft_margin_loss", [s.floats(4, 3, low=-9, high=9), signs(s, 4, 3)],
             lambda x, y: F.soft_margin_loss(x, y, reduction=reduction), {"reduction": reduction})
    rows = pairwise(p=[1.0, 2.0, 3.0], margin=[0.5, 1.0], swap=[False, True], eps=[1e-6, 0.125], reduction=REDUCTIONS)
    for i, row in enumerate(rows):
        name = f"loss.triplet_margin_loss.{i}"
        s = Source(name)
        case(name, "triplet_margin_loss", [s.floats(6, 4), s.floats(6, 4), s.floats(6, 4)],
             lambda a, p, n: F.triplet_margin_loss(a, p, n, **row), row)
    rows = pairwise(shape=[(5, 4), (3, 9), (6,)], p=[1, 2], margin=[0.5, 1.0, 3.0], weight=[False, True],
                    reduction=REDUCTIONS)
    for i, row in enumerate(rows):
        name = f"loss.multi_margin_loss.{i}"
        s = Source(name)
        shape = row["shape"]
        inputs = [s.floats(*shape), s.integers(0, shape[-1], *shape[:-1])]
        inputs += [s.floats(shape[-1], low=0.25, high=2)] * row["weight"]
        case(name, "multi_margin_loss", inputs,
             lambda x, y, w=None: F.multi_margin_loss(x, y, row["p"], row["margin"], w, reduction=row["reduction"]),
             {k: row[k] for k in ("p", "margin", "weight", "reduction")}, frozen=(2,))
    for reduction in REDUCTIONS:
        name = f"loss.multilabel_margin_loss.{reduction}"
        s = Source(name)
        labels = array([[2, 0, -1, 1, 1], [-1, 3, 0, 0, 0], [4, 3, 2, 1, 0], [1, -1, -1, -1, -1]], np.int64)
        case(name, "multilabel_margin_loss", [s.floats(4, 5), labels],
             lambda x, y: F.multilabel_margin_loss(x, y, reduction=reduction), {"reduction": reduction})
    case("loss.multilabel_margin_loss.row", "multilabel_margin_loss",
         [array([0.5, -1, 2, 0.25]), array([3, 1, -1, 0], np.int64)],
         lambda x, y: F.multilabel_margin_loss(x, y), {"reduction": "mean"})
    for i, row in enumerate(pairwise(shape=[(4, 3), (2, 3, 5), (6,)], weight=[False, True], reduction=REDUCTIONS)):
        name = f"loss.multilabel_soft_margin_loss.{i}"
        s = Source(name)
        shape = row["shape"]
        inputs = [s.floats(*shape, low=-5, high=5), s.floats(*shape, low=0, high=1)]
        inputs += [s.floats(shape[-1], low=0.25, high=2)] * row["weight"]
        case(name, "multilabel_soft_margin_loss", inputs,
             lambda x, y, w=None: F.multilabel_soft_margin_loss(x, y, w, reduction=row["reduction"]),
             {"weight": row["weight"], "reduction": row["reduction"]}, frozen=(1, 2))


def of_embeddings():
    def info_nce(a, p, n, temperature, cosine, symmetric, reduction):
        c = p if n is None else torch.cat([p, n])
        if cosine:
            a, p, c = (F.normalize(x, dim=1) for x in (a, p, c))
        labels = torch.arange(len(a))
        loss = F.cross_entropy(a @ c.T / temperature, labels, reduction=reduction)
        if symmetric:
            loss = (loss + F.cross_entropy(p @ a.T / temperature, labels, reduction=reduction)) / 2
        return loss
    rows = pairwise(shape=[(4, 3), (6, 8), (1, 5)], negatives=[0, 2, 9], temperature=[0.125, 1.0], cosine=[False, True],
                    symmetric=[False, True], reduction=REDUCTIONS)
    for i, row in enumerate(rows):
        name = f"loss.info_nce_loss.{i}"
        s = Source(name)
        B, D = row["shape"]
        if row["symmetric"] and row["negatives"]:
            row["symmetric"] = False
        if B == 1 and not row["negatives"]:
            B = 2
        inputs = [s.floats(B, D), s.floats(B, D)] + [s.floats(row["negatives"], D)] * (row["negatives"] > 0)
        options = {k: row[k] for k in ("temperature", "cosine", "symmetric", "reduction")}
        case(name, "info_nce_loss", inputs, lambda a, p, n=None: info_nce(a, p, n, **options), options)
    for i, (sizes, weights) in enumerate([([8, 4, 2], None), ([8, 3], [1.0, 0.5]), ([1], [2.0])]):
        name = f"loss.matryoshka_loss.{i}"
        s = Source(name)

        def matryoshka(a, p):
            return sum(w * info_nce(a[:, :k], p[:, :k], None, 0.05, True, False, "mean")
                       for k, w in zip(sizes, weights or [1.0] * len(sizes)))
        case(name, "matryoshka_loss", [s.floats(5, 8), s.floats(5, 8)], matryoshka,
             {"sizes": sizes, **({"weights": weights} if weights else {})})


PARTS = (of_classes, of_pairs, of_answers, of_margins, of_embeddings)
