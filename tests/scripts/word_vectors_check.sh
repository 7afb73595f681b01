#!/usr/bin/env bash
# Checks the files of word vectors against gensim and fastText. Needs network for gensim (28 MB), so it is not one of the tests.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/scripts/word_vectors_check.sh BUILD [PYTHON [FILE]]

gensim reads what gradus writes (word2vec's text and binary format, GloVe's), NumPy what it writes in GloVe's, and gradus what
gensim writes; all get the same words and the same bits. Then gensim, fastText and gradus read one file: prints the seconds of
processor time that each takes.

  BUILD    a configured build of this tree, as build/release: a program is built there
  PYTHON   one that has gensim 4; without it, pip installs gensim 4.4.0
  FILE     vectors in GloVe's format, to read them for the time; without it, 50,000 random ones of 50 columns
TEXT
}
case ${1:-} in '' | -h | --help) usage; [ $# -gt 0 ]; exit ;; esac

build=$1 python=${2:-} file=${3:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --build "$build" --target word_vectors_convert >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log" >&2; exit 1; }
if [ -z "$python" ]; then
  python3 -m venv "$scratch/venv"
  "$scratch/venv/bin/pip" install --quiet gensim==4.4.0
  python=$scratch/venv/bin/python
fi
exec "$python" - "$build/tests/word_vectors_convert" "$scratch" "$file" <<'PYTHON'
import pathlib, re, shutil, subprocess, sys, time
import numpy as np
from gensim.models import KeyedVectors

program, scratch, given = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
read_options = {'glove': {'no_header': True}, 'word2vec_text': {}, 'word2vec_binary': {'binary': True}}

def convert(source, target, form):
    return float(subprocess.run([program, source, target, form], check=True, stdout=subprocess.PIPE).stdout)

def read(path, form):
    return KeyedVectors.load_word2vec_format(str(path), **read_options[form])

def same(name, keys, values, words, matrix):
    assert list(keys) == list(words), name
    assert values.dtype == matrix.dtype and values.tobytes() == matrix.tobytes(), name
    print('the same:', name)

# All kinds of floats, and words in several scripts.
rng = np.random.default_rng(1)
bits = rng.integers(0, 2**32, (3000, 7), dtype=np.uint64).astype(np.uint32).view(np.float32)
matrix = np.where(np.isfinite(bits), bits, 0).astype(np.float32)
matrix[:1000] = rng.normal(size=(1000, 7)).astype(np.float32)
words = [f'{stem}{i}' for i in range(500) for stem in ('sea', 'König', '海', 'море', 'New_York', '</s>')]
theirs = KeyedVectors(7)
theirs.add_vectors(words, matrix)

for form, options in (('word2vec_text', {}), ('word2vec_binary', {'binary': True}), ('glove', {'write_header': False})):
    written = scratch / f'gensim.{form}'
    theirs.save_word2vec_format(str(written), **options)
    for target in read_options:
        ours = scratch / f'gradus.{form}.{target}'
        convert(written, ours, target)
        back = read(ours, target)
        same(f'{form} of gensim, written by gradus as {target}', back.index_to_key, back.vectors, words, matrix)
text = np.loadtxt(scratch / 'gradus.word2vec_binary.glove', dtype=str, comments=None, encoding='utf-8')
same("NumPy's of GloVe's format", text[:, 0], text[:, 1:].astype(np.float32), words, matrix)

glove = scratch / 'glove.txt'
if given:
    shutil.copy(given, glove)
else:
    with open(glove, 'w') as out:
        for i, row in enumerate(rng.normal(size=(50_000, 50)) / 2):
            out.write(f'w{i} ' + ' '.join('%.5g' % x for x in row) + '\n')
with open(glove) as lines:
    columns, rows = len(lines.readline().split(' ')) - 1, 1 + sum(1 for _ in lines)
vec = scratch / 'glove.vec'
with open(vec, 'wb') as out, open(glove, 'rb') as text:
    out.write(b'%d %d\n' % (rows, columns))
    shutil.copyfileobj(text, out)

def fasttext_seconds():
    """Of fastText's reading of -pretrainedVectors: from the end of its reading of texts until it writes the model."""
    texts, model = scratch / 'texts', scratch / 'model.bin'
    texts.write_text('__label__a w1 w2\n__label__b w3 w4\n')
    model.unlink(missing_ok=True)
    child = subprocess.Popen(
        ['fasttext', 'supervised', '-input', texts, '-output', model.with_suffix(''), '-dim', str(columns), '-thread', '1',
         '-epoch', '1', '-bucket', '0', '-pretrainedVectors', vec], stderr=subprocess.PIPE)
    ticks = lambda: sum(int(x) for x in open(f'/proc/{child.pid}/stat').read().rsplit(')', 1)[1].split()[11:13])
    seen = b''
    while not re.search(rb'labels: *\d+\n', seen):
        byte = child.stderr.read(1)
        assert byte, seen
        seen += byte
    begin = ticks()
    while (not model.exists() or model.stat().st_size == 0) and child.poll() is None:
        time.sleep(0.002)
    assert child.poll() is None, 'fastText has failed'
    end = ticks()
    child.kill()
    child.wait()
    return (end - begin) / 100  # USER_HZ

megabytes = vec.stat().st_size / 1e6
def show(name, seconds):
    print(f'{name}: {seconds:.2f} s, {megabytes / seconds:.0f} MB/s')

show('gradus', min(convert(vec, '/dev/null', 'word2vec_binary') for _ in range(3)))
if shutil.which('fasttext'):
    show('fastText', min(fasttext_seconds() for _ in range(2)))
begin = time.process_time()
read(vec, 'word2vec_text')
show('gensim', time.process_time() - begin)
PYTHON
