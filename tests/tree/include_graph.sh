#!/usr/bin/env bash
# The rooms of the library, which of them include which, and how often, from the #include lines themselves. A room is a folder;
# `detail` folders count as part of the room that they lie in, unless --folders says otherwise.
#
#   include_graph.sh [--folders] [TREE]
#
# Prints each room with its floor (0: includes no other room), then the arrows that do not go down: those of rooms that include each
# other, directly or by way of others.
set -euo pipefail
merge=yes
[ "${1:-}" != --folders ] || { merge=no; shift; }
cd "${1:-$(dirname "$0")/../..}"

grep -rHoE --include='*.h' --include='*.cpp' '^#include <gradus/(framework|layers|optim)/[^>]+>' framework layers optim |
  awk -v merge="$merge" '
    function room(file) {
      sub(/\/[^\/]*$/, "", file)
      if (merge == "yes") sub(/\/detail$/, "", file)
      return file
    }
    {
      from = $0; sub(/:.*/, "", from); from = room(from)
      to = $0; sub(/^[^<]*<gradus\//, "", to); sub(/>$/, "", to); to = room(to)
      rooms[from]; rooms[to]
      if (from != to) ++arrow[from, to]
    }
    END {
      for (a in rooms) for (b in rooms) reach[a, b] = (a, b) in arrow
      for (k in rooms) for (a in rooms) if (reach[a, k]) for (b in rooms) if (reach[k, b]) reach[a, b] = 1
      for (a in rooms) floor[a] = 0
      for (step in rooms) {
        for (pair in arrow) {
          split(pair, end, SUBSEP)
          if (!reach[end[2], end[1]] && floor[end[1]] <= floor[end[2]]) floor[end[1]] = floor[end[2]] + 1
        }
      }
      for (a in rooms) {
        ++count; if (floor[a] > top) top = floor[a]
        line = ""
        for (b in rooms) if ((a, b) in arrow) line = line sprintf(" %s (%d)", b, arrow[a, b])
        printf "%2d  %s ->%s\n", floor[a], a, line == "" ? " none" : line | "sort -n"
      }
      close("sort -n")
      for (pair in arrow) {
        split(pair, end, SUBSEP)
        if (reach[end[2], end[1]]) { printf "not down: %s -> %s (%d)\n", end[1], end[2], arrow[pair] | "sort"; ++up; includes += arrow[pair] }
      }
      close("sort")
      printf "%d rooms, %d floors, arrows that do not go down: %d of %d\n", count, top + 1, up, length(arrow)
    }'
