#!/usr/bin/env python3
"""Prints the tables of docs/performance.md from what `./dev bench --peers --threads 1,2 --json FILE` has written.

usage: tables.py FILE
"""

import json
import sys


def row(cells):
    return "| " + " | ".join(cells) + " |"


def time(milliseconds):
    return "" if milliseconds is None else f"{milliseconds:.{3 if milliseconds < 1000 else 4}g} ms"


def compared(one):
    """The peer's time and the ratio, or what there is."""
    if not one or "ratio" not in one:
        return ["", ""]
    quartiles = f" [{one['ratio_p25']:.2f}, {one['ratio_p75']:.2f}]"
    return [time(one["peer_ms"]), f"{one['ratio']:.2f}{quartiles}" + (" void" if one["void"] else "")]


def workloads(rows):
    """Steps, their peers, and the steps written by hand."""
    yield row(["workload", "1 thread", "libtorch", "ratio", "by hand", "ours / by hand", "2 threads", "gain", "libtorch", "ratio"])
    yield row(["---"] * 10)
    for name, by_threads in rows.items():
        one, two = by_threads.get(1), by_threads.get(2)
        by_hand = [time(one["limit_ms"]), f"{1 / one['limit_ratio']:.2f}"] if one and "limit_ms" in one else ["", ""]
        gain = f"{two['gain_over_one_thread']:.2f}" if two and "gain_over_one_thread" in two else ""
        yield row([name, time(one and one["ours_ms"]), *compared(one), *by_hand, time(two and two["ours_ms"]), gain, *compared(two)])


def products_alone(rows):
    """Steps beside the products that they need."""
    yield row(["workload", "1 thread", "products alone", "their share"])
    yield row(["---"] * 4)
    for name, by_threads in rows.items():
        one = by_threads.get(1)
        if one and "products_ratio" in one:
            yield row([name, time(one["ours_ms"]), time(one["products_ms"]), f"{100 * one['products_ratio']:.0f} %"])


def texts(rows):
    """Whole trainings, in thousands of words per second."""
    yield row(["training", "threads", "words/s", "fastText", "ratio", "quality", "ours", "fastText"])
    yield row(["---"] * 8)
    for name, by_threads in rows.items():
        for threads, one in by_threads.items():
            rates = [f"{one[side + '_words_per_second'] / 1e6:.2f}M" for side in ("ours", "peer")]
            ratio = f"{one['ratio']:.2f} [{one['ratio_p25']:.2f}, {one['ratio_p75']:.2f}]"
            learnt = [f"{one[side + '_' + one['quality']]:.4f}" for side in ("ours", "peer")]
            yield row([name, str(threads), *rates, ratio, one["quality"], *learnt])


def products(rows):
    """GFLOP/s of products, beside the additions and multiplications that the processor makes in registers."""
    yield row(["m x k x n", "1 thread, GFLOP/s", "of the peak", "libtorch", "2 threads", "libtorch"])
    yield row(["---"] * 6)
    for name, by_threads in rows.items():
        sizes = [int(size) for size in name.split("_")[1].split("x")]
        work = 2e-6 * sizes[0] * sizes[1] * sizes[2]

        def rate(of, side):
            return f"{work / of[side]:.0f}" if of and of.get(side) else ""

        one, two = by_threads.get(1), by_threads.get(2)
        share = f"{100 * one['limit_ratio']:.0f} %" if one and "limit_ratio" in one else ""
        cells = [name[2:].replace("_", " ").replace("x", " x "), rate(one, "ours_ms"), share, rate(one, "peer_ms")]
        yield row([*cells, rate(two, "ours_ms"), rate(two, "peer_ms")])


def main(path):
    with open(path, encoding="utf-8") as file:
        machine, *lines = [json.loads(line) for line in file]
    print(json.dumps(machine))
    rows = {"P": {}, "W": {}, "F": {}}
    for line in lines:
        name = line["workload"]
        kind = name[0] if name[0] in "PF" else "W"
        if kind == "F" or line["ours_ms"] is not None:
            rows[kind].setdefault(name, {})[line["threads"]] = line
    for table in products(rows["P"]), workloads(rows["W"]), products_alone(rows["W"]), texts(rows["F"]):
        print("", *table, sep="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1])
