"""Ops that change shapes."""
import numpy as np
import torch
import torch.nn.functional as F

from golden_file import Source, array, case, int_case


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


PARTS = (shapes, more_shapes)
