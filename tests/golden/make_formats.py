#!/usr/bin/env python3
"""Writes tests/golden/formats/made_*: files that NumPy and PyTorch write, for the tests of io.

    tests/golden/make_formats.py [FOLDER]

It needs NumPy and PyTorch (2.3 or later). The other files in that folder are older ones by both.
"""
import io
import pathlib
import struct
import sys
import warnings
import zipfile

import numpy as np
import torch

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "formats")
warnings.simplefilter("ignore")  # of TorchScript


def bytes_of(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def every_array():
    """Arrays [2, 3] of 0 to 5, less 2 where signed, in every type, byte order and memory order."""
    arrays = {}
    for name in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]:
        for order in "<>":
            values = np.arange(6).reshape(2, 3) - (2 if name[0] in "fi" else 0)
            array = values.astype(order + name)
            arrays[f"{order}{name}_c"] = np.ascontiguousarray(array)
            arrays[f"{order}{name}_f"] = np.asfortranarray(array)
    return arrays


class Stream(io.RawIOBase):
    """An output that cannot be sought in, so that zipfile writes data descriptors."""

    def __init__(self):
        self.bytes = b""

    def writable(self):
        return True

    def write(self, data):
        self.bytes += bytes(data)
        return len(data)


def with_zip64_end(data):
    """The archive with zip64's records at its end, as archives of more than 4 GiB have them."""
    end = data.rindex(b"PK\5\6")
    count, size, offset = struct.unpack("<HII", data[end + 10:end + 20])
    record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, end, 1)
    last = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:end] + record + locator + last


def write_npz():
    np.savez_compressed(folder / "made_types.npz", **every_array())
    ranks = {f"rank{n}": np.array(np.arange(2.0 ** n, dtype="f4").reshape([2] * n), order="F") for n in range(9)}
    ranks["permuted"] = np.arange(24, dtype="i2").reshape(2, 3, 4).transpose(1, 0, 2).copy("F")
    np.savez_compressed(folder / "made_ranks.npz", **ranks)
    np.savez(folder / "made_positional.npz", np.float32([1, 2]), np.int64([[3]]))

    w = bytes_of(np.float32([[1, 2], [3, 4]]))
    out = Stream()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", w)
    (folder / "made_descriptor.npz").write_bytes(out.bytes)
    with zipfile.ZipFile(folder / "made_comment.npz", "w") as archive:
        archive.writestr("layer/", b"")
        archive.writestr("layer/weight.npy", w)
        archive.writestr("README", b"not an array")
        archive.comment = b"a comment"
    np.savez(folder / "made_zip64.npz", w=np.float32([[1, 2], [3, 4]]))
    path = folder / "made_zip64.npz"
    path.write_bytes(with_zip64_end(path.read_bytes()))


def big_endian_copy(path, target):
    """The archive as a big-endian machine writes it, of float32 storages."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as out:
        for name in source.namelist():
            data = source.read(name)
            if "/data/" in name:
                data = np.frombuffer(data, "<f4").astype(">f4").tobytes()
            out.writestr(name, b"big" if name.endswith("/byteorder") else data)


def write_pt():
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    with torch.no_grad():
        for i, parameter in enumerate(model.parameters()):
            parameter.copy_(torch.arange(parameter.numel()).reshape(parameter.shape) + 10 * i)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5)
    model(torch.eye(3)[:, :3]).sum().backward()
    optimizer.step()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3,
                  "loss": 0.25, "name": "größe", "done": False, "none": None, "seed": 2 ** 64 - 5,
                  "shape": torch.Size([4, 5]), "dtype": torch.float32,
                  "list": [torch.tensor([1, 2]), (torch.tensor(True), 7)]}
    torch.save(checkpoint, folder / "made_checkpoint.pt")
    torch.save(state, folder / "made_protocol4.pt", pickle_protocol=4)
    torch.save({name: torch.arange(3).to(getattr(torch, name)) for name in
                ["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8",
                 "uint16", "uint32", "uint64", "bool"]}, folder / "made_types.pt")
    base = torch.arange(24.0)
    torch.save({"expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3), "whole": base.view(2, 3, 4),
                "permuted": base.view(2, 3, 4).permute(2, 0, 1), "tail": base[20:], "same": base.view(2, 3, 4),
                "steps": base[1::5], "windows": base.unfold(0, 3, 2)[:3], "none": base[:0].view(0, 4)},
               folder / "made_views.pt")
    torch.save({"live": torch.nn.Parameter(torch.ones(2)),
                "frozen": torch.nn.Parameter(torch.zeros(1), requires_grad=False)}, folder / "made_parameters.pt")
    torch.save(torch.tensor([1.5, 2.5]), folder / "made_tensor.pt")
    big_endian_copy(folder / "made_tensor.pt", folder / "made_big_endian.pt")

    torch.save({"w": torch.ones(2)}, folder / "made_legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(1, 1), folder / "made_module.pt")
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), folder / "made_script.pt")
    torch.save({"z": torch.zeros(2, dtype=torch.complex64)}, folder / "made_complex.pt")
    torch.save({"z": torch.zeros(2).to(torch.float8_e5m2)}, folder / "made_float8.pt")
    torch.save({"z": torch.view_as_real(torch.zeros(2, dtype=torch.complex64).conj().resolve_conj()),
                "neg": torch._neg_view(torch.ones(2))}, folder / "made_negated.pt")
    torch.save({"s": torch.eye(2).to_sparse()}, folder / "made_sparse.pt")


if __name__ == "__main__":
    write_npz()
    write_pt()
