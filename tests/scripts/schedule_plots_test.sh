#!/usr/bin/env bash
# The plots of the schedules in docs/ are what their script draws.
set -euo pipefail
if ! command -v python3 >/dev/null; then
  echo "schedule_plots_test: there is no python3: nothing was compared"
  exit 0
fi
python3 "$1/docs/schedules.py" --check
echo "schedule_plots_test: passed"
