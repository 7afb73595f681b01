"""Reductions, norms, running sums and softmax along rows."""
import numpy as np
import torch
import torch.nn.functional as F

from golden_file import INF, NAN, Source, array, case, int_case, pairwise


def over(f, axes, keepdim):
    return (lambda x: f(x)) if axes is None else (lambda x: f(x, dim=axes, keepdim=keepdim))


def all_of(f):
    def reduce(x, dim=None, keepdim=False):
        for axis in sorted({a % x.dim() for a in dim}, reverse=True):
            x = f(x, dim=axis, keepdim=keepdim)
        return x
    return lambda x, **k: reduce(x, **k) if k else f(x)


def reductions():
    axes = [None, (0,), (1,), (-1,), (0, 2), (0, 1, 2), (-1, 0)]
    shapes = [(2, 3, 4), (5, 1, 33), (3, 40, 2)]
    float_ops = {"sum": torch.sum, "mean": torch.mean, "amax": torch.amax, "amin": torch.amin}
    for i, row in enumerate(pairwise(op=list(float_ops), axes=axes, shape=shapes, keepdim=[False, True])):
        name = f"{row['op']}.{i}"
        options = {} if row["axes"] is None else {"axes": row["axes"], "keepdim": row["keepdim"]}
        op = row["op"]
        if row["axes"] is None and op in ("amax", "amin"):
            op = {"amax": "max", "amin": "min"}[op]  # what gradus calls them
            f = {"max": torch.max, "min": torch.min}[op]
        else:
            f = over(float_ops[op], row["axes"], row["keepdim"])
        case(name, op, [Source(name).floats(*row["shape"])], f, options)
    case("sum.0d", "sum", [array(3.25)], torch.sum)
    case("sum.empty_axis", "sum", [array(np.zeros((2, 0, 3)))], over(torch.sum, (1,), False),
         {"axes": (1,), "keepdim": False})
    case("sum.awkward", "sum", [array([[1, INF], [NAN, 1], [INF, -INF], [3e8, 1]])],
         over(torch.sum, (1,), False), {"axes": (1,), "keepdim": False})
    case("mean.empty", "mean", [array(np.zeros((0,)))], torch.mean, gradients=False)
    ties = array([[1, 3, 3, 0], [-1, -1, -1, -1], [2, -5, 2, 2]])
    for op, f, whole in (("max", torch.max, torch.amax), ("min", torch.min, torch.amin)):
        case(f"a{op}.ties", f"a{op}", [ties], over(whole, (1,), False), {"axes": (1,), "keepdim": False})
        case(f"{op}.ties_whole", op, [ties * np.float32(2)], f)
        case(f"a{op}.nan", f"a{op}", [array([[1, NAN, 2], [INF, -INF, 0]])], over(whole, (1,), True),
             {"axes": (1,), "keepdim": True}, gradients=False)
        for axis, keepdim in [(0, False), (1, True), (-1, False)]:
            name = f"{op}_along.{axis}"
            case(name, f"{op}_along", [Source(name).floats(3, 5, 2)],
                 lambda x: f(x, axis, keepdim), {"axis": axis, "keepdim": keepdim})
        case(f"{op}_along.nan", f"{op}_along", [array([[NAN, 1, NAN], [4, 7, 5]])],
             lambda x: f(x, 1), {"axis": 1, "keepdim": False})
        arg = getattr(torch, f"arg{op}")
        case(f"arg{op}.whole", f"arg{op}", [Source(f"arg{op}!").floats(4, 9)], arg)
        for axis, keepdim in [(0, True), (-1, False)]:
            name = f"arg{op}.{axis}"
            case(name, f"arg{op}", [Source(name).floats(6, 7)],
                 lambda x: arg(x, dim=axis, keepdim=keepdim), {"axis": axis, "keepdim": keepdim})
    s = Source("int reduce")
    x = s.integers(-50, 50, 3, 4)
    int_case("sum.int64", "sum", [x], over(torch.sum, (0,), True), {"axes": (0,), "keepdim": True})
    int_case("amax.int64", "amax", [x], over(torch.amax, (1,), False), {"axes": (1,), "keepdim": False})
    flags = s.integers(0, 3, 4, 3) > 0
    int_case("sum.bool", "sum", [flags], torch.sum)
    for op, f in (("any", torch.any), ("all", torch.all)):
        int_case(f"{op}.axis", op, [flags if op == "all" else ~flags], over(all_of(f), (1,), False),
                 {"axes": (1,), "keepdim": False})
        int_case(f"{op}.axes", op, [s.integers(0, 4, 2, 3, 2) > (0 if op == "all" else 2)],
                 over(all_of(f), (0, 2), True), {"axes": (0, 2), "keepdim": True})
    int_case("any.whole", "any", [flags], torch.any)
    int_case("all.empty", "all", [np.zeros((2, 0), bool)], over(all_of(torch.all), (1,), False),
             {"axes": (1,), "keepdim": False})


def more_reductions():
    def add(op, variant, x, f, **options):
        case(f"{op}.{variant}", op, [x], f, options)

    axes = [(0,), (1,), (-1, 0), (0, 1, 2)]
    for i, row in enumerate(pairwise(op=["prod", "var", "std", "logsumexp"], axes=axes, keepdim=[False, True],
                                     correction=[0.0, 1.0, 1.5])):
        op, over_axes, keepdim = row["op"], row["axes"], row["keepdim"]
        x = Source(f"{op}.{i}").floats(3, 4, 2)
        options = {"axes": over_axes, "keepdim": keepdim}
        if op in ("var", "std"):
            f = lambda x: getattr(torch, op)(x, over_axes, correction=row["correction"], keepdim=keepdim)
            options["correction"] = row["correction"]
        elif op == "prod":
            f = lambda x: all_of(torch.prod)(x, dim=over_axes, keepdim=keepdim)
        else:
            f = lambda x: torch.logsumexp(x, over_axes, keepdim)
        add(op, i, x, f, **options)
    add("prod", "whole", Source("prod").floats(2, 3), torch.prod)
    zeros = array([[2, 3, -1], [0, 3, 4], [0, 5, 0], [0, 0, 0]])
    add("prod", "zeros", zeros, lambda x: torch.prod(x, 1), axes=(1,), keepdim=False)
    s = Source("int prod")
    int_case("prod.int64", "prod", [s.integers(-5, 5, 3, 4)], lambda x: torch.prod(x, 0),
             {"axes": (0,), "keepdim": False})
    far = array([[999998, 999999, 1000000, 1000003], [3, 3, 3, 3]])
    add("var", "far", far, lambda x: torch.var(x, 1), axes=(1,), keepdim=False, correction=1.0)
    add("std", "equal", far[1:], lambda x: torch.std(x, 1), axes=(1,), keepdim=False, correction=1.0)
    case("var.one", "var", [far[:, :1]], lambda x: torch.var(x, 1),
         {"axes": (1,), "keepdim": False, "correction": 1.0}, gradients=False)
    masked = array([[-INF, -INF, -INF], [64, 63, -INF], [-1e4, 0, 1]])
    case("logsumexp.masked", "logsumexp", [masked], lambda x: torch.logsumexp(x, 1),
         {"axes": (1,), "keepdim": False}, gradients=False)
    add("logsumexp", "large", masked[1:], lambda x: torch.logsumexp(x, 1, True), axes=(1,), keepdim=True)
    case("logsumexp.infinite", "logsumexp", [array([[INF, 1], [NAN, INF], [INF, -INF], [-INF, 2]])],
         lambda x: torch.logsumexp(x, 1), {"axes": (1,), "keepdim": False}, gradients=False)
    for i, row in enumerate(pairwise(p=[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, INF, -INF, -1.0],
                                     axes=[(0,), (1,), (0, 2)], keepdim=[False, True])):
        x = Source(f"norm.{i}").floats(3, 4, 2)
        f = lambda x: torch.linalg.vector_norm(x, row["p"], row["axes"], row["keepdim"])
        add("norm", i, np.where(np.abs(x) < 0.2, np.float32(1.25), x), f, **row)
    rows = array([[0, 0, 0], [0, 3, -4], [1, 0, 0], [-2, 2, 1]])
    for p in (0.5, 1.0, 1.5, 2.0, 3.0, INF):  # infinity shares ties evenly, as ours does
        add("norm", f"zeros_{p}", rows * np.float32(p if p < 9 else 5),
            lambda x: torch.linalg.vector_norm(x, p, 1), p=p, axes=(1,), keepdim=False)
    add("norm", "whole", Source("norm").floats(3, 2), torch.linalg.vector_norm, p=2.0)
    for op, f in (("cumsum", torch.cumsum), ("cumprod", torch.cumprod)):
        for axis in (0, 1, -1):
            add(op, axis, Source(f"{op}.{axis}").floats(3, 4, 2), lambda x: f(x, axis), axis=axis)
        add(op, "0d", array(2.5 if op == "cumsum" else 3.5), lambda x: f(x, 0), axis=0)
        add(op, "zeros", zeros * np.float32(2), lambda x: f(x, 1), axis=1)
        int_case(f"{op}.int64", op, [s.integers(-5, 5, 3, 4)], lambda x: f(x, 0), {"axis": 0})
    int_case("cumsum.bool", "cumsum", [s.integers(0, 2, 2, 5) > 0], lambda x: torch.cumsum(x, 1), {"axis": 1})
    add("softmax", "0d", array(3), lambda x: F.softmax(x, -1), axis=-1)
    add("log_softmax", "0d", array(3), lambda x: F.log_softmax(x, 0), axis=0)


PARTS = (reductions, more_reductions)
