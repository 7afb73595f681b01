#!/usr/bin/env python3
"""Reads back what SummaryWriter writes, with TensorBoard's own reader.

    tests/metrics/tensorboard_check.py [BUILD]      BUILD is build/release; its program test_metrics is run

Needs `pip install tensorboard`. CI does without: tests/metrics/tensorboard_test.cpp has the bytes
that TensorBoard's messages and checksums give for some of the events.
"""
import math
import os
import struct
import subprocess
import sys
import tempfile

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.backend.event_processing import event_file_loader


def as_float(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def read(folder):
    reader = event_accumulator.EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0})
    reader.Reload()
    curves = {}
    for tag in reader.Tags()["scalars"]:
        curves[tag] = [(event.step, event.value) for event in reader.Scalars(tag)]
    for tag in reader.Tags()["tensors"]:  # newer readers turn scalars into tensors
        events = reader.Tensors(tag)
        if reader.SummaryMetadata(tag).plugin_data.plugin_name == "text":
            curves[tag] = [(event.step, event.tensor_proto.string_val[0].decode()) for event in events]
        else:
            curves[tag] = [(event.step, event.tensor_proto.float_val[0]) for event in events]
    return curves


def check(curves, begin, end, sign):
    sign_of = lambda step: sign(step) if callable(sign) else sign
    expected = [(step, as_float(sign_of(step) / (step + 1))) for step in range(begin, end)]
    assert curves["loss/train"] == expected, (begin, end, curves["loss/train"][:3], len(curves["loss/train"]))
    hundreds = [(step, float(step)) for step in range(begin, end) if step % 100 == 0]
    assert curves.get("f1", []) == hundreds, curves.get("f1")
    (nan_step, nan), (inf_step, inf) = curves["odd"]
    assert nan_step == end and math.isnan(nan) and inf_step == end + 1 and inf == -math.inf, curves["odd"]
    assert curves["note"][-1] == (end, "**caf\u00e9** " + 1000 * "x"), curves["note"]  # texts are not purged


def main():
    build = sys.argv[1] if sys.argv[1:] else "build/release"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([os.path.join(build, "tests", "test_metrics"), "--gtest_filter=SummaryWriterRuns.*", "--gtest_brief=1"],
                       env={**os.environ, "GRADUS_EVENTS": folder}, check=True)
        check(read(os.path.join(folder, "whole")), 0, 1000, 1)
        check(read(os.path.join(folder, "resumed")), 0, 1000, lambda step: -1 if step < 500 else 1)
        events = 0
        for run in os.listdir(folder):  # every record and checksum
            for name in os.listdir(os.path.join(folder, run)):
                path = os.path.join(folder, run, name)
                events += sum(1 for _ in event_file_loader.EventFileLoader(path).Load())
    print(f"tensorboard_check: passed: {events} events")


if __name__ == "__main__":
    main()
