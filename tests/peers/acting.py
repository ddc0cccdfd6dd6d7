"""Acting on meters: clients that others wrote on ours, and our client on a meter that others wrote."""

import datetime
import json
import os
import subprocess
import sys
import tempfile

from harness import Meterwright, case, check, equal, serving

HERE = os.path.dirname(os.path.abspath(__file__))
STANDS_AT = "2026-07-01T10:12:10Z"
# Summer time, as the meter shows it: local time, deviation -60, daylight saving.
SET_TO = datetime.datetime(2026, 7, 1, 10, 14, 50, tzinfo=datetime.timezone.utc)


def by_gurux(program, line, settings):
    command = [program, "simulate", "--listen", line, "--at", STANDS_AT, "--json", "--quiet"]
    with serving(command) as document:
        meter = document["meters"][0]
        job = {
            "server": 1,
            "framing": "hdlc" if "hdlc" in line else "wrapper",
            "host": "127.0.0.1",
            "port": int(meter["line"].rpartition(":")[2]),
            "password": meter["password"],
            "clock_set": int(SET_TO.timestamp()),
            **settings,
        }
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(job, file)
            file.flush()
            command = [sys.executable, os.path.join(HERE, "control_with_gurux.py"), file.name]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    check(f"gurux_dlms ended well: {done.stderr[-2000:]}", done.returncode == 0)
    seen = json.loads(done.stdout)
    stamp = lambda hour, minute, second: f"07ea070103{hour:02x}{minute:02x}{second:02x}00ffc480"
    # Local time is an hour ahead.
    equal("the clock that was set", seen["set"], stamp(11, 14, 50))
    equal("shifted by -90 s", seen["shifted"], stamp(11, 13, 20))
    equal("adjusted to the minute", seen["minute"], stamp(11, 13, 0))
    equal("the contactor before", seen["before"], [True, 1, 4])
    equal("the contactor opened", seen["open"], [False, 0, 4])
    equal("the contactor closed", seen["closed"], [True, 1, 4])
    equal("billing periods ended", seen["resets"], 1)


def result(mw, *words, code=0):
    return mw.json(*words, exit_code=lambda _: code)["results"][0]


def ours(program, server, *flags):
    """Our client on a meter made with another implementation, which takes no parameter but the standard's."""
    add = lambda mw, truth: mw.add(
        "peer", f"{'tcp+hdlc' if '--hdlc' in flags else 'tcp'}://127.0.0.1:{truth['port']}", "Europe/Berlin",
        serial=truth["serial"],
    )
    for way, fast in (("set", -7000), ("set", 86400), ("adjust", 250), ("adjust", -4000)):
        with case(f"our client, clock {way} on a peer that is {fast} s fast, {flags}"):
            with serving([server, *flags, "--fast", str(fast)]) as truth, Meterwright(program) as mw:
                add(mw, truth)
                done = result(mw, "clock", way, "peer", "--across-interval")
                check(f"before: {done}", abs(float(done["drift_before_seconds"]) - fast) < 3)
                check(f"after: {done}", abs(float(done["drift_seconds"])) < 2)
                again = result(mw, "clock", "get", "peer")
                check(f"and stays: {again}", abs(float(again["drift_seconds"])) < 2)
    with case(f"our client, a set across an interval on a peer, {flags}"):
        with serving([server, *flags, "--fast", "-7000"]) as truth, Meterwright(program) as mw:
            add(mw, truth)
            refused = result(mw, "clock", "set", "peer", code=1)
            check(f"refused: {refused}", "nothing was written" in refused["error"]["message"])
    with case(f"our client, contactor and billing reset on a peer, {flags}"):
        with serving([server, *flags]) as truth, Meterwright(program) as mw:
            add(mw, truth)
            sure = ("--confirm", truth["serial"])
            for word, words in (("open", "not supplied"), ("open", "already"), ("close", "are supplied")):
                done = result(mw, "contactor", word, "peer", *sure)
                check(f"{word}: {done}", words in done["done"])
            refused = result(mw, "contactor", "arm", "peer", *sure, code=1)
            check(f"arm: {refused}", "control mode 4" in refused["error"]["message"])
            done = result(mw, "billing-reset", "peer", *sure)
            check(f"reset: {done}", "1-0:0.1.0" in done["done"])


def run(program, server):
    for line in ("tcp://127.0.0.1:0", "tcp+hdlc://127.0.0.1:0"):
        with case(f"gurux_dlms acts on our meter on {line}"):
            by_gurux(program, line, {"client": 33, "auth": "high-md5"})
    for flags in ([], ["--hdlc", "128/1"]):
        ours(program, server, *flags)
