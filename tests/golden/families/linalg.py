"""Products, distances and linear algebra."""
import itertools

import numpy as np
import torch
import torch.nn.functional as F

from golden_file import INF, Source, array, case, named


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


PARTS = (distances, linear_algebra, products, more_products)
