"""Losses over sequences and over large vocabularies."""
import numpy as np
import torch
import torch.nn.functional as F

from golden_file import Source, case, pairwise


def ctc():
    # Batch, steps, classes, labels.
    shapes = [(3, 12, 5, 4), (2, 30, 21, 9), (1, 7, 3, 3)]
    for i, row in enumerate(pairwise(shape=shapes, blank=["first", "last", "middle"], reduction=["mean", "sum", "none"],
                                     lengths=[False, True], target_lengths=[False, True], zero=[False, True],
                                     impossible=[False, True])):
        name = f"ctc.{i}"
        if row["shape"][0] == 1:
            row["impossible"] = False
        if row["impossible"] and row["reduction"] != "none":
            row["zero"] = True  # infinite sums are all the same
        s = Source(name)
        B, T, C, S = row["shape"]
        blank = {"first": 0, "last": C - 1, "middle": C // 2}[row["blank"]]
        targets = s.integers(0, C - 1, B, S)
        targets += targets >= blank
        lengths = np.array([T, T - 2, T - 1][:B], np.int64)
        target_lengths = np.array([S - 1, S, 0][:B], np.int64)
        if row["impossible"]:
            targets[0] = targets[0, 0]
            lengths[0] = S
            target_lengths[0] = S
        steps = lengths if row["lengths"] or row["impossible"] else np.full(B, T, np.int64)
        sizes = target_lengths if row["target_lengths"] else np.full(B, S, np.int64)
        inputs = [s.floats(B, T, C, low=-3, high=3), targets]
        options = {"blank": blank, "reduction": row["reduction"], "zero_infinity": row["zero"]}
        if row["lengths"] or row["impossible"]:
            inputs.append(lengths)
            options["lengths"] = True
        if row["target_lengths"]:
            inputs.append(target_lengths)
            options["target_lengths"] = True

        def ctc_loss(x, y, *_):
            return F.ctc_loss(F.log_softmax(x, 2).transpose(0, 1), y, torch.from_numpy(steps), torch.from_numpy(sizes),
                              blank, row["reduction"], row["zero"])
        # PyTorch's gradient of an infinite loss is NaN.
        case(name, "ctc_loss", inputs, ctc_loss, options, gradients=row["zero"] or not row["impossible"])


def adaptive_log_softmax():
    for i, row in enumerate(pairwise(shape=[(6, 12, 9), (7, 20, 33)], cutoffs=["one", "three"], div=[2.0, 1.5],
                                     bias=[False, True])):
        name = f"adaptive_log_softmax.{i}"
        s = Source(name)
        N, features, classes = row["shape"]
        cutoffs = [classes // 3] if row["cutoffs"] == "one" else [2, classes // 2, classes - 2]

        def make():
            return torch.nn.AdaptiveLogSoftmaxWithLoss(features, classes, cutoffs, row["div"], row["bias"])
        parameters = [(n, s.floats(*p.shape, low=-1, high=1)) for n, p in make().named_parameters()]
        labels = s.integers(0, classes, N)
        labels[:4] = [0, 2, classes // 2, classes - 1]  # of every cluster

        def run(x, y, *values):
            net = make().to(x.dtype)
            named = dict(zip((n for n, _ in parameters), values))
            output, loss = torch.func.functional_call(net, named, (x, y))
            with torch.no_grad():
                for n, p in net.named_parameters():
                    p.copy_(named[n])
                return [output, loss, net.log_prob(x), net.predict(x)]
        case(name, "adaptive_log_softmax", [s.floats(N, features), labels] + [v for _, v in parameters], run,
             {"classes": classes, "cutoffs": cutoffs, "div_value": row["div"], "head_bias": row["bias"],
              "parameters": [n for n, _ in parameters]})


PARTS = (ctc, adaptive_log_softmax)
