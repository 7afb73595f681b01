#!/usr/bin/env python3
"""Adds to tests/golden/tokenizers those that split by a rule: make_tokenizers.py says what the files are, and what this needs.

usage: make_rule_tokenizers.py [FOLDER SEED COUNT]
"""

import json

from make_tokenizers import COUNT, FOLDER, SEED, TEXT, case, texts
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

PATTERN = r"\p{L}+|\d|[^\s\p{L}\d]+"


def special(tokens):
    return [AddedToken(token, special=True, normalized=False) for token in tokens]


def by_rule(pre_tokenizer, decoder=None):
    """Of the 300 most frequent pieces, equal counts in the order of bytes."""
    counts = {}
    for line in TEXT + ["naïve café 👍🏽 é 12 3.14 don't"]:
        for piece, _ in pre_tokenizer.pre_tokenize_str(line):
            counts[piece] = counts.get(piece, 0) + 1
    pieces = sorted(counts, key=lambda piece: (-counts[piece], piece.encode()))[:300]
    tokenizer = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(["<pad>", "<unk>"] + pieces)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizer
    if decoder is not None:
        tokenizer.decoder = decoder
    tokenizer.add_special_tokens(special(["<pad>", "<unk>"]))
    return tokenizer


def tokenizers():
    yield "rule_whitespace", by_rule(pre_tokenizers.WhitespaceSplit())
    yield "rule_pattern", by_rule(pre_tokenizers.Split(Regex(PATTERN), "removed", invert=True))
    yield "rule_pattern_rest", by_rule(pre_tokenizers.Split(Regex(r"\p{L}+"), "isolated"), decoders.Fuse())
    yield "rule_code_points", by_rule(pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated"), decoders.Fuse())
    yield "rule_graphemes", by_rule(pre_tokenizers.Split(Regex(r"\X"), "isolated"), decoders.Fuse())
    characters = {}
    extra = 256
    for byte in range(256):
        if 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174:
            characters[chr(byte)] = byte
        else:
            characters[chr(extra)] = byte
            extra += 1
    by_bytes = Tokenizer(models.BPE(characters, []))
    by_bytes.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    by_bytes.decoder = decoders.ByteLevel()
    by_bytes.add_special_tokens(special(["<bos>", "<eos>"]))
    yield "rule_bytes", by_bytes


def main():
    for seed, (name, tokenizer) in enumerate(tokenizers()):
        (FOLDER / f"{name}.json").write_text(tokenizer.to_str(), encoding="utf-8")
        with open(FOLDER / f"{name}.cases", "w", encoding="utf-8") as file:
            all_texts = texts(5000 + 1000 * SEED + seed, COUNT)
            for i, text in enumerate(all_texts):
                pair = all_texts[-i] if i % 4 == 3 else None
                file.write(json.dumps(case(tokenizer, text, pair), ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
