"""More activations, softmin and normalize."""
import numpy as np
import torch
import torch.nn.functional as F

from golden_file import INF, NAN, TINY, Source, array, case, named, pairwise

PLAIN = {
    # op: (function, values at which to look, all of them where torch's gradient is that of the docs)
    "mish": (F.mish, [0, -0.0, 1e-4, 3, -3, 30, -30, 100, -100, 1e10, -1e10, NAN, TINY]),
    "softsign": (F.softsign, [0, -0.0, 1e-4, 3, -3, 1e20, -1e20, NAN, TINY]),
    # torch's own derivative multiplies by 1 / 6 rounded to float32
    "hardsigmoid": (lambda x: F.relu6(x + 3) / 6, [0, -0.0, 2.5, -2.5, 3, -3, 4, -4, INF, -INF, TINY]),
    "hardswish": (F.hardswish, [0, -0.0, 2.5, -2.5, 3, -3, 4, -4, 1e10, -1e10, TINY]),
}


def activations():
    for op, (f, values) in PLAIN.items():
        for shape in [(3, 37), (), (0, 2)]:
            name = f"{op}." + named(shape)
            case(name, op, [Source(name).floats(*shape, low=-5, high=5)], f)
        case(f"{op}.awkward", op, [array(values)], f)
    for alpha in [1.0, 0.5, 3.0, -2.0]:
        name = f"celu.{alpha}"
        values = array([0, -0.0, 30, TINY] + [-30, 1e30, -INF] * (alpha > 0))
        case(name, "celu", [np.append(Source(name).floats(33), values)], lambda x: F.celu(x, alpha), {"alpha": alpha})


def rows():
    for i, row in enumerate(pairwise(shape=[(4,), (3, 5), (2, 3, 4)], one=[True, False])):
        name = f"prelu.{i}"
        s, C = Source(name), row["shape"][-1]
        weight = s.floats(1 if row["one"] else C)

        def prelu(x, w):  # the channels are axis 1 there
            return F.prelu(x.reshape(-1, C), w).reshape(x.shape)
        case(name, "prelu", [s.floats(*row["shape"]), weight], prelu)
    for shape, axis in [((6,), 0), ((2, 4), 1), ((4, 3), 0), ((2, 6, 3), -2), ((2, 70), -1), ((0, 4), 1)]:
        name = f"glu.{named(shape)}_{axis}"
        case(name, "glu", [Source(name).floats(*shape, low=-4, high=4)], lambda x: F.glu(x, axis), {"axis": axis})
    for shape, axis in [((5,), 0), ((3, 7), 1), ((3, 7), 0), ((2, 3, 4), -2), ((0, 4), 1)]:
        name = f"softmin.{named(shape)}_{axis}"
        case(name, "softmin", [Source(name).floats(*shape, low=-5, high=5)], lambda x: F.softmin(x, axis), {"axis": axis})
    for i, row in enumerate(pairwise(shape=[(5,), (3, 7), (2, 3, 4)], axis=[0, -1], p=[1.0, 2.0, 3.5, INF],
                                     eps=[1e-12, 1.0, 5.0])):
        name = f"normalize.{i}"
        case(name, "normalize", [Source(name).floats(*row["shape"])],
             lambda x: F.normalize(x, row["p"], row["axis"], row["eps"]), {k: row[k] for k in ("axis", "p", "eps")})
    case("normalize.zeros", "normalize", [array([[0, 0], [3, 4]])], lambda x: F.normalize(x, dim=1, eps=0.25),
         {"axis": 1, "p": 2.0, "eps": 0.25})


PARTS = (activations, rows)
