"""A model in a file, as PyTorch saves it."""
import os

import safetensors.torch
import torch

from golden_file import HERE, TOLERANCE, Source, plain, write


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


PARTS = (interoperate,)
