"""Embeddings and bags of them."""
import itertools

import numpy as np
import torch
import torch.nn.functional as F

from golden_file import INF, TIGHT_TOLERANCE, Source, array, case

TABLE_NORMS = list(itertools.product([None, 0.7, 1.5], [2.0, 1.0, 3.0, 0.5, INF]))


def table_of(s):
    table = s.floats(6, 5, low=-1, high=1)
    table[4] = 0  # a norm of 0
    return table


def renormed(weight, ids, row):
    """The table after a lookup with max_norm, which the weight becomes, too."""
    with torch.no_grad():
        table = weight.clone()
        F.embedding(ids.flatten(), table, None, row["max_norm"], row["norm_type"])
    weight.data.copy_(table)
    return table


def with_norms(grid):
    """Rows of a grid, each with one of the pairs of norms, in turn."""
    for i, row in enumerate(grid):
        row["max_norm"], row["norm_type"] = TABLE_NORMS[i * 7 % len(TABLE_NORMS)]
        yield row


def every(**axes):
    return [dict(zip(axes, values)) for values in itertools.product(*axes.values())]


def table_options(row):
    options = {key: row[key] for key in ("norm_type", "freq", "sparse")}
    options.update({k: row[k] for k in ("padding", "max_norm") if row[k] is not None})
    return options


def embeddings():
    grid = every(padding=[None, 0, 3], freq=[False, True], sparse=[False, True],
                 ids=[(), (9,), (3, 4), (0,), (2, 0), (2, 2, 5)])
    for i, row in enumerate(with_norms(grid)):
        name = f"embedding.{i}"
        s = Source(name)
        table = table_of(s)
        ids = s.integers(0, 6, *row["ids"])
        if ids.ndim == 1 and ids.size:
            ids[:3] = row["padding"] or 0, 4, row["padding"] or 0

        def look_up(weight, ids):
            # Where PyTorch has no sparse gradient, the dense one is the reference.
            table = renormed(weight, ids, row)
            y = F.embedding(ids, weight, row["padding"], None, 2.0, row["freq"],
                            row["sparse"] and not row["freq"] and ids.dim() > 0)
            return y, table

        case(name, "embedding", [table, ids], look_up, table_options(row), tolerance=TIGHT_TOLERANCE)


BAGS = {"2d": ((3, 4), None), "2d_empty": ((2, 0), None), "offsets": ((9,), (0, 2, 2, 5)),
        "last": ((9,), (0, 3, 3, 7, 9)), "trailing": ((5,), (0, 5, 5)), "one": ((7,), (0,))}


def bag_by_definition(weight, ids, starts, row, factors):
    """What PyTorch's EmbeddingBag should give; its own scale_grad_by_freq divides by wrong counts."""
    rows = F.embedding(ids.flatten(), weight, row["padding"], None, 2.0, row["freq"])
    if factors is not None:
        rows = rows * factors.flatten()[:, None]
    bags = []
    for begin, end in zip(starts, starts[1:]):
        members = [k for k in range(begin, end) if ids.flatten()[k] != row["padding"]]
        if not members:
            bags.append(torch.zeros_like(weight[0]))
            continue
        part = rows[members]
        bags.append({"sum": part.sum, "mean": part.mean, "max": lambda d: part.max(d)[0]}[row["mode"]](0))
    return torch.stack(bags)


def bag_of_torch(weight, ids, offsets, row, factors):
    return F.embedding_bag(ids, weight, offsets, None, 2.0, False, row["mode"], row["sparse"], factors,
                           row["form"] == "last", row["padding"])


def embedding_bags():
    grid = [row for row in every(mode=["sum", "mean", "max"], padding=[None, 0, 3], freq=[False, True],
                                 sparse=[False, True], weights=[False, True], form=list(BAGS))
            if not (row["mode"] == "max" and (row["freq"] or row["sparse"]))
            and not (row["weights"] and row["mode"] != "sum")]
    for i, row in enumerate(with_norms(grid)):
        name = f"embedding_bag.{i}"
        s = Source(name)
        shape, offsets = BAGS[row["form"]]
        ids = s.integers(0, 6, *shape)
        if row["padding"] is not None and ids.size:
            ids.ravel()[:3] = row["padding"]  # a bag with nothing else, a bag with others
        inputs = [table_of(s), ids]
        if offsets is not None:
            inputs.append(array(offsets, np.int64))
        if row["weights"]:
            inputs.append(s.floats(*shape))
        options = {"mode": row["mode"], **table_options(row), "offsets": offsets is not None,
                   "last": row["form"] == "last", "weights": row["weights"]}

        def look_up(weight, ids, *more):
            table = renormed(weight, ids, row)
            more = list(more)
            at = more.pop(0) if offsets is not None else None
            factors = more.pop(0) if row["weights"] else None
            starts = list(range(0, 1 + ids.numel(), 4)) if at is None else at.tolist()
            if at is None and not ids.numel():
                starts = [0, 0, 0]
            elif at is not None and row["form"] != "last":
                starts.append(len(ids))
            y = bag_by_definition(weight, ids, starts, row, factors)
            if not row["freq"] and ids.numel():  # PyTorch divides by zero without ids
                expected = y.detach()
                y = bag_of_torch(weight, ids, at, row, factors)
                assert torch.allclose(y, expected, rtol=1e-5, atol=1e-6), name
            return y, table

        case(name, "embedding_bag", inputs, look_up, options, tolerance=TIGHT_TOLERANCE)


PARTS = (embeddings, embedding_bags)
