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


PARTS = (ctc,)
