"""Elementwise ops, comparisons and selections."""
import numpy as np
import torch
import torch.nn.functional as F

from golden_file import INF, NAN, TINY, Source, array, case, int_case, named

AWKWARD = {
    "exp": [0, -0.0, 1, -1, 88, -87, 20.5, -20.5, INF, -INF, NAN, TINY],
    "log": [0, 1, 0.5, 1e-30, 3e38, 0.99999, 1.00001, INF, NAN, -1],
    "sqrt": [0, 1, 2, 1e-30, 3e38, INF, NAN, -1, TINY],
    "tanh": [0, -0.0, 1e-4, -1e-4, 0.6, 9, -9, 20, -20, INF, -INF, NAN, TINY],
    "sigmoid": [0, -0.0, 5, -5, 17, -17, 80, -80, 100, INF, -INF, NAN, TINY],
    "relu": [0, -0.0, 1, -1, 3e38, -3e38, INF, -INF, TINY, -TINY],
    "neg": [0, -0.0, 1, INF, -INF, NAN, TINY],
}
UNARY = {"exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "tanh": torch.tanh,
         "sigmoid": torch.sigmoid, "relu": torch.relu, "neg": torch.neg}
BINARY = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}
COMPARE = {"equal": torch.eq, "not_equal": torch.ne, "less": torch.lt, "less_equal": torch.le,
           "greater": torch.gt, "greater_equal": torch.ge}
BROADCAST = [((2, 3), (2, 3)), ((2, 3), (3,)), ((4, 1), (1, 5)), ((), (2, 2)), ((2, 1, 3), (4, 1)),
             ((0, 3), (1, 3)), ((1,), (37,))]


def elementwise():
    for op, f in UNARY.items():
        low = 0.1 if op in ("log", "sqrt") else -4
        for shape in [(3, 37), (), (0, 2)]:
            name = f"{op}." + named(shape)
            case(name, op, [Source(name).floats(*shape, low=low, high=4)], f)
        case(f"{op}.awkward", op, [array(AWKWARD[op])], f)
        case(f"{op}.outside", op, [array([NAN, INF, -INF, 0, -2, TINY])], f, gradients=False)
    for op, f in BINARY.items():
        for a, b in BROADCAST:
            name = f"{op}." + named(a, b)
            s = Source(name)
            y = s.floats(*b)
            case(name, op, [s.floats(*a), np.where(np.abs(y) < 0.3, 1.5, y).astype(np.float32)], f)
        case(f"{op}.same_input", op, [Source(op).floats(3)], lambda x: f(x, x), {"same": True})
        a = array([1, -1, 0, INF, NAN, 1e38, 2, TINY])
        b = array([INF, 3, 5, 2, 1, -0.5, -0.0, 4])
        case(f"{op}.awkward", op, [a, b], f, gradients=False)
        for number in [2.5, -3]:
            case(f"{op}.number_{number}", op, [Source(op).floats(5)], lambda x: f(x, number),
                 {"number": float(number)})
    for op in ("sub", "div"):
        f = BINARY[op]
        case(f"{op}.from_number", op, [Source(op).floats(2, 3, low=0.5)],
             lambda x: f(torch.tensor(1.5, dtype=x.dtype), x), {"number": 1.5, "reverse": True})
    for op in ("add", "sub", "mul"):
        s = Source("int " + op)
        int_case(f"{op}.int64", op, [s.integers(-9, 9, 2, 3), s.integers(-9, 9, 3)], BINARY[op])
    int_case("neg.int64", "neg", [array([3, -4, 0], np.int64)], torch.neg)
    for op, f in COMPARE.items():
        a = array([1, 2, NAN, 0, INF, -INF, -1, 5, 7, NAN])
        b = array([1, 3, 1, -0.0, INF, INF, -2, NAN, 6, NAN])
        case(f"{op}.float", op, [a, b], f)
        s = Source(op)
        case(f"{op}.broadcast", op, [np.round(s.floats(4, 1)), np.round(s.floats(1, 6))], f)
        case(f"{op}.number", op, [array([1, 2, 3, 2, NAN, 2.5])], lambda x: f(x, 2), {"number": 2.0})
        int_case(f"{op}.int64", op, [s.integers(0, 4, 3, 5), s.integers(0, 4, 5)], f)
    case("isnan.float", "isnan", [array([NAN, 1, INF, -NAN, 0])], torch.isnan)
    s = Source("logical")
    a, b = s.integers(0, 2, 3, 4) > 0, s.integers(0, 2, 4) > 0
    int_case("logical_and.bool", "logical_and", [a, b], torch.logical_and)
    int_case("logical_or.bool", "logical_or", [a, b], torch.logical_or)
    int_case("logical_not.bool", "logical_not", [a], torch.logical_not)
    for i, (x, to) in enumerate([(array([1.5, -2.5, 0]), "int64"), (array([0, 3, -1], np.int64), "boolean"),
                                 (array([True, False], bool), "int64")]):
        target = {"int64": torch.int64, "boolean": torch.bool}[to]
        (case if i == 0 else int_case)(f"to.{i}_{to}", "to", [x], lambda x: x.to(target), {"to": to})


MORE_UNARY = {  # function, range, awkward points
    "square": (torch.square, -4, 4, [0, -0.0, 1e15, -3, INF, NAN, TINY]),
    "reciprocal": (torch.reciprocal, 0.3, 4, [INF, -INF, 2, -0.25, 1e30, NAN]),
    "rsqrt": (torch.rsqrt, 0.3, 4, [INF, 4, 0.25, 1e30, NAN]),
    "expm1": (torch.expm1, -4, 4, [0, -0.0, 1e-6, -1e-6, -90, 20.5, INF, -INF, NAN, TINY]),
    "log1p": (torch.log1p, -0.7, 4, [0, -0.0, 1e-6, -1e-6, -0.999, 1e30, INF, NAN, TINY]),
    "sin": (torch.sin, -9, 9, [0, -0.0, 1e-4, 1.5707963, 3.1415927, -100, 12345, NAN, TINY]),
    "cos": (torch.cos, -9, 9, [0, -0.0, 1e-4, 1.5707963, 3.1415927, -100, 12345, NAN, TINY]),
    "erf": (torch.erf, -3, 3, [0, -0.0, 1e-4, 0.999, 1.001, -4, 6, INF, -INF, NAN, TINY]),
    "silu": (F.silu, -6, 6, [0, -0.0, 30, -30, -80, 1e30, NAN, TINY]),
    "logsigmoid": (F.logsigmoid, -6, 6, [0, -0.0, 30, -30, 80, -1e30, INF, TINY]),
    "abs": (torch.abs, -4, 4, [0, -0.0, 1, -1, INF, -INF, TINY, -TINY]),
    "sign": (torch.sign, -4, 4, [0, -0.0, 1, -1, INF, -INF, TINY, -TINY]),
    "floor": (torch.floor, -4, 4, [0, -0.0, 0.5, -0.5, 2, 1e30, INF, -INF, NAN, -TINY]),
    "ceil": (torch.ceil, -4, 4, [0, -0.0, 0.5, -0.5, 2, -1e30, INF, -INF, NAN, TINY]),
    "round": (torch.round, -4, 4, [0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e30, INF, NAN]),
    "trunc": (torch.trunc, -4, 4, [0, -0.0, 0.5, -0.5, 2.75, -2.75, INF, NAN, TINY]),
}
TABLE = [-2, -1, 0, 1, 2, 0.5, INF]  # bases and exponents whose powers have special values


def functions():
    for op, (f, low, high, awkward) in MORE_UNARY.items():
        for shape in [(3, 37), (), (0, 2)]:
            name = f"{op}." + named(shape)
            case(name, op, [Source(name).floats(*shape, low=low, high=high)], f)
        case(f"{op}.awkward", op, [array(awkward)], f)
    for op in ("square", "abs", "sign"):
        f = MORE_UNARY[op][0]
        int_case(f"{op}.int64", op, [array([3, -4, 0, -7], np.int64)], f)
    for a, b in BROADCAST:
        name = "pow." + named(a, b)
        s = Source(name)
        case(name, "pow", [s.floats(*a, low=0.3, high=3), s.floats(*b)], torch.pow)
    bases, exponents = np.meshgrid(array(TABLE), array(TABLE))
    finite = np.isfinite(bases) & np.isfinite(exponents)
    case("pow.table", "pow", [bases, exponents], torch.pow, gradients=False)
    case("pow.table_gradients", "pow", [bases[finite], exponents[finite]], torch.pow)
    for number in [0.0, 1.0, 2.0, 3.0, 0.5, -1.0, -2.5]:
        case(f"pow.number_{number}", "pow", [Source("pow").floats(6, low=0.2)],
             lambda x: torch.pow(x, number), {"number": number})
    case("pow.number_at_0", "pow", [array([0, -1, 2])], lambda x: torch.pow(x, 3), {"number": 3.0})
    for number in [0.0, 1.0, 2.5]:
        case(f"pow.of_number_{number}", "pow", [array([0, 1, 2, 0.5, 3.25])],
             lambda x: torch.pow(torch.tensor(number, dtype=x.dtype), x), {"number": number, "reverse": True})


def activations():
    for tanh in (False, True):
        form = "tanh" if tanh else "none"
        f = lambda x: F.gelu(x, approximate=form)
        for shape in [(3, 37), (), (0, 2)]:
            name = f"gelu.{form}_" + named(shape)
            case(name, "gelu", [Source(name).floats(*shape, low=-5, high=5)], f, {"tanh": tanh})
        case(f"gelu.{form}_awkward", "gelu", [array([0, -0.0, 1e-4, 3, -3, 30, -30, 1e10, NAN, TINY])], f,
             {"tanh": tanh})
    for beta, threshold in [(1.0, 20.0), (0.5, 2.0), (3.0, 1.0), (-1.0, 5.0)]:
        name = f"softplus.{beta}_{threshold}"
        case(name, "softplus", [Source(name).floats(3, 11, low=-6, high=6)],
             lambda x: F.softplus(x, beta, threshold), {"beta": beta, "threshold": threshold})
    case("softplus.awkward", "softplus", [array([0, -0.0, 20, 21, -30, -100, 1e30, NAN, TINY])], F.softplus,
         {"beta": 1.0, "threshold": 20.0})
    for alpha in [1.0, 0.5]:
        name = f"elu.{alpha}"
        case(name, "elu", [np.append(Source(name).floats(33), array([0, -0.0, -30, 1e30, -INF]))],
             lambda x: F.elu(x, alpha), {"alpha": alpha})
    for slope in [0.01, 0.5]:
        name = f"leaky_relu.{slope}"
        case(name, "leaky_relu", [np.append(Source(name).floats(33), array([0, -0.0, INF, -INF]))],
             lambda x: F.leaky_relu(x, slope), {"slope": slope})
    for low, high in [(-1.0, 1.0), (0.0, 6.0)]:
        name = f"hardtanh.{low}_{high}"
        x = np.append(Source(name).floats(33, low=-2, high=7), array([low, high, INF, -INF]))
        case(name, "hardtanh", [x], lambda x: F.hardtanh(x, low, high), {"min": low, "max": high})


def limits():
    # Not on a bound, where torch 2.15 gives no gradient and torch 1.13 passes it on, as we do.
    x = np.append(Source("clamp").floats(33), array([-0.25, 0.75, INF, -INF]))
    for bounds in [{"min": -0.5}, {"max": 1.0}, {"min": -0.5, "max": 1.0}, {"min": 1.0, "max": -0.5}]:
        name = "clamp." + "_".join(f"{k}{v}" for k, v in bounds.items())
        case(name, "clamp", [x], lambda x: torch.clamp(x, **bounds), bounds)
    case("clamp.nan", "clamp", [array([NAN, 1, 3])], lambda x: torch.clamp(x, 0, 2), {"min": 0.0, "max": 2.0},
         gradients=False)
    int_case("clamp.int64", "clamp", [array([-9, -2, 0, 4, 9], np.int64)], lambda x: torch.clamp(x, -2, 4),
             {"min": -2.0, "max": 4.0})
    for op, f in (("maximum", torch.maximum), ("minimum", torch.minimum)):
        for a, b in BROADCAST:
            name = f"{op}." + named(a, b)
            s = Source(name)
            case(name, op, [s.floats(*a), s.floats(*b)], f)
        ties = [array([1, 2, -3, 0, INF, 5]), array([1, 2, -3, -0.0, INF, 4])]
        case(f"{op}.ties", op, ties, f)
        case(f"{op}.nan", op, [array([NAN, 1, NAN, 7]), array([1, NAN, NAN, 8])], f, gradients=False)
        s = Source(op)
        int_case(f"{op}.int64", op, [s.integers(-9, 9, 2, 3), s.integers(-9, 9, 3)], f)


def divisions():
    for op, f in (("fmod", torch.fmod), ("remainder", torch.remainder)):
        for a, b in BROADCAST:
            name = f"{op}." + named(a, b)
            s = Source(name)
            y = s.floats(*b)
            case(name, op, [s.floats(*a, low=-9, high=9), np.where(np.abs(y) < 0.3, 1.5, y).astype(np.float32)], f)
        case(f"{op}.awkward", op, [array([7, -7, 7, -7, 6, -6, 0]), array([3, 3, -3, -3, 3, 3, 2])], f)
        case(f"{op}.outside", op, [array([1, INF, 1, NAN, -1]), array([0, 2, INF, 1, 4])], f, gradients=False)
        for number in [1.5, -2.0]:
            case(f"{op}.number_{number}", op, [Source(op).floats(7, low=-9, high=9)],
                 lambda x: f(x, number), {"number": number})
    a, b = np.meshgrid(np.arange(-7, 8), [-3, -2, -1, 1, 2, 4])
    for op, f in (("fmod", torch.fmod), ("remainder", torch.remainder), ("floor_divide", torch.floor_divide)):
        int_case(f"{op}.int64", op, [a.astype(np.int64), b.astype(np.int64)], f)
        int_case(f"{op}.int64_number", op, [np.arange(-11, 12)], lambda x: f(x, 5), {"number": 5.0})


def selections():
    masks = [((2, 3), (2, 3), (2, 3)), ((3,), (2, 1), (2, 3)), ((2, 1, 3), (4, 1), ()), ((0, 3), (1, 3), (3,))]
    for m, a, b in masks:
        name = "where." + named(m, a, b)
        s = Source(name)
        mask = s.integers(0, 2, *m) > 0
        case(name, "where", [s.floats(*a), s.floats(*b), mask], lambda x, y, c: torch.where(c, x, y))
        name = "masked_fill." + named(m, a)
        case(name, "masked_fill", [s.floats(*a), mask], lambda x, c: x.masked_fill(c, 1.25), {"number": 1.25})
        name = "masked_select." + named(m, b)
        case(name, "masked_select", [s.floats(*b), mask], torch.masked_select)
    mask = array([1, 0, 1, 0], bool)
    case("where.nan", "where", [array([1, NAN, INF, NAN]), array([NAN, 2, NAN, INF]), mask],
         lambda x, y, c: torch.where(c, x, y))
    case("where.number", "where", [array([1, NAN, 3, INF]), mask],
         lambda x, c: torch.where(c, x, torch.tensor(0.5, dtype=x.dtype)), {"number": 0.5})
    case("masked_fill.nan", "masked_fill", [array([NAN, 1, INF, 2]), mask],
         lambda x, c: x.masked_fill(c, -INF), {"number": -INF})
    int_case("where.int64", "where", [array([1, 2, 3, 4], np.int64), array([5, 6, 7, 8], np.int64), mask],
             lambda x, y, c: torch.where(c, x, y))
    int_case("masked_select.int64", "masked_select", [array([1, 2, 3, 4], np.int64), mask], torch.masked_select)
    s = Source("logical_xor")
    int_case("logical_xor.bool", "logical_xor", [s.integers(0, 2, 3, 4) > 0, s.integers(0, 2, 4) > 0],
             torch.logical_xor)


PARTS = (elementwise, functions, activations, limits, divisions, selections)
