"""What NumPy and PyTorch write, gradus reads and writes, and NumPy and PyTorch read: values must be the same.

    arrays_check.py PROGRAM [--huge]      PROGRAM is arrays_check of the build
"""
import itertools
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import torch

program, huge = sys.argv[1], "--huge" in sys.argv
rng = np.random.default_rng(1)
kinds = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]
torch_types = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8, torch.int16, torch.int32,
               torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.bool]
shapes = [(), (0,), (1,), (5,), (3, 4), (1, 7), (3, 0, 2), (2, 3, 4), (20000,), (130, 70), (1, 2, 1, 2, 3, 1, 2, 2)]


def copy(form, source, target):
    subprocess.run([program, form, source, target], check=True)


def random_array(kind, shape):
    n = int(np.prod(shape))
    if kind == "b1":
        return rng.integers(0, 2, n).astype("?").reshape(shape)
    if kind == "u8":
        return rng.integers(0, 2 ** 63, n, dtype=np.uint64).reshape(shape)
    bits = np.frombuffer(rng.bytes(n * int(kind[1])), "<" + kind)  # any float: infinite, NaN and subnormal too
    return bits.reshape(shape)


def widened(array):
    kind = array.dtype.kind
    target = "?" if kind == "b" else array.dtype.newbyteorder("<") if array.dtype.itemsize == 8 and kind == "f" else \
        "<f4" if kind == "f" else "<i8"
    return array.astype(target)


def check_same(got, array, name):
    expected = np.ascontiguousarray(widened(array)).reshape(array.shape)
    assert got.dtype == expected.dtype and got.shape == expected.shape, (name, got.dtype, got.shape)
    nan = got.dtype.kind == "f"
    assert np.array_equal(got, expected, equal_nan=nan), name
    if nan:
        assert np.array_equal(np.signbit(got), np.signbit(expected)) or np.isnan(got).any(), name


def check_numpy(folder):
    arrays = {}
    for kind, order, shape in itertools.product(kinds, "<>", shapes):
        base = random_array(kind, shape).astype(order + kind)
        for memory in "CF":
            arrays[f"{order}{kind}/{memory}/{'x'.join(map(str, shape))}"] = np.array(base, order=memory)
    for i, (name, array) in enumerate(arrays.items()):
        with open(folder / "in.npy", "wb") as out:
            np.lib.format.write_array(out, array, version=[None, (1, 0), (2, 0), (3, 0)][i % 4])
        copy("npy", folder / "in.npy", folder / "out.npy")
        got = np.load(folder / "out.npy")
        check_same(got, array, name)
        assert got.dtype.kind == "b" or torch.equal(torch.from_numpy(got).nan_to_num(),
                                                    torch.from_numpy(widened(array).copy()).nan_to_num()), name
    for save, form in itertools.product([np.savez, np.savez_compressed], ["npz", "compressed"]):
        save(folder / "in.npz", **arrays)
        copy(form, folder / "in.npz", folder / "out.npz")
        with np.load(folder / "out.npz") as got:
            assert got.files == list(arrays)
            for name, array in arrays.items():
                check_same(got[name], array, name)
        assert zipfile.ZipFile(folder / "out.npz").testzip() is None
    print(f"arrays_check: {len(arrays)} arrays, as .npy and in .npz")


def numpy_of(tensor):
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return tensor.detach().numpy()


def check_torch(folder):
    state = {}
    for dtype, shape in itertools.product(torch_types, shapes):
        n = int(np.prod(shape))
        values = torch.from_numpy(rng.integers(0, 100, n)).to(dtype).reshape(shape)
        name = f"{dtype}".split(".")[1] + "/" + "x".join(map(str, shape))
        state[name] = values
        state[name + "/T"] = values.permute(tuple(reversed(range(len(shape)))))
        if shape and shape[0] > 2:
            state[name + "/part"] = values[1:3]
            state[name + "/steps"] = values[::2]
            state[name + "/expanded"] = values[:1].expand(3, *shape[1:])
    for protocol in [2, 3, 4, 5]:
        torch.save({"nested": {"state": state, "list": list(state.values())[:3]}, "epoch": 1}, folder / "in.pt",
                   pickle_protocol=protocol)
        copy("pt", folder / "in.pt", folder / "out.npz")
        with np.load(folder / "out.npz") as got:
            assert len(got.files) == len(state) + 3
            for name, tensor in state.items():
                check_same(got["nested.state." + name], numpy_of(tensor), name)
    print(f"arrays_check: {len(state)} tensors in .pt, protocols 2 to 5")


def check_huge(folder):
    array = np.zeros(1_200_000_000, "<f4")
    array[[0, -1]] = 1, 2
    np.savez(folder / "in.npz", small=np.arange(3), big=array, after=np.arange(4))
    copy("npz", folder / "in.npz", folder / "out.npz")
    (folder / "in.npz").unlink()
    with np.load(folder / "out.npz") as got:
        assert got["after"].tolist() == [0, 1, 2, 3] and np.array_equal(got["big"], array)
    print("arrays_check: a member of 4.8 GB")


with tempfile.TemporaryDirectory() as name:
    check_numpy(pathlib.Path(name))
    check_torch(pathlib.Path(name))
    if huge:
        check_huge(pathlib.Path(name))
print("arrays_check: passed")
