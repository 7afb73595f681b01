"""Sorting, searching and indexing."""
import numpy as np
import torch

from golden_file import INF, NAN, TINY, Source, array, case, int_case, pairwise


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


PARTS = (indexing,)
