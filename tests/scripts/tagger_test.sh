#!/usr/bin/env bash
# tagger from the outside: it learns what takes its recurrent weights, its characters and its schemes (and says so if it does not),
# goes on after a stop with the same bits, labels text, and names what is wrong.
set -euo pipefail
program=$2/examples/tagger
. "$(dirname "$0")/program.sh"

# Each "turn" changes the label of all words after it: only who counts them knows it.
turns() {  # SENTENCES SEED
  awk -v n="$1" -v seed="$2" 'BEGIN {
    srand(seed)
    for (i = 0; i < n; i++) {
      on = 0
      for (k = 0; k < 30; k++) {
        turn = rand() < 0.4
        if (turn) on = 1 - on
        print (turn ? "turn" : "w" int(9 * rand())) " " (on ? "ON" : "OFF")
      }
      print ""
    }
  }'
}
turns 1000 1 > train.txt
turns 100 2 > valid.txt
turns 100 3 > test.txt
small=(--corpus train.txt --valid valid.txt --characters none --dim 16 --hidden 32 --dropout 0 --epochs 4)
learn=("${small[@]}" --test test.txt --at-least 95)

# With other seeds: 99 at least, and 75 at most with frozen recurrent weights.
run "${learn[@]}" --lr 0.01 --output o || fail "it has not learnt"
expect "1000 sentences of 30000 words to learn from, 12 different words, 2 labels; "
expect "the most frequent label of each word, held-out sentences: accuracy "
expect "words/s"
expect "test sentences: accuracy "
said=$(sed -n 's/^test sentences: \(accuracy [0-9.]* %\) .*/\1/p' out)
[ "$(grep -c '^epoch [0-9]*: loss' out)" = 4 ] || fail "not every epoch has its accuracy"
for file in model.safetensors checkpoint.safetensors options.toml log.jsonl report.html; do [ -s o/$file ] || fail "there is no o/$file"; done
grep -q '"valid score": ' o/log.jsonl || fail "the log: $(head -1 o/log.jsonl)"
for part in 'Results' 'Mistakes' '"turn"' '"OFF"' '</html>'; do grep -qF -- "$part" o/report.html || fail "the report lacks $part"; done
fails "below 95 %, which --at-least asks for" "${learn[@]}" --lr 0.01 --freeze 'lstm.weight_hh*' --output frozen
fails "below 95 %, which --at-least asks for" "${learn[@]}" --lr 0 --output zero

# The model in the folder is the one of the run; it labels text, in a pipe each line at once.
run --output o --evaluate test.txt || fail "--evaluate"
expect "$said"
fails "below 100 %, which --at-least asks for" --output zero --evaluate test.txt --at-least 100
printf 'w1 turn w2, turn\n\nturn' > own.txt
run --output o --tag own.txt || fail "--tag"
[ "$(cut -f 1 out | paste -s -d ' ')" = "w1 turn w2 , turn  turn " ] || fail "wrong words: $(cat out)"
[ "$(cut -f 2 out | paste -s -d ' ' | cut -d ' ' -f 1-3)" = "OFF ON ON" ] || fail "wrong labels: $(cat out)"
run --output o --tag own.txt --tokenized || fail "--tokenized"
expect "w2,	"
[ -z "$("$program" --output o --tag - </dev/null)" ] || fail "something was labelled in nothing"
mkfifo asked
"$program" --output o --tag - <asked >answered &
answering=$!
exec 3>asked
echo "turn" >&3
for _ in $(seq 600); do [ ! -s answered ] || break; sleep 0.1; done
[ "$(head -1 answered)" = "turn	ON" ] || fail "--tag keeps its answers back"
exec 3>&-
wait "$answering" || fail "--tag after the end of its pipe"

# Only the endings of these words tell their labels, and all words are new: their characters are read, by either reader.
endings() {  # SENTENCES SEED: CoNLL-U
  awk -v n="$1" -v seed="$2" 'BEGIN {
    srand(seed)
    split("ing ed ly s", ends)
    split("VERB PAST ADV NOUN", labels)
    for (i = 0; i < n; i++) {
      for (k = 1; k <= 5; k++) {
        word = ""
        for (c = int(3 + 4 * rand()); c > 0; c--) word = word substr("abcdefghijklmnopqrst", int(1 + 20 * rand()), 1)
        e = int(1 + 4 * rand())
        printf "%d\t%s%s\t_\t%s\tx%s\t_\t_\t_\t_\t_\n", k, word, ends[e], labels[e], e
      }
      print ""
    }
  }'
}
endings 300 1 > words.conllu
endings 60 2 > new.conllu
characters=(--corpus words.conllu --valid new.conllu --dim 8 --hidden 16 --character-size 8 --dropout 0 --epochs 5 --lr 0.02)
for reader in lstm cnn; do
  run "${characters[@]}" --characters $reader --at-least 95 --output $reader || fail "it has not learnt characters by $reader"
  [ "$("$program" --output $reader --tag - <<<"Unseening" | head -1)" = "Unseening	VERB" ] || fail "a new word by $reader"
done
fails "below 95 %, which --at-least asks for" "${characters[@]}" --characters none --at-least 95 --output none
run "${characters[@]}" --column xpos --output xpos || fail "--column xpos"
run --output xpos --evaluate new.conllu --at-least 95 || fail "--evaluate with the column of the model"
run --output xpos --evaluate new.conllu --column upos || fail "--evaluate --column"
expect "accuracy 0.00 %"

# The pieces of a tokenizer tell endings too. A word has the label of its first piece, and what the LSTM has read of the last.
printf '%s\n' '[UNK]' '[CLS]' '[SEP]' {a..t} '##'{a..t} '##ing' '##ed' '##ly' > vocab.txt
pieces=(--corpus words.conllu --valid new.conllu --dim 8 --hidden 16 --dropout 0 --epochs 12 --lr 0.02 --characters none --tokenizer vocab.txt)
run "${pieces[@]}" --at-least 95 --output pieces || fail "it has not learnt from pieces"
expect "1500 words to learn from, 45 different pieces, 4 labels"
fails "below 95 %, which --at-least asks for" "${pieces[@]/0.02/0}" --at-least 95 --output zero --overwrite
run "${pieces[@]}" --time-limit 0 --output later || fail "--time-limit 0 with pieces"
mv vocab.txt gone.txt
run --resume --output later || fail "--resume with pieces"
for file in model checkpoint; do cmp -s pieces/$file.safetensors later/$file.safetensors || fail "resumed with pieces: $file differs"; done
run --output pieces --evaluate new.conllu --at-least 95 || fail "--evaluate by pieces"
[ "$("$program" --output pieces --tag - <<<"bdaing, bdaly" | sed -n '1p;3p' | paste -s -d ' ')" = "bdaing	VERB bdaly	ADV" ] ||
  fail "labels of words by their pieces"
sed -i 's/##ly/##lyy/' later/tokenizer.json
fails "--resume: 'later/tokenizer.json' is not the tokenizer that this run began with: restore it, or begin anew" --resume --output later

# Labels that mark spans are found by the scheme, and scored as spans; what it does not allow is never found, also untrained.
spans() {  # SENTENCES SEED
  awk -v n="$1" -v seed="$2" 'BEGIN {
    srand(seed)
    for (i = 0; i < n; i++) {
      print "1 in O"
      type = rand() < 0.5 ? "LOC" : "PER"
      print "2 " (type == "LOC" ? "port" : "doctor") " B-" type
      for (k = int(3 * rand()); k > 0; k--) print 2 + k " x" int(5 * rand()) " I-" type
      print "9 . O\n"
    }
  }'
}
spans 400 1 > train.spans
spans 50 2 > test.spans
named=(--corpus train.spans --word-column 1 --dim 8 --hidden 16 --character-size 8 --dropout 0)
run "${named[@]}" --epochs 3 --lr 0.02 --test test.spans --at-least 95 --output spans || fail "it has not learnt spans"
expect "360 sentences of"
expect "5 labels that mark spans (iob2)"
expect "test sentences: precision "
run --output spans --evaluate test.spans --at-least 95 || fail "--evaluate of spans"
expect ", F1 "
run "${named[@]}" --lr 0 --epochs 1 --output untrained || fail "untrained"
"$program" --output untrained --tag - <<<"port x1 x2 in doctor x3 . x4" | cut -f 2 > labels
awk '/^I/ && substr(last, 2) != substr($0, 2) || /^I/ && last == "O" {exit 1} {last = $0}' labels || fail "broken spans: $(paste -s labels)"
run "${named[@]}" --epochs 1 --scheme none --output free || fail "--scheme none"
expect "5 labels; "
expect "held-out sentences: accuracy"
fails "--scheme: sentence 1 has labels that iobes does not allow" "${named[@]}" --scheme iobes --output n

# Pretrained vectors are used, know words that were never seen, and can stay as they are.
printf '4 2\nsea 3 0\nland 0 3\nocean 3 0\nfield 0 3\n' > vectors.txt
for _ in $(seq 100); do printf 'Sea WET\nland DRY\n\nland DRY\nsea WET\n\n'; done > seas.txt
run --corpus seas.txt --vectors vectors.txt --characters none --hidden 8 --dropout 0 --epochs 5 --lr 0.02 --freeze words.weight --output seas ||
  fail "--vectors"
expect "100.00 % of the words to learn from have a vector"
[ "$("$program" --output seas --tag - <<<"ocean field field" | cut -f 2 | paste -s -d ' ')" = "WET DRY DRY " ] || fail "words that only the vectors have"
run --resume --output seas || fail "--resume with vectors"
printf '1 2\nsky 1 0\n' > other.txt
fails "--vectors: 'other.txt' has no word of the sentences" --corpus seas.txt --vectors other.txt --output n

# A run that was stopped goes on with the same bits, on any number of threads: after Ctrl-C (which bash has background jobs ignore) and
# after kill -9, from the last checkpoint. Both come in the middle of an epoch.
long=(--corpus train.spans --valid test.spans --word-column 1 --dim 8 --hidden 16 --character-size 8 --dropout 0.3 --layers 2
  --batch-size 8 --epochs 20 --lr 0.01 --schedule cosine --seed 3)
words() { grep -aoE '"words":"[0-9]+"' "$1/checkpoint.safetensors" | grep -oE '[0-9]+'; }
stop() {  # SIGNAL ARGUMENT...: the run is left in `stopped`, unfinished
  local attempt process status
  for attempt in $(seq 20); do
    env --default-signal=INT "$program" "${long[@]}" --output stopped --overwrite "${@:2}" </dev/null >out 2>&1 &
    process=$! status=0
    for _ in $(seq 30000); do ! grep -q '^epoch 1:' out || break; sleep 0.01; done
    kill "-$1" "$process" 2>/dev/null || true
    { wait "$process" || status=$?; } 2>/dev/null  # bash would say that it was killed
    case $1:$status in *:0) continue ;; INT:130 | KILL:137) ;; *) fail "exit code $status after SIG$1" ;; esac
    [ "$(words stopped)" = 0 ] || return 0
  done
  fail "no run could be stopped before its end"
}
same() {  # FOLDER: what the run has left is that of the one that was not stopped
  local file
  for file in model.safetensors checkpoint.safetensors log.jsonl options.toml; do
    cmp -s "whole/$file" "$1/$file" || fail "$2: $file differs"
  done
}
for reader in lstm cnn; do
  rm -rf whole
  run "${long[@]}" --characters $reader --output whole --threads 1 || fail "the whole run with $reader"
  stop INT --characters $reader
  expect "stopped: --resume goes on"
  run --resume --output stopped --time-limit 0 || fail "--resume --time-limit 0"
  expect "the time is over: --resume goes on"
  run --resume --output stopped --threads 3 || fail "--resume after Ctrl-C"
  same stopped "after Ctrl-C with $reader"
done
stop KILL --characters cnn --save-every 0
run --resume --output stopped || fail "--resume after kill -9"
same stopped "after kill -9"
run --resume --output stopped || fail "--resume of a finished run"
same stopped "resumed once more"

# Patience ends a run.
run "${named[@]}" --epochs 9 --lr 0 --patience 2 --output patient || fail "--patience"
expect "it no longer gets better"
expect "epoch 3: "
run --resume --output patient || fail "--resume after --patience"
! grep -q '^epoch' out || fail "--resume learnt on after --patience"

# The default corpus: where pip finds nothing, as without a network, the error says which file to put where.
export XDG_CACHE_HOME=$scratch/cache PIP_NO_INDEX=1
if command -v python3 >/dev/null; then
  fails "put turkish_treebanks-1.0.0-py3-none-any.whl from" --output n
  expect "into '$scratch/cache/gradus/turkish-treebanks-1.0.0'; or name one of your own with --corpus FILE"
  : > cache/gradus/turkish-treebanks-1.0.0/turkish_treebanks-1.0.0-py3-none-any.whl
  fails "has not the SHA-256 5a009c29a8e96e8f" --output n
fi
PATH=/nowhere "$program" --output n </dev/null >out 2>&1 && fail "found python3 in /nowhere"
expect "python3, which makes it, cannot run"

# What is wrong is named.
fails "'o' has a run: go on with it by --resume, replace it by --overwrite, or name another folder with --output" "${small[@]}" --output o
refuses "--resume: 'nothing' has no run to go on with" --resume --output nothing
refuses "--lr: has no effect with --resume" --resume --output o --lr 0.1
refuses "--epochs: has no effect with --tag" --tag own.txt --epochs 3
refuses "--tokenized: has no effect without --tag" --tokenized
refuses "--valid requires --corpus" --valid valid.txt
refuses "--dim: has no effect with --vectors" --corpus train.txt --vectors vectors.txt --dim 5
refuses "'0' is not a whole number from 1 to" --hidden 0
refuses "--cased: has no effect with --tokenizer" --corpus train.txt --tokenizer vocab.txt --cased
refuses "--tokenizer: has no effect with --resume" --resume --output o --tokenizer vocab.txt
fails "'missing.json': No such file or directory" --corpus train.txt --tokenizer missing.json --output o --overwrite
[ -s o/model.safetensors ] || fail "a tokenizer that is missing cost a run"
echo '{' > broken.json
fails "--tokenizer: Tokenizer::load: broken.json:" --corpus train.txt --tokenizer broken.json --output n
refuses "--scheme: bio not in {auto,none,iob2,iobes,iob1,ioe2,ioe1}" --scheme bio
fails "--column: CoNLL-U has no column 'pos': it has upos" --corpus words.conllu --column pos --output n
fails "--column: 'tag' is not a position" --corpus train.txt --column tag --output n
turns 1000 9 > train.txt
fails "--resume: the text is not the one that 'o' learns from: restore it, or begin anew with --overwrite" --resume --output o
fails "cannot read 'missing.txt': No such file or directory" --corpus missing.txt --output n
: > empty.txt
fails "'empty.txt': it is empty" --corpus empty.txt --output n
printf '\n\n' > blank.txt
fails "'blank.txt' has no sentence: it should have a word a line" --corpus blank.txt --output n
printf 'one A\n\ntwo B\n' > short.txt
fails "--corpus: 'short.txt' has 2 sentences, of which the last tenth is held out" --corpus short.txt --output n
fails "cannot read" --output nothing --tag own.txt
mkdir -p n
cp whole/checkpoint.safetensors n/model.safetensors
fails "'n/model.safetensors' is no model of tagger" --output n --tag own.txt
fails "--output: cannot create a file next to 'empty.txt/" "${small[@]}" --output empty.txt
run --help || fail "--help"
for flag in --resume --tag --column --characters --vectors --tokenizer; do expect "$flag"; done
echo "tagger_test: passed"
