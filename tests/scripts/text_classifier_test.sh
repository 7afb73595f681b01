#!/usr/bin/env bash
# text_classifier from the outside: it learns (and test says so if it does not), keeps its model in one file, stops cleanly,
# and names what is wrong.
set -euo pipefail
program=$2/examples/text_classifier
. "$(dirname "$0")/program.sh"

# Only the order of two words tells these labels apart; words that mean nothing are around them.
ordered() {  # TEXTS SEED
  awk -v n="$1" -v seed="$2" 'BEGIN {
    srand(seed)
    for (i = 0; i < n; i++) print (i % 2 ? "wet x" : "dry x") int(9 * rand()) (i % 2 ? " sea land x" : " land sea x") int(9 * rand())
  }'
}
ordered 400 1 > train.txt
ordered 200 2 > valid.txt
ordered 200 3 > test.txt

# Word n-grams learn it, and nothing is learnt without them, or with a learning rate of 0.
run train --input train.txt --word-ngrams 2 || fail "train"
expect "400 texts, 2 labels, 11 words, 200011 rows of 100"
run test model.safetensors test.txt --at-least 95 || fail "the order of words was not learnt"
expect "accuracy (P@1): 100.00 % of 200 texts"
expect "macro mean"
run train --input train.txt --output words.safetensors || fail "train without n-grams"
fails "below 95 %, which --at-least asks for" test words.safetensors test.txt --at-least 95
run train --input train.txt --word-ngrams 2 --lr 0 --output zero.safetensors || fail "train --lr 0"
fails "below 95 %, which --at-least asks for" test zero.safetensors test.txt --at-least 95

# The wide model learns it too; the weights that do best on the validation texts are kept, and the epochs are recorded.
run train --input train.txt --valid valid.txt --word-ngrams 2 --buckets 1000 --dim 20 --model wide_mlp --hidden 64 --epochs 30 \
  --lr 0.01 --patience 3 --log log.jsonl --output wide.safetensors || fail "train --model wide_mlp"
expect "it no longer gets better: saved in wide.safetensors"
expect "100.00 % of the validation texts right"
run test wide.safetensors test.txt --at-least 95 || fail "the wide model has not learnt"
run test wide.safetensors valid.txt --log log.jsonl --report report.html || fail "test --report"
for part in '"accuracy"' ' land sea x' '"Labels"' '</html>'; do grep -qF -- "$part" report.html || fail "the report lacks $part"; done
grep -q '^{"step": 1, "loss": [0-9.]*, "accuracy": [0-9.]*}$' log.jsonl || fail "the log: $(head -1 log.jsonl)"
[ "$(wc -l <log.jsonl)" -lt 30 ] || fail "--patience did not end it"
run train --input train.txt --word-ngrams 2 --model wide_mlp --lr 0 --hidden 64 --epochs 2 --output zero.safetensors || fail "wide, --lr 0"
fails "below 95 %, which --at-least asks for" test zero.safetensors test.txt --at-least 95

# A bidirectional LSTM learns the order from the words themselves, and so do filters over neighbouring words, but not over single ones.
in_order() {  # MODEL FLAG...
  local name=$1 small=(--input train.txt --model "$1" --dim 16 "${@:2}")
  run train "${small[@]}" --valid valid.txt --dropout 0.1 --epochs 10 --lr 0.02 --output $name.safetensors || fail "train --model $name"
  expect "400 texts, 2 labels, 11 words, 11 rows of 16"
  run test $name.safetensors test.txt --at-least 95 --report report.html || fail "$name has not learnt"
  grep -qF ' land sea x' report.html || fail "the report of $name"
  run train "${small[@]}" --lr 0 --epochs 2 --output zero.safetensors || fail "$name, --lr 0"
  fails "below 95 %, which --at-least asks for" test zero.safetensors test.txt --at-least 95
  printf 'x1 sea land x2\n\n' | "$program" predict $name.safetensors >out || fail "predict with $name"
  [ "$(head -1 out)" = wet ] && [ "$(wc -l <out)" = 2 ] || fail "wrong labels by $name"
  for threads in 1 3; do
    run train "${small[@]}" --epochs 2 --threads $threads --output $name$threads.safetensors || fail "$name"
  done
  cmp -s ${name}1.safetensors ${name}3.safetensors || fail "--threads changes $name"
  refuses "$name reads words in order: leave out --word-ngrams and --max-n" train --input train.txt --model $name --word-ngrams 2
}
in_order bilstm --hidden 16
in_order textcnn --filters 16 --widths 2,4
[ "$(printf 'sea\n' | "$program" predict textcnn.safetensors | wc -l)" = 1 ] || fail "predict a text that is shorter than a filter"
run train --input train.txt --model textcnn --widths 1 --epochs 5 --output single.safetensors || fail "--widths 1"
fails "below 95 %, which --at-least asks for" test single.safetensors test.txt --at-least 95

# n-grams of characters know words that were never seen.
printf 'flower\tblossoming\nflower\tblossoms\nanimal\thorses\nanimal\thorseshoe\n' > words.tsv
run train --input words.tsv --min-n 3 --max-n 5 --buckets 1000 --output characters.safetensors || fail "train --max-n 5"
[ "$(printf 'blossom\nhorse\n' | "$program" predict characters.safetensors)" = $'flower\nanimal' ] || fail "n-grams of characters"

# The pieces of a tokenizer take the place of words; the model has a copy of it. Words that were never seen have pieces that were.
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' x '##0' '##1' '##2' '##3' '##4' '##5' '##6' '##7' '##8' s '##ea' l '##and' > vocab.txt
run train --input train.txt --tokenizer vocab.txt --word-ngrams 2 --output pieces.safetensors || fail "train --tokenizer"
expect "400 texts, 2 labels, 14 pieces, 200014 rows of 100"
run train --input train.txt --tokenizer vocab.txt --word-ngrams 2 --lr 0 --output zero.safetensors || fail "train --tokenizer --lr 0"
run train --input train.txt --tokenizer vocab.txt --model textcnn --dim 16 --filters 16 --epochs 10 --lr 0.02 --output filters.safetensors ||
  fail "train --tokenizer --model textcnn"
mv vocab.txt gone.txt
for model in pieces filters; do run test $model.safetensors test.txt --at-least 95 || fail "$model has not learnt from pieces"; done
fails "below 95 %, which --at-least asks for" test zero.safetensors test.txt --at-least 95
[ "$(printf 'x1 Sea land\n' | "$program" predict pieces.safetensors)" = wet ] || fail "predict by pieces"
printf '%s\n' '[UNK]' '[CLS]' '[SEP]' blossom horse '##ing' '##s' '##ed' > vocab.txt
printf 'flower blossoming\nflower blossoms\nanimal horses\nanimal horse\n' > kinds.txt
run train --input kinds.txt --tokenizer vocab.txt --output pieces.safetensors || fail "train with pieces of words"
[ "$(printf 'blossomed\nhorseing\n' | "$program" predict pieces.safetensors)" = $'flower\nanimal' ] || fail "pieces of new words"

# All formats give the same model.
sed 's/^/__label__/' train.txt > same.fasttext
sed 's/ /\t/' train.txt > same.tsv
sed 's/\([^ ]*\) \(.*\)/"\2",\1/; 1i text,label' train.txt > same.csv
sed 's/\([^ ]*\) \(.*\)/{"text": "\2", "label": "\1"}/' train.txt > same.jsonl
small=(--word-ngrams 2 --buckets 1000 --dim 10 --epochs 2)
run train --input train.txt "${small[@]}" --output expected.safetensors || fail "train"
for format in fasttext tsv csv jsonl; do
  run train --input same.$format "${small[@]}" --output same.safetensors || fail "train --input same.$format"
  cmp -s expected.safetensors same.safetensors || fail "the model of same.$format differs"
done
cp same.csv same.txt
run train --input same.txt --format csv "${small[@]}" --output same.safetensors || fail "--format"
cmp -s expected.safetensors same.safetensors || fail "--format csv is not obeyed"
printf 'caf\xe9 ja\nno nein\n' > latin1.txt
fails "Latin-1" train --input latin1.txt
run train --input latin1.txt --encoding latin1 "${small[@]}" --output latin1.safetensors || fail "--encoding"
[ "$(printf 'ja\n' | "$program" predict latin1.safetensors)" = "café" ] || fail "a label in Latin-1"

# The number of threads changes nothing, the seed does.
for threads in 1 3; do
  run train --input train.txt "${small[@]}" --threads $threads --output same.safetensors || fail "--threads $threads"
  cmp -s expected.safetensors same.safetensors || fail "--threads $threads changes the model"
done
run train --input train.txt "${small[@]}" --seed 2 --output same.safetensors || fail "--seed"
! cmp -s expected.safetensors same.safetensors || fail "--seed changes nothing"

# predict answers each line at once, also in a pipe; labels of fastText's format are no words.
printf 'x1 sea land x2\n\nx1 land sea x2\n' | "$program" predict model.safetensors >out || fail "predict"
[ "$(sed -n '1p;3p' out)" = $'wet\ndry' ] && [ "$(wc -l <out)" = 3 ] || fail "wrong labels"
"$program" predict model.safetensors same.fasttext >out || fail "predict FILE"
cut -d ' ' -f 1 train.txt | cmp -s - out || fail "predict is wrong for the training texts"
printf 'sea land\n' | "$program" predict model.safetensors --k 5 --prob >out || fail "predict --k --prob"
grep -qE '^wet [01]\.[0-9]{6} dry 0\.0[0-9]{5}$' out || fail "predict --k --prob: $(cat out)"
[ -z "$("$program" predict model.safetensors </dev/null)" ] || fail "something was predicted for nothing"
mkfifo asked
"$program" predict model.safetensors <asked >answered &
answering=$!
exec 3>asked
echo "sea land" >&3
for _ in $(seq 600); do [ ! -s answered ] || break; sleep 0.1; done
[ "$(cat answered)" = wet ] || fail "predict keeps its answers back"
exec 3>&-
wait "$answering" || fail "predict after the end of its pipe"

# Pretrained vectors are used; frozen ones stay.
printf '3 2\nsea 1 0\nland 0 1\nocean 1 0\n' > vectors.txt
printf 'wet sea\ndry land\n' > two.txt
run train --input two.txt --vectors vectors.txt --freeze --output frozen.safetensors || fail "train --vectors --freeze"
expect "2 of 2 words have a vector"
expect "3 words, 3 rows of 2"
[ "$(printf 'ocean\nland\n' | "$program" predict frozen.safetensors)" = $'wet\ndry' ] || fail "a word that only the vectors have"
printf '1 2\nsky 1 0\n' > other.txt
fails "--vectors: 'other.txt' has no word of 'two.txt'" train --input two.txt --vectors other.txt
for model in "bilstm --hidden 4" "textcnn --filters 10 --widths 2,3"; do
  for freeze in "" --freeze; do
    run train --input two.txt --vectors vectors.txt $freeze --model $model --epochs 100 --lr 0.01 --dropout 0 --output vectors.safetensors ||
      fail "$model with vectors $freeze"
    [ "$(printf 'sea\nland\n' | "$program" predict vectors.safetensors)" = $'wet\ndry' ] || fail "$model has not learnt from vectors $freeze"
  done
  [ "$(printf 'ocean\n' | "$program" predict vectors.safetensors)" = wet ] || fail "$model: a word that only the vectors have"
done
refuses "n-grams have no pretrained vectors" train --input two.txt --vectors vectors.txt --freeze --word-ngrams 2
refuses "--freeze requires --vectors" train --input two.txt --freeze
refuses "excludes" train --input two.txt --vectors vectors.txt --dim 5

# Ctrl-C (which bash has background jobs ignore) and a limit keep what there is.
env --default-signal=INT "$program" train --input train.txt --word-ngrams 2 --epochs 100000 --output stopped.safetensors </dev/null >out 2>&1 &
process=$! status=0
for _ in $(seq 3000); do ! grep -q 'epoch 20:' out || break; sleep 0.1; done
kill -INT "$process"
wait "$process" || status=$?
[ "$status" = 130 ] || fail "exit code $status, not 130, after Ctrl-C"
expect "stopped: saved in stopped.safetensors"
run test stopped.safetensors test.txt --at-least 95 || fail "the model that Ctrl-C left"
run train --input train.txt --epochs 1000000 --time-limit 0.5 --output limited.safetensors || fail "--time-limit"
expect "the time is over: saved in limited.safetensors"

# What is wrong is named.
fails "cannot read 'missing.txt': No such file or directory" train --input missing.txt
: > empty.txt
fails "'empty.txt': it is empty" train --input empty.txt
printf 'a one\na two\n' > single.txt
fails "'single.txt': all texts have the label 'a': there is nothing to tell apart" train --input single.txt
fails "--min-count: no word occurs 1000 times in 'train.txt'" train --input train.txt --min-count 1000
printf 'wet sea\nice cold\n' > unknown.txt
fails "'unknown.txt', text 2: the label 'ice' is none of the model's: dry, wet" test model.safetensors unknown.txt
fails "'unknown.txt', text 2: the label 'ice'" train --input train.txt --valid unknown.txt
fails "train.txt" predict train.txt
printf '\x40\0\0\0\0\0\0\0{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}          \0\0\0\0' > other.safetensors
fails "'other.safetensors' is no model of text_classifier" predict other.safetensors
fails "with --lr 100 and --batch-size 100: make one smaller" train --input train.txt --lr 100 --batch-size 100 --epochs 100
fails "--output: cannot write 'missing/model.safetensors': No such file or directory" train --input two.txt --output missing/model.safetensors
fails "--output: cannot write '.': Is a directory" train --input two.txt --output .
printf '{\n"model": }' > broken.json
fails "--tokenizer: Tokenizer::load: broken.json:" train --input train.txt --tokenizer broken.json
fails "name a tokenizer.json, a vocab.txt of BERT, or a vocab.json of GPT-2 with merges.txt beside it" train --input train.txt --tokenizer broken.json
fails "'missing.json': No such file or directory" train --input train.txt --tokenizer missing.json
refuses "--tokenized: has no effect with --tokenizer" train --input train.txt --tokenizer vocab.txt --tokenized
refuses "--max-n: has no effect with --tokenizer" train --input train.txt --tokenizer vocab.txt --max-n 3
refuses "'0' is not a whole number from 1 to" train --input train.txt --dim 0
refuses "is above --max-n, which is 0" train --input train.txt --min-n 3
refuses "--dropout: has no effect with --model fasttext" train --input train.txt --dropout 0.1
refuses "--filters: has no effect with --model bilstm" train --input train.txt --model bilstm --filters 10
refuses "--hidden: has no effect with --model textcnn" train --input train.txt --model textcnn --hidden 10
refuses "--widths" train --input train.txt --model textcnn --widths 3,0
refuses "--patience requires --valid" train --input train.txt --patience 2
refuses "--model: large not in {fasttext,wide_mlp,bilstm,textcnn}" train --input train.txt --model large
refuses "--input is required" train
refuses "A subcommand is required"
for command in train test predict; do
  run $command --help || fail "$command --help"
  expect "--encoding"
done
run train --help
expect "--tokenizer"
echo "text_classifier_test: passed"
