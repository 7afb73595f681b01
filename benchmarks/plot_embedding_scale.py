#!/usr/bin/env python3
"""Draws the step time of sparse embeddings against rows, width and batch as SVG.

    ./dev bench --json scale.json Scale
    benchmarks/plot_embedding_scale.py scale.json docs/embedding_scale.svg

Needs nothing but Python.
"""
import json
import math
import re
import sys
from xml.sax.saxutils import escape

PANELS = [
    ("ScaleRows", "rows", "rows V (D = 128, 8,192 ids)"),
    ("ScaleWidth", "width", "width D (V = 10\u2076, 8,192 ids)"),
    ("ScaleBatch", "batch", "ids in a batch (V = 10\u2076, D = 128)"),
]
COLOURS = {1: "#b5472f", 2: "#2f6db5"}
WIDTH, HEIGHT, LEFT, TOP, GAP = 260, 200, 60, 40, 70


def read(path):
    """{panel: {threads: [(x, milliseconds)]}}, the fastest of repetitions: the least disturbed."""
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)["benchmarks"]
    points = {}
    for row in rows:
        match = re.match(r"(\w+)/threads:(\d+)/\w+:(\d+)/", row["name"])
        if not match or row.get("run_type") == "aggregate":
            continue
        if row["time_unit"] != "ms":
            sys.exit(f"{path}: {row['name']} is in {row['time_unit']}, not ms")
        key = match[1], int(match[2])
        points.setdefault(key, {}).setdefault(int(match[3]), []).append(row["real_time"])
    panels = {}
    for (name, threads), values in points.items():
        line = [(x, min(times)) for x, times in sorted(values.items())]
        panels.setdefault(name, {})[threads] = line
    return panels


def power_text(x):
    exponent = round(math.log10(x))
    if x == 10**exponent and exponent >= 4:
        return "10" + "".join("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"[int(d)] for d in str(exponent))
    return f"{x:,}"


def ticks(top):
    """Round numbers from 0 to at least `top`, five of them or so."""
    raw = top / 4
    unit = 10 ** math.floor(math.log10(raw))
    step = next(f * unit for f in (1, 2, 2.5, 5, 10) if f * unit >= raw)
    return [i * step for i in range(math.ceil(top / step) + 1)]


def text(x, y, content, anchor="middle", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(content)}</text>'


def draw_panel(left, lines, label):
    xs = sorted({x for line in lines.values() for x, _ in line})
    marks = ticks(max(y for line in lines.values() for _, y in line))
    low, high = math.log(xs[0]), math.log(xs[-1])

    def place(x, y):
        return (left + 12 + (math.log(x) - low) / (high - low) * (WIDTH - 24),
                TOP + HEIGHT - y / marks[-1] * HEIGHT)

    out = []
    for mark in marks:
        y = place(xs[0], mark)[1]
        out.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + WIDTH}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(text(left - 6, y + 4, f"{mark:g}", "end"))
    for x in xs:
        out.append(text(place(x, 0)[0], TOP + HEIGHT + 18, power_text(x)))
    out.append(text(left + WIDTH / 2, TOP + HEIGHT + 38, label))
    for threads, line in sorted(lines.items()):
        colour = COLOURS.get(threads, "#444")
        where = [place(x, y) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in where]
    return out


def draw(panels):
    total = LEFT + len(PANELS) * (WIDTH + GAP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{TOP + HEIGHT + 55}" '
           'font-family="sans-serif" font-size="12" fill="#222">',
           f'<rect width="{total}" height="{TOP + HEIGHT + 55}" fill="white"/>',
           text(LEFT, 20, "milliseconds of a step: lookup, backward, sparse SGD", "start")]
    for i, threads in enumerate(sorted({t for lines in panels.values() for t in lines})):
        colour = COLOURS.get(threads, "#444")
        name = f"{threads} threads" if threads > 1 else "1 thread"
        out.append(text(total - 170 + 90 * i, 20, name, "start", f' style="fill:{colour}"'))
    for i, (name, _, label) in enumerate(PANELS):
        if name not in panels:
            sys.exit(f"the measurements lack {name}: run `./dev bench --json FILE Scale`")
        out += draw_panel(LEFT + i * (WIDTH + GAP), panels[name], label)
    return "\n".join(out + ["</svg>", ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    drawing = draw(read(sys.argv[1]))
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(drawing)


if __name__ == "__main__":
    main()
