#!/usr/bin/env bash
# Plants each fault of faults/*.txt and shows that the test named with it fails.
#   tests/planted_faults.sh [WORD]        only the faults whose lines hold WORD
#   tests/planted_faults.sh --list FILE   only those whose titles FILE has, one a line
#   tests/planted_faults.sh --read FOLDER only reads the lists and writes the changed sources to FOLDER: nothing is compiled
# A fault is, in a file named for the room of what it is planted into:
#   fault: what is wrong, a title that no other has
#   file: the source, or a header
#   in: of a header, the source that is compiled with it
#   needs: a flag of /proc/cpuinfo, if only processors that have it can find the fault
#   - lines of it, exactly
#   + what they become, if they do not just go
#   test: a test program and its filter, which must fail
# The tree is not touched: a changed copy of the one source is compiled and linked in front of the
# library. Of a header, a changed copy is found before it by the one source that is named. A text
# that is not found exactly once, a change that does not compile, a filter that chooses no test and
# a test that fails without any fault are errors. A fault that needs what this processor lacks is
# not run, which is said. So is one that is left out because GRADUS_CHECK_DEADLINE, in seconds since
# 1970, has passed.
set -euo pipefail
self=$(readlink -f "${BASH_SOURCE[0]}")
root=$(dirname "$(dirname "$self")")
build=$root/build/clang  # of ./dev check clang
work=$build/planted

late() { [ -n "${GRADUS_CHECK_DEADLINE:-}" ] && [ "$EPOCHSECONDS" -ge "$GRADUS_CHECK_DEADLINE" ]; }

die() { printf 'planted_faults: %s\n' "$*" >&2; exit 1; }

# Prints the content of a file, then a dot, so that `$(...)` keeps the newlines at its end.
content() { cat "$1"; printf .; }

# Splits the list into folders work/<number> of files: fault, file, old, new, test; in, needs.
read_list() {
  local line number=0 folder='' twice
  twice=$(grep -h '^fault: ' "$root"/tests/faults/*.txt | sort | uniq -d)
  [ -z "$twice" ] || die "two faults have one title: $twice"
  while IFS= read -r line; do
    case $line in
      'fault: '*)
        number=$((number + 1))
        folder=$work/$(printf '%03d' "$number")
        mkdir -p "$folder"
        : >"$folder/old"
        : >"$folder/new"
        printf '%s' "${line#fault: }" >"$folder/fault" ;;
      'file: '*) printf '%s' "${line#file: }" >"$folder/file" ;;
      'in: '*) printf '%s' "${line#in: }" >"$folder/in" ;;
      'needs: '*) printf '%s' "${line#needs: }" >"$folder/needs" ;;
      '- '*) printf '%s\n' "${line#- }" >>"$folder/old" ;;
      '+ '*) printf '%s\n' "${line#+ }" >>"$folder/new" ;;
      'test: '*) printf '%s\n' "${line#test: }" >"$folder/test" ;;
      '' | '#'*) ;;
      *) die "cannot read the line: $line" ;;
    esac
  done < <(cat "$root"/tests/faults/*.txt)
  for folder in "$work"/*/; do
    for line in fault file old test; do
      [ -s "$folder/$line" ] || die "$(cat "$folder/fault"): it has no '$line'"
    done
  done
}

# Writes the changed source, or says what is wrong with the list.
plant() {  # FOLDER
  local source old new without file target
  file=$root/$(cat "$1/file")
  [ -f "$file" ] || { echo "there is no $file"; return 1; }
  source=$(content "$file"); source=${source%.}
  old=$(content "$1/old"); old=${old%.}
  new=$(content "$1/new"); new=${new%.}
  without=${source//"$old"/}
  local count=$(((${#source} - ${#without}) / ${#old}))
  [ "$count" -eq 1 ] || { echo "its text is $count times in $file"; return 1; }
  case $file in
    *.h) target=$1/include/gradus/$(cat "$1/file") ;;
    *) target=$1/source.cpp ;;
  esac
  mkdir -p "$(dirname "$target")"
  printf '%s' "${source/"$old"/"$new"}" >"$target"
}

# Compiles and links the test program of one fault with it.
compile() {  # FOLDER PROGRAM
  local file object command
  file=$(cat "$1/file")
  [[ $file != *.h ]] || file=$(cat "$1/in")
  case $file in
    tests/*) object=tests/CMakeFiles/$2.dir/${file#tests/}.o ;;
    *)
      object=CMakeFiles/gradus.dir/$file.o
      ninja -C "$build" -t query "$object" >/dev/null 2>&1 || object=CMakeFiles/gradus_text.dir/$file.o ;;
  esac
  command=$(ninja -C "$build" -t commands "$object" | grep -F -- "-c $root/$file" | tail -n 1)
  [ -n "$command" ] || { echo "$file is not compiled into the library or $2"; return 1; }
  [ ! -e "$1/source.cpp" ] || command=${command//"$root/$file"/"$1/source.cpp"}
  command=${command//"$object"/"$1/source.o"}
  command=${command//-Werror/}
  command=${command/ -I/" -I$1/include -I"}
  (cd "$build" && eval "$command") || return 1
  command=$(ninja -C "$build" -t commands "tests/$2" | grep -F -- "-o tests/$2 " | tail -n 1)
  command=${command/" $object "/ }  # of a test: the changed one takes its place
  command=${command/"-o tests/$2 "/"$1/source.o -o $1/program "}
  command=${command%%&& cd *}  # what lists the tests after linking
  (cd "$build" && eval "${command% && }") || return 1
}

# Says how a test program ended: passed, failed, crashed, hung or ran nothing.
outcome() {  # PROGRAM FILTER LOG SECONDS
  local code=0
  (cd "$root" && timeout "$4" "$1" --threads=4 --gtest_brief=1 --gtest_filter="$2") >"$3" 2>&1 || code=$?
  case $code in
    0) if grep -q 'PASSED  . 0 tests' "$3"; then echo 'ran nothing'; else echo passed; fi ;;
    1) echo failed ;;
    124) echo hung ;;
    *) echo crashed ;;
  esac
}

one() {  # FOLDER: writes its `result`
  local program filter result
  read -r program filter <"$1/test"
  if late || [ ! -e "$build/tests/$program" ]; then
    result='left out'
  elif [ -e "$1/needs" ] && ! grep -qw "$(cat "$1/needs")" /proc/cpuinfo; then
    result='not run'
  elif ! plant "$1" >"$1/log" 2>&1 || ! compile "$1" "$program" >>"$1/log" 2>&1; then
    result=broken
  else
    result=$(outcome "$1/program" "$filter" "$1/log" 120)
  fi
  echo "$result" >"$1/result"
  rm -f "$1/program" "$1/source.o"
  [ "$result" = 'left out' ] || printf '%-8s %s: %s\n' "$result" "$(cat "$1/file")" "$(cat "$1/fault")"
}

# Runs the tests that the list names in one program, without a fault: they have to pass.
clean() {  # PROGRAM
  local filters log=$work/$1.log result
  filters=$(cat "$work"/*/test | sed -n "s/^$1 //p" | sort -u | paste -sd :)
  result=$(outcome "$build/tests/$1" "$filters" "$log" 600)
  [ "$result" = passed ] || { tail -n 40 "$log"; die "without a fault, $1 $filters: $result"; }
}

case ${1:-} in
  --one) one "$2"; exit ;;
  --clean) clean "$2"; exit ;;
  --read)
    work=$2
    mkdir -p "$work"
    read_list
    for folder in "$work"/*/; do
      plant "$folder" >"$folder/log" || die "$(cat "$folder/fault"): $(cat "$folder/log")"
    done
    exit ;;
esac

"$root/dev" --no-install configure_clang
rm -rf "$work"
mkdir -p "$work"
read_list
if [ "${1:-}" = --list ]; then
  mapfile -t titles <"$2"
  for folder in "$work"/*/; do
    printf '%s\n' "${titles[@]}" | grep -qxFf "$folder/fault" || rm -rf "$folder"
  done
elif [ $# -gt 0 ]; then
  for folder in "$work"/*/; do
    grep -qF -- "$1" "$folder"/{fault,file,test} || rm -rf "$folder"
  done
fi
[ -n "$(ls -A "$work")" ] || die "no fault is named so: $*"

# The programs that most of them are found by come first.
built=()
while read -r program; do
  if late; then rm -f "$build/tests/$program"; continue; fi
  cmake --build "$build" -j "$(nproc)" --target "$program" </dev/null >"$build.log" 2>&1 || { tail -n 40 "$build.log"; exit 1; }
  built+=("$program")
done < <(cat "$work"/*/test | sed 's/ .*//' | sort | uniq -c | sort -k1,1nr -k2 | awk '{print $2}')

[ ${#built[@]} -eq 0 ] || printf '%s\n' "${built[@]}" | xargs -P "$(nproc)" -I{} "$self" --clean {}
printf '%s\n' "$work"/*/ | xargs -P "$(nproc)" -I{} "$self" --one {}

planted=0 found=0 lacking=0 left=()
for folder in "$work"/*/; do
  planted=$((planted + 1))
  case $(cat "$folder/result") in
    'not run') planted=$((planted - 1)) lacking=$((lacking + 1)) ;;
    'left out') planted=$((planted - 1)); left+=("$(cat "$folder/fault")") ;;
    failed | crashed | hung) found=$((found + 1)) ;;
    passed) printf 'not found: %s (%s)\n' "$(cat "$folder/fault")" "$(cat "$folder/test")" ;;
    *) printf '\n%s: %s\n' "$(cat "$folder/fault")" "$(tail -n 20 "$folder/log")" ;;
  esac
done
[ "$lacking" -eq 0 ] || echo "$lacking not run, since this processor lacks what they need"
if [ ${#left[@]} -gt 0 ]; then
  echo "${#left[@]} left out, since time is up"
  [ ! -d "$root/build/checks" ] || printf 'faults: %s\n' "${left[@]}" >>"$root/build/checks/left_out"
fi
echo "$planted planted, $found found"
[ "$planted" -eq "$found" ]
