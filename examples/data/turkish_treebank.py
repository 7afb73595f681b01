#!/usr/bin/env python3
"""The Turkish Web Treebank as CoNLL-U: what `tagger` learns from by default.

usage: turkish_treebank.py [FOLDER]

Writes train.conllu, dev.conllu and test.conllu to FOLDER and prints its name. FOLDER is by default
gradus/turkish-treebanks-1.0.0 in $XDG_CACHE_HOME or ~/.cache. The data comes in a wheel of Python's package index, which
pip downloads to FOLDER unless it is there; its hash is checked. Without a network, put it there yourself. Of all
sentences, those of the web first, number i (from 0) is for testing if i % 10 is 9, for development if it is 8. If
something is wrong, prints what instead, and ends with exit code 1.
"""
import hashlib
import os
import pathlib
import subprocess
import sys
import zipfile

PACKAGE = "turkish-treebanks==1.0.0"
WHEEL = "turkish_treebanks-1.0.0-py3-none-any.whl"
SHA256 = "5a009c29a8e96e8f7e25059d59ac293c3baead6d746bf0fa4c9d3349b1e37ba0"
PAGE = "https://pypi.org/project/turkish-treebanks/1.0.0/#files"
MEMBERS = ["data/web.conllu", "data/wiki.conllu"]
LICENCE = "turkish_treebanks-1.0.0.dist-info/LICENSE"
PARTS = ["train", "dev", "test"]


def say(text):
    print(text, file=sys.stderr, flush=True)


def fail(text):
    print(text)
    sys.exit(1)


def default_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "gradus" / "turkish-treebanks-1.0.0"


def download(folder):
    say(f"downloading {PACKAGE} (1.2 MB) with pip to {folder}")
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
           "--only-binary", ":all:", "-d", str(folder), PACKAGE]
    if subprocess.run(pip, stdout=sys.stderr.fileno(), stdin=subprocess.DEVNULL).returncode != 0:
        fail(f"pip cannot download {PACKAGE}: put {WHEEL} from {PAGE} into '{folder}'")


def sentences(text):
    """The lines of each sentence."""
    for block in text.split("\n\n"):
        lines = [line.strip("\r\n") for line in block.split("\n") if line.strip()]
        if any(not line.startswith("#") for line in lines):
            yield lines


def part_of(number):
    return {9: "test", 8: "dev"}.get(number % 10, "train")


def make(wheel, folder):
    parts = {part: [] for part in PARTS}
    number = 0
    with zipfile.ZipFile(wheel) as archive:
        for member in MEMBERS:
            for lines in sentences(archive.read(member).decode("utf-8")):
                parts[part_of(number)] += lines + [""]
                number += 1
        (folder / "LICENSE").write_bytes(archive.read(LICENCE))
    for part, lines in parts.items():
        unfinished = folder / f"{part}.{os.getpid()}.unfinished"
        unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
        unfinished.rename(folder / f"{part}.conllu")


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default_folder()
    wheel = folder / WHEEL
    if not all((folder / f"{part}.conllu").exists() for part in PARTS):
        folder.mkdir(parents=True, exist_ok=True)
        if not wheel.exists():
            download(folder)
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
            fail(f"'{wheel}' has not the SHA-256 {SHA256}: delete it, and put {WHEEL} from {PAGE} there")
        make(wheel, folder)
    say("Turkish Web Treebank 1.0.0, Copyright 2020 The Google Research Authors, Apache License 2.0")
    print(folder)


if __name__ == "__main__":
    try:
        main()
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        fail(error)
