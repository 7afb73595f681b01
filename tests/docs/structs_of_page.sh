#!/usr/bin/env bash
# Prints the blocks of C++ of a guide page that begin with a struct, for tests that include them.
#
#   structs_of_page.sh PAGE
set -euo pipefail
awk -v page="$1" '
  $0 == "```" { on = 0 }
  first { first = 0; if (on = /^struct /) printf "#line %d \"%s\"\n", FNR, page }
  on { print }
  $0 == "```cpp" { first = 1 }' "$1"
