"""Optimizers and clipping."""
import numpy as np
import torch

from golden_file import INF, TIGHT_TOLERANCE, TOLERANCE, WIDTH, Source, pairwise, plain, to_torch, write


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
            tuple_fields = [(f"{key}.{k}", v) for k, v in enumerate(value)] if isinstance(value, tuple) else None
            for field, number in tuple_fields or [(key, value)]:
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
        ("adafactor", torch.optim.Adafactor, pairwise(lr=[0.5, 0.05], beta2_decay=[-0.8, -0.3],
         eps=[(0.1, 0.3), (1e-3, 0.01)], d=[1.0, 1.5], weight_decay=decay, maximize=up)),
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


class Muon:
    """The same: PyTorch iterates in bfloat16. Source: Jordan et al. 2024."""

    def __init__(self, groups):
        self.groups, self.means = groups, {}

    def step(self):
        for group in self.groups:
            a, b, c = group["ns_coefficients"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                w, g = p.detach().numpy(), p.grad.numpy()
                m = self.means.setdefault(id(p), np.zeros_like(w))
                m += (1 - group["momentum"]) * (g - m)
                x = (g + group["momentum"] * (m - g) if group["nesterov"] else m).astype(np.float64)
                x = x / max(np.linalg.norm(x), group["eps"])
                for _ in range(5):
                    gram = x @ x.T
                    x = a * x + (b * gram + c * gram @ gram) @ x
                ratio = w.shape[0] / w.shape[1]
                scale = 0.2 * max(w.shape) ** 0.5 if group["match_rms_adamw"] else max(1, ratio) ** 0.5
                w *= w.dtype.type(1 - group["lr"] * group["weight_decay"])
                w -= (group["lr"] * scale * x).astype(w.dtype)


def numpy_optimizers():
    grid = pairwise(lr=[0.1, 0.02], weight_decay=[0.0, 0.2], momentum=[0.95, 0.5], nesterov=[False, True],
                    eps=[1e-7, 1.0], match_rms_adamw=[False, True],
                    ns_coefficients=[(3.4445, -4.775, 2.0315), (2.0, -1.5, 0.5)])
    for i, row in enumerate(grid):
        optimizer_case(f"muon.{i}", "muon", Muon, [row], [(3, 5), (6, 2)], steps=3, absent={(1, 1)})
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


PARTS = (optimizers, more_optimizers, numpy_optimizers, uphill, lbfgs, clipping)
