#!/usr/bin/env python3
"""What tokenizers_side.cpp does, with PyPI's `tokenizers`."""

import json
import sys
import time

from tokenizers import Tokenizer

BATCH = 1024


def megabytes(key):
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1000 for line in file if line.startswith(key + ":"))


def main():
    path, text, passes, _, offsets = sys.argv[2:]
    with open(text, encoding="utf-8") as file:
        lines = file.read().split("\n")[:-1]
    batches = [lines[i:i + BATCH] for i in range(0, len(lines), BATCH)]
    before, start = megabytes("VmRSS"), time.perf_counter()
    tokenizer = Tokenizer.from_file(path)
    result = {"load": time.perf_counter() - start, "peak_mb": megabytes("VmHWM") - before, "kept_mb": megabytes("VmRSS") - before}
    encode = tokenizer.encode_batch if offsets == "1" else tokenizer.encode_batch_fast
    seconds = []
    for _ in range(int(passes)):
        begin = time.perf_counter()
        for batch in batches:
            encode(batch)
        seconds.append(time.perf_counter() - begin)
    tokens = checksum = 0
    for batch in batches:
        for encoding in encode(batch):
            tokens += len(encoding.ids)
            for token in encoding.ids:
                checksum = (checksum * 31 + token) % 1_000_000_007
    print(json.dumps({**result, "seconds": seconds, "tokens": tokens, "checksum": checksum}))


if __name__ == "__main__":
    main()
