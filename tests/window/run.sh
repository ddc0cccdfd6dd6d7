#!/usr/bin/env bash
# The real program in a real window: reads a virtual meter from the keyboard, and keeps a picture of what it shows.
#
#   tests/window/run.sh METERWRIGHT FOLDER_FOR_PICTURES
set -euo pipefail
program=$(realpath "$1")
mkdir -p "$2"
pictures=$(realpath "$2")
work=$(mktemp -d)
export XDG_RUNTIME_DIR="$work" XDG_CONFIG_HOME="$work" XDG_DATA_HOME="$work"
store="$work/window.meterwright"

finish() {
  jobs -p | xargs -r kill 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

passed=0

# Tries a command until it holds: at most so many tenths of a second.
until_holds() {
  local what=$1 tries=$2
  shift 2
  for _ in $(seq "$tries"); do
    if "$@" >/dev/null 2>&1; then
      passed=$((passed + 1))
      return 0
    fi
    sleep 0.1
  done
  echo "waited in vain until $what"
  tail -n 20 "$work"/*.log
  echo "$passed passed, 1 failed"
  exit 1
}

exec 3<>"$work/display"
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp >"$work/xvfb.log" 2>&1 &
until_holds "a display is there" 100 test -s "$work/display"
export DISPLAY=":$(tr -d '\n' <"$work/display")"
openbox >"$work/openbox.log" 2>&1 &

"$program" --store "$store" simulate --meters 3 --listen 127.0.0.1:0 --add --quiet >"$work/simulate.log" 2>&1 &
is_listed() { "$program" --store "$store" meter list --json | grep -q '"Household 0001"'; }
until_holds "the virtual meters are in the store" 300 is_listed

"$program" --store "$store" >"$work/window.log" 2>&1 &
has_window() { window=$(xdotool search --onlyvisible --name Meterwright | tail -n 1) && test -n "$window"; }
until_holds "a window opens" 600 has_window
window=$(xdotool search --onlyvisible --name Meterwright | tail -n 1)
xdotool windowsize --sync "$window" 1270 770 windowactivate --sync "$window"

colours() { import -window "$window" "$1" && identify -format %k "$1"; }
is_drawn() { test "$(colours "$pictures/meters.png")" -gt 40; }
until_holds "the window is drawn" 300 is_drawn

# The keyboard alone: the first row, then Read now.
choose_and_read() { xdotool key --window "$window" --clearmodifiers Down F5; }
is_read() { "$program" --store "$store" meter list --json | grep -q '"last_result":"Read'; }
press_until_read() { is_read || { choose_and_read; sleep 2; is_read; }; }
until_holds "a meter is read by a key" 40 press_until_read
colours "$pictures/meters.png" >/dev/null

xdotool key --window "$window" --clearmodifiers ctrl+3
has_readings() { test "$(colours "$pictures/readings.png")" -gt 60; }
until_holds "its readings are drawn" 100 has_readings
# The week, and time for the chart to be drawn whole: this picture is for people.
xdotool mousemove --window "$window" 945 117 click 1
sleep 2
colours "$pictures/readings.png" >/dev/null
echo "pictures: $pictures/meters.png $pictures/readings.png"
echo "$passed passed, 0 failed"
