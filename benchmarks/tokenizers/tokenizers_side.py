#!/usr/bin/env python3
"""What tokenizers_side.cpp does, with PyPI's `tokenizers`."""

import json
import sys
import time

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

BATCH = 1024


def megabytes(key):
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1000 for line in file if line.startswith(key + ":"))


def time_passes(passes, work):
    seconds, cpu_seconds = [], []
    for _ in range(passes):
        begin, cpu_begin = time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - begin)
        cpu_seconds.append(time.process_time() - cpu_begin)
    return {"seconds": seconds, "cpu_seconds": cpu_seconds}


def count_ids(encode, batches):
    tokens = checksum = 0
    for batch in batches:
        for encoding in encode(batch):
            tokens += len(encoding.ids)
            for token in encoding.ids:
                checksum = (checksum * 31 + token) % 1_000_000_007
    return {"tokens": tokens, "checksum": checksum}


def encode(batches, path, passes, offsets):
    before, start = megabytes("VmRSS"), time.perf_counter()
    tokenizer = Tokenizer.from_file(path)
    result = {"load": time.perf_counter() - start, "peak_mb": megabytes("VmHWM") - before, "kept_mb": megabytes("VmRSS") - before}
    encode_batch = tokenizer.encode_batch if offsets == "1" else tokenizer.encode_batch_fast

    def work():
        for batch in batches:
            encode_batch(batch)

    return {**result, **time_passes(int(passes), work), **count_ids(encode_batch, batches)}


def train(lines, batches, size, passes):
    """As gradus sets it up."""
    def trained():
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=int(size), min_frequency=2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
        tokenizer.train_from_iterator(lines, trainer)
        return tokenizer

    return {**time_passes(int(passes), trained), **count_ids(trained().encode_batch_fast, batches)}


def main():
    command, what, text, passes, _, *rest = sys.argv[1:]
    with open(text, encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")[:-1]
    batches = [lines[i:i + BATCH] for i in range(0, len(lines), BATCH)]
    print(json.dumps(encode(batches, what, passes, *rest) if command == "encode" else train(lines, batches, what, passes)))


if __name__ == "__main__":
    main()
