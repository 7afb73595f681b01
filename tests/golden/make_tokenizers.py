#!/usr/bin/env python3
"""Makes tests/golden/tokenizers: small tokenizers of Hugging Face's library, and what it makes of texts.

usage: make_tokenizers.py [FOLDER SEED COUNT]    (needs PyPI's `tokenizers` 0.23, `sentencepiece` and `protobuf`, and Debian's `bible-kjv`)

With arguments, COUNT other texts for each, for a longer comparison that the tests need not make:
    make_tokenizers.py /tmp/cases 7 2000 && GRADUS_TOKENIZERS=/tmp/cases/ build/release/tests/test_text --gtest_filter='*TokenizerGolden*'

NAME.json is a tokenizer.json; a line of NAME.cases is {"text", "pair", "ids", "type_ids", "offsets" in bytes, "words", "mask", "decoded", "overflowing"}. Bytes of a
character's tokens count as those of the whole character. Only characters that Unicode 8 has are used: the library's tables are of various ages.
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

GENESIS = subprocess.run(["bible", "-f", "gen1:1-gen9:29"], capture_output=True, text=True, check=True).stdout.splitlines()
# tests/scripts/tokenizers_check.py sets these:
TEXT = GENESIS  # to train on
SCALE = 1       # of the sizes of vocabularies
LLAMA = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
WORDS = """the of And unto he it's don't I'll we've they're GOD Lord's 1234 3.14 hello, world! [CLS] [MASK] <s> <|user|> naïve café Straße İstanbul
ﬁne ½ ① earth. (light) "day" Ⅷ æther ΑΣ 中文 日本 한국 e\u0301 q\u0307\u0323 \u1e9b\u0323 👍🏽 नमस्ते שלום 25%""".split()
CHARACTERS = "abcXYZ019.,!?'\"-_()\\ßéÅñøΩжשع中한ｶﾞ①½ﬁ🌔\u0301\u0323\u200d\u00ad\u00a0\u3000\u2028"


def chars_map():
    """SentencePiece's table of a few rules."""
    with tempfile.TemporaryDirectory() as folder:
        rules = pathlib.Path(folder) / "rules.tsv"
        pairs = {"½": "1⁄2", "ﬁ": "fi", "①": "1", "Ⅷ": "VIII", "e\u0301": "é", "ｶ": "カ", "\u3000": " ", "\u00a0": " ", "\n": " ", "\t": " ", "\u00ad": "", "æ": "ae"}
        rules.write_text("".join(" ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n" for a, b in pairs.items()))
        model = pathlib.Path(folder) / "model"
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(GENESIS), model_prefix=str(model), vocab_size=200, normalization_rule_tsv=str(rules), minloglevel=2)
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(pathlib.Path(f"{model}.model").read_bytes())
        return proto.normalizer_spec.precompiled_charsmap


def texts(seed, count):
    rng = random.Random(seed)
    result = ["", " ", "In the beginning God created the heaven and the earth.", "  two  blanks ", "\n\n a\n", "a" * 130]
    while len(result) < count:
        parts = []
        for _ in range(rng.choice([1, 2, 4, 8, 16])):
            parts.append(rng.choice(WORDS) if rng.random() < 0.6 else rng.choice(CHARACTERS))
            parts.append(rng.choice(["", " ", " ", " ", "  ", "\n", "\t"]))
        result.append("".join(parts))
    return result


def trained(model, trainer, **parts):
    tokenizer = Tokenizer(model)
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


def bpe(size=330, special=(), **options):
    return trainers.BpeTrainer(vocab_size=SCALE * size, show_progress=False, special_tokens=list(special), **options)


def tokenizers():
    table = chars_map()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    roberta = trained(models.BPE(), bpe(420, ["<s>", "</s>"], initial_alphabet=alphabet), pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=True),
                      decoder=decoders.ByteLevel())
    roberta.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    yield "roberta", roberta

    llama3 = trained(models.BPE(ignore_merges=True), bpe(420, initial_alphabet=alphabet), normalizer=normalizers.NFC(),
                     pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
                     decoder=decoders.ByteLevel())
    llama3.add_special_tokens(["<s>", "<|user|>"])
    llama3.add_tokens([AddedToken("GOD", single_word=True), AddedToken("[MASK]", lstrip=True), AddedToken("hello", rstrip=True, normalized=False), AddedToken("hello, world")])
    llama3.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False),
                                                 processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", llama3.token_to_id("<s>"))])])
    yield "llama3", llama3

    llama2 = trained(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True),
                     bpe(560, ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)], limit_alphabet=40),
                     normalizer=normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]))
    llama2.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    llama2.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", 1), ("</s>", 2)])
    yield "llama2", llama2

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    bert = trained(models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(vocab_size=SCALE * 400, show_progress=False, special_tokens=special),
                   normalizer=normalizers.BertNormalizer(), pre_tokenizer=pre_tokenizers.BertPreTokenizer(), decoder=decoders.WordPiece())
    bert.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    yield "bert", bert

    cased = Tokenizer.from_str(bert.to_str())
    cased.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False, handle_chinese_chars=False)
    cased.decoder = decoders.WordPiece(cleanup=False)
    cased.enable_truncation(9, stride=2)
    cased.enable_padding(pad_to_multiple_of=4, pad_id=0, direction="left")
    yield "bert_truncated", cased

    left = Tokenizer.from_str(bert.to_str())
    left.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    left.enable_truncation(8, stride=1, direction="left", strategy="only_first")
    left.enable_padding(length=10, pad_id=0)
    yield "bert_left", left

    words = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    words.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()])
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator(TEXT, trainers.WordLevelTrainer(vocab_size=SCALE * 300, show_progress=False, special_tokens=special))
    yield "words", words

    suffix = trained(models.BPE(unk_token="[UNK]", end_of_word_suffix="</w>"), bpe(300, special, end_of_word_suffix="</w>"), normalizer=normalizers.NFKC(),
                     pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_previous"), pre_tokenizers.Digits(individual_digits=True)]),
                     decoder=decoders.BPEDecoder())
    yield "suffix", suffix

    prefix = trained(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##"), bpe(300, special, continuing_subword_prefix="##"), normalizer=normalizers.NFD(),
                     pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits()]),
                     decoder=decoders.WordPiece())
    yield "prefix", prefix

    falcon = trained(models.BPE(), bpe(420, initial_alphabet=alphabet), decoder=decoders.ByteLevel(),
                     pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False), pre_tokenizers.Digits(),
                                                            pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")]))
    yield "falcon", falcon

    for name, scheme, split in [("metaspace_first", "first", True), ("metaspace_whole", "always", False), ("metaspace_never", "never", True)]:
        metaspace = trained(models.BPE(unk_token="<unk>"), bpe(260, ["<unk>", "<s>"]), pre_tokenizer=pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split),
                            decoder=decoders.Metaspace(prepend_scheme=scheme, split=split))
        yield name, metaspace

    unigram = Tokenizer(models.Unigram())
    unigram.normalizer = normalizers.Sequence([normalizers.Precompiled(table), normalizers.Replace(Regex(" {2,}"), " ")])
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.decoder = decoders.Metaspace()
    unigram.train_from_iterator(TEXT, trainers.UnigramTrainer(vocab_size=SCALE * 300, show_progress=False, unk_token="<unk>", special_tokens=["<s>", "<unk>", "</s>"]))
    unigram.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 2)])
    yield "unigram", unigram

    pieces = json.loads(unigram.to_str())
    pieces["model"]["vocab"] += [[f"<0x{b:02X}>", -30.0] for b in range(256)]
    pieces["model"]["byte_fallback"] = True
    pieces["normalizer"] = None
    fallback = Tokenizer.from_str(json.dumps(pieces))
    fallback.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    yield "unigram_bytes", fallback

    for behavior in ["removed", "merged_with_next", "merged_with_previous"]:
        split = trained(models.BPE(unk_token="<unk>"), bpe(200, ["<unk>"]), normalizer=normalizers.Replace(Regex("[aeiou]{2}"), "E"),
                        pre_tokenizer=pre_tokenizers.Split(Regex(r"\s|,"), behavior, invert=behavior == "merged_with_previous"))
        yield "split_" + behavior, split


def spans(text, offsets):
    ends = [0]
    for c in text:
        ends.append(ends[-1] + len(c.encode()))
    return [[ends[begin], ends[end]] for begin, end in offsets]


def case(tokenizer, text, pair):
    encoding = tokenizer.encode(text, pair) if pair is not None else tokenizer.encode(text)
    offsets = [spans(pair if sequence == 1 else text, [span])[0] for sequence, span in zip(encoding.sequence_ids, encoding.offsets)]
    return {"text": text, "pair": pair, "ids": encoding.ids, "type_ids": encoding.type_ids, "offsets": offsets,
            "words": [-1 if word is None else word for word in encoding.word_ids], "mask": encoding.attention_mask,
            "decoded": tokenizer.decode(encoding.ids), "overflowing": [part.ids for part in encoding.overflowing]}


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "tokenizers"
    seed_of_texts, count = (int(argument) for argument in sys.argv[2:4]) if len(sys.argv) > 3 else (0, 26)
    folder.mkdir(exist_ok=True)
    for seed, (name, tokenizer) in enumerate(tokenizers()):
        (folder / f"{name}.json").write_text(tokenizer.to_str(), encoding="utf-8")
        with open(folder / f"{name}.cases", "w", encoding="utf-8") as file:
            all_texts = texts(1000 * seed_of_texts + seed, count)
            for i, text in enumerate(all_texts):
                pair = all_texts[-i] if i % 4 == 3 and name != "bert_left" else None
                try:
                    file.write(json.dumps(case(tokenizer, text, pair), ensure_ascii=False, separators=(",", ":")) + "\n")
                except BaseException as error:  # the library panics where a truncation is impossible
                    print(name, repr(text), error)


if __name__ == "__main__":
    main()
