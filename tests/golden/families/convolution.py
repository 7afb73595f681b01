"""Convolutional layers, pooling and unfold, over [B, T, C]: PyTorch's have the channels before time. The parameters of layers are
inputs, and `parameters` lists their names."""
import torch

from golden_file import Source, case, pairwise

LAYERS = {"conv1d": torch.nn.Conv1d, "conv_transpose1d": torch.nn.ConvTranspose1d}


def turned(x):
    return x.transpose(1, 2)


def layer_case(name, op, row, after=lambda y: y):
    s = Source(name)
    T, channels, outputs, kernel = row["shape"]
    keywords = {k: row[k] for k in ("stride", "dilation", "groups", "bias", "padding", "output_padding") if k in row}
    torch_op = "conv_transpose1d" if op == "conv_transpose1d" else "conv1d"

    def make():
        return LAYERS[torch_op](channels, outputs, kernel, **keywords)
    names = [n for n, _ in make().named_parameters()]
    values = [s.floats(*p.shape, low=-0.7, high=0.7) for p in make().parameters()]

    def run(x, *parameters):
        net = make().to(x.dtype)
        return after(turned(torch.func.functional_call(net, dict(zip(names, parameters)), (turned(x),))))
    case(name, op, [s.floats(row["batch"], T, channels)] + values, run,
         {"outputs": outputs, "kernel": kernel, **keywords, "parameters": names})


SHAPES = [(7, 4, 6, 3), (9, 2, 2, 4), (3, 8, 4, 1), (30, 4, 2, 5)]


def convolutions():
    rows = pairwise(batch=[1, 3], shape=SHAPES, stride=[1, 2, 3], padding=[0, 2], dilation=[1, 2], groups=[1, 2],
                    bias=[False, True])
    for i, row in enumerate(rows):
        layer_case(f"conv1d.{i}", "conv1d", row)
    rows = pairwise(batch=[1, 3], shape=SHAPES, padding=["same", "valid"], dilation=[1, 2], groups=[1, 2],
                    bias=[False, True])
    for i, row in enumerate(rows):
        layer_case(f"conv1d.named.{i}", "conv1d", row)
    rows = pairwise(batch=[1, 3], shape=SHAPES, stride=[1, 2], padding=[0, 1], dilation=[1, 2], groups=[1, 2],
                    bias=[False, True])
    for i, row in enumerate(rows):
        layer_case(f"conv1d_relu_max.{i}", "conv1d_relu_max", row, lambda y: torch.relu(y).max(1).values)


def transposed():
    rows = pairwise(batch=[1, 3], shape=SHAPES, stride=[1, 2, 3], padding=[0, 1], output_padding=[0, 1], dilation=[1, 2],
                    groups=[1, 2], bias=[False, True])
    for i, row in enumerate(rows):
        row["output_padding"] = min(row["output_padding"], max(row["stride"], row["dilation"]) - 1)
        layer_case(f"conv_transpose1d.{i}", "conv_transpose1d", row)


def pooling_case(name, op, row, function, options=None):
    s = Source(name)
    T, channels = row["shape"]
    case(name, op, [s.floats(row["batch"], T, channels)], lambda x: turned(function(turned(x))),
         {**(options or {}), **{k: v for k, v in row.items() if k not in ("batch", "shape") and v is not None}})


def pooling():
    F = torch.nn.functional
    shapes = [(7, 4), (12, 3), (31, 1)]
    rows = pairwise(batch=[1, 3], shape=shapes, kernel=[2, 3, 5], stride=[None, 1, 2, 4], padding=[0, 1], dilation=[1, 2],
                    ceil=[False, True])
    for i, row in enumerate(rows):
        if (row["kernel"] - 1) * row["dilation"] >= row["shape"][0]:
            row["dilation"] = 1
        pooling_case(f"max_pool1d.{i}", "max_pool1d", row, lambda x: F.max_pool1d(
            x, row["kernel"], row["stride"], row["padding"], row["dilation"], row["ceil"]))
    rows = pairwise(batch=[1, 3], shape=shapes, kernel=[2, 3, 5], stride=[None, 1, 2, 4], padding=[0, 1], ceil=[False, True],
                    counted=[False, True])
    for i, row in enumerate(rows):
        pooling_case(f"avg_pool1d.{i}", "avg_pool1d", row, lambda x: F.avg_pool1d(
            x, row["kernel"], row["stride"], row["padding"], row["ceil"], row["counted"]))
    for i, row in enumerate(pairwise(batch=[1, 3], shape=shapes, output=[1, 2, 5, 9])):
        pooling_case(f"adaptive_max_pool1d.{i}", "adaptive_max_pool1d", row, lambda x: F.adaptive_max_pool1d(x, row["output"]))
        pooling_case(f"adaptive_avg_pool1d.{i}", "adaptive_avg_pool1d", row, lambda x: F.adaptive_avg_pool1d(x, row["output"]))


def unfold():
    for i, row in enumerate(pairwise(shape=[(7, 4), (2, 9, 3)], axis=[0, 1, -1], size=[1, 2], step=[1, 2, 3])):
        s = Source(f"unfold.{i}")
        case(f"unfold.{i}", "unfold", [s.floats(*row["shape"])], lambda x: x.unfold(row["axis"], row["size"], row["step"]),
             {k: row[k] for k in ("axis", "size", "step")})


PARTS = (convolutions, transposed, pooling, unfold)
