#!/usr/bin/env python3
"""Plots the learning rate schedules: writes schedules.svg and schedules.txt beside this file.

    docs/schedules.py          writes both
    docs/schedules.py --check  exits with 1 if the files are not what it would write

The rates are computed here, from the formulas; tests/optim/table_test.cpp compares schedules.txt
with what gradus computes. Needs nothing but Python.
"""
import math
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCHS = 100
BASE = 0.1
WIDTH, HEIGHT, COLUMNS = 250, 150, 4  # of a plot, in pixels
LEFT, RIGHT, TOP, BOTTOM = 38, 12, 30, 24  # around the curve


def cosine(start, end, part):
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def restarts(e, first, factor):
    length = first
    while e >= length:
        e -= length
        length *= factor
    return cosine(BASE, 0, e / length)


def one_cycle(e, top_rate, total, linear=False, three_phase=False):
    first, top, last = top_rate / 25, 0.3 * total - 1, total - 1
    anneal = (lambda a, b, part: a + (b - a) * part) if linear else cosine
    if e <= top:
        return anneal(first, top_rate, e / top)
    if three_phase and e <= 2 * top:
        return anneal(top_rate, first, (e - top) / top)
    begin, rate = (2 * top, first) if three_phase else (top, top_rate)
    return anneal(rate, first / 1e4, (e - begin) / (last - begin))


def product(f, e):
    result = 1.0
    for k in range(1, e + 1):
        result *= f(k)
    return result


SCHEDULES = [  # what a user writes, and the rate of epoch e
    ("step_lr(20, 0.5)", lambda e: BASE * 0.5 ** (e // 20)),
    ("multi_step_lr({30, 60, 80}, 0.3)", lambda e: BASE * 0.3 ** sum(e >= m for m in (30, 60, 80))),
    ("exponential_lr(0.97)", lambda e: BASE * 0.97 ** e),
    ("constant_lr(0.25, 40)", lambda e: BASE * (0.25 if e < 40 else 1)),
    ("linear_lr(0.1, 1, 60)", lambda e: BASE * (0.1 + 0.9 * min(e, 60) / 60)),
    ("polynomial_lr(80, 2)", lambda e: BASE * (1 - min(e, 80) / 80) ** 2),
    ("cosine_annealing_lr(50)", lambda e: cosine(BASE, 0, e / 50)),
    ("cosine_annealing_warm_restarts(15, 2)", lambda e: restarts(e, 15, 2)),
    ("linear_warmup(30)", lambda e: BASE * min(1, (e + 1) / 30)),
    ("noam_lr(64, 25)", lambda e: BASE / 8 * min((e + 1) ** -0.5, (e + 1) * 25 ** -1.5)),
    ("lambda_lr(1 / (1 + e / 20))", lambda e: BASE / (1 + e / 20)),
    ("multiplicative_lr(1 - 1 / (e + 9))", lambda e: BASE * product(lambda k: 1 - 1 / (k + 9), e)),
    ("sequential_lr(warm-up 20, cosine 80)",
     lambda e: BASE * min(1, (e + 1) / 20) if e < 20 else cosine(BASE, 0, (e - 20) / 80)),
    ("one_cycle_lr(max 0.1, 100 steps)", lambda e: one_cycle(e, 0.1, 100)),
    ("one_cycle_lr(..., linear)", lambda e: one_cycle(e, 0.1, 100, linear=True)),
    ("one_cycle_lr(..., three_phase)", lambda e: one_cycle(e, 0.1, 100, three_phase=True)),
]


def table():
    lines = [f"# Rates of epochs 0 to {EPOCHS - 1} from base {BASE}, written by schedules.py"]
    for name, rate in SCHEDULES:
        lines.append(f"{name}: " + " ".join(f"{rate(e):.9g}" for e in range(EPOCHS)))
    return "\n".join(lines) + "\n"


def panel(name, rates, x, y):
    most = 0.1 if max(rates) > 0.04 else 0.01
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    across = lambda e: x + LEFT + inner_width * e / (EPOCHS - 1)
    up = lambda rate: y + TOP + inner_height * (1 - rate / most)
    corners = []
    for e, rate in enumerate(rates):  # a step where the rate jumps, a line where it moves
        if e > 0 and abs(rate - rates[e - 1]) > most / 8:
            corners.append((across(e), up(rates[e - 1])))
        corners.append((across(e), up(rate)))
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)
    out = [f'<text class="name" x="{x + LEFT}" y="{y + 18}">{name}</text>']
    for part in (0, 0.5, 1):
        out.append(f'<line class="grid" x1="{x + LEFT}" x2="{x + WIDTH - RIGHT}" '
                   f'y1="{up(part * most):.1f}" y2="{up(part * most):.1f}"/>')
        out.append(f'<text class="tick" text-anchor="end" x="{x + LEFT - 5}" '
                   f'y="{up(part * most) + 3:.1f}">{part * most:g}</text>')
    for e in (0, 50, 99):
        out.append(f'<text class="tick" text-anchor="middle" x="{across(e):.1f}" '
                   f'y="{y + HEIGHT - BOTTOM + 13}">{e}</text>')
    out.append(f'<polyline class="rate" points="{points}"/>')
    return out


def plot():
    rows = -(-len(SCHEDULES) // COLUMNS)
    width, height = COLUMNS * WIDTH, rows * HEIGHT + 8
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           f'viewBox="0 0 {width} {height}" role="img">',
           "<title>Learning rate by epoch of each schedule, from a base of 0.1</title>",
           "<style>",
           "  text { font-family: sans-serif; fill: #444 }",
           "  .name { font-size: 11px; fill: #111 }",
           "  .tick { font-size: 9px }",
           "  .grid { stroke: #ddd; stroke-width: 1 }",
           "  .rate { stroke: #1f5fa8; stroke-width: 1.6; fill: none; stroke-linejoin: round }",
           "</style>",
           f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for i, (name, rate) in enumerate(SCHEDULES):
        rates = [rate(e) for e in range(EPOCHS)]
        out += panel(name, rates, i % COLUMNS * WIDTH, i // COLUMNS * HEIGHT)
    return "\n".join(out + ["</svg>"]) + "\n"


def main():
    assert sys.argv[1:] in ([], ["--check"]), __doc__
    for name, text in (("schedules.txt", table()), ("schedules.svg", plot())):
        path = os.path.join(HERE, name)
        if sys.argv[1:]:
            with open(path) as file:
                if file.read() != text:
                    sys.exit(f"schedules.py: {path} is not what it would write: run it")
        else:
            with open(path, "w") as file:
                file.write(text)


if __name__ == "__main__":
    main()
