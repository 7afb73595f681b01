#!/usr/bin/env bash
# Makes the models of this folder, and what fastText says about them: make_models.sh [FOLDER]
# Needs Debian's fasttext (0.9.2) and bible-kjv. Training runs on one thread, and gives the same
# models each time.
#   NAME.bin                 a model
#   NAME.words.txt           print-word-vectors of words.txt, and of the model's own words
#   NAME.texts.txt           print-sentence-vectors of texts.txt
#   NAME.labels.txt          predict-prob of texts.txt, all labels
#   NAME.best.txt            predict-prob of texts.txt, 2 labels above 0.2
set -euo pipefail
export LC_ALL=C
cd "${1:-$(dirname "$0")}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

labelled() {  # LABEL VERSES: the label's lines, in lower case
  bible -f "$2" | cut -d' ' -f2- | tr 'A-Z' 'a-z' | sed "s/[^a-z ]//g; s/^/__label__$1 /"
}
{
  labelled law gen1:1-31
  labelled law exod20:1-17
  labelled psalms psa23:1-6
  labelled psalms psa19:1-14
  labelled wisdom prov3:1-20
  labelled gospels john1:1-16
  labelled letters 1cor13:1-13
  labelled acts acts2:1-4
  labelled end rev22:1-7
  printf '__label__end __label__letters der k\xc3\xb6nig und die k\xc3\xb6nigin na\xc3\xafve \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\n%.0s' 1 2 3 4 5
} >"$work/labelled.txt"
sed 's/__label__[a-z]* //g' "$work/labelled.txt" >"$work/plain.txt"
train() {  # KIND NAME OPTIONS...
  local input=$work/plain.txt
  [ "$1" != supervised ] || input=$work/labelled.txt
  fasttext "$1" -input "$input" -output "$work/$2" -thread 1 -verbose 0 "${@:3}" >/dev/null
  cp "$work/$2.bin" .
}

printf '%s\n' the lord god unseenword $'k\xc3\xb6nige' $'na\xc3\xafvet\xc3\xa9' $'\xe6\x97\xa5\xe6\x9c\xac' x xy '</s>' $'caf\xe9' 1234 >words.txt
printf '%b\n' 'the lord is my shepherd' '' 'in the beginning god created the heaven and the earth' \
  'charity\tsuffereth  long and is kind\r' 'unseen words only' 'der k\xc3\xb6nig \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e' '__label__law thou shalt not' \
  '__label__other thou shalt not' 'the' 'the the the' 'come quickly\vbehold\fi come' 'caf\xe9 and' >texts.txt

train skipgram skipgram -dim 4 -minn 2 -maxn 4 -bucket 100 -minCount 4 -epoch 20 -lr 0.2
train cbow cbow_words -dim 5 -maxn 0 -minCount 4 -epoch 20 -loss hs
train supervised softmax -dim 4 -minCount 3 -epoch 40 -lr 0.5
train supervised hs -dim 5 -minCount 4 -epoch 40 -lr 0.5 -loss hs -wordNgrams 2 -bucket 120
train supervised ova -dim 4 -minCount 4 -epoch 40 -lr 0.5 -loss ova -wordNgrams 3 -minn 2 -maxn 3 -bucket 150
train supervised ns -dim 10 -minCount 5 -epoch 40 -lr 0.5 -loss ns -label __label__ -minn 1 -maxn 2 -bucket 40
train supervised quantised -dim 2 -minCount 5 -epoch 5 -minn 2 -maxn 3 -bucket 300
fasttext quantize -output "$work/quantised" -input "$work/labelled.txt" -verbose 0 >/dev/null
rm quantised.bin
cp "$work/quantised.ftz" .

# The same in version 11, whose supervised models have no character n-grams.
cp ova.bin ova_11.bin
printf '\x0b' | dd of=ova_11.bin bs=1 seek=4 conv=notrunc status=none

for model in skipgram cbow_words softmax hs ova ova_11 ns; do
  fasttext dump $model.bin dict | sed -n 's/ [0-9]* word$//p' | cat words.txt - >"$work/words.txt"
  fasttext print-word-vectors $model.bin <"$work/words.txt" >$model.words.txt
  fasttext print-sentence-vectors $model.bin <texts.txt >$model.texts.txt
  case $model in skipgram | cbow_words) continue ;; esac
  fasttext predict-prob $model.bin texts.txt -1 >$model.labels.txt
  fasttext predict-prob $model.bin texts.txt 2 0.2 >$model.best.txt
done
