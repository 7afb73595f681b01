#!/usr/bin/env python3
"""Writes what PyTorch computes, for golden_test.cpp to compare with.

    make_golden.py [FAMILY ...]  runs families/FAMILY.py, all of them if none is named, and writes values/FAMILY.txt (the
                                 cases) and values/FAMILY.safetensors (their tensors); `model` writes torch_model.safetensors
                                 as well (a model as PyTorch saves it), `published` bert.safetensors and gpt2.safetensors
    make_golden.py --check       reads gradus_model.safetensors, which gradus wrote, as PyTorch would

Needs torch (1.13 or newer), numpy and safetensors. The tests need none of them. golden_file.py
says what is in the files.
"""
import glob
import importlib
import os
import sys
import warnings

import torch

import golden_file
from families import model


def main():
    if sys.argv[1:] == ["--check"]:
        return model.check()
    found = glob.glob(os.path.join(golden_file.HERE, "families", "*.py"))
    families = sorted(os.path.splitext(os.path.basename(path))[0] for path in found)
    assert set(sys.argv[1:]) <= set(families), __doc__
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for family in sys.argv[1:] or families:
        for part in importlib.import_module("families." + family).PARTS:
            part()
        golden_file.save(family)


if __name__ == "__main__":
    main()
