#!/usr/bin/env python3
"""Writes csv_cases.jsonl: texts of CSV files, and the rows that Python's csv module reads from them.

`rows` is null where the strict reader of the module refuses the text, or where rows have different numbers of fields.
Blank lines, for which the module returns an empty list, are left out.
"""
import csv
import io
import json
import pathlib
import random

WRITTEN = [
    "a,b\n1,2\n",
    "a,b\r\n1,2\r\n",
    "a,b\n1,2",
    'a,"b, c"\n"1",2\n',
    '"a ""quoted"" word",b\n',
    '"two\nlines",b\n',
    '"two\r\nlines",b\r\n',
    '"a\rb",c\n',
    ",\n,\n",
    '"",""\n',
    '""\n',
    "\n\na,b\n\n1,2\n\n",
    'a"b,c"d\n',
    '"a"b,c\n',
    '"a" ,b\n',
    ' "a",b\n',
    '"never closed,b\n1,2\n',
    'a,"never closed',
    '"""",""""""\n',
    "a,b\n1\n",
    "a,b\n1,2,3\n",
    "é,ü\n漢字,😀\n",
    "a\tb,c\n",
]


def rows_of(text):
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        return None
    return rows if len({len(row) for row in rows}) <= 1 else None


def main():
    rng = random.Random(1)
    texts = list(WRITTEN)
    while len(texts) < 400:
        pieces = rng.choices(["a", "é", " ", ",", '"', '"', '""', "\n", "\r\n", '","', ',"', '",'], k=rng.randint(1, 12))
        text = "".join(pieces)
        if text not in texts and (rows_of(text) is not None or rng.random() < 0.1):
            texts.append(text)
    with open(pathlib.Path(__file__).with_name("csv_cases.jsonl"), "w", encoding="utf-8") as out:
        for text in texts:
            out.write(json.dumps({"text": text, "rows": rows_of(text)}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
