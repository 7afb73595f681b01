#!/usr/bin/env python3
"""Makes tests/golden/sentencepiece: small models of SentencePiece, and what it makes of texts.

usage: make_sentencepiece.py [FOLDER SEED COUNT]    (needs PyPI's `sentencepiece` and `protobuf`, and Debian's `bible-kjv`)

With arguments, COUNT other texts for each, of larger models with SentencePiece's own tables of characters too, for a longer comparison that the tests need not make:
    make_sentencepiece.py /tmp/cases 7 3000 && GRADUS_SENTENCEPIECE=/tmp/cases/ build/release/tests/test_text --gtest_filter='*SentencePieceGolden*'

A line of NAME.cases is {"text" or "hex", "ids", "begins", "ends" in bytes, "decoded"}, where "hex" is for bytes that are not UTF-8, or {"ids", "decoded"} for ids drawn at random.
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2, sentencepiece_pb2

FOLDER = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "sentencepiece"
SEED, COUNT = (int(argument) for argument in sys.argv[2:4]) if len(sys.argv) > 3 else (0, 30)
LONG = len(sys.argv) > 1
BIBLE = subprocess.run(["bible", "-f", "gen1:1-rev22:21" if LONG else "gen1:1-gen9:29"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout.splitlines()
WORDS = """the of And unto he it's don't I'll GOD Lord's 1234 3.14 hello, world! [CLS] <s> </s> <unk> <pad> <sep> <0x41> ab▁cd ▁ ▁▁ naïve café Straße İstanbul
ﬁne ½ ① earth. (light) "day" Ⅷ æther ΑΣ 中文 日本 한국 e\u0301 e\u0301\u0302 q\u0307\u0323 \u1e9b\u0323 👍🏽 नमस्ते שלום ㍿ \u0930\u093c aaaa aaaaaaa abab""".split()
CHARACTERS = "abcXYZ019.,!?'\"-_()\\ßéÅñøΩжשع中한ｶﾞ①½ﬁ🌔\u0301\u0302\u0323\u200d\u00ad\u00a0\u3000\u2028\u2581\ufffd\0\x7f"
RULES = {"½": "1⁄2", "ﬁ": "fi", "①": "1", "Ⅷ": "VIII", "e": "E", "e\u0301": "é", "e\u0301\u0302": "!", "ｶ": "カ", "\u3000": " ", "\u00a0": " ", "\n": " ", "\t": " ",
         "\u00ad": "", "æ": "ae", "㍿": "株式 会社", "\u2028": "  ", "\u1e9b\u0323": " \u0323"}
PIECE = sentencepiece_model_pb2.ModelProto.SentencePiece


def rules_file(folder):
    path = pathlib.Path(folder) / "rules.tsv"
    path.write_text("".join(" ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n" for a, b in RULES.items()))
    return str(path)


def trained(**options):
    """A model, with `rules` for the table above."""
    with tempfile.TemporaryDirectory() as folder:
        if options.pop("rules", False):
            options["normalization_rule_tsv"] = rules_file(folder)
        options.setdefault("vocab_size", 4000 if LONG else 300)
        options["vocab_size"] += 256 if options.get("byte_fallback") else 0
        prefix = pathlib.Path(folder) / "model"
        text = BIBLE[::3] if LONG else BIBLE
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(text + WORDS * 3), model_prefix=str(prefix), minloglevel=2, num_threads=2, **options)
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(pathlib.Path(f"{prefix}.model").read_bytes())
        return proto


def with_unused(proto):
    for piece in proto.pieces[10::5]:
        if piece.type == PIECE.NORMAL:
            piece.type = PIECE.UNUSED
    return proto


def models():
    symbols = {"user_defined_symbols": ["<sep>", "ab▁cd", "½", "God", "Goddess"], "control_symbols": ["<ctl>"], "pad_id": 3}
    yield "unigram", trained(normalization_rule_name="identity")
    yield "unigram_rules", trained(rules=True, byte_fallback=True, **symbols)
    yield "unigram_unused", with_unused(trained(normalization_rule_name="identity", remove_extra_whitespaces=False, treat_whitespace_as_suffix=True))
    yield "bpe", trained(model_type="bpe", normalization_rule_name="identity")
    yield "bpe_llama", trained(model_type="bpe", normalization_rule_name="identity", byte_fallback=True, remove_extra_whitespaces=False, split_digits=True,
                               allow_whitespace_only_pieces=True)
    yield "bpe_gemma", trained(model_type="bpe", normalization_rule_name="identity", byte_fallback=True, remove_extra_whitespaces=False, add_dummy_prefix=False,
                               user_defined_symbols=["<start_of_turn>", "\n\n", "[CLS]"], pad_id=0, eos_id=1, bos_id=2, unk_id=3)
    yield "bpe_rules", trained(model_type="bpe", rules=True, treat_whitespace_as_suffix=True, unk_surface="[?]", **symbols)
    yield "bpe_unused", with_unused(trained(model_type="bpe", normalization_rule_name="identity"))
    unescaped = trained(model_type="bpe", rules=True)
    unescaped.normalizer_spec.escape_whitespaces = False
    yield "bpe_unescaped", unescaped
    yield "char", trained(model_type="char", rules=True, vocab_size=80)
    yield "word", trained(model_type="word", normalization_rule_name="identity", vocab_size=200)
    if LONG:
        for name in ["nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf"]:
            for kind in ["unigram", "bpe"]:
                for fallback in [False, True]:
                    yield f"{kind}_{name}{'_bytes' if fallback else ''}", trained(model_type=kind, normalization_rule_name=name, byte_fallback=fallback)


def random_character(rng):
    while True:
        code = rng.choice([rng.randrange(0x80), rng.randrange(0x3000), rng.randrange(0x10000), rng.randrange(0x110000)])
        if not 0xD800 <= code <= 0xDFFF:
            return chr(code)


def texts(seed, count):
    rng = random.Random(seed)
    yield from (text.encode() for text in ["", " ", "  ", "▁", " ▁ ", "In the beginning God created the heaven and the earth.", "  two  blanks ", "\n\n a\n", "a" * 130])
    yield from [b"\xff", b"a\xc3 \xa9\xe4\xb8", b"the \xf0\x9f\x91 light"]
    for i in range(count - 12):
        parts = []
        for _ in range(rng.choice([1, 2, 4, 8, 16])):
            kind = rng.random()
            parts.append((rng.choice(BIBLE) if kind < 0.1 else rng.choice(WORDS) if kind < 0.6 else random_character(rng) if kind < 0.7 else rng.choice(CHARACTERS)).encode())
            parts.append(rng.choice([b"", b" ", b" ", b" ", b"  ", b"\n", b"\t", b"\xed" if i % 8 == 0 else b""]))
        yield b"".join(parts)


def case(processor, text):
    proto = sentencepiece_pb2.SentencePieceText()
    proto.ParseFromString(processor.encode(text, out_type="serialized_proto"))
    ids = [piece.id for piece in proto.pieces]
    result = {"ids": ids, "begins": [piece.begin for piece in proto.pieces], "ends": [piece.end for piece in proto.pieces], "decoded": processor.decode(ids)}
    try:
        return {"text": text.decode()} | result
    except UnicodeDecodeError:
        return {"hex": text.hex()} | result


def main():
    FOLDER.mkdir(exist_ok=True, parents=True)
    for seed, (name, proto) in enumerate(models()):
        (FOLDER / f"{name}.model").write_bytes(proto.SerializeToString())
        processor = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
        rng = random.Random(seed)
        with open(FOLDER / f"{name}.cases", "w", encoding="utf-8") as file:
            cases = [case(processor, text) for text in texts(1000 * SEED + seed, COUNT)]
            for _ in range(COUNT // 6):
                ids = [rng.randrange(len(proto.pieces)) for _ in range(rng.randrange(12))]
                cases.append({"ids": ids, "decoded": processor.decode(ids)})
            for each in cases:
                file.write(json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
