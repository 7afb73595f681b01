#!/usr/bin/env python3
"""Prints the tables of docs/performance.md from what `./dev bench --peers --threads 1,2 --json FILE` has written.

usage: tables.py FILE
"""

import json
import sys


def row(cells):
    return "| " + " | ".join(cells) + " |"


def time(milliseconds):
    return "" if milliseconds is None else f"{milliseconds:.3g} ms"


def compared(one):
    """The peer's time and the ratio, or what there is."""
    if not one or one["ratio"] is None:
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
    rows = {}
    for line in lines:
        if "ours_ms" in line:
            rows.setdefault(line["workload"], {})[line["threads"]] = line
    print("", *products({name: of for name, of in rows.items() if name.startswith("P_")}), sep="\n")
    print("", *workloads({name: of for name, of in rows.items() if not name.startswith("P_")}), sep="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1])
