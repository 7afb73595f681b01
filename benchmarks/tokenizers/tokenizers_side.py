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
    seconds, cpu_seconds = [], []
    for _ in range(int(passes)):
        begin, cpu_begin = time.perf_counter(), time.process_time()
        for batch in batches:
            encode(batch)
        seconds.append(time.perf_counter() - begin)
        cpu_seconds.append(time.process_time() - cpu_begin)
    tokens = checksum = 0
    for batch in batches:
        for encoding in encode(batch):
            tokens += len(encoding.ids)
            for token in encoding.ids:
                checksum = (checksum * 31 + token) % 1_000_000_007
    print(json.dumps({**result, "seconds": seconds, "cpu_seconds": cpu_seconds, "tokens": tokens, "checksum": checksum}))


if __name__ == "__main__":
    main()
