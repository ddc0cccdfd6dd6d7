#!/bin/bash
# The program in a real window: opens the demo fleet on a virtual screen, reads a meter with F5, looks into the store
# for what was read, and keeps a screenshot of the meter's readings.
#
#   tests/window.sh PROGRAM SCREENSHOT.png
#
# Needs Xvfb, openbox, xdotool and ImageMagick. Every wait has an end; whatever was started is stopped again.
set -u
program=${1:?the program}
screenshot=${2:?where to keep the screenshot}
work=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
    wait 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
fail() {
    echo "window.sh: $1" >&2
    [ -s "$work/log" ] && sed 's/^/    /' "$work/log" >&2
    exit 1
}
for tool in Xvfb openbox xdotool import identify; do
    command -v "$tool" >/dev/null || fail "$tool is not installed"
done

# The server itself chooses a display that is free.
mkfifo "$work/display"
exec 3<>"$work/display"
Xvfb -displayfd 3 -screen 0 1280x840x24 >/dev/null 2>&1 &
pids+=($!)
read -r -t 20 -u 3 number || fail "the virtual screen did not start"
export DISPLAY=":$number" XDG_RUNTIME_DIR="$work" TMPDIR="$work" LIBGL_ALWAYS_SOFTWARE=1
unset WAYLAND_DISPLAY
openbox >/dev/null 2>&1 &
pids+=($!)

"$program" --demo >"$work/log" 2>&1 &
app=$!
pids+=("$app")
window=$(timeout 60 xdotool search --sync --onlyvisible --name '^Meterwright$' | head -1)
[ -n "$window" ] || fail "no window came up within a minute"
kill -0 "$app" 2>/dev/null || fail "the program ended"
sleep 3

key() { xdotool key --window "$window" "$@"; sleep 1; }
xdotool windowfocus --sync "$window"
# The keyboard alone: the first meter, read it, and when that is done show its readings.
key Down
key F5
store=$(find "$work" -name 'demo*' -type f ! -name '*-wal' ! -name '*-shm' ! -name '*.key' | head -1)
[ -n "$store" ] || fail "the demo's store is not in the temporary folder"
for _ in $(seq 60); do
    read_meter=$("$program" --store "$store" --json meter list 2>/dev/null |
        python3 -c 'import json,sys
for meter in json.load(sys.stdin)["meters"]:
    if meter["last_read"]: print(meter["name"])' | head -1)
    [ -n "$read_meter" ] && break
    sleep 1
done
[ -n "${read_meter:-}" ] || fail "F5 read no meter within a minute"
registers=$("$program" --store "$store" --json show registers "$read_meter" |
    python3 -c 'import json,sys; print(len(json.load(sys.stdin)["registers"]))')
[ "${registers:-0}" -gt 0 ] || fail "$read_meter was read and has no registers"
key Return
sleep 2
import -window "$window" "$screenshot" || fail "no screenshot could be made"
colours=$(identify -format %k "$screenshot")
[ "$colours" -gt 50 ] || fail "the window shows $colours colours: nothing was drawn"
kill -0 "$app" 2>/dev/null || fail "the program ended"
echo "window.sh: $read_meter was read from its window, $registers registers; screenshot in $screenshot"
