"""The work of tokenizer_training_check.sh: PROGRAM SCRATCH LINES, or `time KIND SIZE LINES` in a process of its own."""
import collections, json, math, os, pathlib, subprocess, sys, time

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def train(kind, size, lines):
    """Hugging Face's tokenizer as gradus sets it up, and the seconds that its training takes."""
    if kind == "bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(vocab_size=size, min_frequency=2, special_tokens=["<|endoftext|>"],
                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    elif kind == "word_piece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=size, min_frequency=2, special_tokens=BERT, show_progress=False)
    else:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()])
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=size, unk_token="<unk>", show_progress=False)
    begin = time.perf_counter()
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer, time.perf_counter() - begin


def sentencepiece_pieces(path, size, scratch, split):
    import sentencepiece
    begin = time.perf_counter()
    sentencepiece.SentencePieceTrainer.train(
        input=path, model_prefix=f"{scratch}/sp", vocab_size=size, model_type="unigram", character_coverage=1.0,
        bos_id=-1, eos_id=-1, max_sentence_length=100000, minloglevel=2, split_by_unicode_script=split,
        split_by_number=split, num_threads=os.cpu_count())
    seconds = time.perf_counter() - begin
    model = sentencepiece.SentencePieceProcessor(model_file=f"{scratch}/sp.model")
    return [(model.id_to_piece(i), model.get_score(i)) for i in range(1, model.get_piece_size())], seconds


class Unigram:
    """Pieces whose probabilities sum to one, and what they make of words."""

    def __init__(self, pieces):
        total = math.log(sum(math.exp(score) for _, score in pieces))
        self.scores = {piece: score - total for piece, score in pieces}
        self.longest = max(map(len, self.scores))

    def word(self, word):
        """Pieces of the best way, log-probability of all ways."""
        best, ways = [(0.0, 0)] + [None] * len(word), [0.0] + [-math.inf] * len(word)
        for end in range(1, len(word) + 1):
            for begin in range(max(0, end - self.longest), end):
                score = self.scores.get(word[begin:end], -30.0 if end == begin + 1 else None)
                if score is None or best[begin] is None:
                    continue
                way = (best[begin][0] + score, best[begin][1] + 1)
                if best[end] is None or way[0] > best[end][0]:
                    best[end] = way
                a, b = ways[end], ways[begin] + score
                ways[end] = max(a, b) + math.log1p(math.exp(-abs(a - b)))
        return best[-1][1], ways[-1]


def held_out(pieces, words):
    model, tokens, likelihood = Unigram(pieces), 0, 0.0
    for word, count in words.items():
        n, log = model.word(word)
        tokens += n * count
        likelihood += log * count
    return tokens, likelihood / sum(words.values())


def main(program, scratch, path):
    scratch = pathlib.Path(scratch)
    all_lines = pathlib.Path(path).read_text(encoding="utf-8").split("\n")
    lines = [line for i, line in enumerate(all_lines) if i % 10 != 9]
    rest = [line for i, line in enumerate(all_lines) if i % 10 == 9]
    part = scratch / "lines.txt"
    part.write_text("\n".join(lines), encoding="utf-8")

    def ours(kind, size, threads=2, source=part):
        out = subprocess.run([program, kind, source, str(size), str(threads), scratch / "out.json"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
        return json.loads((scratch / "out.json").read_text()), sum(map(float, out.split()))

    failed = False
    for size in (300, 1000, 8000, 16000, 50000):
        theirs = json.loads(train("bpe", size, lines)[0].to_str())["model"]
        mine = ours("bpe", size)[0]["model"]
        merges = [list(m) if not isinstance(m, str) else m.split(" ") for m in theirs["merges"]]
        same = mine["vocab"] == theirs["vocab"], mine["merges"] == merges
        failed = failed or not all(same)
        first = next((i for i, (a, b) in enumerate(zip(mine["merges"], merges)) if a != b), None)
        print(f"bpe {size}: {len(mine['vocab'])} tokens, {len(mine['merges'])} merges; theirs {len(theirs['vocab'])}, "
              f"{len(merges)}: {'the same' if all(same) else f'differ from merge {first} on, {same}'}")
    for size in (1000, 8000, 30000):
        theirs, mine = json.loads(train("word_piece", size, lines)[0].to_str()), ours("word_piece", size)[0]
        a, b = set(mine["model"]["vocab"]), set(theirs["model"]["vocab"])
        print(f"word_piece {size}: {len(a)} tokens, theirs {len(b)}; {len(a & b)} in both")
        failed = failed or len(a & b) < 0.99 * len(b)

    for size in (2000, 8000):
        theirs, seconds = train("unigram", size, lines)
        split = theirs.pre_tokenizer.pre_tokenize_str
        words = collections.Counter(word for line in rest for word, _ in split(theirs.normalizer.normalize_str(line)))
        results = {}
        mine, my_seconds = ours("unigram", size)
        results["gradus"] = [(p, s) for p, s in mine["model"]["vocab"][1:]], my_seconds
        results["tokenizers"] = [(p, s) for p, s in json.loads(theirs.to_str())["model"]["vocab"] if p != "<unk>"], seconds
        for name, split in (("sentencepiece, pieces of any characters", False), ("sentencepiece", True)):
            results[name] = sentencepiece_pieces(str(part), size, scratch, split)
        for name, (pieces, seconds) in results.items():
            tokens, likelihood = held_out(pieces, words)
            print(f"unigram {size}: {name}: {len(pieces)} pieces, {tokens} tokens, {likelihood:.4f} a word, {seconds:.2f} s")

    for kind, size in (("bpe", 8000), ("word_piece", 8000), ("unigram", 8000)):
        repeats = 5 if kind != "unigram" else 2
        seconds = {}
        for threads in (1, 2):
            seconds[f"gradus, {threads} threads"] = min(ours(kind, size, threads, path)[1] for _ in range(repeats))
        for parallel in ("false", "true"):
            own = [sys.executable, __file__, "time", kind, str(size), path]
            seconds[f"tokenizers, parallelism {parallel}"] = min(
                float(subprocess.run(own, check=True, stdout=subprocess.PIPE, text=True,
                                     env={**os.environ, "TOKENIZERS_PARALLELISM": parallel}).stdout)
                for _ in range(repeats))
        print(f"{kind} {size}, seconds: " + "; ".join(f"{name} {value:.3f}" for name, value in seconds.items()))
    if failed:
        sys.exit("tokenizer_training_check: FAILED")
    print("tokenizer_training_check: passed")


if sys.argv[1] == "time":
    kind, size, path = sys.argv[2:]
    print(train(kind, int(size), pathlib.Path(path).read_text(encoding="utf-8").split("\n"))[1])
else:
    main(*sys.argv[1:])
