#!/usr/bin/env bash
# word_vectors from the outside: it answers questions, evaluates, and names what is wrong.
set -euo pipefail
program=$2/examples/word_vectors
. "$(dirname "$0")/program.sh"

printf '%s\n' '6 3' 'man 1 0 0' 'woman 0 1 0' 'king 1 0 1' 'queen 0 1 1' 'apple 0.5 0.5 -1' 'QUEEN 0 1 2' > words.vec
run neighbors words.vec king --k 2 || fail "neighbors"
[ "$(paste -s -d ' ' out)" = "king 0.7071  man 0.6325  QUEEN" ] || fail "neighbors: $(cat out)"
[ "$(printf 'man\n\nprince\n' | "$program" neighbors words.vec --k 1 | paste -s -d ' ')" = "man 0.7071  king prince is not known" ] ||
  fail "words of the standard input"
run similarity words.vec king queen || fail "similarity"
[ "$(cat out)" = "0.5000" ] || fail "similarity: $(cat out)"
for rule in '' --multiply; do
  run analogy words.vec man king woman --k 1 $rule || fail "analogy $rule"
  grep -q '  queen$' out || fail "analogy $rule: $(cat out)"
done

printf 'king,man,9\nKing,queen,5\napple,king,1\nking,prince,3\n' > pairs.csv
printf ': royal\nman king woman queen\nMAN King woman apple\n: other\nman king woman princess\n' > analogies.txt
run evaluate words.vec pairs.csv analogies.txt || fail "evaluate"
expect "pairs.csv: spearman 1.0000, pearson"
expect ", 3 pairs, 1 missing"
grep -q '^royal  *50.00 %  *1 of  *2, 0 missing$' out || fail "no section: $(cat out)"
grep -q '^total  *50.00 %  *1 of  *2, 1 missing$' out || fail "no total: $(cat out)"
run evaluate words.vec pairs.csv analogies.txt --cased --count-missing || fail "evaluate --cased"
expect ", 4 pairs, 2 missing"
grep -q '^total  *33.33 %  *1 of  *3, 2 missing$' out || fail "--count-missing: $(cat out)"
run evaluate words.vec pairs.csv --most-words 3 || fail "--most-words"
expect ", 1 pairs, 3 missing"
printf 'word1\tword2\tPOS\tSimLex999\nking\tman\tN\t9\nking\tqueen\tN\t5\n' > simlex.txt
run evaluate words.vec simlex.txt --score-column 3 || fail "--score-column"
expect "spearman 1.0000"

[ "$(printf 'man\r\n' | "$program" neighbors words.vec --k 1 | paste -s -d ' ')" = "man 0.7071  king" ] ||
  fail "lines of the standard input that end in a carriage return"
{ printf '\xEF\xBB\xBF'; cat analogies.txt; } > marked.txt
run evaluate words.vec marked.txt || fail "a byte order mark"
grep -q '^total  *50.00 %' out || fail "a byte order mark: $(cat out)"

# Output that cannot be written is an error, in each command.
for command in 'neighbors words.vec king' 'similarity words.vec king man' 'analogy words.vec man king woman' 'evaluate words.vec pairs.csv'; do
  if "$program" $command > /dev/full 2> err; then fail "$command > /dev/full ended well"; fi
  grep -q 'No space left' err || fail "$command > /dev/full: $(cat err)"
done
if printf 'man\n' | "$program" neighbors words.vec > /dev/full 2> err; then fail "answers > /dev/full ended well"; fi

fails "'prince' is not among the 6 words" neighbors words.vec prince
fails "cannot read 'nothing'" evaluate words.vec nothing
refuses "--k" neighbors words.vec king --k 0
refuses "words" similarity words.vec king
refuses "subcommand" words.vec
run neighbors --help || fail "--help"
expect "--k"
echo "$this_test: passed"
