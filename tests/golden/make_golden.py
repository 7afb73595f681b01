#!/usr/bin/env python3
"""Writes what PyTorch computes, for golden_test.cpp to compare with.

    make_golden.py          writes golden.txt (the cases), golden.safetensors (their tensors) and
                            torch_model.safetensors (a model as PyTorch saves it) beside this file
    make_golden.py --check  reads gradus_model.safetensors, which gradus wrote, as PyTorch would

Needs torch (1.13 or newer), numpy and safetensors. The tests need none of them. golden_file.py
says what is in the files.
"""
import itertools
import os
import sys
import warnings

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F

from golden_file import (HERE, INF, NAN, TIGHT_TOLERANCE, TOLERANCE, WIDTH, Source, array, case, int_case,
                         named, pairwise, plain, save, to_torch, write)


# ---- elementwise and comparisons

TINY = 2.0 ** -140  # subnormal in float32
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


# ---- reductions

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


# ---- reductions along rows, running sums, normalization

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


# ---- normalization, distances and linear algebra

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


def distances():
    for axis, a, b in [(0, (3, 4), (3, 4)), (1, (3, 4), (3, 4)), (-1, (2, 1, 5), (3, 5)), (1, (2, 3, 1), (3, 2))]:
        name = f"cosine_similarity.{named(a, b)}_{axis}"
        s = Source(name)
        case(name, "cosine_similarity", [s.floats(*a), s.floats(*b)],
             lambda x, y: F.cosine_similarity(x, y, axis, 1e-8), {"axis": axis, "eps": 1e-8})
    case("cosine_similarity.zero", "cosine_similarity", [array([[0, 0], [1, 2]]), array([[3, 4], [4, 2]])],
         lambda x, y: F.cosine_similarity(x, y, 1, 0.5), {"axis": 1, "eps": 0.5})
    for p in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, INF):
        for a, b in [((3, 4), (5, 4)), ((2, 1, 3, 2), (4, 2, 2))]:
            name = f"cdist.{named(a, b)}_{p}"
            s = Source(name)
            case(name, "cdist", [s.floats(*a), s.floats(*b)],
                 lambda x, y: torch.cdist(x, y, p, "donot_use_mm_for_euclid_dist"), {"p": p}, gradients=p > 0)
        if p >= 1:
            x = array([[1, 2], [4, 6], [1, 2]]) * np.float32(p if p < 9 else 5)
            case(f"cdist.zero_{p}", "cdist", [x, x[:2]],
                 lambda x, y: torch.cdist(x, y, p, "donot_use_mm_for_euclid_dist"), {"p": p})
    for p, eps, keepdim in [(2.0, 1e-6, False), (1.0, 0.5, True), (3.0, 0.25, False)]:
        name = f"pairwise_distance.{p}"
        s = Source(name)
        case(name, "pairwise_distance", [s.floats(3, 4), s.floats(3, 4)],
             lambda x, y: F.pairwise_distance(x, y, p, eps, keepdim), {"p": p, "eps": eps, "keepdim": keepdim})


def linear_algebra():
    def regular(s, *shape):
        return s.floats(*shape) + 5 * np.eye(shape[-1], dtype=np.float32)

    for a, b in [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (2, 3)), ((2, 1, 2, 2), (3, 2, 4)), ((0, 2, 2), (2, 1))]:
        name = "solve." + named(a, b)
        s = Source(name)
        case(name, "solve", [regular(s, *a), s.floats(*b)], torch.linalg.solve)
    for shape in [(1, 1), (4, 4), (2, 3, 3)]:
        s = Source("linear algebra " + named(shape))
        a = regular(s, *shape)
        symmetric = (a + a.swapaxes(-1, -2)) / np.float32(2)
        case("inv." + named(shape), "inv", [a], torch.linalg.inv)
        case("cholesky." + named(shape), "cholesky", [symmetric], torch.linalg.cholesky)
    for shape in [(1, 1), (4, 3), (3, 4), (2, 3, 2)]:
        x = Source("factors " + named(shape)).floats(*shape)
        case("qr." + named(shape), "qr", [x], torch.linalg.qr, gradients=shape[-1] <= shape[-2])
        case("svd." + named(shape), "svd", [x], torch.linalg.svdvals, gradients=False)


# ---- matrix products

def products():
    def multiply(a, b, trans_a, trans_b):
        return torch.matmul(a.transpose(-1, -2) if trans_a else a, b.transpose(-1, -2) if trans_b else b)

    pairs = [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((5, 2, 3), (3,)), ((3,), (2, 3, 4)),
             ((2, 3), (3, 4)), ((17, 33), (33, 9)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
             ((5, 2, 3), (5, 3, 4)), ((2, 1, 2, 3), (3, 3, 2)), ((2, 0), (0, 3)), ((0, 2, 3), (3, 4))]
    for a, b in pairs:
        for trans_a, trans_b in itertools.product((False, True), repeat=2):
            if (trans_a and len(a) < 2) or (trans_b and len(b) < 2):
                continue
            if a == (2, 0) and (trans_a or trans_b):  # zeros again
                continue
            name = "matmul." + named(a, b) + "_" * (trans_a or trans_b)
            name += "t" * trans_a + "n" * (not trans_a and trans_b) + "t" * trans_b
            s = Source(name)
            stored = lambda shape, t: shape[:-2] + shape[:-3:-1] if t else shape
            case(name, "matmul", [s.floats(*stored(a, trans_a)), s.floats(*stored(b, trans_b))],
                 lambda x, y: multiply(x, y, trans_a, trans_b), {"trans_a": trans_a, "trans_b": trans_b})
    for shape, bias in [((3,), True), ((5, 3), True), ((2, 4, 3), True), ((5, 3), False), ((0, 3), True)]:
        name = f"linear.{named(shape)}{'_bias' * bias}"
        s = Source(name)
        case(name, "linear", [s.floats(*shape), s.floats(4, 3)] + [s.floats(4)] * bias, F.linear)


# ---- shapes and indices

def shapes():
    def add(op, variant, inputs, f, **options):
        name = f"{op}.{variant}"
        s = Source(name)
        case(name, op, [s.floats(*size) for size in inputs], f, options)

    add("reshape", "rank", [(2, 6)], lambda x: x.reshape(3, -1), sizes=(3, -1))
    add("reshape", "to_0d", [(1, 1)], lambda x: x.reshape(()), sizes="none")
    add("flatten", "middle", [(2, 3, 4, 5)], lambda x: x.flatten(1, 2), first=1, last=2)
    add("flatten", "all", [(3, 2)], torch.flatten, first=0, last=-1)
    add("squeeze", "middle", [(2, 1, 3)], lambda x: x.squeeze(1), axis=1)
    add("unsqueeze", "first", [(2, 3)], lambda x: x.unsqueeze(0), axis=0)
    add("unsqueeze", "last", [(2, 3)], lambda x: x.unsqueeze(-1), axis=-1)
    add("transpose", "outer", [(2, 3, 4)], lambda x: x.transpose(0, -1), axis=(0, -1))
    add("transpose", "large", [(33, 70)], lambda x: x.transpose(0, 1), axis=(0, 1))
    for axes in [(2, 0, 1), (1, 0, 2), (0, 2, 1)]:
        add("permute", "".join(map(str, axes)), [(3, 4, 5)], lambda x: x.permute(axes), axes=axes)
    add("permute", "4d", [(2, 3, 2, 5)], lambda x: x.permute(0, 3, 1, 2), axes=(0, 3, 1, 2))
    add("cat", "axis0", [(2, 3), (1, 3), (0, 3)], lambda *x: torch.cat(x, 0), axis=0)
    add("cat", "axis1", [(2, 2, 3), (2, 5, 3)], lambda *x: torch.cat(x, 1), axis=1)
    add("stack", "axis0", [(2, 3), (2, 3)], lambda *x: torch.stack(x, 0), axis=0)
    add("stack", "last", [(2, 3), (2, 3), (2, 3)], lambda *x: torch.stack(x, -1), axis=-1)
    add("split", "sizes", [(6, 3)], lambda x: x.split((1, 3, 2), 0), axis=0, sizes=(1, 3, 2))
    add("split", "size", [(2, 7, 2)], lambda x: x.split(3, 1), axis=1, size=3)
    slices = [(0, 1, 4, 1), (1, 0, 9, 2), (1, -3, -1, 1), (-1, 2, 2, 1), (2, -9, 9, 3)]
    for axis, start, end, step in slices:
        index = [slice(None)] * 3
        index[axis] = slice(start, end, step)
        add("slice", f"{axis}_{start}_{end}_{step}", [(5, 4, 6)], lambda x: x[tuple(index)],
            axis=axis, start=start, end=end, step=step)
    add("slice", "backwards", [(5, 3)], lambda x: x[1:4].flip(0), axis=0, start=3, end=0, step=-1)
    add("select", "first", [(4, 3)], lambda x: x[2], axis=0, index=2)
    add("select", "middle", [(2, 4, 3)], lambda x: x[:, -1], axis=1, index=-1)
    add("broadcast_to", "rank", [(3, 1)], lambda x: x.expand(2, 3, 4), sizes=(2, 3, 4))
    for axis in (0, 1, -1):
        name = f"index_select.{axis}"
        s = Source(name)
        ids = s.integers(0, 4, 7)
        case(name, "index_select", [s.floats(4, 5, 4), ids],
             lambda x, i: x.index_select(axis, i), {"axis": axis})
    case("index_select.empty", "index_select", [Source("is").floats(4, 2), array([], np.int64)],
         lambda x, i: x.index_select(0, i), {"axis": 0})
    for axis in (0, 1, 2):
        name = f"gather.{axis}"
        s = Source(name)
        size = [3, 4, 5]
        size[axis] = 6
        case(name, "gather", [s.floats(3, 4, 5), s.integers(0, 3, *size)],
             lambda x, i: x.gather(axis, i), {"axis": axis})
    int_case("one_hot.2d", "one_hot", [array([[0, 2], [3, 2]], np.int64)],
             lambda i: F.one_hot(i, 5), {"classes": 5})


# ---- more shapes and products

def more_shapes():
    def add(op, variant, inputs, f, **options):
        name = f"{op}.{variant}"
        s = Source(name)
        case(name, op, [s.floats(*size) for size in inputs], f, options)

    for counts in [(2, 3), (3, 1), (2, 1, 2)]:
        add("repeat", "x".join(map(str, counts)), [(2, 3)], lambda x: x.repeat(counts), counts=counts)
    add("tile", "fewer", [(2, 3)], lambda x: torch.tile(x, (2,)), counts=(2,))
    for axis in (0, 1, -1):
        add("repeat_interleave", f"axis{axis}", [(2, 3, 4)], lambda x: x.repeat_interleave(3, axis),
            count=3, axis=axis)
    s = Source("counts")
    counts = array([2, 0, 3], np.int64)
    case("repeat_interleave.counts", "repeat_interleave", [s.floats(2, 3, 2), counts],
         lambda x, n: x.repeat_interleave(n, 1), {"axis": 1})
    add("expand", "kept", [(2, 1, 3)], lambda x: x.expand(4, -1, 5, -1), sizes=(4, -1, 5, -1))
    for indexing in ("ij", "xy"):
        add("meshgrid", indexing, [(2,), (3,), (4,)], lambda *x: torch.meshgrid(*x, indexing=indexing),
            indexing=indexing)
    for axes in [(0,), (2,), (0, -1)]:
        add("flip", "".join(map(str, axes)), [(3, 2, 5)], lambda x: x.flip(axes), axes=axes)
    for shifts, axes in [((2,), (0,)), ((-1,), (1,)), ((1, 7), (0, 2))]:
        add("roll", "".join(map(str, axes)), [(3, 4, 5)], lambda x: x.roll(shifts, axes), shifts=shifts, axes=axes)
    add("roll", "flat", [(3, 4)], lambda x: x.roll(5), shifts=(5,))
    add("movedim", "two", [(2, 3, 4, 5)], lambda x: x.movedim((0, 3), (2, 0)), source=(0, 3), to=(2, 0))
    pads = {"constant": [(1, 2), (2, 0, 1, 3), (-1, 1, 0, -1)], "reflect": [(2, 1), (1, 3, 2, 0)],
            "replicate": [(4, 1), (1, 3, 2, 5)], "circular": [(3, 4), (1, 2, 3, 0)]}
    for mode, paddings in pads.items():
        for i, padding in enumerate(paddings):
            value = 0.5 if mode == "constant" else 0.0
            add("pad", f"{mode}{i}", [(2, 3, 4, 5) if len(padding) == 4 else (2, 3, 5)],
                lambda x: F.pad(x, padding, mode, value), mode=mode, padding=padding, value=value)
    for op, f in (("tril", torch.tril), ("triu", torch.triu)):
        for k in (-1, 0, 2):
            add(op, f"k{k}", [(2, 3, 4)], lambda x: f(x, k), k=k)
    for offset, first, second in [(0, 0, 1), (1, 0, 2), (-1, 2, 1)]:
        add("diagonal", f"{offset}_{first}_{second}", [(3, 4, 5)],
            lambda x: x.diagonal(offset, first, second), offset=offset, axes=(first, second))
        add("diag_embed", f"{offset}_{first}_{second}", [(2, 3)],
            lambda x: torch.diag_embed(x, offset, first, second), offset=offset, axes=(first, second))
    add("diag", "vector", [(3,)], lambda x: torch.diag(x, 1), offset=1)
    add("diag", "matrix", [(3, 4)], lambda x: torch.diag(x, -1), offset=-1)
    add("chunk", "axis1", [(2, 7)], lambda x: x.chunk(3, 1), chunks=3, axis=1)
    add("unbind", "axis0", [(3, 2)], lambda x: x.unbind(0), axis=0)
    add("unbind", "axis1", [(2, 3, 2)], lambda x: x.unbind(1), axis=1)


def more_products():
    for i, (c, beta, alpha) in enumerate([((2, 4), 1.0, 1.0), ((4,), 0.5, -2.0), ((2, 1), 0.0, 3.0)]):
        name = f"addmm.{i}"
        s = Source(name)
        case(name, "addmm", [s.floats(*c), s.floats(2, 3), s.floats(3, 4)],
             lambda c, a, b: torch.addmm(c, a, b, beta=beta, alpha=alpha), {"beta": beta, "alpha": alpha})
    s = Source("vectors")
    case("dot.5", "dot", [s.floats(5), s.floats(5)], torch.dot)
    case("outer.3x4", "outer", [s.floats(3), s.floats(4)], torch.outer)
    case("tensordot.axes", "tensordot", [s.floats(2, 3, 4), s.floats(4, 5, 2)],
         lambda a, b: torch.tensordot(a, b, dims=([2, 0], [0, 2])), {"axes_a": (2, 0), "axes_b": (0, 2)})
    patterns = [("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,kj", [(2, 3), (4, 3)]), ("ba", [(2, 3)]), ("ii->i", [(3, 3)]),
                ("ii", [(4, 4)]), ("ij->", [(2, 5)]), ("i,i->i", [(4,), (4,)]), ("ij,ij->i", [(3, 4), (3, 4)]),
                ("bij,bjk->bik", [(2, 3, 4), (2, 4, 2)]), ("bthd,bshd->bhts", [(2, 3, 2, 4), (2, 5, 2, 4)]),
                ("...ij,...jk->...ik", [(2, 1, 2, 3), (4, 3, 2)]), ("i...->...", [(2, 3, 4)]),
                ("bn,anm,bm->ba", [(2, 3), (5, 3, 4), (2, 4)]), ("ij,jk,kl->li", [(2, 3), (3, 2), (2, 5)]),
                ("iij,jk->ki", [(2, 2, 3), (3, 4)]), ("ab,a->ab", [(1, 3), (4,)])]
    for equation, sizes in patterns:
        name = "einsum." + equation
        s = Source(name)
        case(name, "einsum", [s.floats(*size) for size in sizes],
             lambda *x: torch.einsum(equation, *x), {"equation": equation})


# ---- sorting and indexing

def indexing():
    awkward = array([[3, NAN, -INF, 0, 3], [INF, -1, NAN, NAN, 2], [-0.0, 0, -1, 5, 5]])
    for axis, descending in [(0, False), (1, True), (-1, False), (-1, True)]:
        name = f"sort.{axis}{'_descending' * descending}"
        case(name, "sort", [Source(name).floats(4, 5, 3)],
             lambda x: torch.sort(x, dim=axis, descending=descending, stable=True),
             {"axis": axis, "descending": descending})
    for descending in (False, True):
        options = {"axis": 1, "descending": descending}
        case(f"sort.awkward_{descending}", "sort", [awkward],
             lambda x: torch.sort(x, dim=1, descending=descending, stable=True), options)
        case(f"argsort.{descending}", "argsort", [Source("argsort").floats(3, 40)],
             lambda x: torch.argsort(x, dim=1, descending=descending), options)
    s = Source("int sort")
    int_case("sort.int64", "sort", [s.integers(-5, 5, 3, 20)],
             lambda x: torch.sort(x, dim=1, stable=True), {"axis": 1, "descending": False})
    for i, row in enumerate(pairwise(k=[1, 3, 5], axis=[0, 1, -1], largest=[False, True])):
        name = f"topk.{i}"
        case(name, "topk", [Source(name).floats(6, 5, 7)],
             lambda x: torch.topk(x, row["k"], dim=row["axis"], largest=row["largest"]), row)
    int_case("unique.int64", "unique", [s.integers(-4, 5, 4, 6)],
             lambda x: torch.unique(x, return_inverse=True, return_counts=True))
    case("unique.float", "unique", [np.round(Source("unique").floats(5, 7))],
         lambda x: torch.unique(x, return_inverse=True, return_counts=True), gradients=False)
    case("nonzero.float", "nonzero", [array([[0, 2, -0.0], [NAN, 0, TINY]])], torch.nonzero,
         gradients=False)
    int_case("nonzero.int64", "nonzero", [s.integers(0, 2, 3, 4, 2)], torch.nonzero)
    int_case("bincount.counts", "bincount", [s.integers(0, 6, 30)], lambda i: torch.bincount(i, minlength=9),
             {"minlength": 9})
    case("bincount.weights", "bincount", [s.floats(20), s.integers(0, 6, 20)],
         lambda w, i: torch.bincount(i, w), {"minlength": 0}, gradients=False)
    for right in (False, True):
        edges, rows = np.sort(np.round(s.floats(9) * 3)), np.sort(s.floats(2, 3, 8), axis=-1)
        case(f"searchsorted.vector_{right}", "searchsorted", [edges, np.round(s.floats(4, 6) * 3)],
             lambda a, v: torch.searchsorted(a, v, right=right), {"right": right}, gradients=False)
        case(f"searchsorted.rows_{right}", "searchsorted", [rows, s.floats(2, 3, 5)],
             lambda a, v: torch.searchsorted(a, v, right=right), {"right": right}, gradients=False)
    for axis in (0, 1, 2):
        size = [3, 4, 5]
        size[axis] = 2
        name = f"scatter.{axis}"
        s = Source(name)
        distinct = np.argsort(s.floats(3, 4, 5), axis=axis).take(range(2), axis=axis)  # defined in PyTorch
        case(name, "scatter", [s.floats(3, 4, 5), s.floats(*size), distinct],
             lambda x, src, i: x.scatter(axis, i, src), {"axis": axis})
        case(name + "_number", "scatter", [s.floats(3, 4, 5), s.integers(0, 3, *size)],
             lambda x, i: x.scatter(axis, i, 2.5), {"axis": axis, "number": 2.5})
        size[axis] = 9
        case(f"scatter_add.{axis}", "scatter_add", [s.floats(3, 4, 5), s.floats(*size), s.integers(0, 3, *size)],
             lambda x, src, i: x.scatter_add(axis, i, src), {"axis": axis})
        case(f"index_add.{axis}", "index_add", [s.floats(3, 4, 5), s.floats(*size), s.integers(0, 3, 9)],
             lambda x, src, i: x.index_add(axis, i, src, alpha=-1.5), {"axis": axis, "alpha": -1.5})
        case(f"index_fill.{axis}", "index_fill", [s.floats(3, 4, 5), s.integers(0, 3, 2)],
             lambda x, i: x.index_fill(axis, i, 0.5), {"axis": axis, "number": 0.5})
        size = [1 if a != axis else 6 for a in range(3)]
        case(f"take_along_axis.{axis}", "take_along_axis", [s.floats(3, 4, 5), s.integers(0, 3, *size)],
             lambda x, i: torch.take_along_dim(x, i, axis), {"axis": axis})


# ---- softmax and losses

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


# ---- embeddings

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


# ---- optimizers

def optimizer_case(name, op, make, groups, sizes, steps=4, sparse=(), absent=()):
    """`groups` are the options of each group; parameter i is in group i % len(groups)."""
    s = Source(name)
    values = [s.floats(*size, low=-1, high=1) for size in sizes]
    gradients = {}
    for step in range(steps):
        for p, size in enumerate(sizes):
            if (p, step) in absent:
                continue
            if p in sparse:
                ids = s.integers(0, size[0], 5)
                gradients[f"g{p}.{step}.ids"] = ids
                gradients[f"g{p}.{step}.values"] = s.floats(len(ids), *size[1:])
            else:
                gradients[f"g{p}.{step}"] = s.floats(*size)
    computed = {}
    for width, dtype in WIDTH.items():
        params = [torch.nn.Parameter(to_torch(v, dtype)) for v in values]
        listed = [{"params": params[g::len(groups)], **options} for g, options in enumerate(groups)]
        optimizer = make(listed)
        out = dict(gradients)
        for step in range(steps):
            for p, param in enumerate(params):
                param.grad = None
                if f"g{p}.{step}" in gradients:
                    param.grad = to_torch(gradients[f"g{p}.{step}"], dtype)
                elif f"g{p}.{step}.ids" in gradients:
                    param.grad = torch.sparse_coo_tensor(
                        torch.from_numpy(gradients[f"g{p}.{step}.ids"])[None],
                        to_torch(gradients[f"g{p}.{step}.values"], dtype), param.shape)
            optimizer.step()
            for p, param in enumerate(params):
                out[f"out{step * len(params) + p}"] = plain(param)
        computed[width] = out
    options = {"steps": steps, "groups": len(groups)}
    for g, group in enumerate(groups):
        for key, value in group.items():
            for field, number in zip(["betas.0", "betas.1"], value) if key == "betas" else [(key, value)]:
                options[f"{g}:{field}"] = number
    write(name, op, options, values, computed, TIGHT_TOLERANCE)


def optimizers():
    sizes = [(3, 5), (19,)]
    sgd = pairwise(momentum=[0.0, 0.9, 0.5], dampening=[0.0, 0.4], nesterov=[False, True],
                   weight_decay=[0.0, 0.1], lr=[0.1, 0.03], sparse=[False, True])
    for i, row in enumerate(sgd):
        if row["nesterov"] and (row["momentum"] == 0 or row["dampening"]):
            row["nesterov"] = False
        sparse = row.pop("sparse") and not row["weight_decay"]  # PyTorch refuses both together
        optimizer_case(f"sgd.{i}", "sgd", lambda p: torch.optim.SGD(p, lr=1.0), [row], sizes,
                       sparse=(0,) if sparse else ())
    optimizer_case("sgd.nesterov_decay", "sgd", lambda p: torch.optim.SGD(p, lr=1.0),
                   [{"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}], sizes)
    optimizer_case("sgd.nesterov_sparse", "sgd", lambda p: torch.optim.SGD(p, lr=1.0),
                   [{"lr": 0.1, "momentum": 0.8, "nesterov": True}], sizes, sparse=(0,))
    for op, make in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
        grid = pairwise(betas=[(0.9, 0.999), (0.5, 0.8), (0.0, 0.9)], eps=[1e-8, 0.1],
                        weight_decay=[0.0, 0.2], amsgrad=[False, True], lr=[0.1, 0.01])
        for i, row in enumerate(grid):
            optimizer_case(f"{op}.{i}", op, make, [row], sizes, steps=5)
    for op, make in (("sgd", lambda p: torch.optim.SGD(p, lr=1.0)), ("adam", torch.optim.Adam),
                     ("adamw", torch.optim.AdamW)):
        other = {"momentum": 0.7} if op == "sgd" else {"betas": (0.8, 0.95)}
        decay = {"lr": 0.2, "weight_decay": 0.3} if op != "adamw" else {"lr": 0.2, "weight_decay": 0.0}
        optimizer_case(f"{op}.groups", op, make, [{"lr": 0.05, "weight_decay": 0.1, **other}, decay],
                       [(2, 3), (4,), (1,)], absent={(0, 1), (1, 0), (1, 1)})
    for i, row in enumerate(pairwise(betas=[(0.9, 0.999), (0.5, 0.8)], eps=[1e-8, 0.1], lr=[0.1, 0.01])):
        optimizer_case(f"sparse_adam.{i}", "lazy_adam", torch.optim.SparseAdam, [row],
                       [(7, 3), (4, 20)], steps=5, sparse=(0, 1), absent={(1, 2)})


def more_optimizers():
    """Those after Adam; scalars of state in double, as ours are."""
    torch.set_default_dtype(torch.float64)
    sizes = [(3, 4), (7,)]
    betas = [(0.9, 0.999), (0.5, 0.8)]
    eps, decay, rates, up = [1e-8, 0.1], [0.0, 0.2], [0.1, 0.01], [False, True]
    grids = (
        ("adagrad", torch.optim.Adagrad, pairwise(lr=rates, lr_decay=[0.0, 0.5], weight_decay=decay,
         initial_accumulator_value=[0.0, 0.1], eps=[1e-10, 0.1], maximize=up, sparse=up)),
        ("rmsprop", torch.optim.RMSprop, pairwise(lr=rates, alpha=[0.99, 0.6], eps=eps, weight_decay=decay,
         momentum=[0.0, 0.9], centered=up, maximize=up)),
        ("adadelta", torch.optim.Adadelta, pairwise(lr=[1.0, 0.3], rho=[0.9, 0.5], eps=[1e-6, 0.1],
         weight_decay=decay, maximize=up)),
        ("adamax", torch.optim.Adamax, pairwise(lr=rates, betas=betas, eps=eps, weight_decay=decay,
         maximize=up)),
        ("nadam", torch.optim.NAdam, pairwise(lr=rates, betas=betas, eps=eps, weight_decay=decay,
         momentum_decay=[4e-3, 0.3], decoupled_weight_decay=up, maximize=up)),
        ("radam", torch.optim.RAdam, pairwise(lr=rates, betas=betas, eps=eps, weight_decay=decay,
         decoupled_weight_decay=up, maximize=up)),
        ("sparse_adam", torch.optim.SparseAdam, pairwise(lr=rates, betas=betas, eps=eps, maximize=up)))
    for op, make, grid in grids:
        for i, row in enumerate(grid):
            rows = row.pop("sparse", op == "sparse_adam") and not row.get("weight_decay")
            name = f"{op}.rows.{i}" if op == "sparse_adam" else f"{op}.{i}"
            of_row = lambda p, make=make, row=row: make(p, **row)  # Adagrad's start is of no group
            optimizer_case(name, op, of_row, [row], [(5, 3), (4, 2)] if rows else sizes,
                           steps=7 if op == "radam" else 4,
                           sparse=(0, 1) if op == "sparse_adam" else (0,) if rows else ())
    torch.set_default_dtype(torch.float32)


class Lion:
    """What PyTorch lacks, in NumPy. Source: Chen et al. 2023, algorithm 2."""

    def __init__(self, groups):
        self.groups, self.means = groups, {}

    def step(self):
        for group in self.groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                w, g = p.detach().numpy(), p.grad.numpy()
                m = self.means.setdefault(id(p), np.zeros_like(w))
                direction = np.sign(beta1 * m + (1 - beta1) * g)
                w *= w.dtype.type(1 - group["lr"] * group["weight_decay"])
                w -= w.dtype.type(group["lr"]) * direction
                m[...] = beta2 * m + (1 - beta2) * g


class RowwiseAdagrad:
    """The same: one number of state for each row. Source: Mudigere et al. 2022, section 4.1.4."""

    def __init__(self, groups):
        self.groups, self.sums = groups, {}

    def step(self):
        for group in self.groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                w, g = p.detach().numpy(), p.grad.to_dense().numpy()
                start = np.full(len(w), group["initial_accumulator_value"], w.dtype)
                s = self.sums.setdefault(id(p), start)
                rows = g.reshape(len(w), -1)
                s += np.mean(np.square(rows, dtype=np.float64), axis=1).astype(w.dtype)
                root = (np.sqrt(s) + group["eps"]).astype(w.dtype)
                w.reshape(len(w), -1)[...] -= group["lr"] * rows / np.where(root == 0, 1, root)[:, None]


def numpy_optimizers():
    for i, row in enumerate(pairwise(lr=[0.1, 0.01], betas=[(0.9, 0.99), (0.5, 0.8)], weight_decay=[0.0, 0.2])):
        optimizer_case(f"lion.{i}", "lion", Lion, [row], [(3, 5), (19,)], absent={(1, 2)})
    grid = pairwise(lr=[0.1, 0.01], initial_accumulator_value=[0.0, 0.5], eps=[1e-10, 0.1], sparse=[False, True])
    for i, row in enumerate(grid):
        sparse = (0, 1) if row.pop("sparse") else ()
        optimizer_case(f"rowwise_adagrad.{i}", "rowwise_adagrad", RowwiseAdagrad, [row], [(7, 3), (4, 20)],
                       steps=5, sparse=sparse, absent={(1, 2)})


def uphill():
    """maximize, of the optimizers that have grids above without it."""
    for sparse in (False, True):
        for i, row in enumerate(({"lr": 0.1}, {"lr": 0.03, "momentum": 0.9, "dampening": 0.4},
                                 {"lr": 0.03, "momentum": 0.8, "nesterov": True})):
            optimizer_case(f"sgd.uphill.{'sparse.' * sparse}{i}", "sgd", lambda p: torch.optim.SGD(p, lr=1.0),
                           [{**row, "maximize": True}], [(5, 3), (7,)], sparse=(0,) if sparse else ())
    optimizer_case("sgd.uphill.decay", "sgd", lambda p: torch.optim.SGD(p, lr=1.0),
                   [{"lr": 0.1, "weight_decay": 0.2, "maximize": True}], [(5, 3), (7,)])
    for op, make in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
        for i, row in enumerate(pairwise(eps=[1e-8, 0.1], weight_decay=[0.0, 0.2], amsgrad=[False, True])):
            optimizer_case(f"{op}.uphill.{i}", op, make, [{"lr": 0.05, **row, "maximize": True}],
                           [(3, 5), (7,)])
    optimizer_case("sparse_adam.uphill", "lazy_adam", torch.optim.SparseAdam,
                   [{"lr": 0.05, "eps": 0.1, "maximize": True}], [(7, 3)], steps=5, sparse=(0,))


def lbfgs():
    """Of sum(a (w - b)^2) / 2 + sum(w^4) / 4, in float64: rounding in float32 grows with each step."""
    grid = pairwise(lr=[1.0, 0.3], max_iter=[4, 7], history_size=[100, 2], strong_wolfe=[False, True],
                    maximize=[False, True])
    extra = [{"max_iter": 20, "max_eval": 6, "strong_wolfe": True}, {"max_iter": 20, "tolerance_grad": 0.5},
             {"max_iter": 20, "tolerance_change": 0.1, "strong_wolfe": True}, {"lr": 4.0, "max_iter": 2},
             {"lr": 20.0, "max_iter": 9, "strong_wolfe": True}]
    for i, row in enumerate(list(grid) + extra):
        name = f"lbfgs.{i}"
        s = Source(name)
        sizes = [(3, 2), (4,)]
        values = [s.floats(*size) for size in sizes]
        scales = [s.floats(*size, low=0.5, high=4) for size in sizes]
        centres = [s.floats(*size) for size in sizes]
        params = [torch.nn.Parameter(to_torch(v, torch.float64)) for v in values]
        options = dict(row)
        line_search = "strong_wolfe" if options.pop("strong_wolfe", False) else None
        optimizer = torch.optim.LBFGS(params, line_search_fn=line_search, **options)
        sign = -1 if row.get("maximize") else 1

        def closure():
            optimizer.zero_grad()
            loss = sum((a * (w - b) ** 2).sum() / 2 + (w ** 4).sum() / 4
                       for w, a, b in zip(params, map(torch.from_numpy, scales), map(torch.from_numpy, centres)))
            (sign * loss).backward()
            return sign * loss

        out = {}
        for step in range(3):
            out[f"out{3 * step}"] = plain(optimizer.step(closure))
            out[f"out{3 * step + 1}"], out[f"out{3 * step + 2}"] = map(plain, params)
        write(name, "lbfgs", {"steps": 3, **row}, values + scales + centres, {"float64": out}, TIGHT_TOLERANCE)


def schedules():
    """Rates by epoch of two groups, of base 0.1 and 0.4; momentum where the schedule moves it."""
    lr = torch.optim.lr_scheduler
    INVERSE, FALLING = (lambda e: 1 / (e + 1)), (lambda e: 1 - 0.1 / e)
    one_cycle = {"max_lr": 1.0, "total_steps": 12}
    cases = [
        ("step", {"step_size": 3, "gamma": 0.5}, lambda o, **k: lr.StepLR(o, **k)),
        ("multi_step", {"milestones": [2, 2, 5], "gamma": 0.1}, lambda o, **k: lr.MultiStepLR(o, **k)),
        ("exponential", {"gamma": 0.9}, lambda o, **k: lr.ExponentialLR(o, **k)),
        ("constant", {"factor": 0.25, "total_iters": 3}, lambda o, **k: lr.ConstantLR(o, **k)),
        ("linear", {"start_factor": 0.3, "end_factor": 0.8, "total_iters": 4},
         lambda o, **k: lr.LinearLR(o, **k)),
        ("polynomial", {"total_iters": 4, "power": 2.0}, lambda o, **k: lr.PolynomialLR(o, **k)),
        ("polynomial", {"total_iters": 7, "power": 0.5}, lambda o, **k: lr.PolynomialLR(o, **k)),
        ("cosine", {"T_max": 5, "eta_min": 0.01}, lambda o, **k: lr.CosineAnnealingLR(o, **k)),
        ("restarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01},
         lambda o, **k: lr.CosineAnnealingWarmRestarts(o, **k)),
        ("restarts", {"T_0": 4, "T_mult": 1, "eta_min": 0.0},
         lambda o, **k: lr.CosineAnnealingWarmRestarts(o, **k)),
        ("inverse", {}, lambda o: lr.LambdaLR(o, INVERSE)),
        ("falling", {}, lambda o: lr.MultiplicativeLR(o, FALLING)),
        ("sequential", {"warmup": 4, "gamma": 0.9}, lambda o, warmup, gamma: lr.SequentialLR(
            o, [lr.LinearLR(o, 0.1, total_iters=warmup), lr.ExponentialLR(o, gamma)], [warmup])),
        ("one_cycle", one_cycle, lambda o, **k: lr.OneCycleLR(o, **k)),
        ("one_cycle", {**one_cycle, "pct_start": 0.5, "linear": True, "three_phase": False},
         lambda o, linear, **k: lr.OneCycleLR(o, anneal_strategy="linear", **k)),
        ("one_cycle", {**one_cycle, "three_phase": True, "div_factor": 10.0, "final_div_factor": 100.0,
                       "base_momentum": 0.7, "max_momentum": 0.9}, lambda o, **k: lr.OneCycleLR(o, **k))]
    for i, (kind, options, make) in enumerate(cases):
        params = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
        optimizer = torch.optim.SGD([{"params": params[:1], "lr": 0.1}, {"params": params[1:], "lr": 0.4}],
                                    momentum=0.9)
        scheduler = make(optimizer, **options)
        rates, momenta = [], []
        for _ in range(12):
            rates.append([group["lr"] for group in optimizer.param_groups])
            momenta.append(optimizer.param_groups[0]["momentum"])
            optimizer.step()
            if len(rates) < 12:
                scheduler.step()
        out = {"out0": np.array(rates), "out1": np.array(momenta)}
        write(f"schedule.{i}.{kind}", "schedule", {"kind": kind, **options}, [], {"float64": out}, 1e-12)
    plateaus = [{"factor": 0.5, "patience": 2, "cooldown": 1}, {"factor": 0.5, "patience": 0, "min_lr": 0.04},
                {"factor": 0.3, "patience": 1, "threshold": 0.1}, {"maximize": True, "factor": 0.5, "patience": 1},
                {"factor": 0.5, "patience": 1, "threshold": 0.2, "absolute": True}]
    for i, options in enumerate(plateaus):
        name = f"plateau.{i}"
        metrics = np.cumsum(Source(name).floats(16, low=-0.3, high=0.2)).astype(np.float32) + np.float32(3)
        parameter = torch.nn.Parameter(torch.ones(1))
        optimizer = torch.optim.SGD([parameter], lr=0.1)
        given = {k: v for k, v in options.items() if k not in ("maximize", "absolute")}
        scheduler = lr.ReduceLROnPlateau(optimizer, "max" if options.get("maximize") else "min",
                                         threshold_mode="abs" if options.get("absolute") else "rel", **given)
        rates = []
        for metric in metrics:
            scheduler.step(float(metric))
            rates.append(optimizer.param_groups[0]["lr"])
        write(name, "plateau", options, [metrics], {"float64": {"out0": np.array(rates)}}, 1e-12)


def clipping():
    def gradients(name):
        s = Source(name)
        return [s.floats(2, 3), s.floats(7), s.floats(1)], s.integers(0, 4, 6), s.floats(6, 3)

    limits = [("2", 2.0, 1.0), ("1", 1.0, 5.0), ("3", 3.0, 0.5), ("half", 0.5, 9.0), ("inf", INF, 0.25),
              ("not", 2.0, 1e3)]
    for name, norm_type, max_norm in limits:
        for sparse in (False, True):
            name_here = f"clip_norm.{name}{'_sparse' * sparse}"
            dense, ids, rows = gradients(name_here)
            computed = {}
            for width, dtype in WIDTH.items():
                values = [to_torch(g, dtype) for g in dense]
                if sparse:  # PyTorch's own does not scale it: the reference is the dense form
                    values.append(torch.zeros(4, 3, dtype=dtype).index_add_(
                        0, torch.from_numpy(ids), to_torch(rows, dtype)))
                params = [torch.nn.Parameter(torch.zeros_like(g)) for g in values]
                for p, g in zip(params, values):
                    p.grad = g
                total = torch.nn.utils.clip_grad_norm_(params, max_norm, norm_type)
                computed[width] = {"out0": plain(total)}
                computed[width].update({f"out{i + 1}": plain(p.grad) for i, p in enumerate(params)})
            inputs = dense + ([ids, rows] if sparse else [])
            write(name_here, "clip_norm", {"norm_type": norm_type, "max_norm": max_norm, "sparse": sparse},
                  inputs, computed, TOLERANCE)
    for sparse in (False, True):
        name = f"clip_value.{'sparse' if sparse else 'dense'}"
        dense, ids, rows = gradients(name)
        computed = {}
        for width, dtype in WIDTH.items():
            values = [to_torch(g, dtype) for g in dense]
            if sparse:
                values.append(torch.zeros(4, 3, dtype=dtype).index_add_(
                    0, torch.from_numpy(ids), to_torch(rows, dtype)))
            params = [torch.nn.Parameter(torch.zeros_like(g)) for g in values]
            for p, g in zip(params, values):
                p.grad = g
            torch.nn.utils.clip_grad_value_(params, 0.75)
            computed[width] = {f"out{i}": plain(p.grad) for i, p in enumerate(params)}
        write(name, "clip_value", {"limit": 0.75, "sparse": sparse},
              dense + ([ids, rows] if sparse else []), computed, TOLERANCE)


# ---- a model in a file

def model():
    torch.manual_seed(3)
    return torch.nn.Sequential(torch.nn.Embedding(11, 6), torch.nn.Linear(6, 4))


def interoperate():
    net = model()
    ids = Source("model").integers(0, 11, 3, 5)
    safetensors.torch.save_file(net.state_dict(), os.path.join(HERE, "torch_model.safetensors"),
                                {"format": "pt"})
    computed = {"float32": {"out0": plain(net(torch.from_numpy(ids)))}}
    write("model.of_torch", "model", {}, [ids], computed, TOLERANCE)


def check():
    path = os.path.join(HERE, "gradus_model.safetensors")
    state = safetensors.torch.load_file(path)
    net = torch.nn.Sequential(torch.nn.Embedding(11, 6), torch.nn.Linear(6, 4))
    print(net.load_state_dict(state, strict=True))
    expected = safetensors.torch.load_file(os.path.join(HERE, "torch_model.safetensors"))
    for name, value in net.state_dict().items():
        # golden_test.cpp doubles the weights of torch_model.safetensors before it saves.
        assert torch.equal(value, 2 * expected[name]), name
        print(f"{name}: {value.dtype} {list(value.shape)}, as expected")
    with safetensors.safe_open(path, "np") as file:
        print("metadata:", file.metadata())


def main():
    if sys.argv[1:] == ["--check"]:
        return check()
    assert not sys.argv[1:], __doc__
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for part in (elementwise, functions, activations, limits, divisions, selections, reductions,
                 more_reductions, normalization, distances, linear_algebra, products, shapes,
                 more_shapes, more_products, indexing, losses, embeddings,
                 embedding_bags, optimizers, more_optimizers, numpy_optimizers, uphill, lbfgs, schedules,
                 clipping, interoperate):
        part()
    save()


if __name__ == "__main__":
    main()
