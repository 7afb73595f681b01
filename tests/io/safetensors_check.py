"""PyTorch's half of tests/scripts/safetensors_check.sh: safetensors_check.py read|write FOLDER. See safetensors_check.cpp for the values."""
import json
import pathlib
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file


def floats(shape, dtype):
    n = torch.Size(shape).numel()
    return ((torch.arange(n) * 7 % 64 - 31).double() / 8).to(dtype).reshape(shape)


def integers(shape, dtype):
    return (torch.arange(torch.Size(shape).numel()) * 7 % 64).to(dtype).reshape(shape)


def booleans(shape):
    return (torch.arange(torch.Size(shape).numel()) % 3 == 0).reshape(shape)


def check(found, name, expected):
    got = found[name]
    assert got.dtype == expected.dtype and got.shape == expected.shape, (name, got.dtype, got.shape)
    assert torch.equal(got, expected), (name, got)


def read(folder):
    for name, dtype in (("same", None), ("half", torch.float16), ("brain", torch.bfloat16)):
        state = load_file(folder / f"{name}.safetensors")
        check(state, "f32", floats((5, 7), dtype or torch.float32))
        check(state, "f64", floats((3,), dtype or torch.float64))
        check(state, "scalar", floats((), dtype or torch.float32))
        check(state, "empty", torch.zeros(0, 4, dtype=dtype or torch.float32))
        check(state, 'п."b\\\n', floats((1,), dtype or torch.float32))
        check(state, "i64", integers((2, 2), torch.int64))
        check(state, "bool", booleans((9,)))
        assert "tied" not in state and len(state) == 7, list(state)
    with safe_open(folder / "same.safetensors", "pt") as file:
        assert file.metadata()["note"] == "König"
        assert json.loads(file.metadata()["gradus.tied"]) == {"tied": "f32"}
    state = load_file(folder / "run" / "step-7.safetensors")
    model = torch.nn.Linear(3, 2)
    model.load_state_dict({k[len("model."):]: v for k, v in state.items() if k.startswith("model.")})
    assert state["vocabulary"].dtype == torch.uint8
    text = bytes(state["vocabulary"].tolist()).decode()
    assert [line.split("\t")[0] for line in text.split("\n\n", 1)[1].splitlines()] == ["<unk>", "der", "König"], text


def write(folder):
    state = {
        "f32": floats((5, 7), torch.float32),
        "f16": floats((5, 7), torch.float16),
        "bf16": floats((5, 7), torch.bfloat16),
        "f64": floats((3,), torch.float64),
        "scalar": floats((), torch.float32),
        "empty": torch.zeros(0, 4),
        "bool": booleans((9,)),
        "f8": floats((4,), torch.float8_e4m3fn),
        "u64": integers((4,), torch.int64).to(torch.uint64),
        "c64": floats((4,), torch.float32).to(torch.complex64),
    }
    for name, dtype in (("i64", torch.int64), ("i32", torch.int32), ("i16", torch.int16), ("i8", torch.int8), ("u8", torch.uint8)):
        state[name] = integers((2, 2), dtype)
    save_file(state, folder / "torch.safetensors", metadata={"format": "pt"})
    # as Hugging Face's save_pretrained(max_shard_size=...) lays them out
    shards = folder / "shards"
    shards.mkdir()
    names, weight_map = sorted(state), {}
    for i in range(3):
        shard = f"model-{i + 1:05}-of-00003.safetensors"
        part = {name: state[name] for name in names[i::3]}
        save_file(part, shards / shard, metadata={"format": "pt"})
        weight_map.update(dict.fromkeys(part, shard))
    size = sum(t.numel() * t.element_size() for t in state.values())
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    (shards / "model.safetensors.index.json").write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")


{"read": read, "write": write}[sys.argv[1]](pathlib.Path(sys.argv[2]))
