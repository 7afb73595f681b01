"""Records the cases of make_golden.py, which a test reads from values/.

A line of FAMILY.txt is `name op key=value ...`. Tensors of a case are named `name/what` in FAMILY.safetensors:
  in0, in1, ...         inputs: float32, int64 or bool
  out0, out1, ...       results, in float64
  cot0, cot1, ...       cotangents of the float results
  grad0, grad1, ...     gradients of the inputs, or grad0.ids and grad0.values of a sparse one
The test runs a case in both float types, unless it says `dtype=`. Inputs are exact in float32; the
results are those of float64, and write() makes sure that float32 agrees with them.
"""
import itertools
import os
import zlib

import numpy as np
import safetensors.numpy
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
INF, NAN = float("inf"), float("nan")
TINY = 2.0 ** -140  # subnormal in float32
WIDTH = {"float32": torch.float32, "float64": torch.float64}
TOLERANCE = 1e-5  # of float32; golden_test.cpp has the same two figures
TIGHT_TOLERANCE = 1e-6  # of float32 in optimizers and embeddings

tensors = {}  # of the family at hand: what goes into its .safetensors
lines = []  # of the family at hand: what goes into its .txt
names = set()  # of the cases of all families
owners = {}  # results -> the case that has them


class Source:
    """Random inputs that depend on the name of a case only."""

    def __init__(self, name):
        self.random = np.random.RandomState(zlib.crc32(name.encode()))

    def floats(self, *shape, low=-2.0, high=2.0):
        return self.random.uniform(low, high, shape).astype(np.float32)

    def integers(self, low, high, *shape):
        return self.random.randint(low, high, shape).astype(np.int64)


def array(values, dtype=np.float32):
    return np.array(values, dtype=dtype)


def named(*shapes):
    return "_".join("x".join(map(str, shape)) or "0d" for shape in shapes)


def text(value):
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (list, tuple)):
        return ",".join(text(v) for v in value)
    return "%.17g" % value if isinstance(value, float) else str(value)


def close(a, b, tolerance):
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    with np.errstate(invalid="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= tolerance * (1 + np.abs(b)))
    return a.shape == b.shape and bool(np.all(same))


def write(name, op, options, inputs, computed, tolerance):
    """Adds a case. `computed` maps a float type to the tensors {what: array} that came out."""
    found = [computed[width] for width in sorted(computed, reverse=True)]  # float64 first
    for what, value in found[0].items():
        if len(found) == 2 and not close(found[1][what], value, tolerance / 2):
            raise AssertionError(f"{name}/{what}: float32 differs: {found[1][what]} {value}")
    results = [v for k, v in found[0].items() if k.startswith("out")]
    if any(v.size for v in results):
        key = op.encode() + b"".join(repr(v.shape).encode() + v.tobytes() for v in results)
        assert key not in owners, f"{name} has the expected results of {owners.get(key)}"
        owners[key] = name
    for i, value in enumerate(inputs):
        tensors[f"{name}/in{i}"] = np.asarray(value)
    for what, value in found[0].items():
        tensors[f"{name}/{what}"] = value
    if len(found) == 1:
        options = {**options, "dtype": next(iter(computed))}
    assert name not in names, name
    names.add(name)
    lines.append(" ".join([name, op] + [f"{k}={text(v)}" for k, v in options.items()]))


def to_torch(value, dtype):
    t = torch.from_numpy(np.array(value))
    return t.to(dtype) if t.is_floating_point() else t


def plain(t):
    t = t.detach().clone()
    return (t.to(torch.float64) if t.is_floating_point() else t).numpy()


def case(name, op, inputs, function, options=None, frozen=(), widths=("float32", "float64"),
         tolerance=TOLERANCE, gradients=True):
    """One op: function(*inputs) gives a tensor or several; cotangents are random."""
    options = options or {}
    source = Source("cotangents of " + name)
    cotangents = {}
    computed = {}
    for width in widths:
        args = [to_torch(v, WIDTH[width]) for v in inputs]
        trained = [i for i, a in enumerate(args)
                   if gradients and a.is_floating_point() and i not in frozen]
        for i in trained:
            args[i].requires_grad_()
        result = function(*args)
        result = [result] if torch.is_tensor(result) else list(result)
        out = {f"out{k}": plain(r) for k, r in enumerate(result)}
        recorded = [k for k, r in enumerate(result) if r.requires_grad]
        if recorded:
            for k in recorded:
                if k not in cotangents:
                    cotangents[k] = source.floats(*result[k].shape)
                out[f"cot{k}"] = cotangents[k]
            torch.autograd.backward([result[k] for k in recorded],
                                    [to_torch(cotangents[k], WIDTH[width]) for k in recorded])
            for i in trained:
                gradient = args[i].grad
                if gradient is None:
                    out[f"grad{i}"] = np.zeros(args[i].shape)
                elif gradient.is_sparse:
                    out[f"grad{i}.ids"] = gradient._indices()[0].numpy()
                    out[f"grad{i}.values"] = plain(gradient._values())
                else:
                    out[f"grad{i}"] = plain(gradient)
        computed[width] = out
    write(name, op, options, inputs, computed, tolerance)


def int_case(name, op, inputs, function, options=None):
    """An op on int64 or boolean tensors: exact, and without gradients."""
    result = function(*[torch.from_numpy(np.array(v)) for v in inputs])
    result = [result] if torch.is_tensor(result) else result
    computed = {"int64": {f"out{k}": plain(r) for k, r in enumerate(result)}}
    write(name, op, options or {}, inputs, computed, TOLERANCE)


def pairwise(**axes):
    """Rows so that every pair of values of two axes is in one of them."""
    keys = list(axes)
    pairs = {(a, i, b, j) for a, b in itertools.combinations(keys, 2)
             for i in range(len(axes[a])) for j in range(len(axes[b]))}
    random = np.random.RandomState(1)
    while pairs:
        best, best_found = None, set()
        for _ in range(50):
            a, i, b, j = sorted(pairs)[random.randint(len(pairs))]
            row = {k: random.randint(len(axes[k])) for k in keys}
            row[a], row[b] = i, j
            found = {p for p in pairs if row[p[0]] == p[1] and row[p[2]] == p[3]}
            if len(found) > len(best_found):
                best, best_found = row, found
        pairs -= best_found
        yield {k: axes[k][best[k]] for k in keys}


def save(family):
    """Writes the cases since the last call to FAMILY.txt and FAMILY.safetensors."""
    narrow = {}
    for name, value in tensors.items():
        narrow[name] = np.array(value, order="C")
        assert value.dtype in (np.float32, np.float64, np.int64, bool), (name, value.dtype)
    path = os.path.join(HERE, "values", family)
    safetensors.numpy.save_file(narrow, path + ".safetensors", {"torch": torch.__version__.split("+")[0]})
    with open(path + ".txt", "w") as file:
        file.write(f"# Written by families/{family}.py: name op key=value ...\n")
        file.writelines(line + "\n" for line in lines)
    print(f"{family}: {len(lines)} cases, {len(tensors)} tensors")
    tensors.clear()
    lines.clear()
